/* exchange/event_edits.h: what a filter changes of one event, gathered while it looks. Inside
 * exchange/.
 */
#ifndef WEIR_EXCHANGE_EVENT_EDITS_H
#define WEIR_EXCHANGE_EVENT_EDITS_H

#include "dialect/answer.h"

/* Zeroed but for arena. */
typedef struct event_edits {
    arena *arena;
    answer_edit *items; /* in it; in any order until answer_edits_sort() */
    size_t count, cap;
} event_edits;

void event_edits_add(event_edits *k, answer_edit e);
/* What is told of the tokens of a text, wherever in v: it says what stood there before. Of a kind
 * that clients expect, null or an empty list is left. */
void event_edits_drop_logprobs(event_edits *k, json_value v);

#endif
