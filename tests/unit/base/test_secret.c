#include "unit.h"

#include "base/errors.h"
#include "base/secret.h"

static void redacts_every_occurrence(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("sk-12345678"));
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "bad key sk-12345678, again: sk-12345678");
    secret_redact(key, &text);
    assert_string_equal(buf_cstr(&text), "bad key [redacted], again: [redacted]");
    secret_unref(secret_ref(key));
    assert_span(secret_reveal(key), "sk-12345678");
    assert_span(secret_reveal_bearer(key), "Bearer sk-12345678");
    secret_unref(key);
    secret *tiny = secret_new(SPAN_OF("key"));
    secret_redact(tiny, &text);
    assert_string_equal(buf_cstr(&text), "bad key [redacted], again: [redacted]");
    secret_unref(tiny);
    buf_done(&text);
}

/* As PHP, Python and others write it; cut off, or nearly the same, is not it. */
static void finds_what_json_escapes(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("sk-pro/v+id"));
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a sk-pro\\/v+id b", "a [redacted] b"},
        {"sk-pro\\u002Fv\\u002bid", "[redacted]"},
        {"\\u0073k-pro/v+id\\/sk-pro/v+id", "[redacted]\\/[redacted]"},
        {"sk-pro\\/v+i", "sk-pro\\/v+i"},
        {"sk-pro\\u012fv+id", "sk-pro\\u012fv+id"},
        {"\\/ sk-pro\\", "\\/ sk-pro\\"},
        {"\\/ sk-pro\\u00", "\\/ sk-pro\\u00"},
        /* No escapes: what stands before the key stays, and two stay two. */
        {"\\/ \\sk-pro/v+id", "\\/ \\[redacted]"},
        {"\\/ \\\\sk-pro/v+id", "\\/ \\\\[redacted]"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text = BUF_EMPTY;
        buf_add_cstr(&text, rows[i].in);
        assert_int_equal(secret_found(key, buf_span(&text)), strcmp(rows[i].in, rows[i].out) != 0);
        secret_redact(key, &text);
        assert_string_equal(buf_cstr(&text), rows[i].out);
        buf_done(&text);
    }
    assert_false(secret_found(NULL, SPAN_OF("anything")));
    secret_unref(key);
}

/* Wherever it stands, among bytes that begin, hold or end it. */
static void finds_it_anywhere(void **state) {
    (void)state;
    static const char *const keys[] = {"ZZZZZZZZZ", "sk-aaaaaaZ", "Zk-aaaaaaa", "eeeeeeee\x01"};
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        secret *key = secret_new(span_cstr(keys[k]));
        size_t len = strlen(keys[k]);
        for (size_t at = 0; at <= 40; at++) {
            char text[64];
            for (size_t i = 0; i < sizeof text; i++)
                text[i] = keys[k][(i * 5 + 1) % (len - 1)];
            span whole = span_from(text, 40 + len);
            memset(text, keys[k][len - 1], at < 7 ? at : 7);
            if (strcmp(keys[k], "ZZZZZZZZZ") != 0) assert_false(secret_found(key, whole));
            memcpy(text + at, keys[k], len);
            assert_true(secret_found(key, whole));
            assert_true(secret_found(key, span_slice(whole, at, at + len)));
            assert_false(secret_found(key, span_slice(whole, at, at + len - 1)));
        }
        secret_unref(key);
    }
}

/* The end of a text that comes in pieces, as far as the next piece may make it the key. */
static void knows_a_beginning(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t begun;
    } rows[] = {
        {"", 0},
        {"xx", 0},
        {"xs", 1},
        {"sk-sk", 2},
        {"sk-se", 5},
        {"sk-secret/", 10},
        {"sk-secret\\", 10},     /* of "\/" */
        {"a \\u0073k-s", 9},     /* "\u0073" is s */
        {"a \\u0073\\u006", 11}, /* half an escape */
        {"sk-secret x", 0},
        {"sk\\n", 0},
        {"\\ux", 0},
        {"\\", 1},
    };
    secret *key = secret_new(SPAN_OF("sk-secret/9"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(secret_begun(key, span_cstr(rows[i].text)), rows[i].begun);
    secret *tiny = secret_new(SPAN_OF("sk-9999"));
    assert_int_equal(secret_begun(tiny, SPAN_OF("sk-")), 0); /* it is never looked for */
    assert_int_equal(secret_begun(NULL, SPAN_OF("sk-")), 0);
    secret_unref(tiny);
    secret_unref(key);
}

static void every_error_is_complete(void **state) {
    (void)state;
    for (int id = ERR_NONE + 1; id < ERR_COUNT; id++) {
        const error_row *row = error_get((error_id)id);
        assert_in_range(row->status, 400, 599);
        assert_true(row->type[0] != '\0');
        size_t n = strlen(row->sentence);
        assert_true(n > 0 && row->sentence[n - 1] == '.');
    }
    weir_error e = error_of(ERR_UNKNOWN_MODEL);
    assert_span(error_message(&e), "The model does not exist here.");
    e.message = SPAN_OF("closer");
    assert_span(error_message(&e), "closer");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redacts_every_occurrence), cmocka_unit_test(finds_what_json_escapes),
        cmocka_unit_test(finds_it_anywhere), cmocka_unit_test(knows_a_beginning),
        cmocka_unit_test(every_error_is_complete)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
