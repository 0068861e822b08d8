/* batch/refusals.h: refusals that are no line's fault: a key that is not accepted, an account
 * without money, a model that does not exist. Pure.
 *
 * The next line would meet the same, and the next hundred thousand. So their results are kept back:
 * once so many have come, no more lines are begun until those under way have ended. An answer to a
 * call that was begun after the first refusal had come shows that others are served: then they are
 * failures like any other. Without one the batch stops, and those lines stay undone.
 *
 * Not thread-safe.
 */
#ifndef WEIR_BATCH_REFUSALS_H
#define WEIR_BATCH_REFUSALS_H

#include "base/buf.h"

#include <weir.h>

/* Refusals from which on nothing new is begun; doubled, up to a bound, each time that it was in
 * vain. */
enum { REFUSALS_FIRST = 20, REFUSALS_MOST = 1280 };
/* Bytes of a provider's words that are shown; the results have all of them. */
enum { REFUSAL_SHOWN_MAX = 1000 };

typedef struct refusals {
    buf results; /* that are kept back */
    unsigned count;
    unsigned most;  /* the present bound of count */
    uint64_t since; /* calls begun when the first of them came */
    buf why;        /* what it said */
} refusals;

void refusals_init(refusals *r);
void refusals_done(refusals *r);
/* Whether result would be that of every line. own_model: the line named its model itself. */
bool refusal_is_general(const weir_result *result, bool own_model);
/* Takes note of such a result, which the caller appends to ->results. begun: calls so far. */
void refusals_note(refusals *r, const weir_result *result, uint64_t begun);
/* Nothing new is to be begun. */
static inline bool refusals_full(const refusals *r) {
    return r->count >= r->most;
}
/* The call with that number was answered. Moves what is kept back to out, if it was begun later;
 * how many. */
unsigned refusals_answered(refusals *r, uint64_t number, buf *out);
/* Moves what is kept back to out; how many. */
unsigned refusals_release(refusals *r, buf *out);
/* It will not get better: what is kept back is forgotten. Appends to ret_why what the user is to
 * do; how: batch_how_to_go_on(). */
void refusals_end(refusals *r, const char *how, buf *ret_why);

#endif
