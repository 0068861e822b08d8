/* Who may have how much: all or nothing, exactly, whoever asks at the same time. */
#include "unit.h"

#include "limit/limiter.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define S ((int64_t)1000 * 1000)

static const limit_now noon = {.mono_us = 1000 * S, .wall_us = 1795867200 * S}; /* 2026-11-28 */

static limit_now later(int64_t us) {
    return (limit_now){noon.mono_us + us, noon.wall_us + us};
}

static limit_ask ask(limit_kind kind, int64_t most, config_period per, int64_t amount) {
    return (limit_ask){.scope = LIMIT_OF_CLIENT,
                       .kind = kind,
                       .subject = 7,
                       .quota = {most, per},
                       .amount = amount};
}

static bool take_one(limiter *l, limit_ask a, limit_now now) {
    return limiter_take(l, &a, 1, now).taken;
}

/* ---- what one call gets ---- */

static void all_or_nothing(void **state) {
    (void)state;
    limiter *l = limiter_new();
    limit_ask asks[] = {
        ask(LIMIT_REQUESTS, 10, PERIOD_MINUTE, 1),
        ask(LIMIT_TOKENS, 1000, PERIOD_MINUTE, 600),
        ask(LIMIT_PARALLEL, 5, 0, 1),
        ask(LIMIT_SPEND, 900, PERIOD_DAY, 500),
    };
    limit_verdict v = limiter_take(l, asks, 4, noon);
    assert_true(v.taken);
    assert_int_equal(asks[0].left, 9);
    assert_int_equal(asks[1].left, 400);
    assert_int_equal(asks[2].left, 4);
    assert_int_equal(asks[3].left, 400);
    assert_int_equal(asks[1].reset_us, 36 * S);
    for (int i = 0; i < 3; i++) {
        v = limiter_take(l, asks, 4, noon);
        assert_false(v.taken);
        assert_int_equal(v.by, 3);         /* the day lasts longer than 12 s */
        assert_int_equal(asks[0].left, 9); /* nothing was taken */
        assert_int_equal(asks[2].left, 4);
    }
    limiter_settle(l, asks, 4, &(limit_used){.asked = true, .tokens = 100, .nano = 0}, noon);
    v = limiter_take(l, asks, 4, noon);
    assert_true(v.taken);
    assert_int_equal(asks[0].left, 8);
    assert_int_equal(asks[1].left, 300);
    assert_int_equal(asks[2].left, 4);
    limiter_free(l);
}

static void which_refuses_and_how_long(void **state) {
    (void)state;
    limiter *l = limiter_new();
    limit_ask held = ask(LIMIT_PARALLEL, 1, 0, 1);
    assert_true(limiter_take(l, &held, 1, noon).taken);
    limit_verdict v = limiter_take(l, &held, 1, noon);
    assert_false(v.taken);
    assert_int_equal(v.wait_us, 0);
    limit_ask asks[] = {held, ask(LIMIT_REQUESTS, 1, PERIOD_SECOND, 1),
                        ask(LIMIT_TOKENS, 10, PERIOD_HOUR, 1)};
    limit_ask *requests = &asks[1], *tokens = &asks[2];
    assert_true(take_one(l, *requests, noon));
    v = limiter_take(l, asks, 3, noon);
    assert_int_equal(v.by, 1);
    assert_int_equal(v.wait_us, S);
    tokens->amount = 11; /* never */
    v = limiter_take(l, asks, 3, noon);
    assert_int_equal(v.by, 2);
    assert_int_equal(v.wait_us, -1);
    limiter_free(l);
}

