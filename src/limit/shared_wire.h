/* limit/shared_wire.h: limits as the script limit/shared.lua is asked for them, and what it
 * answers. Private to the room.
 *
 * Pure, but for the buffers that are used again.
 */
#ifndef WEIR_LIMIT_SHARED_WIRE_H
#define WEIR_LIMIT_SHARED_WIRE_H

#include "limit/limiter.h"
#include "redis/redis.h"

extern const span embedded_limit_script;

/* A command that is put together; its bytes stay until the next one is. */
typedef struct shared_command {
    buf text;
    span *args;
    size_t count, room;          /* limits that were added; of args */
    char sha[REDIS_SHA_LEN + 1]; /* of the script; empty: not known yet */
    bool whole;                  /* it is sent with its text: the server does not know it */
} shared_command;

void shared_command_done(shared_command *c);
static inline size_t shared_command_args(const shared_command *c) {
    return c->room;
}

void shared_command_begin(shared_command *c, size_t limits, span op, span lease, int64_t lasts_ms);
/* amount: that is taken; below 0: given back. least: money that is known to have been spent, in the
 * period of that number. */
typedef struct shared_least {
    int64_t nano, period;
} shared_least;
void shared_command_add(shared_command *c, const limit_ask *a, int64_t amount, shared_least least);
/* A count of holders that is no limit's. */
void shared_command_add_holders(shared_command *c, span key);

/* The answer to take: the verdict, and what each ask is told. false: it is none. */
MUST_USE bool shared_read_answer(const redis_reply *reply, limit_ask *asks, size_t count,
                                 limit_verdict *ret);
/* What the first count of an answer holds; -1: it is none. */
int64_t shared_read_holders(const redis_reply *reply);

#endif
