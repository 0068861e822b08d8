/* limit/shared.h: the same limits for several weirs, counted in a Redis or Valkey.
 *
 * A call asks the server once, by one script that takes all or nothing (limit/shared.lua), and is
 * settled by one that nobody waits for, with the others that end in the same turn (limit/dues.h;
 * one with a budget by itself). What it takes is noted in the process's own limiter too. Where the
 * server does not answer in time, or is away, that one decides: by its own count, and a share of
 * each limit, its amount ÷ the weirs last seen. A share is at least one, and has room for one call
 * that the limit itself would have let through. So no call fails for a server, and while it is away
 * each weir lets through at most what the limit says, and all together about that.
 *
 * What calls use while the server is away it is told when it is back (limit/owed.h), and of those
 * that still run what they have taken. Until it has answered a question that was asked after all
 * that, what it lets through must have room in the process's own count, too (limiter_doubt()): it
 * may not have heard yet what another loop's link has let through. Of money a
 * weir remembers the sum that it was last told: its share is one of what was left then, and a
 * server that has lost its data is told that sum.
 *
 * A call that holds a place (parallel) has a lease there, which its loop renews; leases of a
 * process that ends, and places that could not be given back, run out after SHARED_LEASE_MS.
 *
 * An answer that comes too late still tells whether the server has counted the call.
 *
 * The clock is the server's.
 *
 * Threads  shared_limits is the process's; a shared_link and its tickets belong to their loop.
 */
#ifndef WEIR_LIMIT_SHARED_H
#define WEIR_LIMIT_SHARED_H

#include "limit/limiter.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "redis/redis.h"

typedef struct shared_limits shared_limits;
typedef struct shared_link shared_link;

enum { SHARED_LEASE_MS = 15 * 1000, SHARED_BEAT_MS = SHARED_LEASE_MS / 3 };

/* As c->shared says, which is on. NULL: *ret_why says why not. */
MUST_USE shared_limits *shared_limits_new(config *c, limiter *own, buf *ret_why);
void shared_limits_free(shared_limits *s); /* after its links; NULL is allowed */
/* That were seen last, this one included. Any thread. */
unsigned shared_limits_nodes(const shared_limits *s);

/* A loop's; connects at once. log and shard outlive it. */
MUST_USE shared_link *shared_link_new(shared_limits *s, loop *l, log_shard *log,
                                      metrics_shard *shard);
/* Nobody may wait for it any more. NULL is allowed. */
void shared_link_free(shared_link *k);

/* What a call has asked for. Lives with the call, and stays where it is. */
typedef struct shared_ticket shared_ticket;
typedef void shared_done_fn(shared_ticket *t);
struct shared_ticket {
    limit_verdict verdict; /* once it is there */
    /* private to the link (shared_internal.h) */
    shared_link *link;
    shared_done_fn *done;
    limit_ask *asks; /* the call's own */
    size_t count;
    redis_wait wait; /* runs on after the verdict where that is not the server's */
    list holder;     /* of the link, while it holds a place */
    list alone;      /* likewise, while it was taken without the server, which has not been told */
    uint64_t lease;  /* its number */
    uint32_t season; /* limiter_season() when it was asked */
    uint64_t told;   /* and how often its link had told of money by then */
    bool decided;
    bool counted; /* the server has it */
};

/* As limiter_take(). true: t->verdict is there. false: it waits for the server; done is called
 * later, never before this returns. */
MUST_USE bool shared_take(shared_link *k, shared_ticket *t, limit_ask *asks, size_t count,
                          shared_done_fn *done);
/* It waits no more: what the server gives it is given back. */
void shared_cancel(shared_ticket *t);
/* Of a ticket that was taken: its places (parallel), which are the last of its asks, are free
 * before the rest of it is settled. */
void shared_leave(shared_ticket *t);
/* Of a ticket that was taken: as limiter_settle(), there and here. */
void shared_settle(shared_ticket *t, const limit_used *used);

#endif