static void what_was_not_used_comes_back(void **state) {
    (void)state;
    static const struct {
        limit_used used;
        int64_t requests, tokens, parallel, spend;
    } rows[] = {
        {{false, 0, 0}, 10, 1000, 5, 900}, /* refused, or answered by weir itself */
        {{true, 0, 0}, 9, 1000, 5, 900},   /* failed */
        {{true, 250, 40}, 9, 750, 5, 860}, {{true, 600, 500}, 9, 400, 5, 400},
        {{true, 1500, 2000}, 9, 0, 5, 0}, /* owed */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        limiter *l = limiter_new();
        limit_ask asks[] = {
            ask(LIMIT_REQUESTS, 10, PERIOD_MINUTE, 1),
            ask(LIMIT_TOKENS, 1000, PERIOD_MINUTE, 600),
            ask(LIMIT_PARALLEL, 5, 0, 1),
            ask(LIMIT_SPEND, 900, PERIOD_DAY, 500),
        };
        assert_true(limiter_take(l, asks, 4, noon).taken);
        limiter_settle(l, asks, 4, &rows[i].used, noon);
        limit_ask never[] = {asks[0], asks[1], asks[2], asks[3],
                             ask(LIMIT_TOKENS, 1, PERIOD_HOUR, 2)};
        assert_false(limiter_take(l, never, 5, noon).taken); /* a look */
        if (never[0].left != rows[i].requests || never[1].left != rows[i].tokens ||
            never[2].left != rows[i].parallel || never[3].left != rows[i].spend)
            fail_msg("row %zu: %lld %lld %lld %lld", i, (long long)never[0].left,
                     (long long)never[1].left, (long long)never[2].left, (long long)never[3].left);
        limiter_free(l);
    }
}

/* A debt is paid by waiting: 500 tokens of 1,000 a minute beyond all that there was. */
static void a_debt_keeps_others_out(void **state) {
    (void)state;
    limiter *l = limiter_new();
    limit_ask a = ask(LIMIT_TOKENS, 1000, PERIOD_MINUTE, 100);
    assert_true(limiter_take(l, &a, 1, noon).taken);
    limiter_settle(l, &a, 1, &(limit_used){true, 1500, 0}, noon);
    a.amount = 0;
    limit_verdict v = limiter_take(l, &a, 1, noon);
    assert_false(v.taken);
    assert_int_equal(v.wait_us, 30 * S);
    assert_true(take_one(l, a, later(30 * S)));
    limiter_free(l);
}

static void an_empty_purse_pays_for_nothing(void **state) {
    (void)state;
    limiter *l = limiter_new();
    limit_ask a = ask(LIMIT_SPEND, 100, PERIOD_MONTH, 0);
    assert_true(take_one(l, a, noon));
    limiter_raise_spend(l, LIMIT_OF_CLIENT, 7, PERIOD_MONTH, 100, noon);
    assert_false(take_one(l, a, noon));
    assert_true(take_one(l, a, later(4 * 86400 * S))); /* December */
    limiter_free(l);
}

/* Whatever two scopes, kinds and periods: of one subject. */
/* What a call in progress has taken of a budget it may not use: whoever tells what has been spent
 * tells it without that. */
static void what_is_held_is_not_spent(void **state) {
    (void)state;
    limiter *l = limiter_new();
    limit_ask a = {.kind = LIMIT_SPEND, .subject = 1, .quota = {100, PERIOD_DAY}, .amount = 40};
    limit_ask b = a;
    assert_true(limiter_take(l, &a, 1, noon).taken);
    assert_true(limiter_take(l, &b, 1, noon).taken);
    limit_spent s = limiter_spent(l, &a, noon);
    assert_true(s.nano == 80 && s.held == 80);
    limiter_settle(l, &a, 1, &(limit_used){.asked = true, .nano = 40}, noon);
    s = limiter_spent(l, &a, noon);
    assert_true(s.nano == 80 && s.held == 40);
    const limit_now tomorrow = {noon.mono_us, noon.wall_us + (int64_t)86400 * 1000 * 1000};
    s = limiter_spent(l, &a, tomorrow);
    assert_true(s.nano == 0 && s.held == 0);
    limiter_settle(l, &b, 1, &(limit_used){.asked = true, .nano = 0}, tomorrow);
    s = limiter_spent(l, &a, tomorrow);
    assert_true(s.nano == 0 && s.held == 0);
    limiter_free(l);
}

