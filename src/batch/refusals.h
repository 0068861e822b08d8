/* batch/refusals.h: refusals that are no line's fault: a key that is not accepted, an account
 * without money, a model that does not exist. Pure.
 *
 * The next line would meet the same, and the next hundred thousand. So their results are kept back:
 * once REFUSALS_MAX have come with no answer among them, the batch stops, and those lines stay
 * undone; where an answer comes after all, they are failures like any other.
 *
 * Not thread-safe.
 */
#ifndef WEIR_BATCH_REFUSALS_H
#define WEIR_BATCH_REFUSALS_H

#include "base/buf.h"

#include <weir.h>

enum { REFUSALS_MAX = 20 };

typedef struct refusals {
    buf results; /* that are kept back */
    unsigned count;
    buf why;    /* what the first of them said */
    bool final; /* the batch stops */
} refusals;

void refusals_done(refusals *r);
/* Whether result would be that of every line. own_model: the line named its model itself. */
bool refusal_is_general(const weir_result *result, bool own_model);
/* Takes note of such a result; the caller appends it to ->results where it is not final. */
void refusals_note(refusals *r, const weir_result *result);
/* Moves what is kept back to out; how many. */
unsigned refusals_release(refusals *r, buf *out);
/* It will not get better: what is kept back is forgotten. Appends to ret_why what the user is to
 * do. */
void refusals_end(refusals *r, buf *ret_why);

#endif
