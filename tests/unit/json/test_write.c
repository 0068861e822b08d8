/* Strings, numbers and the writer. */
#include "comma.h"
#include "unit.h"

#include "base/random.h"
#include "json/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static void writes_strings(void **state) {
    (void)state;
    static const struct {
        span text;
        const char *json;
    } rows[] = {
        {SPAN(""), "\"\""},
        {SPAN("a/b"), "\"a/b\""},
        {SPAN("\"\\"), "\"\\\"\\\\\""},
        {SPAN("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {SPAN("\0\x01\x0B\x1F\x20\x7F"), "\"\\u0000\\u0001\\u000b\\u001f \x7F\""},
        {SPAN("caf\xC3\xA9 \xE2\x82\xAC\xF0\x9F\x98\x80"),
         "\"caf\xC3\xA9 \xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {SPAN("a long run without anything, then\na line"),
         "\"a long run without anything, then\\na line\""},
        {SPAN("a\xC2\x85\xE2\x80\xA8"
              "b\xE2\x80\xA9"),
         "\"a\\u0085\\u2028b\\u2029\""},
        {SPAN("\xC2\x84\xC2\x86\xE2\x80\xA7\xE2\x80\xAA\xE2\x81\xA8\xC3\x85"),
         "\"\xC2\x84\xC2\x86\xE2\x80\xA7\xE2\x80\xAA\xE2\x81\xA8\xC3\x85\""},
        {SPAN("\xE2\x80\xA8\xE2\x80"), "\"\\u2028\xEF\xBF\xBD\""},
        /* invalid UTF-8: one U+FFFD for each longest beginning of a sequence */
        {SPAN("\x80"), "\"\xEF\xBF\xBD\""},
        {SPAN("a\xFF\xFE"
              "b"),
         "\"a\xEF\xBF\xBD\xEF\xBF\xBD"
         "b\""},
        {SPAN("\xE2\x82"), "\"\xEF\xBF\xBD\""},
        {SPAN("\xE2\x82\""), "\"\xEF\xBF\xBD\\\"\""},
        {SPAN("\xF0\x9F\x98z"), "\"\xEF\xBF\xBDz\""},
        {SPAN("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {SPAN("\xC3\xA9\xC3"), "\"\xC3\xA9\xEF\xBF\xBD\""},
        {SPAN("\xC3\n\xA9"), "\"\xEF\xBF\xBD\\n\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        json_write_string(&out, rows[i].text);
        assert_span(buf_span(&out), rows[i].json);
        buf_done(&out);
    }
}

/* Whatever is written reads back: as it was where it was UTF-8, and always as JSON. */
static void reads_back_strings(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 3);
    arena a;
    arena_init(&a, 0);
    for (int round = 0; round < 20000; round++) {
        char text[64];
        size_t len = (size_t)(rng_u64(&r) % sizeof text);
        uint64_t mask = round % 2 ? 0x7F : 0xFF;
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(rng_u64(&r) & mask);
        buf out = BUF_EMPTY;
        json_write_string(&out, span_from(text, len));
        json_value value;
        json_fault fault;
        assert_true(json_scan(buf_span(&out), NULL, &value, &fault));
        span back = json_string(value, &a);
        assert_true(span_is_utf8(back));
        if (span_is_utf8(span_from(text, len))) assert_true(span_eq(back, span_from(text, len)));
        buf_done(&out);
    }
    arena_done(&a);
}

static void sets_commas(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "a");
    json_open_array(&w);
    json_close_array(&w);
    json_key(&w, "b");
    json_open_array(&w);
    json_put_i64(&w, INT64_MIN);
    json_put_u64(&w, UINT64_MAX);
    json_open_object(&w);
    json_close_object(&w);
    json_open_array(&w);
    json_put_null(&w);
    json_close_array(&w);
    json_put_string(&w, SPAN_OF("s\n"));
    json_close_array(&w);
    json_key(&w, "c");
    json_put_bool(&w, true);
    json_key(&w, "d");
    json_put_bool(&w, false);
    json_key(&w, "e");
    json_put_raw(&w, SPAN_OF("[1, 2]"));
    json_key(&w, "f");
    json_put_double(&w, 0.5);
    json_close_object(&w);
    assert_span(buf_span(&out),
                "{\"a\":[],\"b\":[-9223372036854775808,18446744073709551615,{},[null],\"s\\n\"],"
                "\"c\":true,\"d\":false,\"e\":[1, 2],\"f\":0.5}");
    buf_done(&out);
}

static void assert_double(double value, const char *text) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_put_double(&w, value);
    assert_span(buf_span(&out), text);
    buf_done(&out);
}

