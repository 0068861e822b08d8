/* Which documents the scanner accepts and refuses, and what it says of those. */
#include "unit.h"

#include "json/json.h"

typedef struct refusal {
    span doc;
    json_fault_kind kind;
    size_t offset;
    const char *what;
} refusal;

static const span accepted[] = {
    /* values of each type as the whole document, blanks around */
    SPAN("null"),
    SPAN("true"),
    SPAN("false"),
    SPAN("0"),
    SPAN("\"\""),
    SPAN("[]"),
    SPAN("{}"),
    SPAN(" \t\r\n null \t\r\n "),
    SPAN("[ ]"),
    SPAN("{\n}"),
    SPAN("[\r\n1\t,\n2 ]"),
    SPAN("{ \"a\" : 1 , \"b\" : [ ] }"),
    /* numbers */
    SPAN("-0"),
    SPAN("-0.0"),
    SPAN("0.0"),
    SPAN("10"),
    SPAN("1234567890"),
    SPAN("1e5"),
    SPAN("1E5"),
    SPAN("1e+5"),
    SPAN("1e-5"),
    SPAN("1E-05"),
    SPAN("0e0"),
    SPAN("0e+1"),
    SPAN("-1.5e-300"),
    SPAN("1.0000000000000000000000000000000001"),
    SPAN("123456789012345678901234567890"),
    SPAN("1e999999"),
    SPAN("-1e-999999"),
    SPAN("[-1,-0,0.1]"),
    SPAN("20e1 "),
    /* strings */
    SPAN("\"a\""),
    SPAN("\" \""),
    SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    SPAN("\"/\""),
    SPAN("\"\\u0000\""),
    SPAN("\"\\uABCD\\uabcd\\u0041\""),
    SPAN("\"\x7F\""),
    SPAN("\"\\ud83d\\ude00\""),
    SPAN("\"\\ud800\""),
    SPAN("\"\\udc00\""),
    SPAN("\"\\udc00\\ud800\""),
    SPAN("\"\\ud800\\ud800\\udc00\""),
    SPAN("\"\\uD800x\""),
    SPAN("\"\\\\u0000\""),
    SPAN("\"\\\\\""),
    SPAN("\"a\\u0020b\""),
    SPAN("\"'\""),
    SPAN("\"{[]},:\""),
    /* UTF-8: the first and the last of each length, the edges of the surrogates, non-characters,
     * separators that JavaScript once refused */
    SPAN("\"\xC2\x80\""),
    SPAN("\"\xDF\xBF\""),
    SPAN("\"\xE0\xA0\x80\""),
    SPAN("\"\xEF\xBF\xBF\""),
    SPAN("\"\xED\x9F\xBF\""),
    SPAN("\"\xEE\x80\x80\""),
    SPAN("\"\xF0\x90\x80\x80\""),
    SPAN("\"\xF4\x8F\xBF\xBF\""),
    SPAN("\"\xE2\x80\xA8\xE2\x80\xA9\""),
    SPAN("\"\xEF\xBB\xBF\""),
    SPAN("\"\xEF\xB7\x90\""),
    SPAN("\"\xC3\xA9 caf\xC3\xA9 \xF0\x9F\x98\x80\xF0\x9F\x98\x80\""),
    /* strings around the width of a step */
    SPAN("\"0123456\""),
    SPAN("\"01234567\""),
    SPAN("\"0123456789abcde\""),
    SPAN("\"0123456789abcdef\""),
    SPAN("\"0123456789abcdef0123456789abcdef0\""),
    SPAN("[\"0123456789abcdef\\n\",\"0123456789abcde\xC3\xA9\"]"),
    /* containers */
    SPAN("[[],{},[[]],[{}]]"),
    SPAN("[null,true,false]"),
    SPAN("{\"\":0}"),
    SPAN("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"),
    /* names that differ */
    SPAN("{\"a\":1,\"A\":1}"),
    SPAN("{\"a\":1,\"\\u0000a\":1}"),
    SPAN("{\"a\":1,\"a\\u0000\":2}"),
    SPAN("{\"\\u00e9\":1,\"e\\u0301\":2}"),
    SPAN("{\"abcdefgh\":1,\"abcdefghi\":2}"),
    SPAN("{\"\\\\u0061\":1,\"a\":2}"),
    SPAN("{\"\":1,\" \":2}"),
};

