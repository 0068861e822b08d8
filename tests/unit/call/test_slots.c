/* The order in which a call's targets are laid out, by what is known of them. */
#include "origin.h"

#include "base/hash.h"
#include "call/pick_key.h"
#include "call/slots.h"

#include <stdio.h>

static const char options[] =
    "providers:\n"
    "  a: {kind: openai, url: 'http://127.0.0.1:1/v1', key: sk-a, health: {path: /health}}\n"
    "  b: {kind: openai, url: 'http://127.0.0.1:2/v1', key: sk-b, timeouts: {first_byte: 7s}, "
    "health: {path: /health}}\n"
    "  c: {kind: openai, url: 'http://127.0.0.1:3/v1', key: [sk-c1, sk-c2, sk-c3]}\n"
    "models:\n"
    "  one: a\n"
    "  gpt-*: a\n"
    "  written: [a, b/large, c]\n"
    "  fastest: {pick: fastest, targets: [a, b/large, c]}\n"
    "  two: {pick: fastest, targets: [a, c]}\n"
    "  patient: {targets: [a], timeouts: {first_token: 9m}}\n"
    "breaker: {failures: 50%, of: 2, window: 60s, probe: 500ms}\n";

typedef struct laid {
    config *config;
    target_table *targets;
    loop_snapshot *snapshot;
    arena arena;
    rng rng;
} laid;

static void laid_init(laid *l) {
    config_problems problems = {0};
    l->config = config_parse(span_cstr(options), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    assert_non_null(l->config);
    l->targets = target_table_new();
    l->snapshot = prepared(NULL, l->config, l->targets);
    arena_init(&l->arena, 0);
    rng_seed(&l->rng, 3);
}

static void laid_done(laid *l) {
    loop_snapshot_unref(l->snapshot);
    target_table_free(l->targets);
    config_unref(l->config);
    arena_done(&l->arena);
}

static slots lay_for(laid *l, const char *model, endpoint e, const affinity_place *made_at) {
    const request_facts facts = {.endpoint = e, .model_name = SPAN("m")};
    return slots_lay(config_find_model(l->config, span_cstr(model)), l->snapshot, &facts, made_at,
                     0, &l->rng, 0, &l->arena);
}

static slots lay(laid *l, const char *model, const char *asked, int64_t now_ms) {
    const request_facts facts = {.model_name = span_cstr(asked)};
    return slots_lay(config_find_model(l->config, span_cstr(model)), l->snapshot, &facts, NULL, 0,
                     &l->rng, now_ms, &l->arena);
}

static void expect(const slots *s, const char *names) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < s->count; i++)
        buf_addf(&text, "%s%.*s", i ? " " : "", SPAN_ARG(s->items[i].name));
    assert_string_equal(buf_cstr(&text), names);
    buf_done(&text);
}

static void let_fail(laid *l, target_state *s, int64_t now_ms) {
    (void)target_report(s, &l->config->breaker, 0, true, NO_PROBE, -1, now_ms);
}

static bool ready(laid *l, target_state *s, int64_t now_ms) {
    return target_ready(s, &l->config->breaker, 0, now_ms);
}

static void report(laid *l, const char *name, bool failed, int64_t first_content_ms,
                   int64_t now_ms) {
    target_state *s = target_get(l->targets, span_cstr(name));
    (void)target_report(s, &l->config->breaker, 0, failed, NO_PROBE, first_content_ms, now_ms);
    target_unref(s);
}

/* A target without a model of its own is known by the client's word. */
static void names_are_those_of_what_is_asked(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    slots s = lay(&l, "one", "m", 0);
    expect(&s, "a/m");
    assert_span(s.items[0].model, "");
    s = lay(&l, "one", "", 0);
    expect(&s, "a");
    s = lay(&l, "written", "m", 0);
    expect(&s, "a/m b/large c/m");
    assert_span(s.items[1].model, "large");
    assert_ptr_equal(s.items[1].state, target_get(l.targets, SPAN_OF("b/large")));
    assert_span(s.items[1].upstream->provider->name, "b");
    assert_int_equal(s.items[1].tries, 0);
    laid_done(&l);
}

