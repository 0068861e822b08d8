/* Texts for databases: UTF-8 without NUL comes back as it is, anything else is replaced. */
#include "unit.h"

#include "base/mem.h"
#include "ledger/clean.h"

enum { LEN_MAX = 40 };

#define REPLACED "\xEF\xBF\xBD"

static void what_becomes_of_texts(void **state) {
    (void)state;
    static const struct {
        span text, clean;
    } rows[] = {
        {SPAN(""), SPAN("")},
        {SPAN("plain"), SPAN("plain")},
        {SPAN("\x01\x7f of sixteen"), SPAN("\x01\x7f of sixteen")},
        {SPAN("caf\xc3\xa9 and more of it"), SPAN("caf\xc3\xa9 and more of it")},
        {SPAN("\xf0\x9f\x98\x80"), SPAN("\xf0\x9f\x98\x80")},
        {SPAN("a\0b"), SPAN("a" REPLACED "b")},
        {SPAN("12345678\0"), SPAN("12345678" REPLACED)},
        {SPAN("\x80 at the front"), SPAN(REPLACED " at the front")},
        {SPAN("cut \xe2\x82"), SPAN("cut " REPLACED REPLACED)},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(span_eq(clean_text(rows[i].text, &a), rows[i].clean));
    arena_done(&a);
}

/* Each byte at each place of texts of each length, from memory of exactly that length. */
static void each_byte_at_each_place(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    for (size_t len = 1; len <= LEN_MAX; len++) {
        char *text = mem_alloc(len);
        memset(text, 'x', len);
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                bool same = clean_text(span_from(text, len), &a).ptr == text;
                assert_int_equal(same, byte > 0 && byte < 128);
            }
            text[at] = 'x';
            arena_reset(&a, 0);
        }
        free(text);
    }
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_becomes_of_texts),
        cmocka_unit_test(each_byte_at_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
