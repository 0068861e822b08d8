/* Which numbers stand in a text. Over the whole of Unicode: tests/e2e/test_cache_similar.py. */
#include "unit.h"

#include "cache/numbers.h"

static void of_texts(void **state) {
    (void)state;
    static const struct {
        const char *text, *numbers;
    } rows[] = {
        {"", ""},
        {"no number", ""},
        {"15 dollars", "15"},
        {"1 and 5 dollars", "1 5"},
        {"  7", "7"},
        {"-5 or 5-", "-5 5"},
        {"1.50, 3-4", "1 50 3 -4"},
        {"a - 5", "5"},
        {"−5 –5 －5 ﹣5", "-5 -5 -5 -5"},
        {"x⁻² x₋₂", "-² -₂"},
        {"١٥ १५ １５ 𝟏𝟓", "15 15 15 15"},
        {"꧕ ꯱ ᱑ ෧ ᮵ ߅", "5 1 1 1 5 5"},
        {"10² is not 102", "10² 102"},
        {"½ cup, 1½ cups", "½ 1½"},
        {"Ⅳ Ⅵ ⑦ ⒎ 〇", "Ⅳ Ⅵ ⑦ ⒎ 〇"},
        {"五 is a word, in letters", ""},
        {"é5\xc3", "5"},
        {"\xf0\x9d\x9f", ""},
        {"\xff-5", "-5"},
        {"-", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        assert_span(numbers_in(span_cstr(rows[i].text), &a), rows[i].numbers);
        arena_done(&a);
    }
}

/* The most that a text can become: each byte of it one with a blank before. */
static void nothing_is_written_beyond_the_room(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    buf text = BUF_EMPTY, numbers = BUF_EMPTY;
    for (int i = 0; i < 5000; i++) {
        buf_add_cstr(&text, "-1");
        buf_add_cstr(&numbers, i ? " -1" : "-1");
    }
    assert_true(span_eq(numbers_in(buf_span(&text), &a), buf_span(&numbers)));
    buf_done(&text);
    buf_done(&numbers);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_texts),
        cmocka_unit_test(nothing_is_written_beyond_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
