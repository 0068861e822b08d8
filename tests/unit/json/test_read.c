/* Reading values that were scanned. */
#include "unit.h"

#include "base/random.h"
#include "json/json.h"

#include <locale.h>
#include <math.h>

static json_value scanned(const char *text) {
    json_value root;
    json_fault fault;
    if (!json_scan(span_cstr(text), NULL, &root, &fault)) fail_msg("%s: %s", text, fault.what);
    return root;
}

static void iterates(void **state) {
    (void)state;
    json_value root = scanned("[1 , \"a,]\\\"\" ,[2,[3]], {\"k\":[4]} ,true,false,null,-1e5 ]");
    static const struct {
        json_type type;
        const char *raw;
    } expected[] = {{JSON_NUMBER, "1"},      {JSON_STRING, "\"a,]\\\"\""},
                    {JSON_ARRAY, "[2,[3]]"}, {JSON_OBJECT, "{\"k\":[4]}"},
                    {JSON_TRUE, "true"},     {JSON_FALSE, "false"},
                    {JSON_NULL, "null"},     {JSON_NUMBER, "-1e5"}};
    json_iter it = json_iter_of(root);
    json_value element;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(json_next_element(&it, &element));
        assert_int_equal(element.type, expected[i].type);
        assert_span(element.raw, expected[i].raw);
    }
    assert_false(json_next_element(&it, &element));
    assert_int_equal(json_count(root), ARRAY_LEN(expected));

    root = scanned("{ \"a\" : 1 ,\"b\\\"\":{\"a\":2}, \"\" : [] }");
    it = json_iter_of(root);
    json_member member;
    assert_true(json_next_member(&it, &member));
    assert_span(member.key, "a");
    assert_span(member.value.raw, "1");
    assert_true(json_next_member(&it, &member));
    assert_span(member.key, "b\\\"");
    assert_span(member.value.raw, "{\"a\":2}");
    assert_true(json_next_member(&it, &member));
    assert_span(member.key, "");
    assert_int_equal(member.value.type, JSON_ARRAY);
    assert_false(json_next_member(&it, &member));
    assert_int_equal(json_count(root), 3);

    static const char *const empty[] = {"[]", "{}", "[ ]", "{\n}", "1", "\"[1]\"", "null"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        assert_int_equal(json_count(scanned(empty[i])), 0);
}

/* Goes through everything that c tells, entering every container; appends keys and scalars. */
static void walk(json_cursor *c, buf *told) {
    span key = SPAN_EMPTY;
    if (json_cursor_type(c) == JSON_OBJECT) {
        buf_add_char(told, '{');
        for (json_cursor_enter(c); json_cursor_member(c, &key); walk(c, told)) {
            buf_add(told, key);
            buf_add_char(told, ':');
        }
        buf_add_char(told, '}');
    } else if (json_cursor_type(c) == JSON_ARRAY) {
        buf_add_char(told, '[');
        for (json_cursor_enter(c); json_cursor_element(c);)
            walk(c, told);
        buf_add_char(told, ']');
    } else {
        buf_add(told, json_cursor_take(c).raw);
        buf_add_char(told, ' ');
    }
}