#define SYNTAX(doc, at, what)                                                                      \
    { SPAN(doc), JSON_SYNTAX, at, what }
#define NO_VALUE  "expected a value"
#define NO_NAME   "expected a member's name in quotes"
#define NO_COLON  "expected ':' after a member's name"
#define NO_COMMA  "expected ',' or '}' after a member"
#define NO_COMMAE "expected ',' or ']' after an element"
#define ENDS      "the document ends before a value"
#define ENDS_IN   "the document ends inside a string"
#define CONTROL   "a control character in a string must be escaped"
#define ESCAPE    "unknown escape in a string"
#define HEX       "expected four hexadecimal digits after \\u"
#define UTF8(doc, at)                                                                              \
    { SPAN(doc), JSON_UTF8, at, "invalid UTF-8 in a string" }
#define TRAILING(doc, at)                                                                          \
    { SPAN(doc), JSON_TRAILING, at, "the document goes on after its value" }
#define DUPLICATE(doc, at)                                                                         \
    { SPAN(doc), JSON_DUPLICATE, at, "the object already has a member of this name" }

static const refusal refused[] = {
    /* nothing, or not JSON at all */
    SYNTAX("", 0, ENDS),
    SYNTAX(" ", 1, ENDS),
    SYNTAX("\n\n", 2, ENDS),
    SYNTAX("\xEF\xBB\xBF{}", 0, "a byte order mark is not allowed"),
    SYNTAX("\xEF\xBB\xBF", 0, "a byte order mark is not allowed"),
    SYNTAX("\xEF", 0, NO_VALUE),
    SYNTAX("\xFF\xFE{\0}\0", 0, NO_VALUE),
    SYNTAX("\0", 0, NO_VALUE),
    SYNTAX("\0{}", 0, NO_VALUE),
    SYNTAX("{\0}", 1, NO_NAME),
    SYNTAX("[1\0]", 2, NO_COMMAE),
    SYNTAX("[\0001]", 1, NO_VALUE),
    SYNTAX("\x0B{}", 0, NO_VALUE),
    SYNTAX("\x0C[]", 0, NO_VALUE),
    SYNTAX("\xC2\xA0[]", 0, NO_VALUE),
    SYNTAX("\xE2\x81\xA0[]", 0, NO_VALUE),
    SYNTAX("[\x0B]", 1, NO_VALUE),
    SYNTAX("[1\x0C]", 2, NO_COMMAE),
    SYNTAX("<null>", 0, NO_VALUE),
    SYNTAX("*", 0, NO_VALUE),
    SYNTAX("/* */1", 0, NO_VALUE),
    SYNTAX("// c\n1", 0, NO_VALUE),
    SYNTAX("#\n1", 0, NO_VALUE),
    SYNTAX("[1/**/]", 2, NO_COMMAE),
    SYNTAX("{\"a\":1/**/}", 6, NO_COMMA),
    /* words */
    SYNTAX("nul", 0, NO_VALUE),
    SYNTAX("n", 0, NO_VALUE),
    SYNTAX("nulL", 0, NO_VALUE),
    SYNTAX("True", 0, NO_VALUE),
    SYNTAX("TRUE", 0, NO_VALUE),
    SYNTAX("tru", 0, NO_VALUE),
    SYNTAX("fals", 0, NO_VALUE),
    SYNTAX("falsE", 0, NO_VALUE),
    SYNTAX("undefined", 0, NO_VALUE),
    SYNTAX("NaN", 0, NO_VALUE),
    SYNTAX("Infinity", 0, NO_VALUE),
    SYNTAX("None", 0, NO_VALUE),
    SYNTAX("[nu]", 1, NO_VALUE),
    TRAILING("nulls", 4),
    TRAILING("truefalse", 4),
    SYNTAX("-Infinity", 1, "expected a digit after '-'"),
    SYNTAX("-NaN", 1, "expected a digit after '-'"),
    /* numbers */
    SYNTAX("01", 1, "a number must not begin with 0"),
    SYNTAX("-01", 2, "a number must not begin with 0"),
    SYNTAX("[00]", 2, "a number must not begin with 0"),
    SYNTAX("012.5", 1, "a number must not begin with 0"),
    SYNTAX("+1", 0, NO_VALUE),
    SYNTAX(".5", 0, NO_VALUE),
    SYNTAX("-", 1, "expected a digit after '-'"),
    SYNTAX("--1", 1, "expected a digit after '-'"),
    SYNTAX("-a", 1, "expected a digit after '-'"),
    SYNTAX("-.5", 1, "expected a digit after '-'"),
    SYNTAX("- 1", 1, "expected a digit after '-'"),
    SYNTAX("1.", 2, "expected a digit after '.'"),
    SYNTAX("[1.]", 3, "expected a digit after '.'"),
    SYNTAX("1.e5", 2, "expected a digit after '.'"),
    SYNTAX("0.", 2, "expected a digit after '.'"),
    SYNTAX("1e", 2, "expected a digit in the exponent"),
    SYNTAX("1E", 2, "expected a digit in the exponent"),
    SYNTAX("1e+", 3, "expected a digit in the exponent"),
    SYNTAX("1e-", 3, "expected a digit in the exponent"),
    SYNTAX("[1e]", 3, "expected a digit in the exponent"),
    SYNTAX("1e+-2", 3, "expected a digit in the exponent"),
    SYNTAX("0e", 2, "expected a digit in the exponent"),
    TRAILING("1e5.5", 3),
    TRAILING("1.5.5", 3),
    TRAILING("1e5e5", 3),
    TRAILING("0x42", 1),
    TRAILING("1a", 1),
    TRAILING("1_000", 1),
    TRAILING("1+2", 1),
    TRAILING("-1-", 2),
    TRAILING("1 000", 2),
    SYNTAX("[1 000]", 3, NO_COMMAE),
    SYNTAX("[1\xE5]", 2, NO_COMMAE),
    SYNTAX("\xEF\xBC\x91", 0, NO_VALUE),
    SYNTAX("[1,5\xC2\xA0]", 4, NO_COMMAE),
    /* strings */
    SYNTAX("\"", 1, ENDS_IN),
    SYNTAX("\"a", 2, ENDS_IN),
    SYNTAX("\"\\", 2, ENDS_IN),
    SYNTAX("\"\\\"", 3, ENDS_IN),
    SYNTAX("\"a\\\\\\\"", 6, ENDS_IN),
    SYNTAX("\"0123456789abcdef", 17, ENDS_IN),
    SYNTAX("'a'", 0, NO_VALUE),
    SYNTAX("`a`", 0, NO_VALUE),
    SYNTAX("a", 0, NO_VALUE),
    SYNTAX("\"\n\"", 1, CONTROL),
    SYNTAX("\"a\0b\"", 2, CONTROL),
    SYNTAX("\"\t\"", 1, CONTROL),
    SYNTAX("\"\x1F\"", 1, CONTROL),
    SYNTAX("\"0123456789abcdef\x01\"", 17, CONTROL),
    SYNTAX("\"\\a\"", 1, ESCAPE),
    SYNTAX("\"\\v\"", 1, ESCAPE),
    SYNTAX("\"\\'\"", 1, ESCAPE),
    SYNTAX("\"\\0\"", 1, ESCAPE),
    SYNTAX("\"\\x41\"", 1, ESCAPE),
    SYNTAX("\"\\U0041\"", 1, ESCAPE),
    SYNTAX("\"\\N\"", 1, ESCAPE),
    SYNTAX("\"\\\xC3\xA9\"", 1, ESCAPE),
    SYNTAX("\"\\\n\"", 1, ESCAPE),
    SYNTAX("\"\\\0\"", 1, ESCAPE),
    SYNTAX("\"\\u\"", 1, HEX),
    SYNTAX("\"\\u004\"", 1, HEX),
    SYNTAX("\"\\u00g0\"", 1, HEX),
    SYNTAX("\"\\u 041\"", 1, HEX),
    SYNTAX("\"\\u+041\"", 1, HEX),
    SYNTAX("\"\\u{41}\"", 1, HEX),
    SYNTAX("\"\\ud83d\\u\"", 7, HEX),
    SYNTAX("\"\\u00A", 1, HEX),
    SYNTAX("\"\\u@041\"", 1, HEX),
    SYNTAX("\"\\u`041\"", 1, HEX),
    SYNTAX("\"\\uG000\"", 1, HEX),
    TRAILING("\"a\"b", 3),
    TRAILING("\"a\" \"b\"", 4),
    TRAILING("\"\"\"", 2),
    /* UTF-8: a lone tail, leads that nothing may begin with, too few tails, overlong forms,
     * surrogates, above U+10FFFF, each cut short */
    UTF8("\"\x80\"", 1),
    UTF8("\"\xBF\"", 1),
    UTF8("\"\xC0\x80\"", 1),
    UTF8("\"\xC1\xBF\"", 1),
    UTF8("\"\xF5\x80\x80\x80\"", 1),
    UTF8("\"\xFE\"", 1),
    UTF8("\"\xFF\"", 1),
    UTF8("\"\xF8\x88\x80\x80\x80\"", 1),
    UTF8("\"\xC3\"", 1),
    UTF8("\"\xC3", 1),
    UTF8("\"\xC3(\"", 1),
    UTF8("\"\xE2\x82\"", 1),
    UTF8("\"\xE2\x28\xA1\"", 1),
    UTF8("\"\xE2\x82(\"", 1),
    UTF8("\"\xE0\x9F\xBF\"", 1),
    UTF8("\"\xE0\x80\x80\"", 1),
    UTF8("\"\xED\xA0\x80\"", 1),
    UTF8("\"\xED\xBF\xBF\"", 1),
    UTF8("\"\xF0\x8F\xBF\xBF\"", 1),
    UTF8("\"\xF0\x80\x80\x80\"", 1),
    UTF8("\"\xF4\x90\x80\x80\"", 1),
    UTF8("\"\xF0\x9F\x98\"", 1),
    UTF8("\"\xF0\x9F\x98", 1),
    UTF8("\"\xF0\x9F(\x80\"", 1),
    UTF8("\"\xF0\x28\x8C\xBC\"", 1),
    UTF8("\"\xC3\xA9\x80\"", 3),
    UTF8("\"0123456789abcdef\xE9t\xE9\"", 17),
    UTF8("{\"\xE9\":1}", 2),
    UTF8("\"\\ud83d\xED\xB8\x80\"", 7),
    SYNTAX("[\xC3\xA9]", 1, NO_VALUE),
    SYNTAX("[\xFF]", 1, NO_VALUE),
    SYNTAX("{\xE9:1}", 1, NO_NAME),
    /* arrays */
    SYNTAX("[", 1, ENDS),
    SYNTAX("[1", 2, NO_COMMAE),
    SYNTAX("[1,", 3, ENDS),
    SYNTAX("[1,]", 3, NO_VALUE),
    SYNTAX("[,]", 1, NO_VALUE),
    SYNTAX("[,1]", 1, NO_VALUE),
    SYNTAX("[1,,2]", 3, NO_VALUE),
    SYNTAX("[1 2]", 3, NO_COMMAE),
    SYNTAX("[1;2]", 2, NO_COMMAE),
    SYNTAX("[1:2]", 2, NO_COMMAE),
    SYNTAX("[\"a\":1]", 4, NO_COMMAE),
    SYNTAX("[1}", 2, NO_COMMAE),
    SYNTAX("[}", 1, NO_VALUE),
    SYNTAX("[[1]", 4, NO_COMMAE),
    SYNTAX("[\"a\",\n", 6, ENDS),
    SYNTAX("]", 0, NO_VALUE),
    SYNTAX(",", 0, NO_VALUE),
    TRAILING("[]]", 2),
    TRAILING("[1],", 3),
    TRAILING("[] []", 3),
    TRAILING("[]\0", 2),
    TRAILING("[]#", 2),
    SYNTAX("[...]", 1, NO_VALUE),
    /* objects */
    SYNTAX("{", 1, NO_NAME),
    SYNTAX("{\"a\"", 4, NO_COLON),
    SYNTAX("{\"a\":", 5, ENDS),
    SYNTAX("{\"a\":1", 6, NO_COMMA),
    SYNTAX("{\"a\":1,", 7, NO_NAME),
    SYNTAX("{\"a\":1,}", 7, NO_NAME),
    SYNTAX("{,}", 1, NO_NAME),
    SYNTAX("{\"a\":1,,\"b\":2}", 7, NO_NAME),
    SYNTAX("{a:1}", 1, NO_NAME),
    SYNTAX("{'a':1}", 1, NO_NAME),
    SYNTAX("{1:1}", 1, NO_NAME),
    SYNTAX("{null:1}", 1, NO_NAME),
    SYNTAX("{[]:1}", 1, NO_NAME),
    SYNTAX("{\"a\"}", 4, NO_COLON),
    SYNTAX("{\"a\",\"b\"}", 4, NO_COLON),
    SYNTAX("{\"a\" 1}", 5, NO_COLON),
    SYNTAX("{\"a\":}", 5, NO_VALUE),
    SYNTAX("{\"a\"::1}", 5, NO_VALUE),
    SYNTAX("{\"a\"=1}", 4, NO_COLON),
    SYNTAX("{\"a\":1 \"b\":2}", 7, NO_COMMA),
    SYNTAX("{\"a\":1;\"b\":2}", 6, NO_COMMA),
    SYNTAX("{\"a\":1]", 6, NO_COMMA),
    SYNTAX("{]", 1, NO_NAME),
    SYNTAX("{\"a\":[}", 6, NO_VALUE),
    SYNTAX("{\"a\":[1}", 7, NO_COMMAE),
    SYNTAX("{:1}", 1, NO_NAME),
    SYNTAX("}", 0, NO_VALUE),
    SYNTAX("{\"a", 3, ENDS_IN),
    SYNTAX("{\"a\\x\":1}", 3, ESCAPE),
    TRAILING("{}}", 2),
    TRAILING("{\"a\":1}{}", 7),
    TRAILING("{\"a\":1}\n x", 9),
    /* duplicate names, compared after unescaping */
    DUPLICATE("{\"a\":1,\"a\":1}", 7),
    DUPLICATE("{\"a\":1,\"b\":2,\"a\":3}", 13),
    DUPLICATE("{\"model\":1,\"mod\\u0065l\":2}", 11),
    DUPLICATE("{\"mod\\u0065l\":1,\"model\":2}", 16),
    DUPLICATE("{\"\\u006D\\u006fdel\":1,\"mode\\u006c\":2}", 21),
    DUPLICATE("{\"\":1,\"\":2}", 6),
    DUPLICATE("{\"a/b\":1,\"a\\/b\":2}", 9),
    DUPLICATE("{\"\\n\":1,\"\\u000a\":2}", 8),
    DUPLICATE("{\"\xC3\xA9\":1,\"\\u00e9\":2}", 8),
    DUPLICATE("{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2}", 10),
    DUPLICATE("{\"\\ud800\":1,\"\\udfff\":2}", 12), /* both read as U+FFFD */
    DUPLICATE("{\"abcdefghijk\":1,\"abcdefghijk\":2}", 17),
    DUPLICATE("{\"x\":{\"a\":1,\"a\":1}}", 12),
    DUPLICATE("[{\"a\":1},{\"a\":1,\"a\":2}]", 16),
    DUPLICATE("{\"x\":1,\"o\":{\"x\":{}},\"x\":1}", 20),
    /* the first fault counts, not the last */
    DUPLICATE("{\"a\":1,\"a\":tru", 7),
    SYNTAX("{\"a\":tru,\"a\":1}", 5, NO_VALUE),
};

