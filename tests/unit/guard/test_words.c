/* Words near a match and within it: as told by a look at each place for each word. */
#include "heap.h"

#include "guard/words.h"

#include <ctype.h>

static uint64_t draw(uint64_t *x) {
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x >> 11;
}

static bool expected(const span *words, size_t count, span text, bool near) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char before = i ? (unsigned char)text.ptr[i - 1] : 0;
        if (near && before < 0x80 && isalpha(before)) continue;
        for (size_t k = 0; k < count; k++)
            if (words[k].len && span_ieq(span_slice(text, i, i + words[k].len), words[k]))
                return true;
    }
    return false;
}

static void each_rule(void **state) {
    (void)state;
    static const span words[] = {SPAN("tel"),  SPAN("Id-Nr"), SPAN(""), SPAN("\xE0\xA4\x86"),
                                 SPAN("t.c."), SPAN("Rut$"),  SPAN("$")};
    static const struct {
        const char *text;
        bool near, within;
    } rows[] = {
        {"", false, false},
        {"tel", true, true},
        {"my TEL: ", true, true},
        {"hotel ", false, true},
        {"te l", false, false},
        {"1tel", true, true},
        {"id-nr", true, true},
        {"id-n", false, false},
        {"a\xE0\xA4\x86", false, true},
        {". \xE0\xA4\x86", true, true},
        {"T.C. 1", true, true},
        {"rut", true, false},
        {"my RUT: ", true, false},
        {"rut_id", true, false},
        {"rutId", true, false},
        {"Ruth, ruts, RUTA, aRut", false, false},
        {"rut$", true, true},
        {"1 $", true, true},
        {"\x14"
         "el",
         false, false}, /* no letter, though a bit apart from one */
    };
    arena a;
    arena_init(&a, 0);
    const guard_words w = guard_words_of(words, ARRAY_LEN(words), &a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(guard_words_near(&w, span_cstr(rows[i].text)), rows[i].near);
        assert_int_equal(guard_words_within(&w, span_cstr(rows[i].text)), rows[i].within);
    }
    const guard_words none = guard_words_of(NULL, 0, &a);
    assert_false(guard_words_near(&none, SPAN_OF("tel")));
    assert_false(guard_words_within(&none, SPAN_OF("tel")));
    arena_done(&a);
}

/* In a table of numbers, which has thousands of places, no word of letters is looked for. */
static void numbers_have_no_places(void **state) {
    (void)state;
    static const span letters[] = {SPAN("tel"), SPAN("\xE0\xA4\x86")}, sign[] = {SPAN("$")};
    static const struct {
        const char *text;
        uint64_t letters, sign;
    } rows[] = {
        {"", 0, 0},
        {"4 1-2.", 0, 0x3F},
        {"4 tel", 1 << 2, 1 | 1 << 1 | 1 << 2},
        {"\xE0\xA4\x86 a", 7 | 1 << 4, 0x1F},
    };
    arena a;
    arena_init(&a, 0);
    const guard_words w = guard_words_of(letters, ARRAY_LEN(letters), &a),
                      s = guard_words_of(sign, ARRAY_LEN(sign), &a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(guard_words_places(&w, span_cstr(rows[i].text)), rows[i].letters);
        assert_int_equal(guard_words_places(&s, span_cstr(rows[i].text)), rows[i].sign);
    }
    arena_done(&a);
}

/* Few kinds of bytes, so that words stand anywhere, at every length of a text up to a block. */
static void any_text(void **state) {
    (void)state;
    static const char alphabet[] = "aAbB.@[`{\x01\xC1\xE1";
    unsigned stood = 0;
    for (uint64_t n = 1; n <= 20000; n++) {
        uint64_t seed = n * 0x9E3779B97F4A7C15u;
        char bytes[WORDS_BLOCK], of_words[4][4];
        span words[4];
        const size_t len = draw(&seed) % (sizeof bytes + 1), count = draw(&seed) % 5;
        for (size_t i = 0; i < len; i++)
            bytes[i] = alphabet[draw(&seed) % (sizeof alphabet - 1)];
        for (size_t k = 0; k < count; k++) {
            words[k] = span_from(of_words[k], draw(&seed) % 5);
            for (size_t i = 0; i < words[k].len; i++)
                of_words[k][i] = alphabet[draw(&seed) % (sizeof alphabet - 1)];
        }
        arena a;
        arena_init(&a, 0);
        const guard_words w = guard_words_of(words, count, &a);
        const span text = span_from(bytes, len);
        const bool near = expected(words, count, text, true);
        assert_int_equal(guard_words_near(&w, text), near);
        assert_int_equal(guard_words_within(&w, text), expected(words, count, text, false));
        arena_done(&a);
        stood += near;
    }
    assert_in_range(stood, 2000, 18000);
}

int main(void) {
    struct CMUnitTest tests[] = {cmocka_unit_test(each_rule),
                                 cmocka_unit_test(numbers_have_no_places),
                                 cmocka_unit_test(any_text)};
    return run_watched(tests);
}
