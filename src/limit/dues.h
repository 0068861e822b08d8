/* limit/dues.h: what a shared count is to be told of calls that have ended, put together until it
 * is: for each limit a sum of what comes back and one of what was used beyond a reserve, and the
 * leases of places that are free. Private to the room.
 *
 * Sums of one sign come to what their parts would, one after the other. No money: of that each call
 * is told by itself (limit/spend.h). One thread's.
 */
#ifndef WEIR_LIMIT_DUES_H
#define WEIR_LIMIT_DUES_H

#include "base/arena.h"
#include "base/buf.h"
#include "limit/limiter.h"

enum { DUES_MAX = 8, DUES_CALLS = 64 };

typedef struct due {
    limit_ask ask;  /* who is the dues' own */
    int64_t amount; /* below 0: it comes back. Of PARALLEL -1, whatever the number of leases */
} due;

typedef struct dues {
    due items[DUES_MAX];
    size_t count, calls;
    buf leases; /* with a blank behind each */
    arena memory;
} dues;

void dues_init(dues *d);
void dues_done(dues *d);
/* Whether there is room for a call that such a number of limits hold for. */
bool dues_have_room(const dues *d, size_t limits);
/* A call's: its lease (empty: none of its places is free), then what is not 0 of each limit. */
void dues_add_call(dues *d, span lease);
void dues_add(dues *d, const limit_ask *a, int64_t amount);
/* It has been told. */
void dues_clear(dues *d);

#endif
