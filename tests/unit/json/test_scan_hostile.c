/* The scanner before documents that are cut short, mutated or deep. */
#include "unit.h"

#include "json/json.h"

/* A document of which each proper beginning is refused, and whose end is the end of what may be
 * read: a copy of exact size lets the address sanitizer see one byte too many. */
static const span whole = SPAN(
    "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"system\",\"content\":\"You are "
    "caf\xC3\xA9 \\u00e9\\ud83d\\ude00 \xE2\x82\xAC\xF0\x9F\x98\x80 and a long plain run of text"
    "\\n\"}],\"temperature\":-0.75e+1,\"stream\":true,\"stop\":null,\"n\":[1,{}],\"x\":false}");

static bool scan_copy(span doc, json_fault *ret_fault) {
    char *copy = malloc(doc.len ? doc.len : 1);
    if (doc.len) memcpy(copy, doc.ptr, doc.len);
    json_value root;
    bool ok = json_scan(span_from(copy, doc.len), NULL, &root, ret_fault);
    free(copy);
    return ok;
}

static void refuses_what_is_cut_short(void **state) {
    (void)state;
    json_fault fault;
    assert_true(scan_copy(whole, &fault));
    for (size_t len = 0; len < whole.len; len++) {
        fault.kind = JSON_OK;
        assert_false(scan_copy(span_slice(whole, 0, len), &fault));
        assert_true(fault.kind == JSON_SYNTAX || fault.kind == JSON_UTF8);
        assert_true(fault.offset <= len);
    }
}

/* Every value of every byte: a fault lies in the document, and what passes is UTF-8 without control
 * characters (a blank may stand for the sign of a number). */
static void bears_every_mutation(void **state) {
    (void)state;
    char *copy = malloc(whole.len);
    size_t passed = 0;
    for (size_t at = 0; at < whole.len; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, whole.ptr, whole.len);
            copy[at] = (char)byte;
            span doc = span_from(copy, whole.len);
            json_value root;
            json_fault fault;
            if (json_scan(doc, NULL, &root, &fault)) {
                passed++;
                assert_true(byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r');
                assert_true(byte < 0x80 || (unsigned char)whole.ptr[at] >= 0x80);
                assert_true(span_is_utf8(doc));
                assert_int_equal(root.raw.len, whole.len);
            } else {
                assert_true(fault.kind != JSON_OK);
                assert_true(fault.offset <= whole.len);
            }
        }
    }
    assert_true(passed > whole.len); /* at least the unchanged ones */
    free(copy);
}

static span nested(size_t depth, const char *open, const char *close) {
    size_t step = strlen(open) + strlen(close);
    char *text = malloc(depth * step + 2);
    char *to = text;
    for (size_t i = 0; i < depth; i++)
        to = stpcpy(to, open);
    to = stpcpy(to, "1");
    for (size_t i = 0; i < depth; i++)
        to = stpcpy(to, close);
    return span_from(text, (size_t)(to - text));
}

static void bounds_the_depth(void **state) {
    (void)state;
    static const char *const forms[][2] = {{"[", "]"}, {"{\"a\":", "}"}, {"[{\"a\":", "}]"}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        size_t each = i == 2 ? 2 : 1;
        static const unsigned depths[] = {2, 30, 32, 34, 64, 128, 1000};
        for (size_t j = 0; j < ARRAY_LEN(depths); j++) {
            json_limits limits = {.depth = depths[j]};
            json_limits less = {.depth = depths[j] - 1};
            span doc = nested(depths[j] / each, forms[i][0], forms[i][1]);
            json_value root;
            json_fault fault;
            assert_true(json_scan(doc, &limits, &root, &fault));
            assert_false(json_scan(doc, &less, &root, &fault));
            assert_int_equal(fault.kind, JSON_TOO_DEEP);
            assert_true(doc.ptr[fault.offset] == '[' || doc.ptr[fault.offset] == '{');
            free((char *)doc.ptr);
        }
    }
    span at = nested(128, "[", "]"), beyond = nested(129, "[", "]");
    span hostile = nested(100000, "[", "]");
    json_value root;
    json_fault fault;
    assert_true(json_scan(at, NULL, &root, &fault));
    assert_false(json_scan(beyond, NULL, &root, &fault));
    assert_int_equal(fault.offset, 128);
    assert_false(json_scan(hostile, NULL, &root, &fault));
    assert_int_equal(fault.kind, JSON_TOO_DEEP);
    assert_int_equal(fault.offset, 128);
    assert_true(json_scan(hostile, &(json_limits){.depth = 100000}, &root, &fault));
    free((char *)at.ptr);
    free((char *)beyond.ptr);
    free((char *)hostile.ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(bears_every_mutation),
        cmocka_unit_test(bounds_the_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