static void enters_containers(void **state) {
    (void)state;
    static const char text[] = "[ {\"a\" : 1 , \"b\":{\"]\":[ ] , \"c\\\"\":{ "
                               "}},\"d\":[[\"}\"],-1e5\n] } ,null,\"x\",{}\t]";
    json_value root = scanned(text);
    json_cursor c = json_cursor_of(root);
    buf told = BUF_EMPTY;
    while (json_cursor_element(&c))
        walk(&c, &told);
    assert_span(buf_span(&told), "{a:1 b:{]:[]c\\\":{}}d:[[\"}\" ]-1e5 ]}null \"x\" {}");
    assert_false(json_cursor_element(&c));
    buf_done(&told);

    /* Taken, a container is passed over whole, and reading goes on behind it. */
    json_value first;
    json_iter it = json_iter_of(root);
    assert_true(json_next_element(&it, &first));
    c = json_cursor_of(root);
    assert_true(json_cursor_element(&c));
    json_value taken = json_cursor_take(&c);
    assert_ptr_equal(taken.raw.ptr, first.raw.ptr);
    assert_int_equal(taken.raw.len, first.raw.len);
    assert_true(json_cursor_element(&c));
    assert_int_equal(json_cursor_type(&c), JSON_NULL);

    static const char *const empty[] = {"[]", "{}", "[ ]", "{\n}", "1", "\"[1]\"", "null"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        span key;
        c = json_cursor_of(scanned(empty[i]));
        assert_false(json_cursor_element(&c));
        assert_false(json_cursor_member(&c, &key));
        assert_int_equal(json_cursor_type(&c), JSON_NONE);
    }
}

static void gets_members(void **state) {
    (void)state;
    const char *text =
        "{\"model\":\"m\",\"mess\\u0061ges\":[1,2],\"n\":{\"model\":1},\"\\n\":7,\"s\":{}}";
    json_value root = scanned(text);
    assert_span(json_get(root, SPAN_OF("model")).raw, "\"m\"");
    assert_span(json_get(root, SPAN_OF("messages")).raw, "[1,2]");
    assert_span(json_get(root, SPAN_OF("\n")).raw, "7");
    assert_int_equal(json_get(root, SPAN_OF("mode")).type, JSON_NONE);
    assert_int_equal(json_get(root, SPAN_OF("models")).type, JSON_NONE);
    assert_int_equal(json_get(root, SPAN_OF("\\n")).type, JSON_NONE);
    assert_int_equal(json_get(root, SPAN_OF("")).type, JSON_NONE);
    assert_int_equal(json_get(scanned("[1]"), SPAN_OF("a")).type, JSON_NONE);
    assert_int_equal(json_get(json_get(root, SPAN_OF("none")), SPAN_OF("a")).type, JSON_NONE);

    json_member members[8];
    size_t count;
    json_fault fault;
    assert_true(json_scan_object(span_cstr(text), NULL, members, 8, &count, &fault));
    assert_int_equal(count, 5);
    assert_span(json_find(members, count, SPAN_OF("messages")).raw, "[1,2]");
    assert_int_equal(json_find(members, count, SPAN_OF("x")).type, JSON_NONE);
    assert_int_equal(json_find(members, 1, SPAN_OF("n")).type, JSON_NONE);
}

/* In one pass, each as json_get() gives it: unescaped, and the first of a name that comes twice. */
static void gets_several_members(void **state) {
    (void)state;
    static const span keys[] = {SPAN("n"), SPAN("messages"), SPAN("none"), SPAN("model"),
                                SPAN("n")};
    static const char text[] = "{\"model\":\"m\",\"mess\\u0061ges\":[1,2],\"n\":1,\"model\":2}";
    const json_value root = {JSON_OBJECT, span_cstr(text)};
    json_value of[ARRAY_LEN(keys)];
    json_get_each(root, keys, ARRAY_LEN(keys), of);
    assert_span(of[0].raw, "1");
    assert_span(of[1].raw, "[1,2]");
    assert_int_equal(of[2].type, JSON_NONE);
    assert_span(of[3].raw, "\"m\"");
    assert_span(of[4].raw, "1");
    json_get_each(scanned("[\"n\",1]"), keys, ARRAY_LEN(keys), of);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(of[i].type, JSON_NONE);
}

