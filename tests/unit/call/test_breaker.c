#include "unit.h"

#include "base/random.h"
#include "call/breaker.h"

static const config_breaker policy = {
    .on = true, .failure_ratio = 0.5, .of = 4, .window_ms = 1000, .probe_ms = 500};

static void report(breaker *b, bool failed, int64_t now_ms) {
    breaker_probe probe = PROBE_FOR_ALL;
    assert_true(breaker_admit(b, &policy, 0, now_ms, &probe));
    (void)breaker_report(b, &policy, 0, failed, probe, now_ms);
}

static breaker open_at(int64_t now_ms) {
    breaker b;
    breaker_init(&b, now_ms);
    for (int i = 0; i < 4; i++)
        report(&b, true, now_ms);
    assert_int_equal(b.gate.state, BREAKER_IS_OPEN);
    return b;
}

static void opens_at_the_rate_and_not_before(void **state) {
    (void)state;
    breaker b;
    breaker_init(&b, 0);
    report(&b, true, 0);
    report(&b, true, 0);
    report(&b, true, 0); /* 3 of 3, but the window wants 4 calls */
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
    report(&b, true, 0);
    assert_int_equal(b.gate.state, BREAKER_IS_OPEN);

    breaker_init(&b, 0);
    for (int i = 0; i < 6; i++)
        report(&b, false, 10);
    for (int i = 0; i < 5; i++)
        report(&b, true, 20);
    assert_int_equal(b.gate.state, BREAKER_CLOSED); /* 5 of 11 */
    report(&b, true, 30);
    assert_int_equal(b.gate.state, BREAKER_IS_OPEN); /* 6 of 12 */
}

static void old_failures_are_forgotten(void **state) {
    (void)state;
    breaker b;
    breaker_init(&b, 0);
    for (int i = 0; i < 3; i++)
        report(&b, true, 0);
    report(&b, true, 1000); /* the first three are a whole window back */
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
    for (int i = 0; i < 2; i++)
        report(&b, true, 1999);
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
    report(&b, true, 1000000); /* a long silence */
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
}

/* A slice counts until a whole window has passed since it began. */
static void failures_count_for_one_window(void **state) {
    (void)state;
    static const struct {
        int64_t failed_ms, again_ms;
        breaker_state then;
    } rows[] = {{0, 99, BREAKER_IS_OPEN},     {0, 999, BREAKER_IS_OPEN},
                {0, 1000, BREAKER_CLOSED},    {99, 999, BREAKER_IS_OPEN},
                {99, 1000, BREAKER_CLOSED},   {100, 1000, BREAKER_IS_OPEN},
                {100, 1099, BREAKER_IS_OPEN}, {100, 1100, BREAKER_CLOSED}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        breaker b;
        breaker_init(&b, 0);
        for (int n = 0; n < 3; n++)
            report(&b, true, rows[i].failed_ms);
        report(&b, true, rows[i].again_ms);
        assert_int_equal(b.gate.state, rows[i].then);
    }
}

static void a_window_may_be_shorter_than_its_slices(void **state) {
    (void)state;
    config_breaker brief = policy;
    brief.window_ms = BREAKER_SLOTS - 1;
    breaker b;
    breaker_init(&b, 0);
    for (int n = 0; n < 3; n++)
        assert_false(breaker_report(&b, &brief, 0, true, NO_PROBE, 5).changed);
    assert_true(breaker_report(&b, &brief, 0, true, NO_PROBE, 6).changed);
}

static void one_probe_decides(void **state) {
    (void)state;
    breaker b = open_at(100);
    breaker_probe probe = NO_PROBE;
    assert_false(breaker_admit(&b, &policy, 0, 599, &probe));
    assert_int_equal(breaker_wait_ms(&b, &policy, 0, 599), 1);
    assert_true(breaker_admit(&b, &policy, 0, 600, &probe));
    assert_int_equal(probe, PROBE_FOR_ALL);
    assert_int_equal(b.gate.state, BREAKER_HALF_OPEN);
    assert_false(breaker_admit(&b, &policy, 0, 600, &probe));
    assert_true(breaker_report(&b, &policy, 0, true, PROBE_FOR_ALL, 700).changed);
    assert_int_equal(b.gate.state, BREAKER_IS_OPEN);
    assert_false(breaker_ready(&b, &policy, 0, 1199));
    assert_true(breaker_admit(&b, &policy, 0, 1200, &probe));
    assert_true(breaker_report(&b, &policy, 0, false, PROBE_FOR_ALL, 1300).changed);
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
    for (int i = 0; i < 3; i++)
        report(&b, true, 1300); /* it starts with a clean window */
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
}

