/* A breaker with several clients: what one of them does, and what the others meet. */
#include "unit.h"

#include "base/random.h"
#include "call/breaker.h"

#include <stdlib.h>

static const config_breaker policy = {
    .on = true, .failure_ratio = 0.5, .of = 20, .window_ms = 30000, .probe_ms = 5000};

enum { CLIENTS = 3, ONE = CLIENTS, CALLERS };

/* Clients A, B and C, and 0, where everybody is one. A script has words: a caller, what it does,
 * and how often.
 *
 *   A!20   calls that fail       A?   a call begins, and is under way
 *   A.3    calls that succeed    Ax   that call fails     Ao   it succeeds
 *   A*     one that shows        Aa   it shows that the target answers
 *          only that it answers  A-   it is cancelled
 *   +500   so many ms pass       H      the target is known to be back   HH   again
 *
 * A call that is not let through changes nothing. */
typedef struct scene {
    breaker b;
    int64_t now_ms;
    bool under_way[CALLERS];
    breaker_probe probe[CALLERS];
    breaker_change last;
} scene;

static int index_of(char caller) {
    return caller == '0' ? ONE : caller - 'A';
}

static uint64_t holder_of(int caller) {
    return caller == ONE ? 0 : 1000 + (uint64_t)caller;
}

static bool begin(scene *s, int i) {
    s->under_way[i] = breaker_admit(&s->b, &policy, holder_of(i), s->now_ms, &s->probe[i]);
    return s->under_way[i];
}

static void end(scene *s, int i, char how) {
    uint64_t holder = holder_of(i);
    bool failed = how == 'x';
    s->under_way[i] = false;
    if (how == '-')
        breaker_abandon(&s->b, holder, s->probe[i]);
    else if (how == 'a')
        s->last = breaker_alive(&s->b, &policy, holder, s->probe[i], s->now_ms);
    else
        s->last = breaker_report(&s->b, &policy, holder, failed, s->probe[i], s->now_ms);
}

static void call(scene *s, int i, char how) {
    if (begin(s, i)) end(s, i, how);
}

static void play(scene *s, const char *script) {
    span rest = span_cstr(script), word;
    while (span_cut(&rest, ' ', &word)) {
        if (word.ptr[0] == 'H') {
            breaker_hasten(&s->b, &policy, word.len == 2, s->now_ms);
            continue;
        }
        long n = strtol(word.ptr + (word.ptr[0] == '+' ? 1 : 2), NULL, 10);
        int i = index_of(word.ptr[0]);
        if (word.ptr[0] == '+') {
            s->now_ms += n;
            continue;
        }
        switch (word.ptr[1]) {
        case '?': assert_true(begin(s, i)); break;
        case '!':
        case '.':
        case '*':
            for (long k = 0; k < (n ? n : 1); k++)
                call(s, i, word.ptr[1] == '!' ? 'x' : word.ptr[1] == '.' ? 'o' : 'a');
            break;
        default: end(s, i, word.ptr[1]);
        }
    }
}

/* "closed BC": the state for all, and who passes. */
static void meet(const scene *s, buf *out) {
    static const char *const states[] = {
        [BREAKER_CLOSED] = "closed", [BREAKER_IS_OPEN] = "open", [BREAKER_HALF_OPEN] = "half open"};
    buf_addf(out, "%s ", states[breaker_get_state(&s->b, &policy)]);
    for (int i = 0; i < CLIENTS; i++)
        if (breaker_ready(&s->b, &policy, holder_of(i), s->now_ms))
            buf_add_char(out, (char)('A' + i));
}

#define OPENED "A!20 B!2"      /* for all, at 0 */
#define DUE    OPENED " +5000" /* and may be probed */