static void counters_are_apart(void **state) {
    (void)state;
    limiter *l = limiter_new();
    for (int scope = 0; scope < LIMIT_SCOPES; scope++)
        for (int kind = 0; kind < LIMIT_KINDS; kind++)
            for (int per = 0; per < CONFIG_PERIODS; per++) {
                if (kind == LIMIT_PARALLEL && per) continue;
                if (kind == LIMIT_SPEND && per < PERIOD_DAY) continue;
                limit_ask a = ask((limit_kind)kind, 1, (config_period)per, 1);
                a.scope = (limit_scope)scope;
                if (!take_one(l, a, noon)) fail_msg("%d %d %d", scope, kind, per);
                if (take_one(l, a, noon)) fail_msg("%d %d %d twice", scope, kind, per);
            }
    limit_ask other = ask(LIMIT_REQUESTS, 1, PERIOD_MINUTE, 1);
    other.subject = 8;
    assert_true(take_one(l, other, noon));
    limiter_free(l);
}

/* ---- however many there are ---- */

static void names_do_not_fill_the_memory(void **state) {
    (void)state;
    limiter *l = limiter_new();
    limit_ask held = ask(LIMIT_PARALLEL, 1, 0, 1);
    held.subject = 1;
    assert_true(limiter_take(l, &held, 1, noon).taken);
    limit_ask a = ask(LIMIT_REQUESTS, 1000, PERIOD_SECOND, 1);
    for (uint64_t i = 0; i < LIMITER_COUNTERS + 1000; i++) {
        a.subject = (i + 100) * 0xD1342543DE82EF95u;
        assert_true(take_one(l, a, noon));
    }
    assert_false(limiter_take(l, &held, 1, noon).taken); /* what is held stays */
    limiter_figures f = limiter_get_figures(l);
    assert_true(f.counters <= LIMITER_COUNTERS);
    assert_true(f.dropped > 0);
    /* Those that count nothing any more make room without a word. */
    for (uint64_t i = 0; i < 1000; i++) {
        a.subject = (i + 1000000000) * 0xD1342543DE82EF95u;
        assert_true(take_one(l, a, later(S)));
    }
    assert_int_equal(limiter_get_figures(l).dropped, f.dropped);
    limiter_free(l);
}

/* More than samples can find a free one among: nothing is lost, and nothing hangs. */
static void what_is_held_is_never_dropped(void **state) {
    (void)state;
    limiter *l = limiter_new();
    enum { N = LIMITER_COUNTERS + 5000 };
    limit_ask a = ask(LIMIT_PARALLEL, 1, 0, 1);
    for (uint64_t i = 1; i <= N; i++) {
        a.subject = i * 0xD1342543DE82EF95u;
        assert_true(limiter_take(l, &a, 1, noon).taken);
    }
    for (uint64_t i = 1; i <= N; i += 97) {
        a.subject = i * 0xD1342543DE82EF95u;
        assert_false(limiter_take(l, &a, 1, noon).taken);
    }
    assert_int_equal(limiter_get_figures(l).counters, N);
    assert_int_equal(limiter_get_figures(l).dropped, 0);
    limiter_free(l);
}

/* ---- whoever asks at the same time ---- */

enum { THREADS = 8, TRIES = 500, MOST = 1237 };

typedef struct runner {
    limiter *l;
    pthread_t thread;
    unsigned got;
    bool gives;
} runner;

static _Atomic int in_progress, most_in_progress;

static void *run(void *arg) {
    runner *r = arg;
    for (unsigned i = 0; i < TRIES; i++) {
        limit_ask asks[] = {ask(LIMIT_REQUESTS, MOST, PERIOD_DAY, 1), ask(LIMIT_PARALLEL, 3, 0, 1)};
        if (!limiter_take(r->l, asks, 2, noon).taken) {
            i -= asks[0].left > 0; /* it was the other one: who holds it is let on */
            (void)sched_yield();
            continue;
        }
        int now = atomic_fetch_add(&in_progress, 1) + 1, seen = atomic_load(&most_in_progress);
        while (now > seen && !atomic_compare_exchange_weak(&most_in_progress, &seen, now))
            ;
        r->got++;
        atomic_fetch_sub(&in_progress, 1);
        limiter_settle(r->l, asks, 2, &(limit_used){.asked = true}, noon);
    }
    return NULL;
}