static void latecomers_change_nothing(void **state) {
    (void)state;
    breaker b = open_at(0);
    assert_false(breaker_report(&b, &policy, 0, false, NO_PROBE, 10).changed);
    assert_int_equal(b.gate.state, BREAKER_IS_OPEN);
    breaker_probe probe;
    assert_true(breaker_admit(&b, &policy, 0, 500, &probe));
    assert_false(breaker_report(&b, &policy, 0, false, NO_PROBE, 510).changed);
    assert_false(breaker_report(&b, &policy, 0, true, NO_PROBE, 520).changed);
    assert_int_equal(b.gate.state, BREAKER_HALF_OPEN);
}

static void a_lost_probe_is_replaced(void **state) {
    (void)state;
    breaker b = open_at(0);
    breaker_probe probe;
    assert_true(breaker_admit(&b, &policy, 0, 500, &probe));
    breaker_abandon(&b, 0, probe); /* cancelled: the next may try at once */
    assert_int_equal(breaker_wait_ms(&b, &policy, 0, 501), 0);
    assert_true(breaker_admit(&b, &policy, 0, 501, &probe));
    assert_int_equal(breaker_wait_ms(&b, &policy, 0, 502), 500);
    int64_t given_up = 501 + 500 * BREAKER_PROBE_PATIENCE;
    assert_false(breaker_admit(&b, &policy, 0, given_up - 1, &probe));
    probe = NO_PROBE;
    assert_true(breaker_admit(&b, &policy, 0, given_up, &probe));
    assert_int_equal(probe, PROBE_FOR_ALL);
}

/* Who knows that the target is back lets one call look. */
static void a_rest_can_be_ended_early(void **state) {
    (void)state;
    breaker b = open_at(100);
    breaker_probe probe;
    breaker_hasten(&b, &policy, false, 150);
    assert_int_equal(b.gate.state, BREAKER_HALF_OPEN);
    assert_true(breaker_admit(&b, &policy, 0, 150, &probe));
    assert_int_equal(probe, PROBE_FOR_ALL);
    assert_false(breaker_ready(&b, &policy, 0, 151)); /* one */
    breaker_hasten(&b, &policy, true, 152);           /* is under way already */
    assert_false(breaker_ready(&b, &policy, 0, 153));
    assert_true(breaker_report(&b, &policy, 0, false, probe, 160).changed);
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
    breaker_hasten(&b, &policy, true, 170); /* nothing to end */
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
}

/* Calls fail all the same: then they say how long it rests, until it was well again. */
static void a_rest_is_ended_early_once(void **state) {
    (void)state;
    breaker b = open_at(100);
    breaker_probe probe;
    breaker_hasten(&b, &policy, false, 150);
    assert_true(breaker_admit(&b, &policy, 0, 150, &probe));
    (void)breaker_report(&b, &policy, 0, true, probe, 160);
    assert_int_equal(b.gate.state, BREAKER_IS_OPEN);
    breaker_hasten(&b, &policy, false, 170);
    assert_int_equal(breaker_wait_ms(&b, &policy, 0, 170), 490);
    breaker_hasten(&b, &policy, true, 180); /* it was gone, and is back */
    assert_true(breaker_admit(&b, &policy, 0, 180, &probe));
    (void)breaker_report(&b, &policy, 0, false, probe, 190);
    for (int i = 0; i < 4; i++)
        report(&b, true, 200);
    breaker_hasten(&b, &policy, false, 210);
    assert_true(breaker_ready(&b, &policy, 0, 210));
}

static void off_admits_all_and_closes(void **state) {
    (void)state;
    breaker b = open_at(0);
    config_breaker off = policy;
    off.on = false;
    breaker_probe probe = PROBE_FOR_ALL;
    assert_true(breaker_admit(&b, &off, 0, 1, &probe));
    assert_int_equal(probe, NO_PROBE);
    assert_int_equal(breaker_wait_ms(&b, &off, 0, 1), 0);
    assert_true(breaker_report(&b, &off, 0, true, NO_PROBE, 1).changed);
    assert_int_equal(b.gate.state, BREAKER_CLOSED);
    for (int i = 0; i < 20; i++)
        assert_false(breaker_report(&b, &off, 0, true, NO_PROBE, 1).changed);
}

/* ---- against a model that keeps every call it was told of ---- */

enum { LOG_MAX = 20000 };

typedef struct model {
    breaker_state state;
    int64_t opened, probe_began;
    bool probing;
    int64_t first; /* slices are counted from here */
    struct {
        int64_t slice;
        bool failed;
    } log[LOG_MAX];
    size_t count;
} model;

