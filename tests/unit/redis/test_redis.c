/* A connection to a server that answers, is silent, ends, and comes back. */
#include "server.h"
#include "unit.h"

#include "base/clock.h"
#include "redis/redis.h"

typedef struct world {
    loop l;
    config_redis config;
    redis *redis;
    unsigned ready, away;
    char why[256];
} world;

typedef struct question {
    redis_wait wait;
    world *w;
    unsigned answers, nothing;
    int64_t number;
    bool listens;
} question;

static void on_ready(void *user) {
    ((world *)user)->ready++;
}

static void on_away(void *user, const char *why) {
    world *w = user;
    w->away++;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static const redis_ops ops = {on_ready, on_away};

static void begin(world *w, int64_t timeout_ms) {
    *w = (world){.config = redis_server_config(&server, timeout_ms)};
    assert_int_equal(loop_init(&w->l, 0), 0);
    w->redis = redis_new(&w->l, &w->config, NULL, &ops, w);
}

static void turn(world *w) {
    loop_turn(&w->l);
    usleep(500);
}

#define turn_until(w, condition)                                                                   \
    do {                                                                                           \
        const int64_t until_ms = clock_mono_ms() + 30000;                                          \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > until_ms) fail_msg("never: %s", #condition);                     \
            turn(w);                                                                               \
        }                                                                                          \
    } while (0)

static void end(world *w) {
    redis_free(w->redis);
    loop_stop(&w->l);
    loop_run(&w->l);
    loop_done(&w->l);
}

static void on_done(redis_wait *wait, const redis_reply *reply) {
    question *q = CONTAINER_OF(wait, question, wait);
    if (reply)
        q->answers++;
    else
        q->nothing++;
    if (reply) q->number = redis_reply_number(reply);
    if (!reply && q->listens) q->listens = redis_listen(q->w->redis, wait);
}

static bool count(world *w, question *q) {
    q->w = w;
    redis_wait_init(&q->wait);
    return redis_ask(w->redis, &q->wait, on_done, (span[]){SPAN_OF("INCR"), SPAN_OF("n")}, 2);
}

/* Those that are asked before it is connected, too. */
static void answers_come_in_order(void **state) {
    (void)state;
    world w;
    question q[4] = {0};
    begin(&w, 5000);
    for (size_t i = 0; i < 2; i++)
        assert_true(count(&w, &q[i]));
    turn_until(&w, w.ready);
    assert_true(redis_tell(w.redis, (span[]){SPAN_OF("INCR"), SPAN_OF("n")}, 2));
    for (size_t i = 2; i < 4; i++)
        assert_true(count(&w, &q[i]));
    redis_wait_cancel(&q[2].wait);
    turn_until(&w, q[3].answers);
    assert_int_equal(q[0].number + 1, q[1].number);
    assert_int_equal(q[1].number + 3, q[3].number); /* one told, one that nobody waited for */
    assert_int_equal(q[2].answers + q[2].nothing, 0);
    assert_int_equal(w.away, 0);
    end(&w);
}

static void a_silent_one_is_waited_for_once(void **state) {
    (void)state;
    world w;
    question q[3] = {0};
    begin(&w, 50);
    turn_until(&w, redis_is_ready(w.redis));
    kill(server.pid, SIGSTOP);
    q[1].listens = true;
    assert_true(count(&w, &q[0]) && count(&w, &q[1]));
    turn_until(&w, q[0].nothing && q[1].nothing);
    assert_int_equal(w.away, 1);
    assert_string_equal(w.why, "no answer within 50 ms");
    assert_false(count(&w, &q[2])); /* at once */
    kill(server.pid, SIGCONT);
    turn_until(&w, w.ready == 2);
    assert_int_equal(q[1].answers, 1); /* late */
    assert_int_equal(q[0].answers, 0);
    assert_true(count(&w, &q[2]));
    turn_until(&w, q[2].answers);
    assert_int_equal(q[2].number, q[1].number + 1); /* all were heard */
    end(&w);
}

static void one_that_ends_comes_back(void **state) {
    (void)state;
    world w;
    question q[2] = {0};
    begin(&w, 5000);
    turn_until(&w, w.ready);
    kill(server.pid, SIGSTOP);
    q[0].listens = true;
    assert_true(count(&w, &q[0]));
    turn(&w);
    redis_server_kill(&server);
    turn_until(&w, w.away == 1);
    assert_int_equal(q[0].nothing, 1);
    assert_false(q[0].listens); /* nobody will know */
    assert_true(redis_server_run(&server));
    turn_until(&w, w.ready == 2);
    assert_true(count(&w, &q[1]));
    turn_until(&w, q[1].answers);
    assert_int_equal(q[1].number, 1); /* it has forgotten all */
    end(&w);
}

/* What cannot be written is away; a loop that stood still itself has missed nothing. */
static void whose_fault_it_is(void **state) {
    (void)state;
    world w;
    question q[2] = {0};
    begin(&w, 50);
    turn_until(&w, redis_is_ready(w.redis));
    assert_true(count(&w, &q[0]));
    loop_turn(&w.l);    /* sends it */
    usleep(120 * 1000); /* the loop stands still for longer than the timeout */
    turn_until(&w, q[0].answers + q[0].nothing);
    assert_int_equal(q[0].answers, 1);
    const span replica[] = {SPAN_OF("REPLICAOF"), SPAN_OF("127.0.0.1"), SPAN_OF("1")};
    assert_true(redis_tell(w.redis, replica, 3));
    assert_true(count(&w, &q[1]));
    turn_until(&w, q[1].nothing);
    assert_int_equal(strncmp(w.why, "READONLY ", 9), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_order),
        cmocka_unit_test(a_silent_one_is_waited_for_once),
        cmocka_unit_test(one_that_ends_comes_back),
        cmocka_unit_test(whose_fault_it_is),
    };
    return cmocka_run_group_tests(tests, redis_server_set_up, redis_server_tear_down);
}
