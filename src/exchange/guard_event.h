/* exchange/guard_event.h: an event of an answer whose texts are whole, looked at at once. Inside
 * exchange/, for filter_guard.c and, of what is large and on any thread, guard_large.c.
 */
#ifndef WEIR_EXCHANGE_GUARD_EVENT_H
#define WEIR_EXCHANGE_GUARD_EVENT_H

#include "exchange/event_edits.h"
#include "exchange/guard_text.h"
#include "exchange/texts.h"

/* What is made of an event: zeroed but for the edits' arena. */
typedef struct guard_looked {
    event_edits edits;
    const guard_rule *blocked; /* the first that blocks; what stands behind it was not looked at */
    const char *blocked_at;    /* the value in which it does */
} guard_looked;

/* What stands between a string's quotes. */
static inline span guard_inner(json_value string) {
    return span_slice(string.raw, 1, string.raw.len - 1);
}

/* What the string becomes; ends what has come of it. */
void guard_looked_take(guard_looked *k, json_value string, guard_fed *fed);
/* The strings of what the reader does not know. */
void guard_look_at_opaque(guard_looked *k, exchange_guard *g, json_value value);
/* Where something of the event is edited: what is told of its tokens says what stood there. */
void guard_drop_logprobs(guard_looked *k, const answer_event *e);
/* Of an event in the form of one that has gone out: what its tokens were, and what opens a message
 * or a call, which clients put together piece by piece. */
void guard_drop_told(guard_looked *k, const answer_event *e);
/* note: which of its texts have not been told in pieces before, so that matches are noted; NULL:
 * all. */
typedef bool guard_is_new(void *user, const answer_part *p);
void guard_look_at_whole(guard_looked *k, exchange_guard *g, const answer_event *e,
                         guard_is_new *note, void *user);

/* ---- guard_large.c: on another thread, while the filter holds ---- */

typedef struct guard_large guard_large;
/* Once, on the loop, unless it is cancelled: event is what is to be passed on, NULL: there is no
 * room for it; blocked: it may not be. */
typedef void guard_large_done(filter *f, const answer_event *event, const guard_rule *blocked);
guard_large *guard_large_start(filter *f, exchange_guard *g, const answer_event *event, bool note,
                               guard_large_done *done);
/* NULL is allowed. */
void guard_large_cancel(guard_large *l);

#endif