static void writes_doubles_shortly(void **state) {
    (void)state;
    assert_double(0, "0");
    assert_double(-0.0, "-0");
    assert_double(1, "1");
    assert_double(-42, "-42");
    assert_double(0.1, "0.1");
    assert_double(0.7, "0.7");
    assert_double(0.05, "0.05");
    assert_double(-1.25, "-1.25");
    assert_double(0.30000000000000004, "0.30000000000000004");
    assert_double(1.0 / 3, "0.3333333333333333");
    assert_double(2.0 / 3, "0.6666666666666666");
    assert_double(123456.789, "123456.789");
    assert_double(100000, "100000");
    assert_double(999999999999999, "999999999999999");
    assert_double(9007199254740992, "9007199254740992");
    assert_double(1e15, "1e+15");
    assert_double(1e21, "1e+21");
    assert_double(0.00000015, "0.00000015");
    assert_double(1e-15, "0.000000000000001");
    assert_double(1e-16, "1e-16");
    assert_double(5e-324, "5e-324");
    assert_double(DBL_MIN, "2.2250738585072014e-308");
    assert_double(DBL_MAX, "1.7976931348623157e+308");
    assert_double(NAN, "null");
    assert_double(INFINITY, "null");
    assert_double(-INFINITY, "null");
}

static void reads_back_doubles(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 4);
    for (int round = 0; round < 50000; round++) {
        double value;
        uint64_t bits = rng_u64(&r);
        switch (round % 4) {
        case 0: memcpy(&value, &bits, sizeof value); break;
        case 1: value = rng_unit(&r); break;
        case 2: value = (double)(bits % 100000000) / 1e4; break;
        default: value = (double)(bits % 1000000000000000) / 1e9; break;
        }
        if (!isfinite(value)) continue;
        buf out = BUF_EMPTY;
        json_writer w = json_writer_of(&out);
        json_put_double(&w, value);
        json_value scanned;
        json_fault fault;
        double back = NAN;
        assert_true(json_scan(buf_span(&out), NULL, &scanned, &fault));
        assert_true(json_double(scanned, &back));
        assert_true(memcmp(&back, &value, sizeof back) == 0);
        buf_done(&out);
    }
}

static void writes_fixed(void **state) {
    (void)state;
    static const struct {
        double value;
        int decimals;
        const char *text;
    } rows[] = {{1.005, 2, "1.00"},   {12.5, 0, "12"},
                {0.0004, 3, "0.000"}, {-3.14159, 3, "-3.142"},
                {2, 1, "2.0"},        {1e20, 1, "100000000000000000000.0"},
                {5, -1, "5"},         {NAN, 2, "null"},
                {INFINITY, 0, "null"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        json_writer w = json_writer_of(&out);
        json_put_fixed(&w, rows[i].value, rows[i].decimals);
        assert_span(buf_span(&out), rows[i].text);
        buf_done(&out);
    }
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_put_fixed(&w, -DBL_MAX, 99);
    assert_int_equal(out.len, 1 + 309 + 1 + 17);
    buf_done(&out);
}

static void minds_no_locale(void **state) {
    (void)state;
    comma_enter();
    assert_double(1.0 / 3, "0.3333333333333333");
    double d = 0;
    assert_true(json_double((json_value){JSON_NUMBER, SPAN_OF("1.5")}, &d));
    assert_true(d == 1.5);
    comma_leave();
}

/* Whoever frames messages by lines hands on what others have laid out. */
static void writes_one_line(void **state) {
    (void)state;
    static const struct {
        const char *json, *line;
    } rows[] = {
        {"{\n  \"a\": 1\r\n}", "{   \"a\": 1  }"},
        {"[1,\r2]", "[1, 2]"},
        {"[\r\n\r\n\n]\n", "[     ] "},
        {"\"a\\nb\\r\"", "\"a\\nb\\r\""},
        {"{\"a\":[1,\t2]}", "{\"a\":[1,\t2]}"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        json_write_line(&out, span_cstr(rows[i].json));
        assert_span(buf_span(&out), rows[i].line);
        buf_done(&out);
    }
    buf out = BUF_EMPTY;
    buf_add_cstr(&out, "before\n");
    json_write_line(&out, SPAN_OF("[\n]"));
    assert_span(buf_span(&out), "before\n[ ]");
    buf_done(&out);
}

static void what_others_wrote_is_on_one_line(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_member m = {.key = SPAN("b"), .value = {JSON_ARRAY, SPAN("[\r\n2\n]")}};
    const char text[] = "{\"\\u0062\":\n[\r\n2\n]}";
    json_iter it = json_iter_of((json_value){JSON_OBJECT, span_cstr(text)});
    assert_true(json_next_member(&it, &m));
    json_open_object(&w);
    json_key(&w, "a");
    json_put_raw(&w, SPAN_OF("{\n}"));
    json_put_member(&w, &m);
    json_put_name(&w, json_member_name(&m));
    json_open_array(&w);
    json_put_raw(&w, SPAN_OF("1\r"));
    json_put_raw(&w, SPAN_OF("2"));
    json_close_array(&w);
    json_put_member(&w, &m);
    json_close_object(&w);
    assert_span(buf_span(&out), "{\"a\":{ },\"\\u0062\":[  2 ],\"\\u0062\":[1 ,2],"
                                "\"\\u0062\":[  2 ]}");
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_strings),
        cmocka_unit_test(reads_back_strings),
        cmocka_unit_test(sets_commas),
        cmocka_unit_test(writes_doubles_shortly),
        cmocka_unit_test(reads_back_doubles),
        cmocka_unit_test(writes_fixed),
        cmocka_unit_test(minds_no_locale),
        cmocka_unit_test(writes_one_line),
        cmocka_unit_test(what_others_wrote_is_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
