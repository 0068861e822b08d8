/* Calls that wait, in every order of what may happen to them: each sequence of joining, ending,
 * leaving, losing patience, waking and time passing is played from its beginning, as long as
 * anything is left to happen. Never is more taken than the limit, nobody waits for what is free,
 * calls of one holder are served in their order, and in the end everything has come back. */
#include "unit.h"

#include "limit/queue.h"

#include "base/hash.h"

enum { CALLS = 4, WATCHES = 2, STEPS = 64 };

typedef struct sort {
    const char *name;
    unsigned calls, most;
    unsigned parallel; /* of all together; 0: any */
    unsigned a_second; /* requests; 0: any */
    unsigned one_each; /* at a time, of each holder; 0: any */
    bool may_leave;    /* calls leave or lose their patience, too */
    uint64_t holders[CALLS];
} sort;

typedef enum call_state { FRESH, WAITING, RUNNING, OVER } call_state;

typedef struct model_call {
    limit_waiter waiter;
    limit_ask asks[3];
    call_state state;
    unsigned joined; /* when it began to wait */
} model_call;

typedef struct model {
    const sort *sort;
    limiter *limiter;
    limit_watch watches[WATCHES];
    bool woken[WATCHES];
    model_call calls[CALLS];
    int64_t now_us;
    unsigned joined, served;
} model;

static model *the_model;

static limit_now now_of(const model *m) {
    return (limit_now){m->now_us, m->now_us};
}

static void on_wake(limit_watch *w) {
    the_model->woken[w - the_model->watches] = true;
}

static size_t asks_of(const sort *s, uint64_t holder, limit_ask *ret) {
    size_t n = 0;
    if (s->parallel)
        ret[n++] = (limit_ask){.scope = LIMIT_OF_MODEL,
                               .kind = LIMIT_PARALLEL,
                               .subject = 1,
                               .quota = {s->parallel, 0},
                               .amount = 1};
    if (s->a_second)
        ret[n++] = (limit_ask){.scope = LIMIT_OF_MODEL,
                               .kind = LIMIT_REQUESTS,
                               .subject = 1,
                               .quota = {s->a_second, PERIOD_SECOND},
                               .amount = 1};
    if (s->one_each)
        ret[n++] = (limit_ask){.scope = LIMIT_OF_CLIENT,
                               .kind = LIMIT_PARALLEL,
                               .subject = holder,
                               .quota = {s->one_each, 0},
                               .amount = 1};
    return n;
}

static void model_init(model *m, const sort *s) {
    *m = (model){.sort = s, .now_us = 1000 * 1000};
    m->limiter = limiter_new();
    the_model = m;
    for (size_t i = 0; i < WATCHES; i++)
        limit_watch_init(&m->watches[i], m->limiter, on_wake);
    for (unsigned i = 0; i < s->calls; i++) {
        model_call *c = &m->calls[i];
        c->waiter = (limit_waiter){.watch = &m->watches[i % WATCHES],
                                   .asks = c->asks,
                                   .count = asks_of(s, s->holders[i], c->asks),
                                   .holder = s->holders[i],
                                   .weight = 1,
                                   .most = s->most,
                                   .until_us = INT64_MAX};
    }
}

/* ---- what must always be so ---- */

static unsigned count_of(const model *m, call_state state, uint64_t holder) {
    unsigned n = 0;
    for (unsigned i = 0; i < m->sort->calls; i++)
        n += m->calls[i].state == state && (!holder || m->calls[i].waiter.holder == holder);
    return n;
}

/* Has got everything, though its watch may not have looked yet. */
static unsigned taken_of(const model *m, uint64_t holder) {
    unsigned n = count_of(m, RUNNING, holder);
    for (unsigned i = 0; i < m->sort->calls; i++) {
        const limit_waiter *w = &m->calls[i].waiter;
        n += m->calls[i].state == WAITING && w->state == LIMIT_TOLD && w->verdict.taken &&
             (!holder || w->holder == holder);
    }
    return n;
}

static bool is_due(const model *m) {
    for (size_t i = 0; i < WATCHES; i++)
        if (m->watches[i].due_us != INT64_MAX) return true;
    return false;
}

static void check(const model *m) {
    const sort *s = m->sort;
    unsigned queued = 0;
    for (unsigned i = 0; i < s->calls; i++) {
        const limit_waiter *w = &m->calls[i].waiter;
        if (m->calls[i].state != WAITING || w->state != LIMIT_QUEUED) continue;
        queued++;
        const bool all_full = s->parallel && taken_of(m, 0) >= s->parallel;
        const bool own_full = s->one_each && taken_of(m, w->holder) >= s->one_each;
        assert_true(all_full || own_full || (s->a_second && is_due(m)));
    }
    assert_true(queued <= s->most);
    if (s->parallel) assert_true(taken_of(m, 0) <= s->parallel);
    for (unsigned i = 0; i < s->calls && s->one_each; i++)
        assert_true(taken_of(m, s->holders[i]) <= s->one_each);
    for (size_t i = 0; i < WATCHES; i++)
        assert_true(list_empty(&m->watches[i].told) || m->woken[i]);
}

/* ---- what may happen ---- */

static void served(model *m, model_call *c) {
    for (unsigned i = 0; i < m->sort->calls; i++) {
        const model_call *other = &m->calls[i];
        if (other->state == WAITING && other->waiter.state == LIMIT_QUEUED &&
            other->waiter.holder == c->waiter.holder)
            assert_true(other->joined > c->joined);
    }
    c->state = RUNNING;
    m->served++;
}

static void join(model *m, model_call *c) {
    const limit_verdict v = limiter_join(&c->waiter, now_of(m));
    c->joined = ++m->joined;
    c->state = v.taken ? RUNNING : v.waits ? WAITING : OVER;
    m->served += v.taken;
    if (!v.taken && !v.waits) assert_true(m->watches[0].waiting + m->watches[1].waiting > 0);
}

