/* dialect/event_template.h: what most events of a stream have in common with the one before them,
 * which is all but a text or two. An event that is told apart from one that was read by nothing
 * else says the same of its own texts: their places are found by comparing bytes, and nothing is
 * scanned but the texts.
 *
 * A template has holes where texts may differ; what stands between them must be the same to the
 * byte. A hole has a string, or a number of digits alone, as it had in the event that the template
 * was made of, and is empty where it was empty there: whether a text is there decides what an event
 * is. Pure; any thread.
 */
#ifndef WEIR_DIALECT_EVENT_TEMPLATE_H
#define WEIR_DIALECT_EVENT_TEMPLATE_H

#include "dialect/answer.h"

enum {
    TEMPLATE_PARTS = 2, /* that an event may have */
    TEMPLATE_LOOSE = 2,
    TEMPLATE_BYTES = 1024, /* its name and its data */
};

typedef struct event_template event_template;

/* Of an event of a stream that was read, for the caller to free(). loose: `count` values in its
 * data that may differ beside its parts, as nothing that is told of it depends on them. NULL: it is
 * of another kind than content in few strings, or too large; what it says, others hardly repeat. */
MUST_USE event_template *event_template_make(const answer_event *read, const json_value *loose,
                                             unsigned count);

/* Fills *e, whose kind, name and data are set, as reading it would, with its parts in `parts`,
 * which has room for TEMPLATE_PARTS, and, where e->envelope is to be told, *envelope. false: it
 * differs, and nothing was touched. */
MUST_USE bool event_template_read(const event_template *t, answer_event *e, answer_part *parts,
                                  answer_envelope *envelope);

#endif
