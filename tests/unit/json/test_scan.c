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

/* {"m0":0,…,"m<count-1>":0,"m<again>":0}, the last name written with an escape if so asked. */
static void add_members(buf *doc, size_t count, size_t again, bool escaped) {
    buf_add_char(doc, '{');
    for (size_t i = 0; i < count; i++)
        buf_addf(doc, "\"m%zu\":0,", i);
    buf_addf(doc, escaped ? "\"\\u006d%zu\":0}" : "\"m%zu\":0}", again);
}

static void finds_duplicates_among_many(void **state) {
    (void)state;
    static const size_t counts[] = {1, 7, 14, 15, 16, 17, 18, 47, 48, 49, 255, 257, 1025, 100000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        size_t count = counts[i];
        const size_t again[] = {0, count / 2, count - 1};
        for (size_t j = 0; j < ARRAY_LEN(again); j++) {
            for (int escaped = 0; escaped < 2; escaped++) {
                buf doc = BUF_EMPTY;
                add_members(&doc, count, again[j], escaped);
                json_value root;
                json_fault fault;
                assert_false(json_scan(buf_span(&doc), NULL, &root, &fault));
                assert_int_equal(fault.kind, JSON_DUPLICATE);
                buf_clear(&doc);
                add_members(&doc, count, count, escaped);
                assert_true(json_scan(buf_span(&doc), NULL, &root, &fault));
                buf_done(&doc);
            }
        }
    }
}

/* "m0" … within "m0" …, so many in each of the objects, which stand within each other. */
static void add_within(buf *doc, size_t objects, size_t each) {
    for (size_t i = 0; i < objects; i++) {
        buf_add_cstr(doc, i ? ",\"in\":{" : "{");
        for (size_t j = 0; j < each; j++)
            buf_addf(doc, "%s\"m%zu\":0", j ? "," : "", j);
    }
    for (size_t i = 0; i < objects; i++)
        buf_add_char(doc, '}');
}

static void bounds_the_members(void **state) {
    (void)state;
    static const struct {
        unsigned most;
        size_t objects, each;
        bool fits;
    } rows[] = {
        {48, 1, 48, true},     {48, 1, 49, false},     {64, 1, 64, true},
        {64, 1, 65, false},    {100, 1, 100, true},    {100, 1, 101, false},
        {5000, 1, 5000, true}, {5000, 1, 5001, false}, {UINT32_MAX, 1, 5001, true},
        {0, 1, 5001, true},    {64, 8, 7, true},       {62, 8, 7, false},
        {4099, 2, 2049, true}, {4098, 2, 2049, false}, /* with the name of the inner one */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_limits limits = {.members = rows[i].most};
        buf doc = BUF_EMPTY;
        json_value root;
        json_fault fault = {JSON_OK};
        add_within(&doc, rows[i].objects, rows[i].each);
        assert_int_equal(json_scan(buf_span(&doc), &limits, &root, &fault), rows[i].fits);
        if (!rows[i].fits) {
            assert_int_equal(fault.kind, JSON_TOO_MANY);
            assert_true(doc.ptr[fault.offset] == '"');
        }
        buf_done(&doc);
    }
}

/* What closes counts no more, and where names may repeat none are kept. */
static void counts_members_of_open_objects_alone(void **state) {
    (void)state;
    buf doc = BUF_EMPTY;
    json_value root;
    json_fault fault;
    buf_add_cstr(&doc, "{\"list\":[");
    for (int i = 0; i < 20; i++) {
        if (i) buf_add_char(&doc, ',');
        add_members(&doc, 60, 60, i % 2);
    }
    buf_add_cstr(&doc, "]}");
    assert_true(json_scan(buf_span(&doc), &(json_limits){.members = 62}, &root, &fault));
    assert_false(json_scan(buf_span(&doc), &(json_limits){.members = 61}, &root, &fault));
    assert_int_equal(fault.kind, JSON_TOO_MANY);
    const json_limits repeats = {.members = 48, .repeats = true};
    assert_true(json_scan(buf_span(&doc), &repeats, &root, &fault));
    buf_done(&doc);
}

/* An object of outer + 1 members, some of them objects of inner + 1. */
static void add_nested(buf *doc, size_t outer, size_t inner, bool duplicate) {
    buf_add_char(doc, '{');
    for (size_t i = 0; i < outer; i++) {
        buf_addf(doc, "\"m%zu\":", i);
        if (i % 7 == 0)
            add_members(doc, inner, inner, i % 2);
        else
            buf_add_char(doc, '0');
        buf_add_char(doc, ',');
    }
    buf_addf(doc, "\"m%zu\":0}", duplicate ? outer - 1 : outer);
}

