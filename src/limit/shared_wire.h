/* limit/shared_wire.h: limits as the script limit/shared.lua is asked for them, and what it
 * answers. Private to the room.
 *
 * Pure, but for the buffers that are used again.
 */
#ifndef WEIR_LIMIT_SHARED_WIRE_H
#define WEIR_LIMIT_SHARED_WIRE_H

#include "limit/gcra.h"
#include "limit/wording.h"
#include "redis/redis.h"

extern const span embedded_limit_script;

/* A command that is put together; its bytes stay until the next one is. */
typedef struct shared_command {
    wordings wordings;
    buf text;
    span *args;
    size_t count, room, most;    /* limits that were added; of args; that there is memory for */
    char sha[REDIS_SHA_LEN + 1]; /* of the script; empty: not known yet */
    bool whole;                  /* it is sent with its text: the server does not know it */
} shared_command;

void shared_command_done(shared_command *c);
static inline size_t shared_command_args(const shared_command *c) {
    return c->room;
}

void shared_command_begin(shared_command *c, size_t limits, span op, span lease, int64_t lasts_ms);
/* amount: that is taken; below 0: given back. least: money that is known to have been spent, in the
 * period of that number; what is given back is of that period, 0: of any. */
typedef struct shared_least {
    int64_t nano, period;
} shared_least;
void shared_command_add(shared_command *c, const limit_ask *a, int64_t amount, shared_least least);
/* Of a rate, what counts of it. */
void shared_command_add_debt(shared_command *c, const limit_ask *a, gcra_debt debt, bool back);
/* That this weir is there. Sent with the script's text, so that the server knows it before anybody
 * asks. */
void shared_command_here(shared_command *c, span node, int64_t lasts_ms);

/* The answer to take: the verdict, and what each ask is told. false: it is none, and what asks have
 * been told until then is not meant. */
MUST_USE bool shared_read_answer(const redis_reply *reply, limit_ask *asks, size_t count,
                                 limit_verdict *ret);
/* Whether it gave what was asked for, of an answer to take. */
bool shared_read_taken(const redis_reply *reply);
/* The answer to shared_command_here(): how many are there, and since when the server's data is, as
 * a number. */
MUST_USE bool shared_read_here(const redis_reply *reply, int64_t *ret_holders, int64_t *ret_since);

#endif
