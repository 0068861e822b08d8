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
    assert_true(span_iends(SPAN_OF("a.JSon"), SPAN_OF(".json")));
    assert_false(span_iends(SPAN_OF("json"), SPAN_OF(".json")));
    assert_true(span_iends(SPAN_EMPTY, SPAN_EMPTY));
}

/* Each pair of bytes at each place of words, of what is left behind them, and of what is less. */
static void folds_letters_alone(void **state) {
    (void)state;
    static const size_t lens[] = {1, 7, 8, 9, 15, 16, 19};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        size_t len = lens[i];
        for (size_t at = 0; at < len; at++) {
            char a[] = "Accept-Encoding-XYZ", b[] = "aCCEPT-eNCODING-xyz";
            for (int pair = 0; pair < 1 << 16; pair++) {
                int x = pair & 0xFF, y = pair >> 8;
                a[at] = (char)x;
                b[at] = (char)y;
                bool letter = (x | 0x20) >= 'a' && (x | 0x20) <= 'z' && x < 0x80;
                bool same = x == y || (letter && (x ^ y) == 0x20);
                assert_true(span_ieq(span_from(a, len), span_from(b, len)) == same);
                assert_true(span_istarts(span_from(a, sizeof a), span_from(b, len)) == same);
            }
        }
    }
}

/* At each place of a text of each length, from each place on; what comes close is none. */
static void finds_a_control(void **state) {
    (void)state;
    static const unsigned char controls[] = {0x00, '\t', '\n', '\r', 0x1F};
    static const unsigned char others[] = {0x20, 'a', 0x7F, 0x80, 0x9F, 0xFF};
    char bytes[200];
    for (size_t len = 0; len < sizeof bytes; len++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = i < len ? (char)others[i % ARRAY_LEN(others)] : '\n';
        span text = span_from(bytes, len);
        for (size_t from = 0; from <= len + 1; from++)
            assert_int_equal(span_find_control(text, from), len);
        for (size_t at = 0; at < len; at++) {
            char was = bytes[at];
            bytes[at] = (char)controls[at % ARRAY_LEN(controls)];
            assert_int_equal(span_find_control(text, 0), at);
            assert_int_equal(span_find_control(text, at), at);
            assert_int_equal(span_find_control(text, at + 1), len);
            assert_int_equal(span_find_control(text, at / 2), at);
            bytes[at] = was;
        }
    }
    assert_int_equal(span_find_control(SPAN_EMPTY, 0), 0);
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
    uint32_t code = 0;
    span some = SPAN_OF("a\u20ac\U0001F600\xe2\x80");
    assert_int_equal(span_utf8_at(some, 1, &code), 3);
    assert_int_equal(code, 0x20ac);
    assert_int_equal(span_utf8_at(some, 4, &code), 4);
    assert_int_equal(code, 0x1f600);
    assert_int_equal(span_utf8_at(some, 8, &code), 0); /* cut */
    assert_int_equal(span_utf8_at(some, 2, &code), 0); /* within a character */
    assert_true(utf8_is_unsafe(0x9b) && utf8_is_unsafe(0x202e) && utf8_is_unsafe(0x2028));
    assert_false(utf8_is_unsafe('a') || utf8_is_unsafe(0x20ac) || utf8_is_unsafe(0x200b));
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xe2\x82",
        "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(span_is_utf8(span_cstr(bad[i])));
}

static size_t encode(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; --i; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(0xF00 >> len | code);
    return len;
}

/* PropList.txt of Unicode 15, White_Space. */
static bool is_white_space(uint32_t code) {
    static const uint32_t ranges[][2] = {
        {0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (code >= ranges[i][0] && code <= ranges[i][1]) return true;
    return false;
}

static void strips_what_is_blank_in_any_script(void **state) {
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char text[16];
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        size_t len = encode(code, text);
        assert_true(span_is_utf8(span_from(text, len)));
        size_t left = is_white_space(code) ? 0 : len;
        if (span_strip(span_from(text, len)).len != left) fail_msg("U+%04X", (unsigned)code);
        if (left) continue;
        text[len] = 'x';
        encode(code, text + len + 1);
        assert_span(span_strip(span_from(text, 2 * len + 1)), "x");
    }
    assert_span(span_strip(SPAN_OF(" \t\xE3\x80\x80"
                                   "a b\xC2\xA0"
                                   "c\r\n\xE2\x80\xA9 ")),
                "a b\xC2\xA0"
                "c");
    assert_int_equal(span_strip(SPAN_OF(" \xE3\x80\x80 ")).len, 0);
    assert_int_equal(span_strip(SPAN_EMPTY).len, 0);
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

static void what_two_have_alike(void **state) {
    (void)state;
    static const struct {
        span a, b;
        size_t head, tail;
    } rows[] = {
        {SPAN("abcXde"), SPAN("abcYYde"), 3, 2}, {SPAN("abc"), SPAN("abc"), 3, 0},
        {SPAN("aba"), SPAN("abaaba"), 3, 0},     {SPAN("aa"), SPAN("aaa"), 2, 0},
        {SPAN("xa"), SPAN("ya"), 0, 1},          {SPAN(""), SPAN("a"), 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(span_common_head(rows[i].a, rows[i].b), rows[i].head);
        assert_int_equal(span_common_head(rows[i].b, rows[i].a), rows[i].head);
        assert_int_equal(span_common_tail(rows[i].a, rows[i].b, rows[i].head), rows[i].tail);
        assert_int_equal(span_common_tail(rows[i].b, rows[i].a, rows[i].head), rows[i].tail);
    }
    assert_int_equal(span_common_tail(SPAN_OF("ab"), SPAN_OF("ab"), 0), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(folds_letters_alone),
        cmocka_unit_test(finds_a_control),
        cmocka_unit_test(finds_and_cuts),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(compares_secrets),
        cmocka_unit_test(measures_distance),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(strips_what_is_blank_in_any_script),
        cmocka_unit_test(clips_between_characters),
        cmocka_unit_test(what_two_have_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
