#include "unit.h"

#include "base/buf.h"
#include "loop/loop.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the order of a turn ---- */

typedef struct trace {
    loop *l;
    buf text;
    timer t, t2;
    loop_hook first, second;
    int64_t fired_ms;
} trace;

static void on_timer(timer *t) {
    trace *tr = CONTAINER_OF(t, trace, t);
    tr->fired_ms = tr->l->now_ms;
    buf_add_cstr(&tr->text, "timer ");
}

static void stop_on_timer(timer *t) {
    trace *tr = CONTAINER_OF(t, trace, t2);
    loop_stop(tr->l);
}

static void run_first(loop_hook *h) {
    trace *tr = CONTAINER_OF(h, trace, first);
    if (span_ends(buf_span(&tr->text), SPAN_OF("timer "))) buf_add_cstr(&tr->text, "first ");
}

static void run_second(loop_hook *h) {
    trace *tr = CONTAINER_OF(h, trace, second);
    if (span_ends(buf_span(&tr->text), SPAN_OF("first "))) buf_add_cstr(&tr->text, "second ");
}

static void timers_then_hooks_in_order(void **state) {
    (void)state;
    loop l;
    assert_int_equal(loop_init(&l, 3), 0);
    assert_int_equal(l.index, 3);
    trace tr = {.l = &l, .first.run = run_first, .second.run = run_second};
    list_init(&tr.first.link);
    list_init(&tr.second.link);
    loop_add_hook(&l, &tr.first);
    loop_add_hook(&l, &tr.second);
    timer_init(&tr.t, on_timer);
    timer_init(&tr.t2, stop_on_timer);
    int64_t began_ms = l.now_ms;
    loop_timer_start(&l, &tr.t, 5);
    loop_timer_start(&l, &tr.t2, 7);
    loop_run(&l);
    assert_string_equal(buf_cstr(&tr.text), "timer first second ");
    assert_true(tr.fired_ms >= began_ms + 5);
    loop_remove_hook(&tr.first);
    loop_remove_hook(&tr.second);
    loop_done(&l);
    buf_done(&tr.text);
}

/* ---- what is put off to the end of the turn ---- */

typedef struct later {
    loop *l;
    buf text;
    timer begin;
    loop_soon first, second, third;
    loop_hook hook;
    unsigned rounds;
} later;

static void on_begin(timer *t) {
    later *a = CONTAINER_OF(t, later, begin);
    loop_soon_start(a->l, &a->first);
    loop_soon_start(a->l, &a->second);
    loop_soon_start(a->l, &a->third);
    loop_soon_start(a->l, &a->first); /* it waits already */
    assert_true(loop_soon_waits(&a->first));
    buf_add_cstr(&a->text, "timer ");
}

static void run_once(loop_soon *s) {
    later *a = CONTAINER_OF(s, later, first);
    assert_false(loop_soon_waits(s));
    buf_add_cstr(&a->text, a->rounds ? "again " : "first ");
    loop_soon_stop(&a->second);
    if (!a->rounds++) loop_soon_start(a->l, s);
}

static void run_never(loop_soon *s) {
    (void)s;
    fail_msg("it was stopped");
}

static void run_third(loop_soon *s) {
    later *a = CONTAINER_OF(s, later, third);
    buf_add_cstr(&a->text, "third ");
    loop_stop(a->l);
}

static void run_later_hook(loop_hook *h) {
    later *a = CONTAINER_OF(h, later, hook);
    if (!a->text.len) return;
    buf_add_cstr(&a->text, "hook ");
}

/* In the turn, though the next millisecond is far, before what ends it; and what one puts off in
 * its own turn waits for the next pass. */
static void what_is_put_off_is_done_in_the_same_turn(void **state) {
    (void)state;
    loop l;
    assert_int_equal(loop_init(&l, 0), 0);
    later a = {.l = &l, .hook.run = run_later_hook};
    list_init(&a.hook.link);
    loop_soon_init(&a.first, run_once);
    loop_soon_init(&a.second, run_never);
    loop_soon_init(&a.third, run_third);
    timer_init(&a.begin, on_begin);
    loop_add_hook(&l, &a.hook);
    loop_timer_start(&l, &a.begin, 1);
    while (!a.text.len)
        loop_turn(&l);
    span text = span_cstr(buf_cstr(&a.text));
    assert_true(span_starts(text, SPAN_OF("timer first third hook again hook ")));
    loop_run(&l);
    loop_remove_hook(&a.hook);
    loop_done(&l);
    buf_done(&a.text);
}

/* For a loop that another one drives, and that something was put off on between its turns. */
static void what_is_put_off_between_turns_is_not_waited_for(void **state) {
    (void)state;
    loop l;
    assert_int_equal(loop_init(&l, 0), 0);
    later a = {.l = &l, .rounds = 1};
    loop_soon_init(&a.first, run_once);
    loop_soon_init(&a.second, run_never);
    loop_turn(&l);
    loop_soon_start(&l, &a.first);
    assert_int_equal(loop_wait_ms(&l), 0);
    loop_turn(&l);
    assert_string_equal(buf_cstr(&a.text), "again ");
    assert_int_not_equal(loop_wait_ms(&l), 0);
    loop_stop(&l);
    loop_run(&l);
    loop_done(&l);
    buf_done(&a.text);
}

