/* One spelling: what does not change a value makes no difference, and anything else does. */
#include "unit.h"

#include "json/canonical.h"

static json_value scan(const char *text) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(span_cstr(text), NULL, &root, &fault));
    return root;
}

static void spell(const char *text, buf *out) {
    json_write_canonical(scan(text), NULL, 0, out);
}

static void assert_spelt(const char *text, const char *expected) {
    buf out = BUF_EMPTY;
    spell(text, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

static void blanks_go_and_members_are_sorted(void **state) {
    (void)state;
    assert_spelt(" { \"b\" : 1 , \"a\" : [ 2 , { \"d\":3,\"c\" :4} ] } ",
                 "{\"a\":[2,{\"c\":4,\"d\":3}],\"b\":1}");
    assert_spelt("[]", "[]");
    assert_spelt("{}", "{}");
    assert_spelt("{\"a\":{}}", "{\"a\":{}}");
    assert_spelt("[true,false,null]", "[true,false,null]");
    assert_spelt("\"x\"", "\"x\"");
    assert_spelt("{\"\":1,\"aa\":2,\"a\":3}", "{\"\":1,\"a\":3,\"aa\":2}");
}

/* RFC 8785 section 3.2.3: by UTF-16's units, so that a smiley stands before a Hebrew presentation
 * form. */
static void the_order_is_that_of_the_rfc(void **state) {
    (void)state;
    assert_spelt("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew "
                 "Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning "
                 "Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With "
                 "Diaeresis\"}",
                 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":"
                 "\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro "
                 "Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew "
                 "Letter Dalet With Dagesh\"}");
}

static void strings_have_one_spelling(void **state) {
    (void)state;
    assert_spelt("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
                 "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
    assert_spelt("\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\"", "\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\"");
    assert_spelt("\"\\uD83D\\uDE00\"", "\"\xf0\x9f\x98\x80\"");
    /* What no character stands for stays what it is. */
    assert_spelt("\"\\uD83d\"", "\"\\ud83d\"");
    assert_spelt("\"\\uDE00\\ud83D\"", "\"\\ude00\\ud83d\"");
    assert_spelt("\"\\ufffd\"", "\"\xef\xbf\xbd\"");
}

/* RFC 8785 appendix B, as decimals; and integers, digit by digit. */
static void numbers_have_one_spelling(void **state) {
    (void)state;
    static const struct {
        const char *is, *becomes;
    } rows[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"0e10", "0"},
        {"1", "1"},
        {"1.0", "1"},
        {"10e-1", "1"},
        {"0.1e1", "1"},
        {"-1.50", "-1.5"},
        {"0.7", "0.7"},
        {"7E-1", "0.7"},
        {"0.70000000000000000", "0.7"},
        {"333333333.33333329", "333333333.3333333"},
        {"1E30", "1e+30"},
        {"4.50", "4.5"},
        {"2e-3", "0.002"},
        {"0.000000000000000000000000001", "1e-27"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1e-7"},
        {"5e-324", "5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"9007199254740992", "9007199254740992"},
        {"9007199254740993", "9007199254740993"},
        {"9007199254740993.0", "9007199254740993"},
        {"295147905179352830000", "295147905179352830000"},
        {"999999999999999900000", "999999999999999900000"},
        {"1e20", "100000000000000000000"},
        {"100000000000000000000", "100000000000000000000"},
        {"100000000000000000001", "100000000000000000001"},
        {"1e21", "1e+21"},
        {"1000000000000000000000", "1e+21"},
        {"1000000000000000000001", "1.000000000000000000001e+21"},
        {"999999999999999999999", "999999999999999999999"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"0.1000000000000000055511151231257827", "0.1"},
        {"333333333.333333313", "333333333.3333333"},
        {"1e400", "1e+400"},
        {"10e399", "1e+400"},
        {"1e-400", "1e-400"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_spelt(rows[i].is, rows[i].becomes);
}

static void some_members_are_left_out(void **state) {
    (void)state;
    static const span without[] = {SPAN("user"), SPAN("stream")};
    buf out = BUF_EMPTY;
    json_write_canonical(
        scan("{\"us\\u0065r\":{\"x\":[1]},\"a\":{\"user\":1},\"stream\":true,\"streams\":0}"),
        without, ARRAY_LEN(without), &out);
    assert_string_equal(buf_cstr(&out), "{\"a\":{\"user\":1},\"streams\":0}");
    buf_clear(&out);
    buf_add_cstr(&out, "before:");
    json_write_canonical(scan("{\"user\":1}"), without, ARRAY_LEN(without), &out);
    assert_string_equal(buf_cstr(&out), "before:{}");
    buf_done(&out);
}

/* Wherever they stand, with blanks and without, no comma is too many or too few. */
static void what_is_left_out_leaves_no_comma(void **state) {
    (void)state;
    static const span without[] = {SPAN("user"), SPAN("stream")};
    static const struct {
        const char *is, *becomes;
    } rows[] = {
        {"{\"user\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\":2,\"user\":1}", "{\"a\":2}"},
        {"{\"a\":2 , \"user\" : 1 }", "{\"a\":2}"},
        {"{ \"user\":1 , \"stream\":2 }", "{}"},
        {"{\"b\":1,\"user\":1.50,\"a\":2}", "{\"a\":2,\"b\":1}"},
        {"{\"a\":1,\"user\":{\"z\":1,\"y\":2},\"stream\":[ ],\"b\":2}", "{\"a\":1,\"b\":2}"},
        {"{\"a\":1e2,\"us\\u0065r\":\"\\n\",\"b\":2}", "{\"a\":100,\"b\":2}"},
    };
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&out);
        json_write_canonical(scan(rows[i].is), without, ARRAY_LEN(without), &out);
        assert_string_equal(buf_cstr(&out), rows[i].becomes);
    }
    buf_done(&out);
}

/* Of the object's own members, those that are left out too; arrays wherever they are. */
static void what_is_sought_is_found_on_the_way(void **state) {
    (void)state;
    enum { N, TOOLS, USER, NONE, NAMES };
    static const span names[NAMES] = {SPAN("n"), SPAN("tools"), SPAN("user"), SPAN("none")};
    static const span without[] = {SPAN("user")};
    json_value of[NAMES];
    json_sought sought = {.names = names, .count = NAMES, .values = of};
    buf out = BUF_EMPTY;
    json_write_canonical_but(
        scan("{\"user\": [\"[\"],\"x\":{\"n\":2,\"tools\":[[]]},\"t\\u006fols\":{ }, "
             "\"n\" : 1.0 }"),
        without, ARRAY_LEN(without), NULL, &sought, &out);
    assert_true(span_eq(of[N].raw, SPAN_OF("1.0")));
    assert_int_equal(of[N].type, JSON_NUMBER);
    assert_true(span_eq(of[TOOLS].raw, SPAN_OF("{ }")));
    assert_int_equal(of[TOOLS].type, JSON_OBJECT);
    assert_true(span_eq(of[USER].raw, SPAN_OF("[\"[\"]")));
    assert_int_equal(of[NONE].type, JSON_NONE);
    assert_int_equal(sought.arrays, 3);
    assert_string_equal(buf_cstr(&out), "{\"n\":1,\"tools\":{},\"x\":{\"n\":2,\"tools\":[[]]}}");
    json_write_canonical_but(scan("{}"), without, ARRAY_LEN(without), NULL, &sought, &out);
    assert_int_equal(of[N].type, JSON_NONE);
    assert_int_equal(sought.arrays, 0);
    buf_done(&out);
}

/* Whatever the order of many members, and however deep. */
static void large_objects_too(void **state) {
    (void)state;
    buf up = BUF_EMPTY, down = BUF_EMPTY, a = BUF_EMPTY, b = BUF_EMPTY;
    for (int i = 0; i < 300; i++)
        buf_addf(&up, "%s\"k%03d\":{\"x\":%d,\"a\":[{\"z\":1,\"y\":2}]}", i ? "," : "{", i, i);
    for (int i = 299; i >= 0; i--)
        buf_addf(&down, "%s\"k%03d\" : {\"a\":[{\"y\":2,\"z\":1.0}], \"x\":%d}",
                 i < 299 ? "," : "{", i, i);
    buf_add_char(&up, '}');
    buf_add_char(&down, '}');
    spell(buf_cstr(&up), &a);
    spell(buf_cstr(&down), &b);
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    buf_done(&up);
    buf_done(&down);
    buf_done(&a);
    buf_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_go_and_members_are_sorted),
        cmocka_unit_test(the_order_is_that_of_the_rfc),
        cmocka_unit_test(strings_have_one_spelling),
        cmocka_unit_test(numbers_have_one_spelling),
        cmocka_unit_test(some_members_are_left_out),
        cmocka_unit_test(what_is_left_out_leaves_no_comma),
        cmocka_unit_test(what_is_sought_is_found_on_the_way),
        cmocka_unit_test(large_objects_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
