/* The simulator's words, tokens, counts and schemas. */
#include "unit.h"

#include "sim/counts.h"
#include "sim/schema.h"
#include "sim/text.h"
#include "sim/wish.h"

#include <stdio.h>

static sim_wish read_ok(const char *model) {
    sim_wish w;
    sim_misread misread;
    assert_true(sim_wish_read(span_cstr(model), (http_headers){0}, &w, &misread));
    return w;
}

static void names_without_the_prefix_wish_for_nothing(void **state) {
    (void)state;
    const char *const names[] = {"gpt-4o", "429", "", "simulate/429", "sim"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sim_wish w = read_ok(names[i]);
        assert_false(sim_wish_fails(&w));
    }
}

static void words_are_read(void **state) {
    (void)state;
    sim_wish w = read_ok("sim/429-2s");
    assert_int_equal(w.refusal, SIM_REFUSES);
    assert_int_equal(w.status, 429);
    assert_int_equal(w.retry_after_ms, 2000);
    w = read_ok("sim/503-1500ms");
    assert_int_equal(w.retry_after_ms, 1500);
    w = read_ok("sim/500");
    assert_int_equal(w.retry_after_ms, -1);
    w = read_ok("sim/html-504");
    assert_int_equal(w.refusal, SIM_REFUSES_IN_HTML);
    assert_int_equal(w.status, 504);
    w = read_ok("sim/cut-before");
    assert_int_equal(w.ending, SIM_ENDS_CUT);
    assert_int_equal(w.after, SIM_BEFORE);
    w = read_ok("sim/cut-7");
    assert_int_equal(w.after, 7);
    w = read_ok("sim/cut");
    assert_int_equal(w.after, SIM_MIDDLE);
    w = read_ok("sim/words-200,pace-5, slow-3");
    assert_int_equal(w.words, 200);
    assert_int_equal(w.pace_ms, 5);
    assert_int_equal(w.head_delay_ms, 3000);
    w = read_ok("sim/flaky-3");
    assert_int_equal(w.times, 3);
    assert_int_equal(w.status, 503);
    w = read_ok("sim/flaky-2,reset");
    assert_int_equal(w.refusal, SIM_SERVES);
    assert_int_equal(w.ending, SIM_ENDS_RESET);
}

