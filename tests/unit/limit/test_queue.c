/* Who waits for a limit, who is next, who is put out. Every order of things: test_queue_model.c. */
#include "unit.h"

#include "limit/queue.h"

enum { MOST = 1200 };

typedef struct one {
    limit_waiter waiter;
    limit_ask ask;
    limit_verdict joined;
} one;

static limiter *l;
static limit_watch watches[2];
static unsigned wakes[2];
static one ones[MOST];
static int64_t now_us;

static limit_now now(void) {
    return (limit_now){now_us, now_us};
}

static void on_wake(limit_watch *w) {
    wakes[w - watches]++;
}

static int setup(void **state) {
    (void)state;
    l = limiter_new();
    now_us = 1000 * 1000;
    for (size_t i = 0; i < 2; i++) {
        limit_watch_init(&watches[i], l, on_wake);
        wakes[i] = 0;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++)
        limit_watch_done(&watches[i]);
    limiter_free(l);
    return 0;
}

static limit_ask ask_of(limit_kind kind, int64_t quota, int64_t amount) {
    return (limit_ask){.scope = LIMIT_OF_MODEL,
                       .kind = kind,
                       .subject = 7,
                       .quota = {quota, PERIOD_SECOND},
                       .amount = amount};
}

static limit_verdict join_at(size_t i, size_t watch, uint64_t holder, unsigned weight,
                             unsigned most, int64_t patience_us, limit_ask ask) {
    one *o = &ones[i];
    o->ask = ask;
    o->waiter = (limit_waiter){.watch = &watches[watch],
                               .asks = &o->ask,
                               .count = 1,
                               .holder = holder,
                               .weight = weight,
                               .most = most,
                               .until_us = now_us + patience_us};
    return o->joined = limiter_join(&o->waiter, now());
}

#define LONG ((int64_t)1000 * 1000 * 1000)

static limit_verdict join(size_t i, uint64_t holder, limit_ask ask) {
    return join_at(i, 0, holder, 1, MOST, LONG, ask);
}

/* Whose calls are served next, in their order, until that instant. */
static size_t serve(size_t watch, int64_t until_us, size_t ret[MOST]) {
    size_t n = 0;
    for (;;) {
        limiter_serve(&watches[watch], now());
        for (limit_waiter *w; (w = limiter_next_told(&watches[watch]));)
            ret[n++] = (size_t)(CONTAINER_OF(w, one, waiter) - ones);
        if (watches[watch].due_us > until_us) return n;
        if (watches[watch].due_us > now_us) now_us = watches[watch].due_us;
    }
}

static void settle(size_t i) {
    limiter_settle_at(ones[i].waiter.watch, &ones[i].ask, 1, &(limit_used){.asked = true}, now());
}

/* One holder has a thousand that wait, and ten come with one each: each of these is served within
 * as many turns as there are holders. */
static void one_never_starves_others(void **state) {
    (void)state;
    enum { NOISY = 1000, OTHERS = 10 };
    const limit_ask ask = ask_of(LIMIT_REQUESTS, 100, 1);
    for (size_t i = 0; i < 100; i++) /* what there is at once */
        assert_true(join(i, 99, ask).taken);
    for (size_t i = 0; i < NOISY; i++)
        assert_true(join(i, 1, ask).waits);
    for (size_t i = 0; i < OTHERS; i++)
        assert_true(join(NOISY + i, 2 + i, ask).waits);
    size_t order[MOST];
    const int64_t began_us = now_us;
    const size_t served = serve(0, INT64_MAX - 1, order);
    assert_int_equal(served, NOISY + OTHERS);
    assert_int_equal(now_us - began_us, (NOISY + OTHERS) * 10 * 1000); /* one each 10 ms */
    size_t others = 0;
    for (size_t i = 0; i < served; i++) {
        others += order[i] >= NOISY;
        if (order[i] >= NOISY) assert_true(i < OTHERS + 1);
    }
    assert_int_equal(others, OTHERS);
    size_t last = 0;
    for (size_t i = 0; i < served; i++) { /* each holder's come in their order */
        if (order[i] >= NOISY) continue;
        assert_true(order[i] == 0 || order[i] > last);
        last = order[i];
    }
}

