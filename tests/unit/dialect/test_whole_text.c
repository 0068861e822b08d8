/* A text that grows: whether it is one whole JSON value by now. */
#include "heap.h"

#include "dialect/whole_text.h"
#include "json/json.h"

/* As a JSON string has it: most as json_write_string() does, or every character by its number. */
static void spell(char c, bool by_number, buf *out) {
    if (by_number) {
        buf_addf(out, "\\u%04X", (unsigned)(unsigned char)c);
        return;
    }
    buf quoted = BUF_EMPTY;
    json_write_string(&quoted, span_from(&c, 1));
    buf_add(out, span_slice(buf_span(&quoted), 1, quoted.len - 1));
    buf_done(&quoted);
}

static bool is_sound(span text) {
    json_value root;
    json_fault fault;
    return json_scan(text, NULL, &root, &fault);
}

static const char *const values[] = {
    "{}",
    " \t\r\n{ \"a\" : [ 1, {\"b\":null}, [] ], \"c\":\"d\"}\n ",
    "{\"a\":\"}\",\"b\":\"{[\",\"c\":\"\\\"}\",\"d\":\"\\\\\",\"e\":\"\\u0022}\"}",
    "[[[],[{}]],\"]\",\"\\\\\\\"]\"]",
    "\"a \\\" b\\\\\" ",
    "{\"path\":\"C:\\\\\\\\x\\n\",\"text\":\"\\/\\b\\f\"}",
};

/* At each place what a scan of the text says, whether it was asked there for the first time or at
 * every place before it. */
static void a_text_is_whole_where_a_scan_finds_it_so(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(values); i++) {
        const span value = span_cstr(values[i / 2]);
        whole_text asked_always = {0};
        buf text = BUF_EMPTY;
        for (size_t n = 0; n <= value.len; n++) {
            whole_text asked_once = {0};
            const bool expected = is_sound(span_slice(value, 0, n));
            if (n) spell(value.ptr[n - 1], i % 2, &text);
            assert_int_equal(whole_text_is(&asked_always, buf_span(&text)), expected);
            assert_int_equal(whole_text_is(&asked_always, buf_span(&text)), expected);
            assert_int_equal(whole_text_is(&asked_once, buf_span(&text)), expected);
        }
        assert_true(is_sound(value));
        buf_done(&text);
    }
}

/* So that many pieces of a long text cost no more than the text: what was seen may be gone. */
static void no_byte_is_looked_at_twice(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(values); i++) {
        const span value = span_cstr(values[i / 2]);
        whole_text t = {0};
        buf text = BUF_EMPTY;
        bool whole = false;
        for (size_t n = 0; n < value.len; n++) {
            spell(value.ptr[n], i % 2, &text);
            whole = whole_text_is(&t, buf_span(&text));
            memset(text.ptr, ']', text.len);
        }
        assert_true(whole);
        buf_done(&text);
    }
}

static void what_has_no_brackets_or_is_not_sound(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool whole;
    } rows[] = {
        {"", false},
        {" ", false},
        {"null", true},
        {"nul", false},
        {" -1.5 ", true},
        {"1 2", false},
        {"null{}", false},
        {"}", false},
        {"]{}", false},
        {",", false},
        {"{}{}", false},
        {"{} x", false},
        {"{}]", false},
        {"\\\"\\\"1", false},
        /* Brackets and quotes say it, whatever else there is. */
        {"{'a':b,}", true},
        {"{\\ud83d\\ude00}", true},
        /* More digits than anybody writes. */
        {"1000000000000000000000000000000000000000000000000000000000000000", true},
        {"10000000000000000000000000000000000000000000000000000000000000000", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        whole_text t = {0}, grown = {0};
        const span text = span_cstr(rows[i].text);
        assert_int_equal(whole_text_is(&t, text), rows[i].whole);
        if (span_find(text, 0, '\\') < text.len) continue; /* no escape is cut */
        for (size_t n = 0; n < text.len; n++)
            (void)!whole_text_is(&grown, span_slice(text, 0, n));
        assert_int_equal(whole_text_is(&grown, text), rows[i].whole);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_whole_where_a_scan_finds_it_so),
        cmocka_unit_test(no_byte_is_looked_at_twice),
        cmocka_unit_test(what_has_no_brackets_or_is_not_sound),
    };
    return run_watched(tests);
}