static void what_is_not_understood_is_told(void **state) {
    (void)state;
    static const struct {
        const char *model, *word, *nearest;
    } rows[] = {
        {"sim/cutt", "cutt", "cut"},
        {"sim/429,wrods-3", "wrods-3", "words"},
        {"sim/words-x", "words-x", "words"},
        {"sim/words-100001", "words-100001", "words"},
        {"sim/700", "700", NULL},
        {"sim/", "", NULL},
        {"sim/429-x", "429-x", NULL},
        {"sim/reset-3", "reset-3", "reset"},
        {"sim/html-200", "html-200", "html"},
        {"sim/429,", "", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sim_wish w = {.words = 77};
        sim_misread misread = {0};
        assert_false(sim_wish_read(span_cstr(rows[i].model), (http_headers){0}, &w, &misread));
        assert_span(misread.word, rows[i].word);
        assert_int_equal(w.words, 77);
        assert_int_equal(misread.header.len, 0);
        assert_string_equal(misread.nearest ? misread.nearest : "-",
                            rows[i].nearest ? rows[i].nearest : "-");
    }
}

static void headers_wish_too(void **state) {
    (void)state;
    const http_header items[] = {
        {SPAN("X-Sim-Status"), SPAN("503")}, {SPAN("x-sim-retry-after"), SPAN("soon")},
        {SPAN("x-sim-times"), SPAN("2")},    {SPAN("x-sim-pace-ms"), SPAN("7")},
        {SPAN("x-sim-ttft-ms"), SPAN("9")},  {SPAN("x-sim-fault"), SPAN("crlf,split")},
        {SPAN("x-sim-key"), SPAN("k")}};
    sim_wish w;
    sim_misread misread;
    assert_true(sim_wish_read(SPAN_OF("m"), (http_headers){items, ARRAY_LEN(items)}, &w, &misread));
    assert_int_equal(w.status, 503);
    assert_span(w.retry_after, "soon");
    assert_int_equal(w.times, 2);
    assert_int_equal(w.pace_ms, 7);
    assert_int_equal(w.ttft_ms, 9);
    assert_true(w.crlf && w.split && !w.comments);
    sim_wish_relent(&w);
    assert_false(sim_wish_fails(&w));
    assert_int_equal(w.pace_ms, 7);
    const http_header bad[] = {{SPAN("x-sim-status"), SPAN("200")}};
    assert_false(sim_wish_read(SPAN_OF("m"), (http_headers){bad, 1}, &w, &misread));
    assert_span(misread.header, "x-sim-status");
    assert_span(misread.word, "200");
}

/* docs/simulator.md holds the table, word for word. */
static void the_documentation_holds_the_table(void **state) {
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/simulator.md", getenv("WEIR_SOURCE"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    buf text = BUF_EMPTY, table = BUF_EMPTY;
    for (size_t n = 1; n > 0; buf_grow(&text, n))
        n = fread(buf_reserve(&text, 4096), 1, 4096, f);
    fclose(f);
    sim_wish_write_table(&table);
    assert_true(table.len > 1000);
    if (span_find_span(buf_span(&text), 0, buf_span(&table)) == text.len)
        fail_msg("docs/simulator.md differs from the table; `weir sim --words` prints it:\n%s",
                 buf_cstr(&table));
    buf_done(&text);
    buf_done(&table);
}

static void tokens_join_to_the_text(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "one",
                                        "You said: hi there ",
                                        "\n\n a\tb ",
                                        "a-word-that-is-longer-than-twelve-bytes",
                                        "schön ärgerlichüüüüüüüüüüüü 漢字漢字漢字漢字漢字漢字"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        buf joined = BUF_EMPTY;
        span rest = span_cstr(texts[i]), token;
        size_t count = 0;
        while (sim_token_cut(&rest, &token)) {
            assert_true(token.len > 0 && span_is_utf8(token));
            buf_add(&joined, token);
            count++;
        }
        assert_span(buf_span(&joined), texts[i]);
        assert_int_equal(count, sim_token_count(span_cstr(texts[i])));
        buf_done(&joined);
    }
    assert_int_equal(sim_token_count(SPAN_OF("You said: hi there")), 4);
    assert_int_equal(sim_token_count(SPAN_OF("12345678901234567")), 2);
}

static void the_hash_never_changes(void **state) {
    (void)state;
    assert_true(sim_hash(SPAN_OF(""), 0) == sim_hash(SPAN_EMPTY, 0));
    uint64_t h = sim_hash(SPAN_OF("weir measures and regulates"), 0);
    assert_true(h != sim_hash(SPAN_OF("weir measures and regulateS"), 0));
    assert_true(h != sim_hash(SPAN_OF("weir measures and regulates"), 1));
    assert_true(h == 0x1e9d65ad151ef633u);
}

static void tries_are_counted_and_begin_anew(void **state) {
    (void)state;
    sim_counts *c = calloc(1, sizeof *c);
    for (int round = 0; round < 2; round++) {
        assert_true(sim_counts_fails(c, 5, 2));
        assert_true(sim_counts_fails(c, 6, 1));
        assert_true(sim_counts_fails(c, 5, 2));
        assert_false(sim_counts_fails(c, 5, 2));
        assert_false(sim_counts_fails(c, 6, 1));
    }
    /* One set too many: the longest untouched is forgotten, the others are not. */
    for (uint64_t i = 0; i <= SIM_COUNTS_WAYS; i++)
        assert_true(sim_counts_fails(c, 7 + i * SIM_COUNTS_SETS, 1));
    assert_true(sim_counts_fails(c, 7, 1));
    assert_false(sim_counts_fails(c, 7 + SIM_COUNTS_WAYS * SIM_COUNTS_SETS, 1));
    free(c);
}