static void by_weight(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_PARALLEL, 1, 1);
    assert_true(join(0, 9, ask).taken);
    size_t order[MOST], n = 0, running = 0;
    for (size_t i = 1; i <= 12; i++)
        assert_true(join_at(i, 0, 1 + (i > 8), i > 8 ? 1 : 3, MOST, LONG, ask).waits);
    char who[16] = {0};
    for (size_t i = 0; i < 12; i++) {
        settle(running);
        assert_int_equal(serve(0, now_us, order), 1);
        running = order[0];
        who[n++] = running > 8 ? 'b' : 'a';
    }
    assert_string_equal(who, "aaabaaabaabb");
    settle(running);
}

/* Of that configuration; 0: a token's own. */
static limit_ask as_of(uint64_t since, limit_ask a) {
    a.since = since;
    return a;
}

/* A reload has lifted a limit, or lowered it, while calls wait: who comes then does not wait behind
 * them for what it was, and they are served as he is. */
static void a_limit_that_is_changed_meanwhile(void **state) {
    (void)state;
    size_t order[MOST];
    assert_true(join(0, 9, as_of(1, ask_of(LIMIT_PARALLEL, 1, 1))).taken);
    for (size_t i = 1; i <= 4; i++)
        assert_true(join(i, 1, as_of(1, ask_of(LIMIT_PARALLEL, 1, 1))).waits);
    assert_int_equal(serve(0, now_us, order), 0);
    assert_true(join(5, 2, as_of(2, ask_of(LIMIT_PARALLEL, 4, 1))).waits);
    assert_int_equal(serve(0, now_us, order), 3);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 5); /* in turns */
    assert_int_equal(order[2], 2);
    assert_true(join(6, 2, as_of(3, ask_of(LIMIT_PARALLEL, 2, 1))).waits);
    settle(0);
    settle(1);
    assert_int_equal(serve(0, now_us, order), 0); /* two are under way */
    for (size_t running = 2, left = 3; left; left--) {
        settle(running);
        assert_int_equal(serve(0, now_us, order), 1);
        running = order[0];
        if (left == 1) settle(running);
    }
    settle(5);
}

static void a_rate_that_is_lifted_meanwhile(void **state) {
    (void)state;
    size_t order[MOST];
    assert_true(join(0, 9, as_of(1, ask_of(LIMIT_REQUESTS, 1, 1))).taken);
    assert_true(join(1, 1, as_of(1, ask_of(LIMIT_REQUESTS, 1, 1))).waits);
    assert_true(join(2, 1, ask_of(LIMIT_TOKENS, 1, 2)).wait_us < 0); /* another one */
    const int64_t began_us = now_us;
    assert_true(join(3, 2, as_of(2, ask_of(LIMIT_REQUESTS, 1000, 1))).waits);
    assert_int_equal(serve(0, INT64_MAX - 1, order), 2);
    assert_true(now_us - began_us <= 1000);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 3);
}

/* One whose limit is another, and no later one's, changes nothing for those who wait: a call that
 * began before a reload, or whose token has brought its own. */
static void a_limit_that_is_another_at_the_same_time(void **state) {
    (void)state;
    static const struct {
        uint64_t waits, comes;
    } rows[] = {{2, 1}, {2, 2}, {2, 0}, {0, 0}, {0, 2}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t order[MOST];
        const uint64_t waits = rows[i].waits;
        now_us += LONG;
        for (size_t k = 0; k < 10; k++)
            assert_true(join(k, 1, as_of(waits, ask_of(LIMIT_REQUESTS, 10, 1))).taken);
        for (size_t k = 10; k < 14; k++)
            assert_true(join(k, 1, as_of(waits, ask_of(LIMIT_REQUESTS, 10, 1))).waits);
        const int64_t began_us = now_us;
        const limit_ask another = as_of(rows[i].comes, ask_of(LIMIT_REQUESTS, 1, 1));
        assert_false(join_at(14, 0, 2, 1, MOST, 1000, another).waits);
        assert_int_equal(serve(0, INT64_MAX - 1, order), 4);
        for (size_t k = 0; k < 4; k++)
            assert_true(ones[order[k]].waiter.verdict.taken);
        assert_in_range(now_us - began_us, 399 * 1000, 401 * 1000);
    }
}

