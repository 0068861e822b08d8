#include "unit.h"

#include "guard/guard.h"
#include "heap.h"

static const guard_rule email = {.label = SPAN("EMAIL")}, card = {.label = SPAN("CARD")};

static void give(guard_names *n, const guard_rule *rule, const char *value, const char *name) {
    assert_span(guard_names_give(n, rule, span_cstr(value), span_cstr(value)), name);
}

static void names_values(void **state) {
    (void)state;
    guard_names *n = guard_names_new();
    give(n, &email, "a@b.de", "[EMAIL_1]");
    give(n, &email, "c@d.de", "[EMAIL_2]");
    give(n, &card, "a@b.de", "[CARD_1]");
    give(n, &email, "a@b.de", "[EMAIL_1]");
    guard_names_free(n);
    guard_names_free(NULL);
}

static void finds_what_it_gave(void **state) {
    (void)state;
    guard_names *n = guard_names_new();
    give(n, &email, "a@b.de", "[EMAIL_1]");
    guard_names_give(n, &card, SPAN_OF("4111"), SPAN_EMPTY); /* nothing to give back */
    static const struct {
        const char *text;
        size_t from, at;
    } rows[] = {
        {"to [EMAIL_1].", 0, 3}, {"to [EMAIL_1].", 4, 13}, {"[EMAIL_2] [EMAIL_1", 0, 18},
        {"[CARD_1]", 0, 8},      {"[[EMAIL_1]]", 0, 1},    {"", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = 0;
        span original = SPAN_EMPTY;
        size_t at = guard_names_find(n, span_cstr(rows[i].text), rows[i].from, &len, &original);
        assert_int_equal(at, rows[i].at);
        if (at == strlen(rows[i].text)) continue;
        assert_int_equal(len, 9);
        assert_span(original, "a@b.de");
    }
    guard_names_free(n);
}

/* One that is put back stands for nothing else. */
static void what_is_put_back_has_a_name_of_its_own(void **state) {
    (void)state;
    guard_names *n = guard_names_new();
    assert_span(guard_names_give(n, &email, SPAN_OF("a@b.de"), SPAN_EMPTY), "[EMAIL_1]");
    assert_false(guard_names_put_back(n));
    give(n, &email, "a@b.de", "[EMAIL_2]");
    assert_true(guard_names_put_back(n));
    assert_span(guard_names_give(n, &email, SPAN_OF("a@b.de"), SPAN_EMPTY), "[EMAIL_1]");
    guard_names_free(n);
}

static void gives_no_number_that_is_taken(void **state) {
    (void)state;
    guard_names *n = guard_names_new();
    guard_names_take(n, email.label, 3);
    guard_names_take(n, email.label, 2);
    assert_false(guard_names_put_back(n));
    give(n, &email, "a@b.de", "[EMAIL_4]");
    give(n, &card, "4111", "[CARD_1]");
    guard_names_take(n, card.label, GUARD_NUMBER_MAX - 1);
    give(n, &card, "4222", "[CARD_999999999]");
    /* No more than is known again in the next turn: else that would be given twice. */
    assert_span(guard_names_give(n, &card, SPAN_OF("4333"), SPAN_OF("4333")), "[CARD]");
    give(n, &card, "4111", "[CARD_1]");
    size_t len;
    span original;
    assert_int_equal(guard_names_find(n, SPAN_OF("[EMAIL_3]"), 0, &len, &original), 9);
    guard_names_free(n);
}

static void tells_how_much_may_be_one(void **state) {
    (void)state;
    guard_names *n = guard_names_new();
    assert_int_equal(guard_names_begun(n, SPAN_OF("[")), 0);
    give(n, &email, "a@b.de", "[EMAIL_1]");
    static const struct {
        const char *text;
        size_t begun;
    } rows[] = {{"", 0},          {"x", 0},        {"x[", 1},       {"x[EMAIL", 6}, {"[EMAIL_1", 8},
                {"[EMAIL_1]", 0}, {"[EMAIL_2", 0}, {"[EMAIL [", 1}, {"[x", 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(guard_names_begun(n, span_cstr(rows[i].text)), rows[i].begun);
    guard_names_free(n);
}

static void keeps_no_more_than_it_may(void **state) {
    (void)state;
    guard_names *n = guard_names_new();
    char value[32];
    for (unsigned i = 1; i <= GUARD_NAMES_MAX; i++) {
        snprintf(value, sizeof value, "%u", i);
        guard_names_give(n, &email, span_cstr(value), span_cstr(value));
    }
    give(n, &email, "one more", "[EMAIL]");
    give(n, &email, "and another", "[EMAIL]");
    give(n, &email, "7", "[EMAIL_7]");
    size_t len;
    span original;
    assert_int_equal(guard_names_find(n, SPAN_OF("[EMAIL]"), 0, &len, &original), 7);
    guard_names_free(n);
    n = guard_names_new();
    buf large = BUF_EMPTY;
    memset(buf_reserve(&large, 300 << 10), 'x', 300 << 10);
    buf_grow(&large, 300 << 10);
    assert_span(guard_names_give(n, &card, buf_span(&large), SPAN_EMPTY), "[CARD]");
    buf_done(&large);
    guard_names_free(n);
}

/* As it was when there were few: a table of them has grown under way. */
static void each_of_many_is_found(void **state) {
    (void)state;
    static const guard_rule *const rules[] = {&email, &card};
    guard_names *n = guard_names_new();
    for (int again = 0; again < 2; again++)
        for (unsigned i = 0; i < GUARD_NAMES_MAX; i++) {
            const guard_rule *rule = rules[i % 2];
            char value[32], name[GUARD_PLACEHOLDER_MAX + 1];
            size_t len;
            span original;
            snprintf(value, sizeof value, "v%u", i / 4 * 2 + i % 2);
            snprintf(name, sizeof name, "[%.*s_%u]", SPAN_ARG(rule->label), i / 4 + 1);
            give(n, rule, value, name);
            assert_int_equal(guard_names_find(n, span_cstr(name), 0, &len, &original), 0);
            assert_int_equal(len, strlen(name));
            assert_span(original, value);
        }
    guard_names_free(n);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(names_values),
        cmocka_unit_test(finds_what_it_gave),
        cmocka_unit_test(what_is_put_back_has_a_name_of_its_own),
        cmocka_unit_test(gives_no_number_that_is_taken),
        cmocka_unit_test(tells_how_much_may_be_one),
        cmocka_unit_test(keeps_no_more_than_it_may),
        cmocka_unit_test(each_of_many_is_found),
    };
    return run_watched(tests);
}
