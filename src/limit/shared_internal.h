/* limit/shared_internal.h: a link to a shared server as its own files see it: shared.c (what calls
 * ask and settle), shared_own.c (the process's own count) and shared_link.c (being there, and what
 * the server lacks). */
#ifndef WEIR_LIMIT_SHARED_INTERNAL_H
#define WEIR_LIMIT_SHARED_INTERNAL_H

#include "base/clock.h"
#include "base/digits.h"
#include "limit/dues.h"
#include "limit/owed.h"
#include "limit/shared.h"
#include "limit/shared_wire.h"

#include <stdatomic.h>

enum {
    NODE_LEN = 16,
    NAME_LEN = NODE_LEN + 1 + 10 + 1,
    LEASE_LEN = NAME_LEN + DIGITS_MAX,
    TOLD_KEPT = 256
};

struct shared_limits {
    config *snapshot; /* counted, for: */
    const config_redis *config;
    tls_context *tls; /* NULL: plain */
    limiter *own;
    char node[NODE_LEN + 1]; /* this process's name there */
    atomic_uint nodes;
    atomic_uint away; /* links that go by the process's own count */
};

/* Money that the server was told of. */
typedef struct told_money {
    uint64_t counter;
    int64_t nano;
} told_money;

struct shared_link {
    shared_limits *shared;
    loop *loop;
    redis *redis;
    log_shard *log;
    metrics_shard *metrics;
    shared_command command;
    list holders; /* tickets with a place */
    list alone;   /* tickets that were taken without the server, and that it has not been told */
    list orphans; /* of calls that left while they waited */
    char name[NAME_LEN + 1]; /* its leases begin with it: "NODE:LOOP:" */
    size_t name_len;
    uint64_t last_lease;
    timer beat;
    redis_wait beating;
    uint32_t epoch; /* of the server's data; 0: not known */
    owed owed;
    dues dues; /* of calls that have ended in this turn */
    loop_hook turn;
    bool away;
    bool doubts; /* in the server's count, which may lack what was taken here */
    redis_wait confirming;
    uint64_t lacked,
        confirms; /* how often it was told what it lacked; by then, when it was asked */
    told_money told[TOLD_KEPT];
    uint64_t told_count; /* the last of them are kept, in turn */
};

static inline limit_now shared_now(const shared_link *k) {
    return (limit_now){loop_exact_us(k->loop), clock_wall_us()};
}

/* What comes back of money is of the period that it was taken in. */
static inline shared_least shared_of_period(const limit_ask *a) {
    return (shared_least){.period = a->kind == LIMIT_SPEND ? a->spent_in : 0};
}

/* ---- shared.c ---- */

/* For the next command: what has ended is told before it. */
shared_command *shared_command_of(shared_link *k);
void shared_tell_dues(shared_link *k);
/* By which its places are held; empty: it has none. In out. */
span shared_lease_text(const shared_ticket *t, char out[LEASE_LEN]);
void shared_free_orphans(shared_link *k);

/* ---- shared_own.c ---- */

/* By this weir alone: a share of each limit. */
void shared_take_own(shared_ticket *t);
/* Between these what the server lets through must have room in the process's own count too. */
void shared_begin_to_doubt(shared_link *k);
void shared_cease_to_doubt(shared_link *k);
/* The server was told of so much money more. */
void shared_note_told(shared_link *k, const limit_ask *a, int64_t nano);
/* How much of it, for a counter, since it had been told that often. */
int64_t shared_told_since(const shared_link *k, uint64_t when, uint64_t counter);

#endif