static void visits_strings_at_any_depth(void **state) {
    (void)state;
    static const struct {
        const char *text, *strings;
    } rows[] = {
        {"\"a\"", "\"a\""},
        {"{\"k\" : \"v\" , \"l\":[\"1\",2,{\"m\":[[\"\"]],\"n\" :null}],\"o\":\"last\"}",
         "\"v\"\"1\"\"\"\"last\""},
        {"[\"\\\":\\\\\", \":\" ,\"x\"\n]", "\"\\\":\\\\\"\":\"\"x\""},
        {"[]", ""},
        {"{\"\":{}}", ""},
        {"7", ""},
        {"null", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf found = BUF_EMPTY;
        json_value string;
        json_iter it = json_strings_of(scanned(rows[i].text));
        while (json_next_string(&it, &string)) {
            assert_int_equal(string.type, JSON_STRING);
            buf_add(&found, string.raw);
        }
        assert_false(json_next_string(&it, &string));
        assert_span(buf_span(&found), rows[i].strings);
        buf_done(&found);
    }
    json_value string;
    json_iter none = json_strings_of((json_value){JSON_NONE, SPAN_EMPTY});
    assert_false(json_next_string(&none, &string));
}

static void names_are_strings(void **state) {
    (void)state;
    json_value root = scanned("{ \"\\u0061\" : 1 , \"\":2 }");
    json_iter it = json_iter_of(root);
    json_member member;
    assert_true(json_next_member(&it, &member));
    assert_span(json_member_name(&member).raw, "\"\\u0061\"");
    assert_true(json_is(json_member_name(&member), SPAN_OF("a")));
    assert_true(json_next_member(&it, &member));
    assert_span(json_member_name(&member).raw, "\"\"");
}

/* In pieces it says the same. */
static void assert_pieces(json_value string, span expected) {
    buf all = BUF_EMPTY;
    span piece;
    json_pieces it = json_pieces_of(string);
    while (json_next_piece(&it, &piece)) {
        assert_true(piece.len > 0);
        buf_add(&all, piece);
    }
    assert_true(span_eq(buf_span(&all), expected));
    buf_done(&all);
}

static void unescapes(void **state) {
    (void)state;
    static const struct {
        const char *json;
        span text;
    } rows[] = {
        {"\"plain\"", SPAN("plain")},
        {"\"\"", SPAN("")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SPAN("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", SPAN("a\0b")},
        {"\"\\u0041\\u00e9\\u20AC\"", SPAN("A\xC3\xA9\xE2\x82\xAC")},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
         SPAN("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF")},
        {"\"\\ud83d\\ude00\"", SPAN("\xF0\x9F\x98\x80")},
        {"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", SPAN("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")},
        {"\"\\ud83d\"", SPAN("\xEF\xBF\xBD")},
        {"\"\\ud83dx\"", SPAN("\xEF\xBF\xBDx")},
        {"\"\\ud83d\\n\"", SPAN("\xEF\xBF\xBD\n")},
        {"\"\\ud83d\\u0041\"", SPAN("\xEF\xBF\xBD"
                                    "A")},
        {"\"\\ude00\\ud83d\"", SPAN("\xEF\xBF\xBD\xEF\xBF\xBD")},
        {"\"\\ud83d\\ud83d\\ude00\"", SPAN("\xEF\xBF\xBD\xF0\x9F\x98\x80")},
        {"\"\\\\u0041\"", SPAN("\\u0041")},
        {"\"x\\ny\xC3\xA9\\tz\"", SPAN("x\ny\xC3\xA9\tz")},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_value value = scanned(rows[i].json);
        span text = json_string(value, &a);
        assert_pieces(value, text);
        if (!span_eq(text, rows[i].text)) fail_msg("%s gives %.*s", rows[i].json, SPAN_ARG(text));
        assert_true(span_is_utf8(text));
        bool borrowed = text.ptr == value.raw.ptr + 1;
        assert_int_equal(borrowed, !strchr(rows[i].json, '\\'));
        /* json_is() agrees, and sees one byte more, less or other. */
        assert_true(json_is(value, rows[i].text));
        char other[64];
        memcpy(other, text.ptr, text.len);
        other[text.len] = 'x';
        assert_false(json_is(value, span_from(other, text.len + 1)));
        for (size_t at = 0; at < text.len; at++) {
            assert_false(json_is(value, span_from(text.ptr, at)));
            other[at] ^= 1;
            assert_false(json_is(value, span_from(other, text.len)));
            other[at] ^= 1;
        }
    }
    assert_false(json_is(scanned("1"), SPAN_OF("1")));
    assert_false(json_is(scanned("\"\\n\""), SPAN_OF("\\n")));
    assert_false(json_is(json_get(scanned("{}"), SPAN_OF("a")), SPAN_OF("")));
    arena_done(&a);
}

static void reads_integers(void **state) {
    (void)state;
    static const struct {
        const char *json;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"42", 42},
                {"-42", -42},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"1.0",
                                      "1e2",
                                      "-0.0",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "123456789012345678901234567890",
                                      "\"1\"",
                                      "null",
                                      "[1]"};
    int64_t n;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(json_i64(scanned(good[i].json), &n));
        assert_true(n == good[i].value);
    }
    n = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(json_i64(scanned(bad[i]), &n));
    assert_int_equal(n, 7);
}

