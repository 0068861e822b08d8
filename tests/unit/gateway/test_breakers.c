/* The rows that /health and the gauges show of breakers: what a call would meet. */
#include "unit.h"

#include "call/named_targets.h"
#include "gateway/breakers.h"

#include <stdlib.h>

static const char yaml[] =
    "providers:\n"
    "  p: {kind: openai, url: 'http://127.0.0.1:1/v1', key: sk-p-0123456789}\n"
    "  pq: {kind: openai, url: 'http://127.0.0.1:2/v1', key: sk-q-0123456789}\n"
    "models:\n"
    "  '*': [p, pq]\n"
    "  fast: [p/large, pq/large]\n"
    "  slow: [p/large, p/small]\n"
    "  own: p\n"
    "breaker: {failures: 50%, of: 4, window: 60s, probe: 10s}\n";

static const char clients[] =
    "clients: [{name: one, key: sk-client-1-0123456789}, {name: two, key: "
    "sk-client-2-0123456789}]\n";

typedef struct scene {
    config *config;
    target_table *targets;
    named_targets named;
} scene;

static void scene_begin(scene *s, const char *more) {
    buf text = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&text, "%s%s", yaml, more);
    s->config = config_parse(buf_span(&text), "test", &problems);
    assert_non_null(s->config);
    config_problems_done(&problems);
    buf_done(&text);
    s->targets = target_table_new();
    named_targets_init(&s->named, s->config, s->targets);
}

static void scene_done(scene *s) {
    named_targets_done(&s->named);
    target_table_free(s->targets);
    config_unref(s->config);
}

/* So often, for one client or for everybody (0). */
static void let_fail(scene *s, const char *target, uint64_t client, int often) {
    target_state *t = target_get(s->targets, span_cstr(target));
    for (int i = 0; i < often; i++)
        (void)target_report(t, &s->config->breaker, client, true, NO_PROBE, -1, 1000);
    target_unref(t);
}

/* "p: closed, p/large: open 1 …" */
static void expect(scene *s, const char *wanted) {
    breaker_row *rows;
    buf text = BUF_EMPTY;
    size_t count = breakers_collect(s->config, s->targets, 2000, &rows);
    for (size_t i = 0; i < count; i++) {
        buf_addf(&text, "%s%.*s: %s", i ? ", " : "", SPAN_ARG(rows[i].target->name),
                 breaker_state_name(rows[i].state));
        if (rows[i].clients_apart) buf_addf(&text, " %u", rows[i].clients_apart);
    }
    assert_string_equal(buf_cstr(&text), wanted);
    buf_done(&text);
    free(rows);
}

/* Each once, whatever was asked. */
static void all_that_is_named_is_shown(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    expect(&s, "p: closed, p/large: closed, p/small: closed, pq: closed, pq/large: closed");
    let_fail(&s, "p/small", 0, 3);
    expect(&s, "p: closed, p/large: closed, p/small: closed, pq: closed, pq/large: closed");
    scene_done(&s);
}

/* A target that clients name the model of stands for all that they have named. */
static void words_are_shown_by_the_worst(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    let_fail(&s, "pq/large", 0, 4);
    expect(&s, "p: closed, p/large: closed, p/small: closed, pq: open, pq/large: open");
    let_fail(&s, "p/a-word", 0, 4);
    expect(&s, "p: open, p/large: closed, p/small: closed, pq: open, pq/large: open");

    breaker_probe probe;
    target_state *t = target_get(s.targets, SPAN_OF("p/a-word"));
    assert_true(target_admit(t, &s.config->breaker, 0, 11000, &probe));
    expect(&s, "p: half_open, p/large: closed, p/small: closed, pq: open, pq/large: open");
    let_fail(&s, "p/another-word", 0, 4);
    expect(&s, "p: open, p/large: closed, p/small: closed, pq: open, pq/large: open");
    target_unref(t);
    let_fail(&s, "elsewhere/large", 0, 4);
    expect(&s, "p: open, p/large: closed, p/small: closed, pq: open, pq/large: open");
    scene_done(&s);
}

static void clients_apart_are_counted(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, clients);
    const uint64_t one = s.config->clients[0].holder;
    let_fail(&s, "p/small", one, 4);
    expect(&s, "p: closed 1, p/large: closed, p/small: closed 1, pq: closed, pq/large: closed");
    let_fail(&s, "p/a-word", one, 4);
    expect(&s, "p: closed 1, p/large: closed, p/small: closed 1, pq: closed, pq/large: closed");
    let_fail(&s, "p/small", s.config->clients[1].holder, 2);
    expect(&s, "p: open 1, p/large: closed, p/small: open, pq: closed, pq/large: closed");
    scene_done(&s);
}

/* Where everybody is one, and where breakers are off, nothing is left of what was. */
static void a_call_would_pass(void **state) {
    (void)state;
    static const char *const more[] = {"", "clients: [{name: one, key: sk-client-1-0123456789}]\n"};
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        scene s;
        scene_begin(&s, more[i]);
        let_fail(&s, "p/small", 7, 4); /* before a reload */
        expect(&s, "p: closed, p/large: closed, p/small: closed, pq: closed, pq/large: closed");
        scene_done(&s);
    }
    scene s;
    scene_begin(&s, clients);
    let_fail(&s, "p/small", 7, 4);
    let_fail(&s, "p/large", 0, 4);
    s.config->breaker.on = false;
    expect(&s, "p: closed, p/large: closed, p/small: closed, pq: closed, pq/large: closed");
    scene_done(&s);
}

/* "p: 1+2, p/large: 0+0 …": first calls and extra ones within the minute before now_ms. */
static void expect_minute(scene *s, int64_t now_ms, const char *wanted) {
    breaker_row *rows;
    buf text = BUF_EMPTY;
    size_t count = breakers_collect(s->config, s->targets, now_ms, &rows);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s%.*s: %u+%u", i ? ", " : "", SPAN_ARG(rows[i].target->name),
                 rows[i].minute.calls, rows[i].minute.extras);
    assert_string_equal(buf_cstr(&text), wanted);
    buf_done(&text);
    free(rows);
}

/* Words are counted with their target, whether they have been answered or not. */
static void the_last_minute_is_told(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    target_state *own = target_get(s.targets, SPAN_OF("p/small"));
    target_state *word = target_get(s.targets, SPAN_OF("p/a-word"));
    target_state *strange = target_get_strangers(s.targets, SPAN_OF("p"));
    target_count_call(own, 0, 1000);
    target_count_call(own, 0, 1000);
    target_take_budget(own, 0, 1000);
    target_count_call(word, 0, 1000);
    target_count_call(strange, 0, 1000);
    target_take_budget(strange, 0, 1000);
    expect_minute(&s, 1000, "p: 2+1, p/large: 0+0, p/small: 2+1, pq: 0+0, pq/large: 0+0");
    expect_minute(&s, 90000, "p: 0+0, p/large: 0+0, p/small: 0+0, pq: 0+0, pq/large: 0+0");
    target_unref(own);
    target_unref(word);
    target_unref(strange);
    scene_done(&s);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_named_is_shown),
        cmocka_unit_test(words_are_shown_by_the_worst),
        cmocka_unit_test(clients_apart_are_counted),
        cmocka_unit_test(a_call_would_pass),
        cmocka_unit_test(the_last_minute_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