static void settle(model *m, model_call *c) {
    limiter_settle_at(c->waiter.watch, c->asks, c->waiter.count, &(limit_used){.asked = true},
                      now_of(m));
    c->state = OVER;
}

static void wake(model *m, size_t watch) {
    limiter_serve(&m->watches[watch], now_of(m));
    for (limit_waiter *w; (w = limiter_next_told(&m->watches[watch]));) {
        model_call *c = CONTAINER_OF(w, model_call, waiter);
        assert_int_equal(c->state, WAITING);
        if (w->verdict.taken)
            served(m, c);
        else
            c->state = OVER;
    }
    m->woken[watch] = false;
}

static void pass_time(model *m, size_t watch) {
    if (m->watches[watch].due_us > m->now_us) m->now_us = m->watches[watch].due_us;
    limiter_serve(&m->watches[watch], now_of(m));
}

static void give_up(model *m, model_call *c) {
    if (limiter_give_up(&c->waiter, now_of(m)).taken)
        served(m, c);
    else
        c->state = OVER;
}

/* The n-th of what may happen now. false: there are no more. */
static bool happen(model *m, unsigned n) {
    for (unsigned i = 0; i < m->sort->calls; i++) {
        model_call *c = &m->calls[i];
        switch (c->state) {
        case FRESH:
            if (!n--) return join(m, c), true;
            break;
        case RUNNING:
            if (!n--) return settle(m, c), true;
            break;
        case WAITING:
            if (!m->sort->may_leave) break;
            if (!n--) {
                limiter_leave(&c->waiter, now_of(m));
                c->state = OVER;
                return true;
            }
            if (!n--) return give_up(m, c), true;
            break;
        case OVER: break;
        }
    }
    for (size_t i = 0; i < WATCHES; i++) {
        if (m->woken[i] && !n--) return wake(m, i), true;
        if (m->watches[i].due_us != INT64_MAX && !n--) return pass_time(m, i), true;
    }
    return false;
}

/* ---- every sequence ---- */

static void end(model *m) {
    assert_int_equal(count_of(m, OVER, 0), m->sort->calls);
    limit_ask asks[3];
    const size_t count = asks_of(m->sort, m->sort->holders[0], asks);
    const limit_now later = {m->now_us + 10 * 1000 * 1000, m->now_us};
    for (size_t i = 0; i < count; i++)
        asks[i].amount = asks[i].kind == LIMIT_PARALLEL ? 1 : asks[i].quota.amount;
    assert_true(limiter_take(m->limiter, asks, count, later).taken);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(asks[i].left, asks[i].quota.amount - asks[i].amount);
    for (size_t i = 0; i < WATCHES; i++)
        limit_watch_done(&m->watches[i]);
    limiter_free(m->limiter);
}

/* Plays choices[]; beyond them always the first. Returns the length; choices[] is filled up. */
static size_t play(const sort *s, unsigned choices[STEPS], size_t chosen) {
    model m;
    size_t at = 0;
    model_init(&m, s);
    for (;; at++) {
        assert_true(at < STEPS);
        if (at >= chosen) choices[at] = 0;
        if (!happen(&m, choices[at])) break;
        check(&m);
    }
    if (choices[at] == 0)
        end(&m); /* nothing is left to happen */
    else
        at = SIZE_MAX;
    if (at == SIZE_MAX) {
        /* There was no such choice: what is under way is ended, and nothing is asked of it. */
        for (unsigned i = 0; i < s->calls; i++) {
            if (m.calls[i].state == WAITING) limiter_leave(&m.calls[i].waiter, now_of(&m));
            if (m.calls[i].state == RUNNING) settle(&m, &m.calls[i]);
        }
        for (size_t i = 0; i < WATCHES; i++)
            limit_watch_done(&m.watches[i]);
        limiter_free(m.limiter);
    }
    return at;
}

static size_t play_all(const sort *s) {
    unsigned choices[STEPS] = {0};
    size_t chosen = 0, played = 0;
    for (;;) {
        const size_t length = play(s, choices, chosen);
        if (length != SIZE_MAX) {
            played++;
            chosen = length;
        }
        /* The next: the last choice is another; where there is none, the one before it. */
        if (length == SIZE_MAX) chosen--;
        if (!chosen) return played;
        choices[chosen - 1]++;
    }
}

static void in_every_order(void **state) {
    (void)state;
    static const sort sorts[] = {
        {"one at a time", 3, 8, .parallel = 1, .holders = {1, 2, 3}},
        {"one at a time, of one holder", 3, 8, .parallel = 1, .holders = {1, 1, 1}},
        {"who leaves", 3, 8, .parallel = 1, .may_leave = true, .holders = {1, 2, 2}},
        {"places are few", 4, 2, .parallel = 1, .holders = {1, 1, 1, 2}},
        {"one a second", 3, 8, .a_second = 1, .holders = {1, 2, 2}},
        {"one a second, who leaves", 2, 8, .a_second = 1, .may_leave = true, .holders = {1, 2, 2}},
        {"two counters", 3, 8, .parallel = 2, .one_each = 1, .holders = {1, 1, 2}},
        {"three", 3, 8, .parallel = 2, .a_second = 1, .one_each = 1, .holders = {1, 1, 2}},
        {"two, who leaves", 3, 8, .parallel = 2, .one_each = 1, .may_leave = true,
         .holders = {1, 1, 2}},
        {"two at a time", 4, 8, .parallel = 2, .holders = {1, 1, 2, 2}},
    };
    for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
        print_message("%s: %zu\n", sorts[i].name, play_all(&sorts[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_every_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