/* Beyond its own time, by what is before it, nobody waits; and he is told how long it is. */
static void who_would_wait_too_long(void **state) {
    (void)state;
    static const struct {
        int64_t patience_ms;
        uint64_t holder;
        bool waits;
        int64_t wait_ms;
    } rows[] = {
        {99, 1, false, 100}, /* one each 100 ms */
        {100, 1, true, 100}, {200, 1, true, 200},  {299, 1, false, 300},
        {300, 1, true, 300}, {199, 2, false, 200}, /* a turn of the other's is before it */
        {200, 2, true, 200}, {399, 2, false, 400}, {400, 2, true, 400},
        {600, 1, true, 600}, {0, 3, false, 300},
    };
    for (size_t i = 0; i < 10; i++)
        assert_true(join(i, 1, ask_of(LIMIT_REQUESTS, 10, 1)).taken);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const limit_verdict v = join_at(20 + i, 0, rows[i].holder, 1, MOST,
                                        rows[i].patience_ms * 1000, ask_of(LIMIT_REQUESTS, 10, 1));
        if (v.taken || v.waits != rows[i].waits || v.wait_us != rows[i].wait_ms * 1000)
            fail_msg("row %zu: %d, %lld", i, v.waits, (long long)v.wait_us);
    }
    size_t order[MOST];
    assert_int_equal(serve(0, INT64_MAX - 1, order), 6);
    /* More than there ever is, what nobody gives back before tomorrow, and who does not wait. */
    assert_false(join(0, 1, ask_of(LIMIT_TOKENS, 5, 6)).waits);
    limit_ask money = ask_of(LIMIT_SPEND, 5, 5);
    money.quota.per = PERIOD_DAY;
    assert_true(join(0, 1, money).taken);
    assert_false(join_at(1, 0, 1, 1, MOST, LONG, money).waits);
    assert_true(join(0, 1, ask_of(LIMIT_PARALLEL, 1, 1)).taken);
    assert_false(join_at(1, 0, 1, 1, 0, LONG, ask_of(LIMIT_PARALLEL, 1, 1)).waits);
    assert_false(join_at(1, 0, 1, 1, MOST, -1, ask_of(LIMIT_PARALLEL, 1, 1)).waits);
    settle(0);
}

/* What has become free meanwhile is those's who wait, also of who comes before they have looked. */
static void nobody_is_overtaken(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_REQUESTS, 1, 1);
    assert_true(join(0, 1, ask).taken);
    assert_true(join(1, 1, ask).waits);
    now_us += 1000 * 1000;
    assert_true(join(2, 2, ask).waits);
    size_t order[MOST];
    assert_int_equal(serve(0, now_us, order), 1);
    assert_int_equal(order[0], 1);
    assert_int_equal(serve(0, now_us + 1000 * 1000, order), 1);
    assert_int_equal(order[0], 2);
}

/* Nor is who needs much by those who need little. */
static void much_is_not_starved_by_little(void **state) {
    (void)state;
    assert_true(join(0, 1, ask_of(LIMIT_TOKENS, 1000, 1000)).taken);
    assert_true(join(1, 1, ask_of(LIMIT_TOKENS, 1000, 900)).waits);
    size_t order[MOST];
    for (size_t i = 2; i < 12; i++) {
        now_us += 50 * 1000;
        assert_true(join(i, i, ask_of(LIMIT_TOKENS, 1000, 10)).waits);
        assert_int_equal(serve(0, now_us, order), 0);
    }
    assert_int_equal(serve(0, now_us + 400 * 1000, order), 1);
    assert_int_equal(order[0], 1);
    assert_int_equal(serve(0, now_us + 1000 * 1000, order), 10);
}

static void who_has_most_makes_room(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_PARALLEL, 1, 1);
    size_t order[MOST];
    assert_true(join(0, 9, ask).taken);
    for (size_t i = 1; i <= 4; i++)
        assert_true(join_at(i, 1, 1, 1, 4, LONG, ask).waits);
    assert_false(join_at(5, 0, 1, 1, 4, LONG, ask).waits); /* its own holder has the most */
    assert_true(join_at(6, 0, 2, 1, 4, LONG, ask).waits);
    assert_int_equal(wakes[1], 1);
    assert_int_equal(wakes[0], 0);
    assert_int_equal(serve(1, now_us, order), 1);
    assert_int_equal(order[0], 4); /* the last to have come */
    assert_false(ones[4].waiter.verdict.taken || ones[4].waiter.verdict.waits);
    assert_true(join_at(7, 0, 2, 1, 4, LONG, ask).waits); /* two each */
    assert_int_equal(serve(1, now_us, order), 1);
    assert_int_equal(order[0], 3);
    assert_false(join_at(8, 0, 2, 1, 4, LONG, ask).waits);
    assert_true(join_at(8, 0, 2, 2, 4, LONG, ask).waits); /* of more weight he may have more */
    assert_int_equal(serve(1, now_us, order), 1);
    assert_int_equal(order[0], 2);
    limiter_leave(&ones[1].waiter, now());
    for (size_t i = 6; i <= 8; i++)
        limiter_leave(&ones[i].waiter, now());
    settle(0);
}

