/* dialect/reader_like.h: events of a stream that differ from one before in their texts alone, which
 * are read by comparing (dialect/event_template.h). Inside dialect/.
 */
#ifndef WEIR_DIALECT_READER_LIKE_H
#define WEIR_DIALECT_READER_LIKE_H

#include "dialect/reader.h"

/* Before an event is read by its dialect. */
static inline void reader_begin_like(reader *r) {
    r->like.loose_count = r->like.text_count = 0;
}

static inline void reader_note_watched(reader *r, unsigned choice, unsigned whose, span piece) {
    reader_like *l = &r->like;
    if (!piece.len || l->text_count > TEMPLATE_PARTS) return;
    if (l->text_count < TEMPLATE_PARTS)
        l->texts[l->text_count] = (watched_text){choice, whose, piece.ptr};
    l->text_count++;
}

/* Reads the event, if it is like the one that was learned last, with all that its dialect would
 * note in r. false: nothing was done. */
MUST_USE bool reader_read_like(reader *r, answer_event *e);
/* An event that its dialect has read: the next ones may be like it. */
void reader_learn(reader *r, const answer_event *e);

#endif