typedef struct nested {
    loop *l;
    buf text;
    loop_hook writer, reaper;
    bool writes;
} nested;

static void run_writer(loop_hook *h) {
    nested *n = CONTAINER_OF(h, nested, writer);
    if (n->writes) return;
    n->writes = true;
    loop_run_hooks(n->l, false);
    buf_add_cstr(&n->text, "written ");
    n->writes = false;
}

static void run_reaper(loop_hook *h) {
    nested *n = CONTAINER_OF(h, nested, reaper);
    buf_add_cstr(&n->text, n->l->ending ? "reaped " : "early ");
}

/* What is given back when a turn ends is on the stack of who writes so much that the hooks run
 * first, also where that is one of them. */
static void hooks_before_their_time_end_no_turn(void **state) {
    (void)state;
    loop l;
    assert_int_equal(loop_init(&l, 0), 0);
    nested n = {.l = &l, .writer.run = run_writer, .reaper.run = run_reaper};
    list_init(&n.writer.link);
    list_init(&n.reaper.link);
    loop_add_hook(&l, &n.writer);
    loop_add_hook(&l, &n.reaper);
    loop_run_hooks(&l, true);
    assert_string_equal(buf_cstr(&n.text), "early written reaped ");
    assert_false(l.ending);
    loop_remove_hook(&n.writer);
    loop_remove_hook(&n.reaper);
    loop_done(&l);
    buf_done(&n.text);
}

/* A timer that is started when a later one is armed already must not wait for that one. */
static void an_earlier_timer_moves_the_alarm(void **state) {
    (void)state;
    loop l;
    assert_int_equal(loop_init(&l, 0), 0);
    trace late = {.l = &l}, tr = {.l = &l};
    timer_init(&late.t, on_timer);
    timer_init(&tr.t2, stop_on_timer);
    loop_timer_start(&l, &late.t, 3600 * 1000);
    loop_timer_start(&l, &tr.t2, 10);
    loop_run(&l);
    assert_int_equal(late.text.len, 0);
    loop_timer_stop(&l, &late.t);
    loop_done(&l);
}

/* ---- a process that stood still ---- */

typedef struct race {
    loop l;
    timer deadline, end;
    uv_poll_t socket;
    int pipe[2];
    buf text;
} race;

/* After the sockets have been asked. */
static void stand_still(loop *l, void *arg) {
    (void)l;
    race *r = arg;
    assert_int_equal(write(r->pipe[1], "x", 1), 1); /* it comes before the deadline */
    usleep(300 * 1000);
}

static void on_deadline(timer *t) {
    race *r = CONTAINER_OF(t, race, deadline);
    buf_add_cstr(&r->text, "deadline ");
    uv_poll_stop(&r->socket);
    loop_timer_start(&r->l, &r->end, 1);
}

static void on_bytes(uv_poll_t *h, int status, int events) {
    race *r = CONTAINER_OF(h, race, socket);
    (void)status, (void)events;
    buf_add_cstr(&r->text, "bytes ");
    uv_poll_stop(h);
}

static void end_race(timer *t) {
    race *r = CONTAINER_OF(t, race, end);
    uv_close((uv_handle_t *)&r->socket, NULL);
    loop_stop(&r->l);
}

static void what_came_meanwhile_is_heard_before_its_deadline(void **state) {
    (void)state;
    race r = {0};
    assert_int_equal(loop_init(&r.l, 0), 0);
    assert_int_equal(pipe(r.pipe), 0);
    assert_int_equal(uv_poll_init(&r.l.uv, &r.socket, r.pipe[0]), 0);
    uv_poll_start(&r.socket, UV_READABLE, on_bytes);
    timer_init(&r.deadline, on_deadline);
    timer_init(&r.end, end_race);
    loop_post(&r.l, stand_still, &r);
    loop_timer_start(&r.l, &r.deadline, 50);
    loop_run(&r.l);
    assert_string_equal(buf_cstr(&r.text), "bytes deadline ");
    loop_done(&r.l);
    close(r.pipe[0]), close(r.pipe[1]);
    buf_done(&r.text);
}

/* ---- other threads ---- */

enum { POSTS = 1000, POSTERS = 3 };

typedef struct inbox {
    loop l;
    int seen;
} inbox;

static void count(loop *l, void *arg) {
    inbox *in = arg;
    assert_ptr_equal(l, &in->l);
    if (++in->seen == POSTS * POSTERS) loop_stop(l);
}

static void *post_many(void *arg) {
    inbox *in = arg;
    for (int i = 0; i < POSTS; i++)
        loop_post(&in->l, count, in);
    return NULL;
}