/* A place is freed on one loop: whose it is now is told on his own, and nobody else is woken. */
static void another_loop_is_woken(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_PARALLEL, 1, 1);
    size_t order[MOST];
    assert_true(join_at(0, 0, 1, 1, MOST, LONG, ask).taken);
    assert_true(join_at(1, 1, 1, 1, MOST, LONG, ask).waits);
    assert_true(join_at(2, 0, 1, 1, MOST, LONG, ask).waits);
    assert_int_equal(watches[1].waiting, 1);
    settle(0);
    assert_int_equal(wakes[1], 1);
    assert_int_equal(wakes[0], 0);
    assert_int_equal(serve(1, now_us, order), 1);
    assert_true(ones[1].waiter.verdict.taken);
    assert_int_equal(watches[1].waiting, 0);
    limiter_leave(&ones[2].waiter, now());
    settle(1);
}

/* The loop that looks after a queue ends: another does, where somebody waits. */
static void a_queue_is_handed_over(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_REQUESTS, 1, 1);
    size_t order[MOST];
    assert_true(join_at(0, 0, 1, 1, MOST, LONG, ask).taken);
    assert_true(join_at(1, 1, 1, 1, MOST, LONG, ask).waits);
    assert_true(join_at(2, 0, 1, 1, MOST, LONG, ask).waits);
    limiter_leave(&ones[2].waiter, now()); /* loop 0 has looked last */
    assert_int_equal(serve(1, now_us, order), 0);
    assert_true(watches[1].due_us == INT64_MAX);
    limit_watch_done(&watches[0]);
    assert_int_equal(wakes[1], 1);
    assert_int_equal(serve(1, now_us + 1000 * 1000, order), 1);
    assert_true(ones[1].waiter.verdict.taken);
}

/* Who loses his patience is told what he would still have to wait for. */
static void who_gives_up(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_REQUESTS, 1, 1);
    assert_true(join(0, 1, ask).taken);
    assert_true(join(1, 1, ask).waits);
    now_us += 300 * 1000;
    limit_verdict v = limiter_give_up(&ones[1].waiter, now());
    assert_true(!v.taken && !v.waits && v.by == 0 && v.wait_us == 700 * 1000);
    assert_int_equal(watches[0].waiting, 0);
    now_us += 700 * 1000;
    assert_true(join(2, 1, ask).taken); /* nothing has been lost by it */
}

/* One place, and a budget of 10 a day, of whom each wants so much. */
typedef struct payer {
    limit_waiter waiter;
    limit_ask asks[2];
} payer;

static limit_verdict join_to_pay(payer *p, int64_t amount) {
    p->asks[0] = ask_of(LIMIT_PARALLEL, 1, 1);
    p->asks[1] = ask_of(LIMIT_SPEND, 10, amount);
    p->asks[1].quota.per = PERIOD_DAY;
    p->waiter = (limit_waiter){.watch = &watches[0],
                               .asks = p->asks,
                               .count = 2,
                               .holder = 1,
                               .weight = 1,
                               .most = MOST,
                               .until_us = now_us + LONG};
    return limiter_join(&p->waiter, now());
}

/* A budget that is used up while a call waits for something else is not waited for: it is told at
 * its turn, and keeps nobody waiting who needs less. */
