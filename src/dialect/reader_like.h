/* dialect/reader_like.h: events of a stream that differ from one before in their texts alone, which
 * are read by comparing (dialect/event_template.h). Inside dialect/.
 */
#ifndef WEIR_DIALECT_READER_LIKE_H
#define WEIR_DIALECT_READER_LIKE_H

#include "dialect/reader.h"

/* Has its dialect read the event, whose kind, name and data are set. *ret is valid as what it
 * points to in the event. */
void reader_read_event(reader *r, answer_event *e, event_notes *ret);

static inline void reader_note_watched(reader *r, unsigned choice, unsigned whose, span piece) {
    event_notes *n = r->notes;
    if (!n || !piece.len || n->text_count > TEMPLATE_PARTS) return;
    if (n->text_count < TEMPLATE_PARTS)
        n->texts[n->text_count] = (watched_text){choice, whose, piece.ptr};
    n->text_count++;
}

/* Reads the event, if it is like the one that was learned last, with all that its dialect would
 * note in r. false: nothing was done. */
MUST_USE bool reader_read_like(reader *r, answer_event *e);
/* An event that its dialect has read: the next ones may be like it. */
void reader_learn(reader *r, const answer_event *e, const event_notes *n);

#endif
