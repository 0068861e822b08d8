/* What a key looks like, and that a slip of the hand is seen. */
#include "unit.h"

#include "access/key_text.h"

#include <ctype.h>

static void keys_of_the_least_and_the_greatest_number(void **state) {
    (void)state;
    char text[KEY_TEXT_LEN + 1];
    unsigned char random[KEY_RANDOM_BYTES] = {0};
    key_text_of(random, text);
    assert_string_equal(text, "wk-00000000000000000000000000000000000000000002t28bJ");
    random[KEY_RANDOM_BYTES - 1] = 62;
    key_text_of(random, text);
    assert_string_equal(text, "wk-00000000000000000000000000000000000000000102Qg7my");
    memset(random, 0xFF, sizeof random);
    key_text_of(random, text);
    assert_string_equal(text, "wk-yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10zScbx");
    assert_int_equal(key_text_form(span_cstr(text)), KEY_WELL_FORMED);
}

static void a_new_key_is_well_formed_and_new(void **state) {
    (void)state;
    char a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1];
    key_text_new(a);
    key_text_new(b);
    assert_int_equal(key_text_form(span_cstr(a)), KEY_WELL_FORMED);
    assert_int_equal(key_text_form(span_cstr(b)), KEY_WELL_FORMED);
    assert_string_not_equal(a, b);
    for (size_t i = 3; i < KEY_TEXT_LEN; i++)
        assert_true(isalnum((unsigned char)a[i]));
}

/* Every other digit at every place, every two neighbours that change places, and what is missing or
 * too much. */
static void every_slip_is_seen(void **state) {
    (void)state;
    char text[KEY_TEXT_LEN + 2];
    key_text_new(text);
    span whole = span_from(text, KEY_TEXT_LEN);
    for (size_t i = 3; i < KEY_TEXT_LEN; i++) {
        const char right = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            assert_int_equal(key_text_form(whole),
                             text[i] == right ? KEY_WELL_FORMED : KEY_MISTYPED);
        }
        text[i] = right;
    }
    for (size_t i = 3; i + 1 < KEY_TEXT_LEN; i++) {
        const char a = text[i], b = text[i + 1];
        text[i] = b;
        text[i + 1] = a;
        assert_int_equal(key_text_form(whole), a == b ? KEY_WELL_FORMED : KEY_MISTYPED);
        text[i] = a;
        text[i + 1] = b;
    }
    for (size_t len = 3; len < KEY_TEXT_LEN; len++)
        assert_int_equal(key_text_form(span_from(text, len)), KEY_MISTYPED);
    text[KEY_TEXT_LEN] = '0';
    assert_int_equal(key_text_form(span_from(text, KEY_TEXT_LEN + 1)), KEY_MISTYPED);
}

static void others_keys_are_none(void **state) {
    (void)state;
    static const char *const texts[] = {"", "wk", "sk-0123456789", "WK-0123456789", "k"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(key_text_form(span_cstr(texts[i])), KEY_FOREIGN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_least_and_the_greatest_number),
        cmocka_unit_test(a_new_key_is_well_formed_and_new),
        cmocka_unit_test(every_slip_is_seen),
        cmocka_unit_test(others_keys_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