static void a_budget_is_not_waited_for(void **state) {
    (void)state;
    payer first, dear, cheap;
    assert_true(join_to_pay(&first, 4).taken);
    assert_true(join_to_pay(&dear, 5).waits);
    assert_true(join_to_pay(&cheap, 1).waits);
    limiter_settle_at(&watches[0], first.asks, 2, &(limit_used){.asked = true, .nano = 8}, now());
    assert_ptr_equal(limiter_next_told(&watches[0]), &dear.waiter);
    assert_false(dear.waiter.verdict.taken);
    assert_int_equal(dear.waiter.verdict.by, 1);
    assert_int_equal(dear.asks[1].left, 2);
    assert_ptr_equal(limiter_next_told(&watches[0]), &cheap.waiter);
    assert_true(cheap.waiter.verdict.taken);
    assert_null(limiter_next_told(&watches[0]));
    /* Not even for the minute that the day still has. */
    now_us = (int64_t)86400 * 1000 * 1000 - 1000;
    limiter_settle_at(&watches[0], cheap.asks, 2, &(limit_used){.asked = true, .nano = 1}, now());
    const limit_verdict v = join_to_pay(&dear, 5);
    assert_true(!v.taken && !v.waits && v.by == 1);
}

/* Others have used more than they had taken: who would have to wait too long by now is told so at
 * his turn, and not at the end of his patience. */
static void a_wait_that_became_too_long(void **state) {
    (void)state;
    const limit_ask ask = ask_of(LIMIT_TOKENS, 10, 10);
    size_t order[MOST];
    assert_true(join(0, 1, ask).taken);
    assert_true(join_at(1, 0, 1, 1, MOST, 2 * 1000 * 1000, ask).waits);
    assert_true(join(2, 1, ask).waits);
    limiter_settle_at(&watches[0], &ones[0].ask, 1, &(limit_used){.asked = true, .tokens = 40},
                      now());
    assert_int_equal(serve(0, now_us, order), 1);
    assert_int_equal(order[0], 1);
    assert_false(ones[1].waiter.verdict.taken);
    assert_int_equal(ones[1].waiter.verdict.wait_us, 4 * 1000 * 1000);
    assert_int_equal(serve(0, now_us + 4 * 1000 * 1000, order), 1);
    assert_true(ones[2].waiter.verdict.taken);
}

/* Who would find room here waits for something else, which his own loop hears of once, unless it is
 * over by then. */
static void another_limit_is_told(void **state) {
    (void)state;
    size_t at = 9;
    limit_ask two[] = {ask_of(LIMIT_PARALLEL, 1, 1), ask_of(LIMIT_PARALLEL, 1, 1)};
    two[1].subject = 8;
    assert_true(join(0, 1, two[0]).taken);
    limit_waiter w = {.watch = &watches[1],
                      .asks = two,
                      .count = 2,
                      .holder = 2,
                      .weight = 1,
                      .most = MOST,
                      .until_us = now_us + LONG};
    const limit_verdict v = limiter_join(&w, now());
    assert_true(v.waits && v.by == 0);
    assert_null(limiter_next_moved(&watches[1], &at));
    assert_true(join(1, 1, two[1]).taken);
    settle(0);
    assert_int_equal(wakes[1], 1);
    assert_ptr_equal(limiter_next_moved(&watches[1], &at), &w);
    assert_int_equal(at, 1);
    assert_null(limiter_next_moved(&watches[1], &at));
    assert_true(join(2, 1, two[0]).taken);
    settle(1);
    assert_int_equal(wakes[1], 2);
    settle(2);
    assert_ptr_equal(limiter_next_told(&watches[1]), &w);
    assert_true(w.verdict.taken);
    assert_null(limiter_next_moved(&watches[1], &at));
    assert_null(limiter_next_told(&watches[1]));
}

int main(void) {
#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(one_never_starves_others),
        QUEUE_TEST(by_weight),
        QUEUE_TEST(a_limit_that_is_changed_meanwhile),
        QUEUE_TEST(a_rate_that_is_lifted_meanwhile),
        QUEUE_TEST(a_limit_that_is_another_at_the_same_time),
        QUEUE_TEST(who_would_wait_too_long),
        QUEUE_TEST(nobody_is_overtaken),
        QUEUE_TEST(who_has_most_makes_room),
        QUEUE_TEST(much_is_not_starved_by_little),
        QUEUE_TEST(another_loop_is_woken),
        QUEUE_TEST(a_queue_is_handed_over),
        QUEUE_TEST(who_gives_up),
        QUEUE_TEST(a_budget_is_not_waited_for),
        QUEUE_TEST(a_wait_that_became_too_long),
        QUEUE_TEST(another_limit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