/* Where repeats are allowed nothing else is. Many, so that names would have gone into a table. */
static void bears_repeats(void **state) {
    (void)state;
    static const json_limits limits = {.repeats = true};
    json_value root;
    json_fault fault;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        bool accepted_now = json_scan(refused[i].doc, &limits, &root, &fault);
        bool cut = span_ends(refused[i].doc, SPAN_OF("tru"));
        assert_int_equal(accepted_now, refused[i].kind == JSON_DUPLICATE && !cut);
    }
    buf doc = BUF_EMPTY;
    for (int i = 0; i < 100; i++)
        buf_addf(&doc, "%c\"m%d\":%d", i ? ',' : '{', i % 20, i);
    buf_add_cstr(&doc, "}");
    json_member members[100];
    size_t count = 0;
    assert_true(json_scan_object(buf_span(&doc), &limits, members, 100, &count, &fault));
    assert_int_equal(count, 100);
    assert_span(members[99].value.raw, "99");
    assert_false(json_scan(buf_span(&doc), NULL, &root, &fault));
    assert_int_equal(fault.kind, JSON_DUPLICATE);
    buf_done(&doc);
}

static void accepts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        json_value root = {0};
        json_fault fault = {0};
        if (!json_scan(accepted[i], NULL, &root, &fault))
            fail_msg("%.*s: %s at %zu", SPAN_ARG(accepted[i]), fault.what, fault.offset);
        assert_true(root.type != JSON_NONE);
        assert_int_equal(fault.kind, JSON_OK);
    }
}