static void threads_get_exactly_n(void **state) {
    (void)state;
    runner runners[THREADS] = {0};
    limiter *l = limiter_new();
    unsigned got = 0;
    for (size_t i = 0; i < THREADS; i++) {
        runners[i].l = l;
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(runners[i].thread, NULL);
        got += runners[i].got;
    }
    assert_int_equal(got, MOST);
    assert_in_range(atomic_load(&most_in_progress), 1, 3);
    limiter_free(l);
}

/* Every order in which four calls can begin, end in each of three ways, or be given up: never more
 * than was allowed, and at the end nothing is held. */
enum { CALLS = 4 };
typedef enum state_of { NOT_YET, RUNS, OVER } state_of;
static const limit_used ends[] = {{false, 0, 0}, {true, 30, 0}, {true, 80, 0}};

typedef struct step {
    unsigned call, how; /* how 0: begins; else ends[how - 1] */
} step;

static unsigned long orders;

static void play(const step *steps, unsigned count) {
    limiter *l = limiter_new();
    limit_ask asks[CALLS][2];
    bool holds[CALLS] = {0};
    int64_t running = 0, used = 0, reserved = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned c = steps[i].call;
        if (!steps[i].how) {
            asks[c][0] = ask(LIMIT_TOKENS, 100, PERIOD_DAY, 50);
            asks[c][1] = ask(LIMIT_PARALLEL, 2, 0, 1);
            holds[c] = limiter_take(l, asks[c], 2, noon).taken;
            bool room = running < 2 && used + reserved + 50 <= 100;
            assert_int_equal(holds[c], room);
            running += holds[c];
            reserved += holds[c] ? 50 : 0;
        } else if (holds[c]) {
            limiter_settle(l, asks[c], 2, &ends[steps[i].how - 1], noon);
            holds[c] = false;
            running--;
            reserved -= 50;
            used += ends[steps[i].how - 1].tokens;
        }
    }
    limit_ask look = ask(LIMIT_PARALLEL, 2, 0, 3);
    (void)limiter_take(l, &look, 1, noon);
    assert_int_equal(look.left, 2 - running);
    limiter_free(l);
    orders++;
}

static void go_on(step *steps, unsigned count, state_of states[CALLS]) {
    bool any = false;
    for (unsigned c = 0; c < CALLS; c++) {
        if (states[c] == OVER) continue;
        any = true;
        state_of was = states[c];
        states[c] = was == NOT_YET ? RUNS : OVER;
        for (unsigned how = was == NOT_YET ? 0 : 1; how <= (was == NOT_YET ? 0 : ARRAY_LEN(ends));
             how++) {
            steps[count] = (step){c, how};
            go_on(steps, count + 1, states);
        }
        states[c] = was;
        if (was == NOT_YET) break; /* calls that have not begun are alike */
    }
    if (!any) play(steps, count);
}

static void every_order_of_calls(void **state) {
    (void)state;
    step steps[2 * CALLS];
    state_of states[CALLS] = {NOT_YET};
    go_on(steps, 0, states);
    assert_true(orders > 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(which_refuses_and_how_long),
        cmocka_unit_test(what_was_not_used_comes_back),
        cmocka_unit_test(a_debt_keeps_others_out),
        cmocka_unit_test(an_empty_purse_pays_for_nothing),
        cmocka_unit_test(what_is_held_is_not_spent),
        cmocka_unit_test(counters_are_apart),
        cmocka_unit_test(names_do_not_fill_the_memory),
        cmocka_unit_test(what_is_held_is_never_dropped),
        cmocka_unit_test(threads_get_exactly_n),
        cmocka_unit_test(every_order_of_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
