/* dialect/answer_items.h: by which of its items a response may be named when its client goes on
 * from it: of each kind (message, reasoning, a call, a picture) the last one, and of no more kinds
 * than these. All of them were made at one place, so one that is known is enough.
 *
 * Pure. The ids are borrowed from what is added.
 *
 * Source   OpenAI's API reference: responses, `input` (item_reference), `include`
 *          (reasoning.encrypted_content); streaming events (response.output_item).
 */
#ifndef WEIR_DIALECT_ANSWER_ITEMS_H
#define WEIR_DIALECT_ANSWER_ITEMS_H

#include "dialect/answer.h"

/* Longer ids, as JSON has them, are passed over. */
enum { ANSWER_ITEMS = 4, ANSWER_ITEM_ID = 258 };

typedef struct answer_item {
    json_value id;
    uint64_t kind; /* hash of its type */
    bool sealed;   /* it has encrypted_content, which nobody else can open */
} answer_item;

typedef struct answer_items {
    unsigned count;
    answer_item of[ANSWER_ITEMS]; /* the newest last */
} answer_items;

/* In the place of another of its kind, unless that alone is sealed; of too many kinds the oldest
 * that is not sealed goes. NULL: it is not there now. */
answer_item *answer_items_add(answer_items *s, json_value item);
/* Those of an event of /v1/responses that is a whole response, or its end. */
void answer_items_read(answer_items *s, const answer_event *event);
/* The item that an event of a stream begins or ends; JSON_NONE: it is no such event. */
json_value answer_item_of(const answer_event *event);

#endif
