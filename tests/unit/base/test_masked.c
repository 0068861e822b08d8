/* A key that is shown in part. */
#include "unit.h"

#include "base/masked.h"

static secret_set *set(void) {
    secret *keys[] = {secret_new(SPAN_OF("sk-proj-0123456789abcdefWXYZ")),
                      secret_new(SPAN_OF("other_key-000111222333"))};
    secret_set *s = secret_set_new(keys, ARRAY_LEN(keys));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        secret_unref(keys[i]);
    return s;
}

static void expect(const char *text, const char *wanted) {
    arena a;
    arena_init(&a, 0);
    secret_set *s = set();
    assert_span(masked_without(s, span_cstr(text), &a), wanted);
    secret_set_unref(s);
    arena_done(&a);
}

static void what_is_shown_of_a_key_goes(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"key sk-proj-********WXYZ.", "key [redacted]."},
        {"key sk-p**XYZ", "key [redacted]"},
        {"key sk-...WXYZ failed", "key [redacted] failed"},
        {"key sk-....WXYZ", "key [redacted]"},
        {"(****WXYZ)", "([redacted])"},
        {"...WXYZ", "[redacted]"},
        {"sk-proj-0123***", "[redacted]"},
        {"'sk-p\xE2\x80\xA6YZ'", "'[redacted]'"},
        {"sk-p\xE2\x80\xA2\xE2\x80\xA2YZ", "[redacted]"},
        {"\"sk-p\\u2026YZ\"", "\"[redacted]\""},
        {"\"sk-p\\u2022\\u2022*.YZ\"", "\"[redacted]\""},
        {"\"a\\nsk-p***YZ\\n\"", "\"a\\n[redacted]\\n\""},
        {"\"\\u0022sk-p***YZ\\u0022\"", "\"\\u0022[redacted]\\u0022\""},
        {"key=sk-p***YZ, other_k***333; sk-p***YZ", "key=[redacted], [redacted]; [redacted]"},
        {"**sk-p***YZ**", "**[redacted]**"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(rows[i].text, rows[i].wanted);
}

static void what_is_none_stays(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "***",
        "sk-...",
        "sk***Z",      /* three bytes and a mask say nothing that is not known */
        "sk-q***WXYZ", /* another's */
        "sk-p***WXYz",
        "other_k***WXYZ", /* the one's beginning and the other's end */
        "sk-p*WXYZ",
        "sk-p..WXYZ",
        "sk-p***YZ0",
        "ask-p***WXYZ",
        "wait... and ask again",
        "a ** b, 2 *** 3",
        "sk-proj-0123456789abcdef...cdefWXYZ", /* it would be longer than the key */
        "\\***",
        "\\u***",
        "\\",
        "\xE2",
        "\xE2\x80",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        expect(texts[i], texts[i]);
    arena a;
    arena_init(&a, 0);
    assert_span(masked_without(NULL, SPAN_OF("sk-p***YZ"), &a), "sk-p***YZ");
    arena_done(&a);
}

/* Many masks in one text take no longer than their number. */
static void very_many_masks(void **state) {
    (void)state;
    enum { MANY = 100000 };
    arena a;
    arena_init(&a, 0);
    secret_set *s = set();
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < MANY; i++)
        buf_add_cstr(&text, "sk-q***");
    buf_add_cstr(&text, " sk-p***WXYZ");
    span clean = masked_without(s, buf_span(&text), &a);
    assert_int_equal(clean.len, text.len - strlen("sk-p***WXYZ") + strlen("[redacted]"));
    buf_done(&text);
    secret_set_unref(s);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_of_a_key_goes),
        cmocka_unit_test(what_is_none_stays),
        cmocka_unit_test(very_many_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