static void what_clients_meet(void **state) {
    (void)state;
    static const struct {
        const char *script, *then;
    } rows[] = {
        /* One alone opens its own. */
        {"A!19", "closed ABC"},
        {"A!20", "closed BC"},
        {"A!40", "closed BC"},
        {"A.11 A!10", "closed ABC"},
        {"A.10 A!10", "closed BC"},
        {"B.100 A!20", "closed BC"},
        {"A!20 C!20", "open "},
        {"0!20", "open "},

        /* Few failures of others second it, where most of their calls fail. */
        {"A!20 B!1", "closed BC"},
        {OPENED, "open "},
        {"A!20 B!1 C!1", "open "},
        {"B!2 A!20", "open "},
        {"B!1 A!19", "closed ABC"},
        {"B!1 C!1 A!18", "open "},
        {"A!7 B!7 C!6", "open "},
        {"A!10 B!9", "closed ABC"},
        {"B.3 A!20 B!2", "closed BC"},
        {"B.2 A!20 B!2", "open "},
        {"C.10 A!20 B!2", "closed BC"},
        {"B!2 +31000 A!20", "closed BC"},

        /* The rest of one is such a sign by itself, also when its failures are long past. */
        {"A!20 +29999 B!2", "open "},
        {"A!20 +30000 B!2", "closed ABC"},
        {"A!20 +25000 A! +29000 B!2", "open "},
        {"A!20 +25000 A! +29000 B!1", "closed ABC"},
        {"A!20 +25000 A! +29000 B.3 B!2", "closed ABC"},
        {"A!20 +25000 A! +29000 B.40 C!30", "closed AB"},
        {"A!20 +5000 A. B!2", "closed ABC"},

        /* Its own probes are its own. */
        {"A!20 +4999", "closed BC"},
        {"A!20 +5000", "closed ABC"},
        {"A!20 +5000 A?", "closed BC"},
        {"A!20 +5000 A? +59999", "closed BC"},
        {"A!20 +5000 A? +60000", "closed ABC"},
        {"A!20 +5000 A? A-", "closed ABC"},
        {"A!20 +5000 A? A- A?", "closed BC"},
        {"A!20 +5000 A!", "closed BC"},
        {"A!20 +5000 A. A!19", "closed ABC"},
        {"A!20 +5000 A. A!20", "closed BC"},
        {"A!20 +5000 A* A!19", "closed ABC"},
        {"A!20 +5000 A? B.21 B!20 Ax", "closed BC"},
        {"A!20 +5000 A? B.20 B!20 Ax", "open "},

        /* Nobody's probe keeps the place of the others. */
        {DUE, "open ABC"},
        {DUE " A?", "half open "},
        {DUE " A? +4999", "half open "},
        {DUE " A? +5000", "half open BC"},
        {DUE " A? +60000", "half open ABC"},
        {DUE " A? +5000 B?", "half open "},
        {DUE " A? +5000 B? +5000", "half open AC"},
        {DUE " A? A-", "half open BC"},
        {DUE " A? A- +4999", "half open BC"},
        {DUE " A? A- +5000", "half open ABC"},
        {DUE " A? +5000 B? A-", "half open "},
        {DUE " A? +5000 B? A- Bo", "closed ABC"},
        {DUE " A? +5000 B? Ao", "closed ABC"},
        {DUE " A.", "closed ABC"},
        {DUE " B. A!19", "closed ABC"}, /* what was before is forgotten */
        {DUE " B. A!20", "closed BC"},

        /* Its failure is its own, until another's agrees. */
        {DUE " A!", "open BC"},
        {DUE " A! +4999", "open BC"},
        {DUE " A! +5000", "open ABC"},
        {DUE " A! +5000 A!", "open BC"},
        {DUE " A! B!", "open "},
        {DUE " A! B! +5000", "open ABC"},
        {DUE " A! B! +5000 B!", "open AC"},
        {DUE " A! B.", "closed ABC"},
        {DUE " A? +5000 B? Ax", "half open "},
        {DUE " A? +5000 B? Ax Bo", "closed ABC"},
        {DUE " A? +5000 B? Ax Bx", "open "},
        {DUE " 0!", "open "},

        /* Answers that are no success close what they probe, and nothing else. */
        {DUE " A*", "closed ABC"},
        {OPENED " B*", "open "},
        {"A? A!20 Aa", "closed BC"},
        {"A? B? " OPENED " +5000 Aa Ba", "open ABC"},

        /* The rest is over for all when the target is known to be back; what calls meet then
         * rules. */
        {"A!20 H", "closed ABC"},
        {"A!20 H A?", "closed BC"},
        {"A!20 H A.", "closed ABC"},
        {"A!20 H A! H", "closed BC"},
        {"A!20 H A! HH", "closed ABC"},
        {"A!20 H A. A!20 H", "closed ABC"},
        {OPENED " H", "half open ABC"},
        {OPENED " H A?", "half open "},
        {OPENED " H A? H", "half open "},
        {OPENED " H A.", "closed ABC"},
        {OPENED " H A!", "open BC"},
        {OPENED " H A! B!", "open "},
        {OPENED " H A! B! H", "open "},
        {OPENED " H A! B! +5000", "open ABC"},
        {OPENED " H A! B! HH", "half open ABC"},
        {DUE " A! B! H", "half open ABC"},

        /* Those that are late change nothing. */
        {"B? C? " OPENED " Bo Cx", "open "},
        {"B? C? " DUE " A? Bo Cx", "half open "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene s = {0};
        buf met = BUF_EMPTY;
        breaker_init(&s.b, 0);
        play(&s, rows[i].script);
        meet(&s, &met);
        if (strcmp(buf_cstr(&met), rows[i].then) != 0)
            fail_msg("%s: %s and not %s", rows[i].script, buf_cstr(&met), rows[i].then);
        buf_done(&met);
        breaker_done(&s.b);
    }
}

static void a_change_is_told_once(void **state) {
    (void)state;
    static const struct {
        const char *script;
        bool changed, for_one;
        breaker_state to;
    } rows[] = {
        {"A!19", false, true, BREAKER_CLOSED},
        {"A!20", true, true, BREAKER_IS_OPEN},
        {"A!20 B!1", false, true, BREAKER_CLOSED},
        {OPENED, true, false, BREAKER_IS_OPEN},
        {"A!20 +5000 A.", true, true, BREAKER_CLOSED},
        {"A!20 +5000 A*", true, true, BREAKER_CLOSED},
        {"A!20 +5000 A!", true, true, BREAKER_IS_OPEN},
        {DUE " A.", true, false, BREAKER_CLOSED},
        {DUE " A*", true, false, BREAKER_CLOSED},
        {DUE " A!", true, false, BREAKER_IS_OPEN},
        {DUE " A? +5000 B? Ax", false, false, BREAKER_HALF_OPEN},
        {"A*", false, false, BREAKER_CLOSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene s = {0};
        breaker_init(&s.b, 0);
        play(&s, rows[i].script);
        if (s.last.changed != rows[i].changed || s.last.for_one != rows[i].for_one ||
            s.last.state != rows[i].to)
            fail_msg("%s", rows[i].script);
        breaker_done(&s.b);
    }
}

/* So many failures of others as a tenth of breaker.of, two at least, and never more than that. */
static void how_many_second_it(void **state) {
    (void)state;
    static const struct {
        unsigned of, others;
    } rows[] = {{1, 1}, {2, 2}, {10, 2}, {29, 2}, {30, 3}, {200, 20}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_breaker p = policy;
        p.of = rows[i].of;
        breaker b;
        breaker_init(&b, 0);
        for (unsigned k = 0; k < p.of; k++)
            (void)breaker_report(&b, &p, 1, true, NO_PROBE, 0);
        for (unsigned k = 1; k <= rows[i].others; k++) {
            assert_int_equal(breaker_get_state(&b, &p), BREAKER_CLOSED);
            (void)breaker_report(&b, &p, 2, true, NO_PROBE, 0);
        }
        assert_int_equal(breaker_get_state(&b, &p), BREAKER_IS_OPEN);
        breaker_done(&b);
    }
}

static void pages_count_those_apart(void **state) {
    (void)state;
    scene s = {0};
    breaker_init(&s.b, 0);
    play(&s, "A.20 B.40 C.40 A!20");
    assert_int_equal(breaker_clients_apart(&s.b, &policy), 1);
    play(&s, "B!40");
    assert_int_equal(breaker_clients_apart(&s.b, &policy), 2);
    config_breaker off = policy;
    off.on = false;
    assert_int_equal(breaker_clients_apart(&s.b, &off), 0);
    play(&s, "0."); /* the configuration has no clients any more */
    assert_int_equal(breaker_clients_apart(&s.b, &policy), 0);
    breaker_done(&s.b);
}

/* When it has opened for all, nobody is apart, and nobody is when it has closed again. */
static void for_all_is_for_nobody_alone(void **state) {
    (void)state;
    scene s = {0};
    breaker_init(&s.b, 0);
    play(&s, "A!20");
    assert_int_equal(breaker_clients_apart(&s.b, &policy), 1);
    play(&s, "B!2");
    assert_int_equal(breaker_clients_apart(&s.b, &policy), 0);
    play(&s, "+5000 B.");
    assert_int_equal(breaker_clients_apart(&s.b, &policy), 0);
    breaker_done(&s.b);
}

/* Those that are well make room; one that fails does not, and where there is no room at all those
 * that come later are counted together. */
static void clients_are_bounded(void **state) {
    (void)state;
    breaker b;
    breaker_init(&b, 0);
    for (unsigned i = 0; i < policy.of; i++)
        (void)breaker_report(&b, &policy, 1, true, NO_PROBE, 0);
    for (uint64_t who = 2; who < 500; who++) {
        (void)breaker_report(&b, &policy, who, false, NO_PROBE, (int64_t)who);
        assert_true(b.clients.count <= BREAKER_CLIENTS);
    }
    assert_false(breaker_ready(&b, &policy, 1, 500));
    assert_int_equal(breaker_clients_apart(&b, &policy), 1);
    for (unsigned i = 0; i < policy.of; i++) /* one that has got another's place */
        (void)breaker_report(&b, &policy, 700, true, NO_PROBE, 500);
    assert_int_equal(breaker_clients_apart(&b, &policy), 2);
    for (uint64_t who = 1000; who < 1100; who++) /* one in six: all is well */
        (void)breaker_report(&b, &policy, who, true, NO_PROBE, 500);
    assert_int_equal(breaker_get_state(&b, &policy), BREAKER_CLOSED);
    assert_false(breaker_ready(&b, &policy, 1, 500));
    for (uint64_t who = 2000; who < 2500; who++)
        (void)breaker_report(&b, &policy, who, true, NO_PROBE, 500);
    assert_int_equal(breaker_get_state(&b, &policy), BREAKER_IS_OPEN);
    breaker_done(&b);
}

/* A does whatever it can; B's calls succeed, and each of them passes. */
static void one_alone_shuts_out_no_other(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 5);
    for (int round = 0; round < 200; round++) {
        scene s = {.now_ms = (int64_t)(rng_u64(&r) % 100000)};
        breaker_init(&s.b, s.now_ms);
        for (int step = 0; step < 400; step++) {
            s.now_ms += (int64_t)(rng_u64(&r) % (rng_u64(&r) % 20 ? 300 : 20000));
            if (s.under_way[0])
                end(&s, 0, "xxxxxoa-"[rng_u64(&r) % 8]);
            else
                (void)begin(&s, 0);
            if (rng_u64(&r) % 4) continue;
            assert_true(begin(&s, 1));
            end(&s, 1, 'o');
        }
        breaker_done(&s.b);
    }
}

/* After an outage, that everybody saw: A's probes fail, are slow or leave, as it likes. B, which
 * asks now and then, is let through before two rests have passed, and then all is well. */
static void one_alone_keeps_no_place(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 6);
    for (int round = 0; round < 500; round++) {
        scene s = {0};
        breaker_init(&s.b, 0);
        play(&s, DUE);
        int64_t quiet_until = s.now_ms + (int64_t)(rng_u64(&r) % 60000);
        int64_t since = 0;
        while (s.b.gate.state != BREAKER_CLOSED) {
            s.now_ms += (int64_t)(rng_u64(&r) % 400);
            if (!s.under_way[0])
                (void)begin(&s, 0);
            else if (rng_u64(&r) % 3 == 0)
                end(&s, 0, "x-"[rng_u64(&r) % 2]);
            if (s.now_ms < quiet_until) continue;
            if (!since) since = s.now_ms;
            assert_true(s.now_ms - since <= 2 * policy.probe_ms);
            if (begin(&s, 1)) end(&s, 1, 'o');
        }
        breaker_done(&s.b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_clients_meet),
        cmocka_unit_test(a_change_is_told_once),
        cmocka_unit_test(how_many_second_it),
        cmocka_unit_test(pages_count_those_apart),
        cmocka_unit_test(for_all_is_for_nobody_alone),
        cmocka_unit_test(clients_are_bounded),
        cmocka_unit_test(one_alone_shuts_out_no_other),
        cmocka_unit_test(one_alone_keeps_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
