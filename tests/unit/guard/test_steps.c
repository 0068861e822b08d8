/* No text makes a guard's work grow faster than the text: counted in tries of patterns and in the
 * bytes that those could see, never in time. */
#include "unit.h"

#include "guard/lane.h"
#include "lanes.h"

/* Patterns that try in many ways, as an operator may write them. */
static const guard_rule_text own[] = {
    {.name = SPAN("cubic"), .pattern = SPAN("ab[a-c]*c[a-c]*b[a-c]*!"), .show = -1},
    {.name = SPAN("lazy"), .pattern = SPAN("begin.*?middle.*?end"), .show = -1},
    {.name = SPAN("often"), .pattern = SPAN("xx[xy]*z"), .show = -1},
};

#define SIXTY "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc"
static const char *const worst[] = {
    SIXTY " ",
    "sk-proj-",
    "sk-",
    "ghp_",
    "eyJ",
    "AKIA",
    "-----BEGIN ",
    "a@",
    "a.",
    "1 ",
    "1.",
    "4",
    "4 1 ",
    "DE89",
    "aa:",
    "(12)",
    "+1",
    "://a:",
    "password=\"",
    "ab",
    "abc",
    "abcb",
    "begin",
    "beginmiddle",
    "x",
    "xy",
    "how to make a ",
    "ignore all ",
    "\xe2\x80\x8b",
    "\xd0\xb0",
    "\\u0061",
    "eyJaaaaaaaaaa.",
    "aB3dE6gH9jK2mN5p",
    "AccountKey=",
    "hooks.slack.com/services/A",
    "you are now the ",
};

enum { SMALL = 16 << 10, LARGE = 4 * SMALL, TRIES_PER_BYTE = 12 };

typedef struct work_done {
    uint64_t tries, bytes, costly;
} work_done;

static work_done measure(const guard_policy *p, const char *unit, size_t len, size_t piece) {
    buf text = BUF_EMPTY;
    while (text.len < len)
        buf_add_cstr(&text, unit);
    guard_scratch *scratch = guard_scratch_new();
    lane_result r = lane_run(p, scratch, (guard_form){.json = unit[0] == '\\'}, buf_span(&text),
                             piece ? lane_cut_evenly : NULL, &piece);
    work_done w = {scratch->tries, scratch->bytes, scratch->costly};
    lane_result_done(&r);
    guard_scratch_free(scratch);
    buf_done(&text);
    return w;
}

static void check(const guard_policy *p, const char *unit, size_t piece) {
    work_done small = measure(p, unit, SMALL, piece), large = measure(p, unit, LARGE, piece);
    /* four times the text: five times the work at most, and some to begin with */
    if (large.tries > 5 * small.tries + 1000 ||
        large.bytes > 5 * small.bytes + 1000 * GUARD_SPAN_MAX ||
        large.costly > 5 * small.costly + 100)
        fail_msg("%s in pieces of %zu: %zu tries of %zu bytes, of four times as much %zu of %zu",
                 unit, piece, (size_t)small.tries, (size_t)small.bytes, (size_t)large.tries,
                 (size_t)large.bytes);
    if (!piece && large.tries > (uint64_t)TRIES_PER_BYTE * LARGE)
        fail_msg("%s: %zu tries of %d bytes", unit, (size_t)large.tries, LARGE);
    /* the bound on steps: no more tries that take many than are allowed in a block, of each rule */
    if (large.costly > (LARGE / COSTLY_BLOCK + 2) * (COSTLY_MAX + 1) * 8)
        fail_msg("%s: %zu costly tries", unit, (size_t)large.costly);
}

static void does_work_as_the_text_is_long(void **state) {
    (void)state;
    guard_set *s = guard_set_new(true, own, ARRAY_LEN(own), NULL, NULL);
    guard_policy *p = guard_policy_new(s, GUARD_OUT, GUARD_REDACT, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(worst); i++) {
        check(p, worst[i], 0);
        check(p, worst[i], 256);
    }
    guard_policy_free(p);
    guard_set_unref(s);
}

/* What numbers of everyday texts cannot be is not tried there. */
static void tries_no_rule_where_it_cannot_match(void **state) {
    (void)state;
    static const char *const rows[] = {"a ratio of 0.9731, ", "(12.50-1), ", "make it 2024/7, ",
                                       "sends a copyright ", "how to go "};
    guard_set *s = guard_set_new(true, NULL, 0, NULL, NULL);
    guard_policy *p = guard_policy_new(s, GUARD_OUT, GUARD_REDACT, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const uint64_t tries = measure(p, rows[i], SMALL, 0).tries;
        const bool makes = strncmp(rows[i], "make", 4) == 0; /* what might be made is asked */
        if (makes != (tries > 0)) fail_msg("%s: %zu tries", rows[i], (size_t)tries);
    }
    guard_policy_free(p);
    guard_set_unref(s);
}

/* Where most rules want more digits in one piece than there are, most are not tried. */
static void columns_of_digits_are_tried_by_few_rules(void **state) {
    (void)state;
    enum { TRIES_PER_DIGIT = 4 };
    static const char *const rows[] = {"4 ", "1.", "7-"};
    guard_set *s = guard_set_new(true, NULL, 0, NULL, NULL);
    guard_policy *p = guard_policy_new(s, GUARD_OUT, GUARD_REDACT, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const uint64_t tries = measure(p, rows[i], SMALL, 0).tries;
        if (tries > TRIES_PER_DIGIT * SMALL / 2)
            fail_msg("%s: %zu tries of %d digits", rows[i], (size_t)tries, SMALL / 2);
    }
    guard_policy_free(p);
    guard_set_unref(s);
}

/* What stands for itself behind an escape is gone through once, and not for each escape. */
static void a_run_among_escapes_is_short(void **state) {
    (void)state;
    const guard_lane l = {.form = {.json = 1, .code = GUARD_CODE_PERCENT}};
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < LARGE; i++)
        buf_add_char(&text, 'x');
    assert_int_equal(lane_coded_run(&l, buf_span(&text), 0), LANE_STRIDE);
    assert_int_equal(lane_coded_run(&l, buf_span(&text), LARGE - 7), 7);
    text.ptr[LARGE - 5] = '%';
    assert_int_equal(lane_coded_run(&l, buf_span(&text), LARGE - 7), 2);
    assert_int_equal(lane_coded_run(&l, buf_span(&text), LARGE - 5), 0);
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(does_work_as_the_text_is_long),
                                       cmocka_unit_test(tries_no_rule_where_it_cannot_match),
                                       cmocka_unit_test(columns_of_digits_are_tried_by_few_rules),
                                       cmocka_unit_test(a_run_among_escapes_is_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
