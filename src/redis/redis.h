/* redis/redis.h: a loop's connection to a Redis or Valkey, which may be slow or away.
 *
 * There is one connection; what is asked in one turn of the loop leaves in one system call, and
 * answers come in the order of the questions. Nobody waits longer than the configured timeout, and
 * nobody waits for a server that is known to be away: redis_ask() says so at once, and its caller
 * goes on without. That it is back is found out by the connection itself.
 *
 *   CONNECTING  questions wait for the handshake, unless the last attempt came to nothing
 *   READY       questions are sent
 *   LATE        one was not answered in time; nothing is sent until all that was has been answered
 *   AWAY        the next attempt to connect is due, at growing distances
 *
 * Ready is who takes what is written: the handshake ends with a key that is set, so that a replica
 * that cannot be written, a server that is loading, or one that is full is away. For an owner who
 * can do with reading (redis_ops.reads_will_do) only a server that is loading is, or one that lets
 * nobody in; what cannot be written is refused to whoever asks for it.
 *
 * Belongs to its loop. A question that was not answered in time may have been heard all the same.
 */
#ifndef WEIR_REDIS_REDIS_H
#define WEIR_REDIS_REDIS_H

#include "config/redis.h"
#include "http/tls.h"
#include "loop/loop.h"
#include "redis/reply.h"

typedef struct redis redis;

/* Owned by whoever waits; moved only by redis_wait_move(). */
typedef struct redis_wait redis_wait;
/* reply: borrowed for the call; NULL: there is none, as the server is late or away. The connection
 * may be asked, and must not be freed. */
typedef void redis_done_fn(redis_wait *w, const redis_reply *reply);
struct redis_wait {
    list link;
    redis_done_fn *done;
    uint64_t number; /* of the question, on its connection */
    int64_t due_ms;
};

typedef struct redis_ops {
    /* It is ready, after it was not. */
    void (*on_ready)(void *user);
    /* It is not, after it was, or for the first time; not again until it has been ready. why: for
     * people, of one line, borrowed. */
    void (*on_away)(void *user, const char *why);
    bool reads_will_do;
} redis_ops;

/* Connects at once. config and tls (NULL: plain; a reference is taken) as configured; config and
 * ops outlive it. */
MUST_USE redis *redis_new(loop *l, const config_redis *config, tls_context *tls,
                          const redis_ops *ops, void *user);
/* Nobody may wait any more. NULL is allowed. */
void redis_free(redis *r);

bool redis_is_ready(const redis *r);

/* A command and its arguments. false: the server is away, and nothing will come. true: w->done is
 * called later, once, never before this returns. */
MUST_USE bool redis_ask(redis *r, redis_wait *w, redis_done_fn *done, const span *args,
                        size_t count);
/* The same, and nobody wants to know what is answered. false: it was not sent. */
bool redis_tell(redis *r, const span *args, size_t count);

void redis_wait_init(redis_wait *w);
bool redis_wait_runs(const redis_wait *w);
/* From inside done, which was given no answer: wants to hear all the same what becomes of it.
 * false: nobody will know. true: done is called once more, with a late answer or with none. */
MUST_USE bool redis_listen(redis *r, redis_wait *w);
/* Afterwards done is not called. Idempotent. */
void redis_wait_cancel(redis_wait *w);
/* to, which nobody waits with, waits in from's place. */
void redis_wait_move(redis_wait *from, redis_wait *to, redis_done_fn *done);

/* A script as EVALSHA names it: 40 hex digits. */
enum { REDIS_SHA_LEN = 40 };
void redis_script_sha(span script, char out[REDIS_SHA_LEN + 1]);

/* What goes over the wire: an array of bulk strings. Pure. */
void redis_write(buf *out, const span *args, size_t count);

#endif