static void reads_doubles(void **state) {
    (void)state;
    static const struct {
        const char *json;
        double value;
    } good[] = {
        {"0", 0},
        {"0.7", 0.7},
        {"-1.5e3", -1500},
        {"1E-2", 0.01},
        {"2.2250738585072014e-308", 2.2250738585072014e-308},
        {"5e-324", 5e-324},
        {"1e-999", 0},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"9007199254740993", 9007199254740992},
        {"0.1000000000000000055511151231257827021181583404541015625000000000000000000000", 0.1}};
    static const char *const bad[] = {"1e999", "-1e999", "\"1\"", "true"};
    double d;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(json_double(scanned(good[i].json), &d));
        assert_true(d == good[i].value);
    }
    assert_true(json_double(scanned("-0.0"), &d));
    assert_true(d == 0 && signbit(d));
    d = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(json_double(scanned(bad[i]), &d));
    assert_true(d == 7);
}

/* As the C library reads them, bit for bit. */
static void reads_any_number(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 3);
    for (unsigned i = 0; i < 200000; i++) {
        char text[48];
        const uint64_t n = rng_u64(&r) >> (rng_u64(&r) % 64);
        const int decimals = (int)(rng_u64(&r) % 18), kind = (int)(rng_u64(&r) % 4);
        const char *sign = rng_u64(&r) % 2 ? "-" : "";
        if (kind == 0)
            snprintf(text, sizeof text, "%s%llu", sign, (unsigned long long)n);
        else if (kind == 1)
            snprintf(text, sizeof text, "%s%.*f", sign, decimals, (double)(n % 100000000) / 3e4);
        else if (kind == 2)
            snprintf(text, sizeof text, "%s0.%0*llu", sign, decimals + 1,
                     (unsigned long long)(n % 1000));
        else
            snprintf(text, sizeof text, "%s%.*e", sign, decimals, (double)n / 7e9);
        double got, want = strtod(text, NULL);
        const json_value v = {JSON_NUMBER, span_cstr(text)};
        assert_true(json_double(v, &got));
        if (memcmp(&got, &want, sizeof got) != 0) fail_msg("%s: %.17g %.17g", text, got, want);
    }
}

