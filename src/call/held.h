/* call/held.h: what an attempt has said before its first content: kept until it wins, or dropped.
 *
 * Not thread-safe. Owns copies of the events.
 */
#ifndef WEIR_CALL_HELD_H
#define WEIR_CALL_HELD_H

#include "base/list.h"
#include "provider/provider.h"

typedef struct held_event {
    list link;
    sse_event event;
    answer_facts facts; /* without finish_reason and error, which point elsewhere */
} held_event;

typedef struct held {
    list events;
    size_t bytes;
} held;

void held_init(held *h);
void held_done(held *h);
void held_add(held *h, const sse_event *event, const answer_facts *facts);
/* Takes the oldest off; NULL when there is none. The caller frees it with held_event_free(). */
held_event *held_take(held *h);
void held_event_free(held_event *e);

#endif