/* What the configuration names has its own state whatever was asked before; so has each word. One
 * that nobody has answered spends with the other ones of its provider. */
static void invented_names_take_nothing_away(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    target_state *large = target_get(l.targets, SPAN_OF("b/large"));
    for (int i = 0; i < 4200; i++) {
        char word[16];
        (void)snprintf(word, sizeof word, "word%d", i);
        slots s = lay(&l, "written", word, 0);
        for (int k = 0; k < 2; k++)
            let_fail(&l, s.items[0].state, 0);
        assert_false(ready(&l, s.items[0].state, 0));
        assert_ptr_equal(s.items[0].payer, s.items[0].upstream->strangers);
        slots_done(&s);
    }
    slots s = lay(&l, "written", "m", 0);
    assert_span(target_name(s.items[0].state), "a/m");
    assert_ptr_equal(s.items[1].state, large);
    assert_ptr_equal(s.items[1].payer, large);
    for (int i = 0; i < 3; i++)
        assert_true(ready(&l, s.items[i].state, 0));
    report(&l, "a/m", false, 1, 1);
    slots_done(&s);
    s = lay(&l, "written", "m", 0);
    assert_span(target_name(s.items[0].payer), "a/m");
    slots_done(&s);
    target_unref(large);
    laid_done(&l);
}

/* In its own words, or as the only one that an entry can be asked for. */
static void what_a_configuration_names(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    slots s = lay(&l, "one", "one", 0);
    assert_false(s.items[0].counted);
    assert_span(target_name(s.items[0].state), "a/one");
    s = lay(&l, "gpt-*", "gpt-4", 0);
    assert_true(s.items[0].counted);
    slots_done(&s);
    s = lay(&l, "one", "", 0);
    assert_false(s.items[0].counted);
    assert_span(target_name(s.items[0].state), "a");
    char word[TARGET_NAME_MAX];
    memset(word, 'x', sizeof word);
    word[sizeof word - 2] = '\0';
    s = lay(&l, "gpt-*", word, 0);
    assert_int_equal(s.items[0].name.len, TARGET_NAME_MAX);
    assert_ptr_not_equal(s.items[0].state, s.items[0].upstream->strangers);
    slots_done(&s);
    assert_ptr_equal(s.items[0].state, s.items[0].upstream->strangers);
    word[sizeof word - 2] = 'x';
    word[sizeof word - 1] = '\0';
    s = lay(&l, "gpt-*", word, 0);
    assert_ptr_equal(s.items[0].state, s.items[0].upstream->strangers);
    assert_ptr_equal(s.items[0].payer, s.items[0].upstream->strangers);
    laid_done(&l);
}

/* The quickest first, those that rest last; as written where nothing else is said. */
static void what_is_known_orders_them(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    report(&l, "a/m", false, 300, 0);
    report(&l, "b/large", false, 200, 0);
    report(&l, "c/m", false, 100, 0);
    slots s = lay(&l, "fastest", "m", 0);
    expect(&s, "c/m b/large a/m");
    s = lay(&l, "two", "m", 0);
    expect(&s, "c/m a/m");
    s = lay(&l, "written", "m", 0);
    expect(&s, "a/m b/large c/m");
    for (int i = 0; i < 2; i++)
        report(&l, "c/m", true, -1, 0);
    s = lay(&l, "fastest", "m", 0);
    expect(&s, "b/large a/m c/m");
    report(&l, "a/m", true, -1, 0);
    s = lay(&l, "written", "m", 499);
    expect(&s, "b/large a/m c/m");
    s = lay(&l, "written", "m", 500); /* each may be probed */
    expect(&s, "a/m b/large c/m");
    laid_done(&l);
}

static void enter(slots *s, size_t at) {
    s->items[at].entered = true;
}