/* Bytes that no scan accepted, at the end of what may be read: nonsense may come, nothing else. */
static void stays_inside_unscanned_bytes(void **state) {
    (void)state;
    static const span junk[] = {SPAN("{\"a"),      SPAN("{\"a\":"),       SPAN("{\"a\":[}"),
                                SPAN("[\"\\"),     SPAN("[\"\\\""),       SPAN("["),
                                SPAN("[1"),        SPAN("[,]"),           SPAN("]"),
                                SPAN("\"\\ud8"),   SPAN("\"\\ud83d\\ud"), SPAN("\"\\"),
                                SPAN("\""),        SPAN("{]}"),           SPAN("[[[["),
                                SPAN("{\"a\" 1}"), SPAN("\"\\q\\u00\"")};
    static const json_type types[] = {JSON_ARRAY, JSON_OBJECT, JSON_STRING, JSON_NUMBER};
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
        for (size_t j = 0; j < ARRAY_LEN(types); j++) {
            char *copy = malloc(junk[i].len);
            memcpy(copy, junk[i].ptr, junk[i].len);
            json_value value = {types[j], span_from(copy, junk[i].len)};
            int64_t n;
            double d;
            assert_true(json_count(value) <= junk[i].len);
            assert_true(json_string(value, &a).len <= junk[i].len);
            (void)json_get(value, SPAN_OF("a"));
            json_value string;
            for (json_iter it = json_strings_of(value); json_next_string(&it, &string);)
                assert_true(string.raw.ptr + string.raw.len <= copy + junk[i].len);
            buf told = BUF_EMPTY;
            json_cursor c = {copy, copy + junk[i].len};
            walk(&c, &told);
            assert_true(c.at <= c.end && told.len <= 3 * junk[i].len);
            buf_done(&told);
            (void)json_is(value, SPAN_OF("\\ud8"));
            assert_true(!json_i64(value, &n) && !json_double(value, &d));
            free(copy);
        }
    }
    arena_done(&a);
}

static void sees_what_is_empty(void **state) {
    (void)state;
    static const char *const brackets[] = {"{}", "[]"};
    static const char *const inside[] = {"{\"a\":[]}", "[{}]"};
    for (int i = 0; i < 2; i++) {
        for (size_t blanks = 0; blanks < 70; blanks++) {
            buf doc = BUF_EMPTY;
            buf_add(&doc, span_from(brackets[i], 1));
            for (size_t k = 0; k < blanks; k++)
                buf_add_char(&doc, " \n\t\r"[(k + blanks) % 4]);
            buf_add(&doc, span_from(brackets[i] + 1, 1));
            json_value v = {i ? JSON_ARRAY : JSON_OBJECT, buf_span(&doc)};
            assert_true(json_is_empty(v));
            doc.len--;
            buf_add(&doc, span_slice(span_cstr(inside[i]), 1, strlen(inside[i])));
            v.raw = buf_span(&doc);
            assert_false(json_is_empty(v));
            buf_done(&doc);
        }
    }
    assert_true(json_is_empty((json_value){JSON_OBJECT, SPAN_OF("{")})); /* never scanned */
    assert_true(json_is_empty((json_value){JSON_STRING, SPAN_OF("\"a\"")}));
}

/* Backslashes before a quote, wherever in the string they stand. */
static void ends_strings(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    for (size_t pad = 0; pad < 70; pad++)
        for (size_t slashes = 0; slashes < 40; slashes++) {
            json_value root, first, second;
            json_fault fault;
            buf_clear(&text);
            buf_add(&text, SPAN_OF("[\""));
            for (size_t i = 0; i < pad; i++)
                buf_add_char(&text, 'x');
            for (size_t i = 0; i < slashes; i++)
                buf_add_char(&text, '\\');
            buf_add(&text, slashes % 2 ? SPAN_OF("\"\\n\\\\\\\"\",7]") : SPAN_OF("\",7]"));
            assert_true(json_scan(buf_span(&text), NULL, &root, &fault));
            json_iter it = json_iter_of(root);
            assert_true(json_next_element(&it, &first));
            assert_int_equal(first.raw.len, text.len - 4);
            assert_true(json_next_element(&it, &second));
            assert_span(second.raw, "7");
        }
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterates),
        cmocka_unit_test(enters_containers),
        cmocka_unit_test(gets_members),
        cmocka_unit_test(gets_several_members),
        cmocka_unit_test(visits_strings_at_any_depth),
        cmocka_unit_test(names_are_strings),
        cmocka_unit_test(unescapes),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(reads_doubles),
        cmocka_unit_test(reads_any_number),
        cmocka_unit_test(stays_inside_unscanned_bytes),
        cmocka_unit_test(sees_what_is_empty),
        cmocka_unit_test(ends_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
