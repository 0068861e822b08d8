#include "loop/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "loop/hangup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    /* How often output may beget output within one turn before the sockets are asked again. */
    PASSES_PER_TURN = 8,
    /* Timers that are so late were not waited for: the process stood still, or its machine. */
    LATE_MS = 100,
};

typedef struct posted {
    list link;
    void (*fn)(loop *l, void *arg);
    void *arg;
} posted;

void loop_read_clock(loop *l) {
    l->now_us = clock_mono_us();
    l->now_ms = l->now_us / 1000;
    l->entered = true;
}

int64_t loop_exact_us(const loop *l) {
    (void)l;
    return clock_mono_us();
}

void loop_run_hooks(loop *l, bool ending) {
    const bool before = l->ending; /* a hook itself may have to write */
    l->ending = ending;
    LIST_FOREACH(&l->hooks, it) {
        loop_hook *hook = LIST_ENTRY(it, loop_hook, link);
        hook->run(hook);
    }
    l->ending = before;
}

void loop_add_hook(loop *l, loop_hook *hook) {
    list_push_back(&l->hooks, &hook->link);
}

void loop_remove_hook(loop_hook *hook) {
    list_remove(&hook->link);
}

/* What one of them puts off waits for the next pass. */
void loop_run_soon(loop *l) {
    list waiting;
    list_init(&waiting);
    for (list *node; (node = list_pop_front(&l->soon));)
        list_push_back(&waiting, node);
    for (list *node; (node = list_pop_front(&waiting));) {
        loop_soon *s = LIST_ENTRY(node, loop_soon, link);
        s->run(s);
    }
}

static bool has_work(const loop *l) {
    return !list_empty(&l->soon) || !list_empty(&l->dirty);
}

/* Called before and after polling: timers are served before, sockets after. What is told to the
 * owners of connections while writing (sent, broken) may lead to more output and more records,
 * so hooks and writes alternate until nothing is left. */
static void end_turn(loop *l) {
    if (!l->entered && !has_work(l)) return;
    for (int pass = 0;; pass++) {
        loop_run_soon(l);
        loop_run_hooks(l, true);
        bool told = l->write && l->write(l);
        if (!told && !has_work(l)) break;
        if (pass == PASSES_PER_TURN) {
            uv_async_send(&l->wake);
            break;
        }
    }
    l->entered = false;
}

/* What came while the process stood still is heard before anybody is told that it did not come:
 * late timers wait for one look at the sockets. The libuv timer is started with 1 ms, since one
 * with none would ring before that. */
static void on_wheel(uv_timer_t *h) {
    loop *l = CONTAINER_OF(h, loop, wheel_timer);
    loop_enter(l);
    l->hears_first = !l->hears_first && l->now_ms - l->wheel_armed_ms >= LATE_MS;
    if (l->hears_first) {
        uv_timer_start(&l->wheel_timer, on_wheel, 1, 0);
        return;
    }
    l->wheel_armed_ms = INT64_MAX;
    timers_advance(&l->timers, l->now_ms);
}

/* The libuv timer is moved only when something is due earlier than it would ring; a ring too early
 * costs one turn, a timer per request would cost more. */
static void arm_wheel(loop *l) {
    int64_t next_ms = timers_next_ms(&l->timers);
    if (next_ms >= l->wheel_armed_ms) return;
    /* libuv's own time: ours may be as old as the callbacks of this turn took. Both are
     * CLOCK_MONOTONIC. */
    uv_update_time(&l->uv);
    int64_t after_ms = next_ms - (int64_t)uv_now(&l->uv);
    uv_timer_start(&l->wheel_timer, on_wheel, after_ms > 0 ? (uint64_t)after_ms : 0, 0);
    l->wheel_armed_ms = next_ms;
}

static void next_piece(loop *l, const char *part_before) {
    if (!LOOP_WATCH) return;
    watch_end(&l->watch, part_before);
    watch_begin(&l->watch);
}

static void on_prepare(uv_prepare_t *h) {
    loop *l = CONTAINER_OF(h, loop, prepare);
    end_turn(l);
    arm_wheel(l);
    next_piece(l, "what timers and the end of a turn began");
}

static void on_check(uv_check_t *h) {
    loop *l = CONTAINER_OF(h, loop, check);
    next_piece(l, "what sockets and threads brought");
    end_turn(l);
}

static void on_wake(uv_async_t *h) {
    loop *l = CONTAINER_OF(h, loop, wake);
    loop_enter(l);
    list todo;
    list_init(&todo);
    uv_mutex_lock(&l->posted_lock);
    for (list *node; (node = list_pop_front(&l->posted));)
        list_push_back(&todo, node);
    bool stopping = l->stopping;
    uv_mutex_unlock(&l->posted_lock);
    for (list *node; (node = list_pop_front(&todo));) {
        posted *p = LIST_ENTRY(node, posted, link);
        p->fn(l, p->arg);
        free(p);
    }
    if (stopping) uv_unref((uv_handle_t *)&l->wake);
}

/* libuv aborts the process where it cannot have the first descriptors that it needs. */
static int try_descriptors(void) {
    int one[2], other[2];
    if (pipe2(one, O_CLOEXEC) < 0) return uv_translate_sys_error(errno);
    int err = pipe2(other, O_CLOEXEC) < 0 ? uv_translate_sys_error(errno) : 0;
    if (!err) close(other[0]), close(other[1]);
    close(one[0]), close(one[1]);
    return err;
}