static void those_that_rest_are_passed_over(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    slots s = lay(&l, "written", "m", 0);
    assert_int_equal(slots_next(&s, 0), 0);
    enter(&s, 0);
    enter(&s, 1);
    assert_int_equal(slots_next(&s, 0), 0);
    assert_int_equal(slots_other(&s, 0), 2);
    enter(&s, 2);
    assert_int_equal(slots_other(&s, 0), 3);
    s = lay(&l, "written", "m", 0);
    assert_int_equal(slots_get_rest(&s, 0).wait_ms, 0);
    static const char *const names[] = {"b/large", "a/m", "c/m"};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            report(&l, names[i], true, -1, 100 * i);
    enter(&s, 0);
    assert_int_equal(slots_next(&s, 300), 3);
    assert_int_equal(slots_get_rest(&s, 300).wait_ms,
                     200); /* until the first of them may be probed */
    assert_int_equal(slots_next(&s, 500), 1);
    assert_int_equal(slots_other(&s, 500), 1); /* it was passed over, and is ready by now */
    enter(&s, 1);
    assert_int_equal(slots_other(&s, 500), 3);
    assert_int_equal(slots_get_rest(&s, 500).wait_ms, 0);
    laid_done(&l);
}

/* With the key that it was made with. A provider that the model does not name gets no call for it,
 * but what is handed on as it comes. */
static void who_made_what_is_named_is_asked_first(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    const affinity_place by_a = {hash_span(SPAN_OF("a")), 7}, by_b = {hash_span(SPAN_OF("b")), 8},
                         by_c = {hash_span(SPAN_OF("c")), 9}, gone = {hash_span(SPAN_OF("z")), 10};
    slots s = lay_for(&l, "written", EP_RESPONSES, &by_c);
    expect(&s, "c/m a/m b/large");
    assert_int_equal(s.items[0].key, 9);
    assert_int_equal(s.items[1].key, 0);
    s = lay_for(&l, "one", EP_RESPONSES, &by_a);
    expect(&s, "a/m");
    assert_int_equal(s.items[0].key, 7);
    s = lay_for(&l, "two", EP_RESPONSES, &by_b);
    expect(&s, "a/m c/m");
    assert_int_equal(s.items[0].key + s.items[1].key, 0);
    s = lay_for(&l, "two", EP_OTHER, &by_b);
    expect(&s, "b/m a/m c/m");
    assert_int_equal(s.items[0].key, 8);
    assert_span(s.items[0].upstream->provider->name, "b");
    assert_span(s.items[0].target->name, "b");
    s = lay_for(&l, "one", EP_OTHER, &by_b);
    expect(&s, "b/m a/m");
    s = lay_for(&l, "one", EP_OTHER, &by_a);
    expect(&s, "a/m");
    s = lay_for(&l, "two", EP_OTHER, &gone);
    expect(&s, "a/m c/m");
    laid_done(&l);
}

static void check(laid *l, size_t provider, bool passed) {
    const config_provider *p = &l->config->providers[provider];
    for (unsigned i = 0; i < 3; i++)
        (void)health_report(loop_snapshot_find(l->snapshot, p)->health, &p->health, passed,
                            SPAN_OF("gone"));
}