static void values_fit_their_schema(void **state) {
    (void)state;
    static const struct {
        const char *schema, *value;
    } rows[] = {
        {"{}", "{}"},
        {"{\"type\":\"string\"}", "\"text\""},
        {"{\"type\":\"string\",\"maxLength\":2}", "\"te\""},
        {"{\"type\":\"string\",\"minLength\":6}", "\"textxx\""},
        {"{\"type\":\"string\",\"format\":\"date\"}", "\"2026-01-01\""},
        {"{\"type\":\"integer\"}", "0"},
        {"{\"type\":\"integer\",\"minimum\":3}", "3"},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":3}", "4"},
        {"{\"type\":\"integer\",\"maximum\":-3}", "-3"},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}", "0.5"},
        {"{\"type\":\"number\",\"exclusiveMaximum\":0}", "-1"},
        {"{\"type\":\"integer\",\"minimum\":5,\"multipleOf\":4}", "8"},
        {"{\"type\":\"boolean\"}", "true"},
        {"{\"type\":\"null\"}", "null"},
        {"{\"type\":[\"null\",\"integer\"]}", "0"},
        {"{\"enum\":[\"celsius\",\"kelvin\"]}", "\"celsius\""},
        {"{\"const\":{\"a\":1}}", "{\"a\":1}"},
        {"{\"type\":\"integer\",\"default\":9}", "9"},
        {"{\"type\":\"array\"}", "[]"},
        {"{\"type\":\"array\",\"minItems\":2,\"items\":{\"type\":\"integer\"}}", "[0,0]"},
        {"{\"type\":\"array\",\"minItems\":2,\"prefixItems\":[{\"type\":\"string\"}],\"items\":{"
         "\"type\":\"null\"}}",
         "[\"text\",null]"},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "\"text\""},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":"
         "\"string\"}},"
         "\"required\":[\"b\"]}",
         "{\"b\":\"text\"}"},
        {"{\"type\":\"object\",\"properties\":{\"place\":{\"$ref\":\"#/$defs/"
         "p\"}},\"required\":[\"place\"],"
         "\"$defs\":{\"p\":{\"enum\":[\"here\"]}}}",
         "{\"place\":\"here\"}"},
        {"{\"$ref\":\"#\"}", "null"},
        {"true", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        buf out = BUF_EMPTY;
        json_value root, value;
        json_fault fault;
        arena_init(&a, 0);
        assert_true(json_scan(span_cstr(rows[i].schema), NULL, &root, &fault));
        sim_schema_write(root, &a, &out);
        assert_span(buf_span(&out), rows[i].value);
        assert_true(json_scan(buf_span(&out), NULL, &value, &fault));
        buf_done(&out);
        arena_done(&a);
    }
}

/* A schema that doubles at each level is cut off, and what comes is still JSON. */
static void a_greedy_schema_is_bounded(void **state) {
    (void)state;
    static const span schema =
        SPAN("{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"properties\":"
             "{\"a\":{\"$ref\":\"#\"},\"b\":{\"$ref\":\"#\"}}}");
    arena a;
    buf out = BUF_EMPTY;
    json_value root, value;
    json_fault fault;
    arena_init(&a, 0);
    assert_true(json_scan(schema, NULL, &root, &fault));
    sim_schema_write(root, &a, &out);
    assert_true(out.len < 1 << 17);
    assert_true(json_scan(buf_span(&out), NULL, &value, &fault));
    buf_done(&out);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_without_the_prefix_wish_for_nothing),
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(what_is_not_understood_is_told),
        cmocka_unit_test(headers_wish_too),
        cmocka_unit_test(the_documentation_holds_the_table),
        cmocka_unit_test(tokens_join_to_the_text),
        cmocka_unit_test(the_hash_never_changes),
        cmocka_unit_test(tries_are_counted_and_begin_anew),
        cmocka_unit_test(values_fit_their_schema),
        cmocka_unit_test(a_greedy_schema_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
