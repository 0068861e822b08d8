/* loop/loop.h: one event loop with what every connection on it shares.
 *
 * A loop belongs to one thread: everything that hangs on it is touched by that thread alone.
 * The exceptions are loop_post() and loop_stop(), which any thread may call.
 *
 * The order of one turn: the clock is read once; timers fire; sockets are read; what was to be done
 * soon is; end-of-turn hooks run in the order they were added, a server's before all others;
 * connections that have something to say write it, each in one system call, and those first that
 * are to be (transport_set_first()).
 * Where the process has stood still, sockets are read before timers fire, so that what came in time
 * is not given up.
 */
#ifndef WEIR_LOOP_LOOP_H
#define WEIR_LOOP_LOOP_H

#include "base/buf.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "loop/timer.h"
#include "loop/watch.h"

#include <signal.h>
#include <uv.h>

typedef struct loop loop;

/* A hook at the end of each turn. Owned by the caller. */
typedef struct loop_hook {
    list link;
    void (*run)(struct loop_hook *hook);
} loop_hook;

/* What is done at the end of the turn in which it was put off, off the stack of whoever did that.
 * Owned by the caller. */
typedef struct loop_soon {
    list link;
    void (*run)(struct loop_soon *soon);
} loop_soon;

/* Work for other threads, one piece at a time (loop/aside.h). */
typedef struct aside_lane {
    list waiting;
    struct aside *running; /* NULL: none is */
} aside_lane;
static inline void aside_lane_init(aside_lane *lane) {
    list_init(&lane->waiting);
    lane->running = NULL;
}

/* Writes what is gathered on everything in loop->dirty, then tells the owners; true if there was
 * anything to tell. Registered by whoever puts something there (http/transport.c). */
typedef bool loop_writer(loop *l);

enum { LOOP_SPARE = 64, LOOP_SPARE_BYTES = 16384 };

struct loop {
    uv_loop_t uv;
    timers timers;
    int64_t now_ms; /* monotonic, read once a turn: see loop_enter() */
    int64_t now_us; /* the same instant */
    rng rng;
    list soon; /* what waits for the end of this turn */
    list hooks;
    list dirty;         /* connections with unwritten output */
    loop_writer *write; /* of those; NULL: none yet */
    char *read_buf;     /* one for all sockets of the loop: parsers leave nothing in it */
    size_t read_cap;    /* 64 KiB */
    unsigned index;     /* which worker, from 0 */
    /* Of what is gathered on it (base/memory.h); the bound is its owner's to set, or none. */
    memory_account memory;
    /* private to loop.c */
    uv_timer_t wheel_timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t wake;
    uv_poll_t hangups; /* loop/hangup.h */
    int hangup_fd;
    int64_t wheel_armed_ms;
    bool hears_first; /* timers are late, and the sockets are asked before they fire */
    uv_mutex_t posted_lock;
    list posted;
    bool stopping; /* under posted_lock */
    bool ending;   /* the hooks run because the turn ends, not before their time */
    bool entered;  /* this turn has read the clock, so something may have happened in it */
    unsigned spare_count;
    buf spare[LOOP_SPARE]; /* output buffers of connections that have none to write */
    char *tls_plain;  /* one record's worth of plain text; NULL until the first TLS connection */
    char *tls_gather; /* one record's plain text, to be written */
    buf tls_cipher;   /* records on their way from OpenSSL to the socket */
    loop_watch watch;
    aside_lane aside; /* of large documents */
};

MUST_USE int loop_init(loop *l, unsigned index); /* 0 or a negative libuv error */
/* Runs until loop_stop() was called and every handle is closed. SIGPIPE is blocked meanwhile in
 * this thread alone, since libuv writes without MSG_NOSIGNAL. */
void loop_run(loop *l);
/* For a loop that another one drives: serves what is ready, without waiting, as loop_run() does.
 * Without SIGPIPE too. */
void loop_turn(loop *l);
/* How long that other loop may wait for uv_backend_fd() at most; 0: loop_turn() at once; -1: as
 * long as it likes. */
int64_t loop_wait_ms(loop *l);
/* Ends loop_run() as soon as no handle is open; whoever has one open closes it. Any thread. */
void loop_stop(loop *l);
/* After loop_stop(), on the loop: ends loop_run() where all that it still waits for are other
 * threads (a name that is looked up), which nobody can hurry. false: something is open. */
bool loop_leave(loop *l);
/* After loop_run(): whether it was left so. Then nothing of it may be freed, as they come back to
 * it, and the process ends by _exit(), since exit() waits for them. */
bool loop_was_left(const loop *l);
/* After loop_run(). */
void loop_done(loop *l);

void loop_add_hook(loop *l, loop_hook *hook);
void loop_remove_hook(loop_hook *hook);

static inline void loop_soon_init(loop_soon *s, void (*run)(loop_soon *soon)) {
    list_init(&s->link);
    s->run = run;
}
static inline bool loop_soon_waits(const loop_soon *s) {
    return !list_empty(&s->link);
}
/* Nothing happens where it waits already. What it puts off in its turn waits for the next pass, or
 * the next turn. */
static inline void loop_soon_start(loop *l, loop_soon *s) {
    if (!loop_soon_waits(s)) list_push_back(&l->soon, &s->link);
}
/* Idempotent. */
static inline void loop_soon_stop(loop_soon *s) {
    list_remove(&s->link);
}

/* Runs fn(arg) on the loop's thread, soon. Any thread. */
void loop_post(loop *l, void (*fn)(loop *l, void *arg), void *arg);

/* uv_queue_work() on the loop, where libuv's threads, which the first work of a process makes, take
 * over no signal: those are for the threads of whoever handles them. loop_quiet() does the same for
 * whatever else makes threads, until loop_loud(). */
MUST_USE int loop_work(loop *l, uv_work_t *work, uv_work_cb run, uv_after_work_cb after);
void loop_quiet(sigset_t *ret_before);
void loop_loud(const sigset_t *before);

/* Reads the clock unless this turn has done so. Every libuv callback of a handle that a room opens
 * itself (signals, files, child processes …) begins with it; transports and timers do it already.
 */
void loop_read_clock(loop *l);
static inline void loop_enter(loop *l) {
    if (!l->entered) loop_read_clock(l);
}

/* Not ending: before their time, for whoever must write before the end of the turn, also where he
 * is called by a hook of it. */
void loop_run_hooks(loop *l, bool ending);
/* What was put off to the end of the turn, each once. */
void loop_run_soon(loop *l);

/* A buffer's memory from the loop's spares, and back: what idles owns no memory, and what is busy
 * does not ask malloc. take needs an empty buffer; give leaves one. */
void loop_buf_take(loop *l, buf *b);
void loop_buf_give(loop *l, buf *b);

/* The precise time, for measuring weir's own share; one vDSO call. */
int64_t loop_exact_us(const loop *l);

/* Fires at least after_ms from now, never earlier: now_ms is the turn's, cut to the millisecond. */
static inline void loop_timer_start(loop *l, timer *t, int64_t after_ms) {
    timer_start(&l->timers, t, l->now_ms + (after_ms > 0 ? after_ms + 1 : 0));
}
static inline void loop_timer_stop(loop *l, timer *t) {
    timer_stop(&l->timers, t);
}

#endif