static int64_t slice_of(const model *m, int64_t now) {
    return (now - m->first) / (policy.window_ms / BREAKER_SLOTS);
}

static bool model_ready(const model *m, int64_t now) {
    if (m->state == BREAKER_CLOSED) return true;
    if (m->state == BREAKER_IS_OPEN) return now >= m->opened + policy.probe_ms;
    return !m->probing || now >= m->probe_began + policy.probe_ms * BREAKER_PROBE_PATIENCE;
}

static void model_close(model *m, int64_t now) {
    m->state = BREAKER_CLOSED;
    m->count = 0;
    m->first = now;
}

static void model_open(model *m, int64_t now) {
    m->state = BREAKER_IS_OPEN;
    m->opened = now;
}

static void model_report(model *m, bool failed, bool probe, int64_t now) {
    if (m->state == BREAKER_HALF_OPEN && probe) {
        if (failed)
            model_open(m, now);
        else
            model_close(m, now);
        return;
    }
    if (m->state != BREAKER_CLOSED) return;
    assert_true(m->count < LOG_MAX);
    m->log[m->count].slice = slice_of(m, now);
    m->log[m->count++].failed = failed;
    unsigned calls = 0, failures = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->log[i].slice <= slice_of(m, now) - BREAKER_SLOTS) continue;
        calls++;
        failures += m->log[i].failed;
    }
    if (failed && calls >= policy.of && failures >= policy.failure_ratio * calls)
        model_open(m, now);
}

static void any_history_agrees_with_the_model(void **state) {
    (void)state;
    static model m;
    rng r;
    rng_seed(&r, 11);
    unsigned opened = 0, closed = 0;
    for (int round = 0; round < 200; round++) {
        int64_t now = (int64_t)(rng_u64(&r) % 100000);
        breaker b;
        breaker_init(&b, now);
        memset(&m, 0, sizeof m);
        model_close(&m, now);
        double failing = rng_unit(&r);
        struct {
            breaker_probe probe;
        } out[8]; /* calls under way */
        size_t under_way = 0;
        for (int step = 0; step < 500; step++) {
            now += (int64_t)(rng_u64(&r) % (rng_u64(&r) % 20 ? 60 : 3000));
            assert_int_equal(breaker_ready(&b, &policy, 0, now), model_ready(&m, now));
            int64_t wait = breaker_wait_ms(&b, &policy, 0, now);
            assert_int_equal(wait == 0, model_ready(&m, now));
            assert_true(wait <= policy.probe_ms);
            if (under_way < 8 && rng_unit(&r) < 0.6) {
                breaker_probe probe = NO_PROBE;
                bool expected = model_ready(&m, now);
                bool admitted = breaker_admit(&b, &policy, 0, now, &probe);
                assert_int_equal(admitted, expected);
                if (!admitted) continue;
                assert_int_equal(probe, m.state != BREAKER_CLOSED ? PROBE_FOR_ALL : NO_PROBE);
                if (probe) {
                    m.state = BREAKER_HALF_OPEN;
                    m.probing = true;
                    m.probe_began = now;
                }
                out[under_way++].probe = probe;
            } else if (under_way) {
                size_t i = rng_u64(&r) % under_way;
                breaker_probe probe = out[i].probe;
                out[i] = out[--under_way];
                if (rng_unit(&r) < 0.1) {
                    breaker_abandon(&b, 0, probe);
                    if (probe) m.probing = false;
                } else {
                    breaker_state before = m.state;
                    bool failed = rng_unit(&r) < failing;
                    model_report(&m, failed, probe, now);
                    bool changed = breaker_report(&b, &policy, 0, failed, probe, now).changed;
                    assert_int_equal(changed, m.state != before);
                    opened += changed && m.state == BREAKER_IS_OPEN;
                    closed += changed && m.state == BREAKER_CLOSED;
                }
            }
            assert_int_equal(b.gate.state, m.state);
        }
    }
    assert_true(opened > 1000 && closed > 200); /* the histories went somewhere */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_at_the_rate_and_not_before),
        cmocka_unit_test(old_failures_are_forgotten),
        cmocka_unit_test(failures_count_for_one_window),
        cmocka_unit_test(a_window_may_be_shorter_than_its_slices),
        cmocka_unit_test(one_probe_decides),
        cmocka_unit_test(latecomers_change_nothing),
        cmocka_unit_test(a_lost_probe_is_replaced),
        cmocka_unit_test(a_rest_can_be_ended_early),
        cmocka_unit_test(a_rest_is_ended_early_once),
        cmocka_unit_test(off_admits_all_and_closes),
        cmocka_unit_test(any_history_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