static void refuses(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const refusal *row = &refused[i];
        json_value root = {0};
        json_fault fault = {0};
        if (json_scan(row->doc, NULL, &root, &fault))
            fail_msg("accepted: %.*s", SPAN_ARG(row->doc));
        if (fault.kind != row->kind || fault.offset != row->offset ||
            strcmp(fault.what, row->what) != 0)
            fail_msg("%.*s: %d %s at %zu, expected %d %s at %zu", SPAN_ARG(row->doc), fault.kind,
                     fault.what, fault.offset, row->kind, row->what, row->offset);
        assert_int_equal(root.type, JSON_NONE);
    }
}

static void gives_the_root(void **state) {
    (void)state;
    json_value root;
    json_fault fault;
    assert_true(json_scan(SPAN_OF(" \n[1, 2] \t"), NULL, &root, &fault));
    assert_int_equal(root.type, JSON_ARRAY);
    assert_span(root.raw, "[1, 2]");
    assert_true(json_scan(SPAN_OF(" -1.5 "), NULL, &root, &fault));
    assert_int_equal(root.type, JSON_NUMBER);
    assert_span(root.raw, "-1.5");
    assert_false(json_scan(SPAN_EMPTY, NULL, &root, &fault));
    assert_int_equal(fault.kind, JSON_SYNTAX);
}