/* Behind a breaker that is open and a key that is refused; nobody is left out for it. */
static void those_that_are_down_are_asked_last(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    const affinity_place by_a = {hash_span(SPAN_OF("a")), 7}, by_b = {hash_span(SPAN_OF("b")), 8};
    check(&l, 0, false);
    slots s = lay(&l, "written", "m", 0);
    expect(&s, "b/large c/m a/m");
    assert_int_equal(slots_next(&s, 0), 0);
    enter(&s, 0);
    enter(&s, 1);
    assert_int_equal(slots_other(&s, 0), 2);
    s = lay(&l, "one", "m", 0);
    assert_int_equal(slots_next(&s, 0), 0);
    s = lay_for(&l, "written", EP_RESPONSES, &by_a);
    expect(&s, "b/large c/m a/m");

    upstream *b = loop_snapshot_find(l.snapshot, &l.config->providers[1]);
    (void)key_refused(b->keys[0].state, 401, SPAN_EMPTY, 0, 1);
    for (int i = 0; i < 2; i++)
        report(&l, "c/m", true, -1, 0);
    s = lay(&l, "written", "m", 2);
    expect(&s, "b/large c/m a/m");
    assert_int_equal(slots_next(&s, 2), 0);
    enter(&s, 0);
    assert_int_equal(slots_other(&s, 2), 2);

    check(&l, 1, false);
    s = lay(&l, "written", "m", 2000);
    expect(&s, "c/m a/m b/large");
    s = lay_for(&l, "two", EP_OTHER, &by_b);
    expect(&s, "c/m a/m b/m");
    assert_int_equal(s.items[2].key, 8);
    check(&l, 0, true);
    check(&l, 1, true);
    s = lay(&l, "written", "m", 2000);
    expect(&s, "a/m b/large c/m");
    laid_done(&l);
}

/* Of a call that has begun the order stays. */
static void a_call_goes_by_what_it_began_with(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    slots s = lay(&l, "written", "m", 0);
    check(&l, 1, false);
    enter(&s, 0);
    assert_int_equal(slots_other(&s, 0), 1);
    laid_done(&l);
}

/* Also one that stands in no entry: those of the entry that is asked, of its provider, of the file.
 */
static void a_holder_has_its_deadlines(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    const affinity_place by_b = {hash_span(SPAN_OF("b")), 8};
    slots s = lay_for(&l, "patient", EP_OTHER, &by_b);
    const config_target *t = s.items[0].target;
    expect(&s, "b/m a/m");
    assert_ptr_equal(t->of, config_find_model(l.config, SPAN_OF("patient")));
    assert_int_equal(t->timeouts.first_token_ms, 9 * 60 * 1000);
    assert_int_equal(t->timeouts.first_byte_ms, 7 * 1000);
    assert_int_equal(t->timeouts.connect_ms, l.config->timeouts.connect_ms);
    assert_int_equal(t->timeouts.between_events_ms, l.config->timeouts.between_events_ms);
    assert_int_equal(t->timeouts.total_ms, l.config->timeouts.total_ms);
    assert_true(t->timeouts.connect_ms > 0);
    laid_done(&l);
}

/* Out of turn, and the turn goes on; one that is there no more, or may not be used as well as
 * others, is the next in turn. */
static void a_key_is_preferred(void **state) {
    (void)state;
    laid l;
    laid_init(&l);
    upstream *u = loop_snapshot_find(l.snapshot, &l.config->providers[2]);
    target_state *t = target_get(l.targets, SPAN_OF("c/m"));
    const uint64_t second = key_id(u->keys[1].state);
    static const size_t turns[] = {0, 1, 1, 1, 2, 0};
    const uint64_t likes[] = {0, 0, second, second, 0, second ^ 1};
    for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
        size_t at = 9;
        assert_int_equal(keys_take(u, NULL, t, likes[i], 0, &at).readiness, KEY_FREE);
        assert_int_equal(at, turns[i]);
    }
    (void)key_refused(u->keys[1].state, 401, SPAN_EMPTY, 0, 0);
    size_t at = 9;
    assert_int_equal(keys_take(u, NULL, t, second, 0, &at).readiness, KEY_FREE);
    assert_int_equal(at, 2);
    laid_done(&l);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_what_is_asked),
        cmocka_unit_test(invented_names_take_nothing_away),
        cmocka_unit_test(what_a_configuration_names),
        cmocka_unit_test(what_is_known_orders_them),
        cmocka_unit_test(those_that_rest_are_passed_over),
        cmocka_unit_test(who_made_what_is_named_is_asked_first),
        cmocka_unit_test(those_that_are_down_are_asked_last),
        cmocka_unit_test(a_call_goes_by_what_it_began_with),
        cmocka_unit_test(a_holder_has_its_deadlines),
        cmocka_unit_test(a_key_is_preferred),
    };
    return run_watched(tests);
}
