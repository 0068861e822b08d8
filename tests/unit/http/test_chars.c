/* What stands in a head, byte by byte. */
#include "unit.h"

#include "http/chars.h"

#include <string.h>

/* At each place of a text of each length, from each place on; what comes close is none, nor is what
 * stands behind the end. */
static void a_control_is_found(void **state) {
    (void)state;
    static const unsigned char controls[] = {0x00, '\t', '\n', '\r', 0x1F, 0x7F};
    static const unsigned char others[] = {0x20, '~', 'a', 0x80, 0x9F, 0xFF};
    char bytes[100];
    for (size_t len = 0; len < sizeof bytes; len++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = i < len ? (char)others[i % ARRAY_LEN(others)] : '\n';
        span text = span_from(bytes, len);
        for (size_t from = 0; from <= len; from++)
            assert_int_equal(http_find_control(text, from), len);
        for (size_t at = 0; at < len; at++) {
            char was = bytes[at];
            bytes[at] = (char)controls[at % ARRAY_LEN(controls)];
            assert_int_equal(http_find_control(text, 0), at);
            assert_int_equal(http_find_control(text, at), at);
            assert_int_equal(http_find_control(text, at + 1), len);
            assert_int_equal(http_find_control(text, at / 2), at);
            bytes[at] = was;
        }
    }
}

static void a_value_has_no_control_but_tabs(void **state) {
    (void)state;
    assert_true(http_is_field_value(SPAN_EMPTY));
    assert_true(http_is_field_value(SPAN_OF("a\tvalue\tof more than sixteen bytes\t")));
    assert_false(http_is_field_value(SPAN_OF("a\tvalue\tof more than sixteen bytes\n")));
    assert_false(http_is_field_value(SPAN_OF("a\x7F")));
    assert_false(http_is_field_value(SPAN_OF("a\0b")));
}

static bool is_one(unsigned char c) {
    return c && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                 (c >= 'A' && c <= 'Z'));
}

/* Each byte at each place of a name of each length, between those that are mostly there. */
static void a_token_has_nothing_else(void **state) {
    (void)state;
    char name[28];
    assert_false(http_is_token(SPAN_EMPTY));
    for (size_t len = 1; len < sizeof name; len++) {
        for (size_t i = 0; i < sizeof name; i++)
            name[i] = i < len ? "az09-x"[i % 6] : ' ';
        for (size_t at = 0; at < len; at++) {
            const char was = name[at];
            for (unsigned c = 0; c < 256; c++) {
                name[at] = (char)c;
                assert_int_equal(http_is_token(span_from(name, len)), is_one((unsigned char)c));
            }
            name[at] = was;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_is_found),
        cmocka_unit_test(a_token_has_nothing_else),
        cmocka_unit_test(a_value_has_no_control_but_tabs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
