#include "unit.h"

static void compares(void **state) {
    (void)state;
    assert_true(span_eq(SPAN_OF("abc"), span_cstr("abc")));
    assert_false(span_eq(SPAN_OF("abc"), SPAN_OF("abd")));
    assert_false(span_eq(SPAN_OF("abc"), SPAN_OF("ab")));
    assert_true(span_eq(SPAN_EMPTY, SPAN_OF("")));
    assert_true(span_ieq(SPAN_OF("Content-Length"), SPAN_OF("content-lenGTH")));
    /* Only letters fold: '@' is not '`', '[' is not '{'. */
    assert_false(span_ieq(SPAN_OF("@["), SPAN_OF("`{")));
    assert_true(span_starts(SPAN_OF("/v1/models"), SPAN_OF("/v1/")));
    assert_false(span_starts(SPAN_OF("/v"), SPAN_OF("/v1/")));
    assert_true(span_ends(SPAN_OF("a.json"), SPAN_OF(".json")));
}

static void finds_and_cuts(void **state) {
    (void)state;
    assert_int_equal(span_find(SPAN_OF("a,b"), 0, ','), 1);
    assert_int_equal(span_find(SPAN_OF("a,b"), 2, ','), 3);
    assert_int_equal(span_find_span(SPAN_OF("hello world"), 0, SPAN_OF("world")), 6);
    span rest = SPAN_OF("a,,b"), part;
    assert_true(span_cut(&rest, ',', &part));
    assert_span(part, "a");
    assert_true(span_cut(&rest, ',', &part));
    assert_span(part, "");
    assert_true(span_cut(&rest, ',', &part));
    assert_span(part, "b");
    assert_false(span_cut(&rest, ',', &part));
    assert_span(span_trim(SPAN_OF(" \t x y\t")), "x y");
    assert_span(span_trim(SPAN_OF("  ")), "");
}

static void reads_numbers(void **state) {
    (void)state;
    uint64_t n = 7;
    assert_true(span_u64(SPAN_OF("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    n = 7;
    assert_false(span_u64(SPAN_OF("18446744073709551616"), &n));
    assert_false(span_u64(SPAN_OF(""), &n));
    assert_false(span_u64(SPAN_OF("+1"), &n));
    assert_false(span_u64(SPAN_OF("1 "), &n));
    assert_int_equal(n, 7);
}

static void compares_secrets(void **state) {
    (void)state;
    assert_true(span_eq_secret(SPAN_OF("key"), SPAN_OF("key")));
    assert_false(span_eq_secret(SPAN_OF("key"), SPAN_OF("kez")));
    assert_false(span_eq_secret(SPAN_OF("key"), SPAN_OF("ke")));
    assert_false(span_eq_secret(SPAN_OF(""), SPAN_OF("k")));
}

static void measures_distance(void **state) {
    (void)state;
    assert_int_equal(span_distance(SPAN_OF("retries"), SPAN_OF("retries")), 0);
    assert_int_equal(span_distance(SPAN_OF("retrys"), SPAN_OF("retries")), 2);
    assert_int_equal(span_distance(SPAN_OF(""), SPAN_OF("abc")), 3);
    char longer[100];
    memset(longer, 'a', sizeof longer);
    assert_true(span_distance(span_from(longer, sizeof longer), SPAN_OF("a")) == SIZE_MAX);
}

static void knows_utf8(void **state) {
    (void)state;
    assert_true(span_is_utf8(SPAN_OF("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_int_equal(span_utf8_len(SPAN_OF("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 4);
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xe2\x82",
        "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(span_is_utf8(span_cstr(bad[i])));
}

/* Wherever the cut falls, what is left is whole characters, and as many as fit. */
static void clips_between_characters(void **state) {
    (void)state;
    static const span characters[] = {SPAN("a"), SPAN("\xc3\xa9"), SPAN("\xe2\x82\xac"),
                                      SPAN("\xf0\x9f\x98\x80")};
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        buf text = BUF_EMPTY;
        while (text.len < 12)
            buf_add(&text, characters[i]);
        for (size_t max = 0; max <= text.len; max++) {
            span clipped = span_clip(buf_span(&text), max);
            assert_ptr_equal(clipped.ptr, text.ptr);
            assert_int_equal(clipped.len, max / characters[i].len * characters[i].len);
        }
        assert_int_equal(span_clip(buf_span(&text), SIZE_MAX).len, text.len);
        buf_done(&text);
    }
    assert_span(span_clip(SPAN_OF("\x80\x80\x80\x80\x80\x80\x80\x80"), 6), "\x80\x80\x80");
    assert_int_equal(span_clip(SPAN_OF("\x80\x80\x80\x80"), 2).len, 0);
    assert_int_equal(span_clip(span_from("\xc3\xa9\x80", 2), 2).len, 2); /* all of it: no cut */
    assert_null(span_clip(SPAN_EMPTY, 0).ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(finds_and_cuts),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(compares_secrets),
        cmocka_unit_test(measures_distance),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(clips_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