int loop_init(loop *l, unsigned index) {
    *l = (loop){.index = index, .wheel_armed_ms = INT64_MAX, .read_cap = READ_BYTES};
    int err = try_descriptors();
    if (!err) err = uv_loop_init(&l->uv);
    if (err) return err;
    err = uv_mutex_init(&l->posted_lock);
    if (err) goto no_lock;
    err = uv_async_init(&l->uv, &l->wake, on_wake);
    if (err) goto no_wake;
    err = hangups_open(l);
    if (err) goto no_hangups;
    uv_timer_init(&l->uv, &l->wheel_timer);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    uv_unref((uv_handle_t *)&l->wheel_timer);
    uv_unref((uv_handle_t *)&l->prepare);
    uv_unref((uv_handle_t *)&l->check);
    l->read_buf = mem_alloc(READ_BYTES);
    rng_init(&l->rng);
    list_init(&l->soon);
    list_init(&l->hooks);
    list_init(&l->dirty);
    list_init(&l->posted);
    aside_lane_init(&l->aside);
    loop_read_clock(l);
    l->entered = false;
    timers_init(&l->timers, l->now_ms);
    return 0;
no_hangups:
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
no_wake:
    uv_mutex_destroy(&l->posted_lock);
no_lock:
    uv_loop_close(&l->uv);
    return err;
}

/* A SIGPIPE that was raised while blocked stays pending and would strike when unblocked. */
static void unblock_sigpipe(const sigset_t *pipe_only, const sigset_t *before) {
    while (sigtimedwait(pipe_only, NULL, &(struct timespec){0}) == SIGPIPE) {}
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void run_without_sigpipe(loop *l, uv_run_mode mode) {
    sigset_t pipe_only, before;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    if (LOOP_WATCH) watch_begin(&l->watch);
    uv_run(&l->uv, mode);
    if (!sigismember(&before, SIGPIPE)) unblock_sigpipe(&pipe_only, &before);
}

void loop_run(loop *l) {
    run_without_sigpipe(l, UV_RUN_DEFAULT);
}

void loop_turn(loop *l) {
    run_without_sigpipe(l, UV_RUN_NOWAIT);
}

/* libuv knows of descriptors and of what waits to be closed; timers that were started since the
 * last turn are the wheel's alone, and output waits for the end of one. */
int64_t loop_wait_ms(loop *l) {
    if (l->entered || has_work(l)) return 0;
    uv_update_time(&l->uv);
    int64_t wait_ms = uv_backend_timeout(&l->uv), next_ms = timers_next_ms(&l->timers);
    if (next_ms >= l->wheel_armed_ms) return wait_ms; /* libuv knows, by its own clock */
    int64_t due_ms = next_ms - clock_mono_ms();
    if (due_ms < 0) due_ms = 0;
    return wait_ms < 0 || due_ms < wait_ms ? due_ms : wait_ms;
}

void loop_quiet(sigset_t *ret_before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, ret_before);
}

void loop_loud(const sigset_t *before) {
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

int loop_work(loop *l, uv_work_t *work, uv_work_cb run, uv_after_work_cb after) {
    sigset_t before;
    loop_quiet(&before);
    int err = uv_queue_work(&l->uv, work, run, after);
    loop_loud(&before);
    return err;
}

void loop_stop(loop *l) {
    uv_mutex_lock(&l->posted_lock);
    l->stopping = true;
    uv_mutex_unlock(&l->posted_lock);
    uv_async_send(&l->wake);
}

bool loop_leave(loop *l) {
    if (l->uv.active_handles || l->uv.closing_handles) return false;
    uv_stop(&l->uv);
    return true;
}

bool loop_was_left(const loop *l) {
    return uv_loop_alive(&l->uv);
}

void loop_post(loop *l, void (*fn)(loop *l, void *arg), void *arg) {
    posted *p = mem_zalloc(sizeof *p);
    p->fn = fn;
    p->arg = arg;
    uv_mutex_lock(&l->posted_lock);
    list_push_back(&l->posted, &p->link);
    uv_mutex_unlock(&l->posted_lock);
    uv_async_send(&l->wake);
}

void loop_done(loop *l) {
    memory_account_done(&l->memory);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->wheel_timer, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    hangups_close_handle(l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    hangups_close(l);
    int err = uv_loop_close(&l->uv);
    if (LOOP_WATCH) watch_tell(&l->watch);
    assert(err == 0); /* UV_EBUSY: somebody has left a handle open */
    (void)err;
    for (list *node; (node = list_pop_front(&l->posted));)
        free(LIST_ENTRY(node, posted, link));
    uv_mutex_destroy(&l->posted_lock);
    while (l->spare_count)
        buf_done(&l->spare[--l->spare_count]);
    free(l->tls_plain);
    free(l->tls_gather);
    buf_done(&l->tls_cipher);
    free(l->read_buf);
}

void loop_buf_take(loop *l, buf *b) {
    assert(!b->ptr);
    if (l->spare_count) *b = l->spare[--l->spare_count];
}

void loop_buf_give(loop *l, buf *b) {
    if (!b->ptr) return;
    if (b->cap > LOOP_SPARE_BYTES || l->spare_count == LOOP_SPARE) {
        buf_done(b);
        return;
    }
    buf_clear(b);
    l->spare[l->spare_count++] = *b;
    *b = BUF_EMPTY;
}