/* Large objects in large objects, before, between and behind one another's members: names count
 * for their own object alone, and an object goes on where it was when an inner one closes. */
static void keeps_names_of_nested_objects_apart(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 15, 16, 17, 40, 300};
    for (size_t a = 0; a < ARRAY_LEN(sizes); a++) {
        for (size_t b = 0; b < ARRAY_LEN(sizes); b++) {
            for (int duplicate = 0; duplicate < 2; duplicate++) {
                buf doc = BUF_EMPTY;
                buf_add_char(&doc, '[');
                add_nested(&doc, sizes[a], sizes[b], false);
                buf_add_char(&doc, ',');
                add_nested(&doc, sizes[b], sizes[a], false);
                buf_add_char(&doc, ',');
                add_nested(&doc, sizes[a], sizes[b], duplicate);
                buf_add_char(&doc, ']');
                json_value root;
                json_fault fault;
                assert_int_equal(json_scan(buf_span(&doc), NULL, &root, &fault), !duplicate);
                if (duplicate) assert_int_equal(fault.kind, JSON_DUPLICATE);
                buf_done(&doc);
            }
        }
    }
}

static void records_members_of_the_root(void **state) {
    (void)state;
    json_member m[4];
    size_t count = 9;
    json_fault fault;
    assert_true(json_scan_object(SPAN_OF(" { \"a\" : [ {\"x\":1} ] ,\"b\\n\":\"s\", \"c\":-1 } "),
                                 NULL, m, 4, &count, &fault));
    assert_int_equal(count, 3);
    assert_span(m[0].key, "a");
    assert_int_equal(m[0].value.type, JSON_ARRAY);
    assert_span(m[0].value.raw, "[ {\"x\":1} ]");
    assert_span(m[1].key, "b\\n");
    assert_int_equal(m[1].value.type, JSON_STRING);
    assert_span(m[1].value.raw, "\"s\"");
    assert_span(m[2].key, "c");
    assert_int_equal(m[2].value.type, JSON_NUMBER);
    assert_span(m[2].value.raw, "-1");

    assert_true(json_scan_object(SPAN_OF("{\"a\":null,\"b\":{\"q\":[1,{}]},\"c\":true}"), NULL, m,
                                 2, &count, &fault));
    assert_int_equal(count, 3);
    assert_int_equal(m[0].value.type, JSON_NULL);
    assert_span(m[1].value.raw, "{\"q\":[1,{}]}");
    static const struct {
        const char *value;
        size_t elements, objects;
    } arrays[] = {
        {"[]", 0, 0},
        {"[{}]", 1, 1},
        {"[{\"a\":[1,2,[3]]}, {\"b\":{}} ,{}]", 3, 3},
        {"[{},[{},{}],{}]", 3, 1},
        {"[1,{},{}]", 3, 0},
        {"{\"x\":[1,2],\"y\":{}}", 0, 0},
        {"7", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++) {
        char doc[200];
        (void)snprintf(doc, sizeof doc, "{\"before\":[{},{}],\"it\":%s,\"after\":[{}]}",
                       arrays[i].value);
        json_member three[3];
        assert_true(json_scan_object(span_cstr(doc), NULL, three, 3, &count, &fault));
        assert_int_equal(three[0].elements, 2);
        assert_int_equal(three[1].elements, arrays[i].elements);
        assert_int_equal(three[1].objects, arrays[i].objects);
        assert_int_equal(three[2].objects, 1);
    }
    assert_true(json_scan_object(SPAN_OF("{}"), NULL, NULL, 0, &count, &fault));
    assert_int_equal(count, 0);
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
        cmocka_unit_test(accepts),
        cmocka_unit_test(bears_repeats),
        cmocka_unit_test(refuses),
        cmocka_unit_test(gives_the_root),
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(bears_every_mutation),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(bounds_the_members),
        cmocka_unit_test(counts_members_of_open_objects_alone),
        cmocka_unit_test(finds_duplicates_among_many),
        cmocka_unit_test(keeps_names_of_nested_objects_apart),
        cmocka_unit_test(records_members_of_the_root),
        cmocka_unit_test(wants_an_object),
        cmocka_unit_test(tells_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