static void posts_from_threads_all_arrive(void **state) {
    (void)state;
    inbox in = {0};
    assert_int_equal(loop_init(&in.l, 0), 0);
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &in), 0);
    loop_run(&in.l);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(in.seen, POSTS * POSTERS);
    loop_done(&in.l);
}

static void *stop_it(void *arg) {
    loop_stop(arg);
    return NULL;
}

static void stop_from_a_thread(void **state) {
    (void)state;
    loop l;
    assert_int_equal(loop_init(&l, 0), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_it, &l), 0);
    loop_run(&l);
    pthread_join(thread, NULL);
    loop_done(&l);
}

/* ---- SIGPIPE ---- */

static void break_a_pipe(timer *t) {
    trace *tr = CONTAINER_OF(t, trace, t);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    close(fds[1]);
    loop_stop(tr->l);
}

static void a_broken_pipe_kills_nobody(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    loop l;
    assert_int_equal(loop_init(&l, 0), 0);
    trace tr = {.l = &l};
    timer_init(&tr.t, break_a_pipe);
    loop_timer_start(&l, &tr.t, 1);
    loop_run(&l);
    loop_done(&l);
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    assert_false(sigismember(&now, SIGPIPE));
}

static int timers_fired;

static void note_fired(timer *t) {
    (void)t;
    timers_fired++;
}

/* Callbacks that take long do not delay what is due after them, and whoever waits for it sleeps. */
static void a_turn_that_takes_long(void **state) {
    (void)state;
    loop l;
    timer t;
    int turns = 0;
    assert_int_equal(loop_init(&l, 0), 0);
    timer_init(&t, note_fired);
    loop_read_clock(&l);
    loop_timer_start(&l, &t, 60);
    usleep(40 * 1000);
    for (timers_fired = 0; !timers_fired; turns++) {
        if (turns) (void)poll(NULL, 0, (int)loop_wait_ms(&l));
        loop_turn(&l);
    }
    assert_true(turns < 20);
    loop_stop(&l);
    loop_run(&l);
    loop_done(&l);
}

/* The first loop of a process needs the most. A child tries each number of descriptors, so that
 * every try is the first. Valgrind has its own way with that limit. */
static void without_descriptors(void **state) {
    (void)state;
    if (getenv("UNDER_MEMCHECK")) skip();
    int failed = 0, made = 0;
    for (rlim_t files = 0; files < 24; files++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            loop l;
            (void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){files, files});
            _exit(loop_init(&l, 0) ? 1 : 0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status)) fail_msg("%d descriptors: ended by a signal", (int)files);
        failed += WEXITSTATUS(status) == 1;
        made += WEXITSTATUS(status) == 0;
    }
    assert_true(failed > 0);
    assert_true(made > 0);
}

/* ---- leaving ---- */

typedef struct leaving {
    loop l;
    timer t;
    uv_work_t work;
    uv_sem_t goes_on;
    bool done, refused;
} leaving;

static void work_on(uv_work_t *work) {
    uv_sem_wait(&CONTAINER_OF(work, leaving, work)->goes_on);
}

static void on_worked(uv_work_t *work, int status) {
    (void)status;
    CONTAINER_OF(work, leaving, work)->done = true;
}

static void leave_soon(timer *t) {
    leaving *v = CONTAINER_OF(t, leaving, t);
    if (loop_leave(&v->l)) return;
    v->refused = true; /* its own handle is open until it is stopped */
    loop_stop(&v->l);
    loop_timer_start(&v->l, t, 1);
}

static void a_thread_that_takes_its_time_is_not_waited_for(void **state) {
    (void)state;
    leaving v = {.done = false};
    assert_int_equal(loop_init(&v.l, 0), 0);
    assert_int_equal(uv_sem_init(&v.goes_on, 0), 0);
    timer_init(&v.t, leave_soon);
    loop_timer_start(&v.l, &v.t, 1);
    assert_int_equal(loop_work(&v.l, &v.work, work_on, on_worked), 0);
    loop_run(&v.l);
    assert_true(v.refused);
    assert_false(v.done);
    assert_true(loop_was_left(&v.l));
    uv_sem_post(&v.goes_on);
    loop_run(&v.l);
    assert_true(v.done);
    assert_false(loop_was_left(&v.l));
    loop_done(&v.l);
    uv_sem_destroy(&v.goes_on);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_descriptors), /* before any loop was made */
        cmocka_unit_test(timers_then_hooks_in_order),
        cmocka_unit_test(what_is_put_off_is_done_in_the_same_turn),
        cmocka_unit_test(what_is_put_off_between_turns_is_not_waited_for),
        cmocka_unit_test(hooks_before_their_time_end_no_turn),
        cmocka_unit_test(a_turn_that_takes_long),
        cmocka_unit_test(an_earlier_timer_moves_the_alarm),
        cmocka_unit_test(what_came_meanwhile_is_heard_before_its_deadline),
        cmocka_unit_test(posts_from_threads_all_arrive),
        cmocka_unit_test(stop_from_a_thread),
        cmocka_unit_test(a_thread_that_takes_its_time_is_not_waited_for),
        cmocka_unit_test(a_broken_pipe_kills_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