static void wants_an_object(void **state) {
    (void)state;
    static const span others[] = {SPAN("[1]"), SPAN(" 1"), SPAN("\"a\""), SPAN("null"), SPAN("x")};
    json_member m[1];
    size_t count = 9;
    json_fault fault;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(json_scan_object(others[i], NULL, m, 1, &count, &fault));
        assert_int_equal(fault.kind, JSON_SYNTAX);
        assert_string_equal(fault.what, "expected an object");
        assert_int_equal(fault.offset, i == 1);
    }
    assert_false(json_scan_object(SPAN_OF(""), NULL, m, 1, &count, &fault));
    assert_string_equal(fault.what, ENDS);
    assert_false(json_scan_object(SPAN_OF("{\"a\":1"), NULL, m, 1, &count, &fault));
    assert_string_equal(fault.what, NO_COMMA);
    assert_int_equal(count, 9);
}

static void tells_the_place(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    span doc = SPAN_OF("{\"a\":1\n\"b\":2}");
    json_value root;
    json_fault fault;
    assert_false(json_scan(doc, NULL, &root, &fault));
    assert_span(json_fault_text(&a, doc, &fault),
                "expected ',' or '}' after a member, at byte 7 (line 2, column 1)");
    doc = SPAN_OF("[\n\n \"\xC3\xA9\xE2\x82\xAC\" 1]"); /* columns are characters, not bytes */
    assert_false(json_scan(doc, NULL, &root, &fault));
    assert_span(json_fault_text(&a, doc, &fault),
                "expected ',' or ']' after an element, at byte 12 (line 3, column 7)");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),         cmocka_unit_test(bears_repeats),
        cmocka_unit_test(refuses),         cmocka_unit_test(gives_the_root),
        cmocka_unit_test(wants_an_object), cmocka_unit_test(tells_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
