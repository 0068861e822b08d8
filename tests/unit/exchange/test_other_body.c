/* What a body on a path that is passed through is taken for. */
#include "unit.h"

#include "exchange/other_body.h"

static other_body_fate fate_of(span type, span body, bool asked) {
    const json_limits limits = {.depth = 4, .members = 48};
    const other_body b = other_body_of(type, body);
    json_value root;
    json_fault fault = {.kind = JSON_OK};
    if (b != OTHER_BODY_BYTES && b != OTHER_BODY_CODED)
        (void)!json_scan(b == OTHER_BODY_MARKED ? json_behind_mark(body) : body, &limits, &root,
                         &fault);
    return other_body_judge(b, fault.kind, asked);
}

static void what_a_body_is_taken_for(void **state) {
    (void)state;
    enum { READ = OTHER_BODY_READ, PASSED = OTHER_BODY_PASSED, REFUSED = OTHER_BODY_REFUSED };
    static const struct {
        span body;
        int unasked, asked;
    } rows[] = {
        /* JSON */
        {SPAN("{\"a\":1}"), READ, READ},
        {SPAN("{}"), READ, READ},
        {SPAN("\r\n { \"a\":1}\n"), READ, READ},
        {SPAN("[1]"), READ, READ},
        {SPAN(" [\"a\"]"), READ, READ},
        {SPAN("\"a\""), READ, READ},
        /* what only begins as an object, or is none that weir takes */
        {SPAN("{\"a\":1}\n{\"a\":2}\n"), PASSED, REFUSED},
        {SPAN("{\"a\":NaN}"), PASSED, REFUSED},
        {SPAN("{\"a\":1,\"a\":2}"), PASSED, REFUSED},
        {SPAN("{\"a\":[[[[1]]]]}"), PASSED, REFUSED},
        {SPAN("{\"a\":\"caf\xe9\"}"), PASSED, REFUSED},
        {SPAN("{\"Quote\"} is how it starts"), PASSED, REFUSED},
        {SPAN("\v{\"a\":1}"), PASSED, REFUSED},
        {SPAN("{}{}"), PASSED, REFUSED},
        {SPAN("\xEF\xBB\xBF{\"a\":1}"), PASSED, REFUSED},
        /* texts */
        {SPAN("{name}"), PASSED, PASSED},
        {SPAN("{\\rtf1 x}"), PASSED, PASSED},
        {SPAN("{"), PASSED, PASSED},
        {SPAN("[Verse]"), PASSED, PASSED},
        {SPAN("[1] Knuth"), PASSED, PASSED},
        {SPAN("\"A\", he said. \"B\""), PASSED, PASSED},
        {SPAN("\"caf\xe9\""), PASSED, PASSED},
        {SPAN("\xEF\xBB\xBF\"A\", he said. \"B\""), PASSED, PASSED},
        {SPAN("true"), PASSED, PASSED},
        {SPAN(" "), PASSED, PASSED},
        {SPAN(""), PASSED, PASSED},
        {SPAN("--b\r\n\r\n{}\r\n--b--"), PASSED, PASSED},
        /* a list that others read */
        {SPAN("[[[[[1]]]]]"), PASSED, REFUSED},
        {SPAN("[{\"a\":1,\"a\":2}]"), PASSED, REFUSED},
        {SPAN("\xEF\xBB\xBF[\"a\"]"), PASSED, REFUSED},
        {SPAN("\xEF\xBB\xBF\"a\""), PASSED, REFUSED},
        /* UTF-16 and UTF-32, with marks and without */
        {SPAN("{\0\"\0a\0\"\0:\0001\0}\0"), PASSED, REFUSED},
        {SPAN("\0{\0\"\0a\0\"\0:\0001\0}"), PASSED, REFUSED},
        {SPAN("\xFF\xFE{\0}\0"), PASSED, REFUSED},
        {SPAN("\xFE\xFF\0\n\0{\0 \0}"), PASSED, REFUSED},
        {SPAN("{\0\0\0}\0\0\0"), PASSED, REFUSED},
        {SPAN("\0\0\0{\0\0\0\""), PASSED, REFUSED},
        {SPAN("\xFF\xFE\0\0{\0\0\0}\0\0\0"), PASSED, REFUSED},
        {SPAN("\0\0\xFE\xFF\0\0\0{\0\0\0}"), PASSED, REFUSED},
        {SPAN("[\0\"\0a\0\"\0]\0\n\0"), PASSED, REFUSED},
        {SPAN("\0\"\0a\0\""), PASSED, REFUSED},
        {SPAN("{\0}\0x"), PASSED, REFUSED},
        {SPAN("[\0a\0]\0b\0"), PASSED, PASSED},
        {SPAN("\"\0a\0\"\0,\0"), PASSED, PASSED},
        {SPAN("{\0a\0}\0"), PASSED, PASSED},
        {SPAN("{\0\"\1}\0"), PASSED, PASSED},
        {SPAN("{\0"), PASSED, PASSED},
        {SPAN("\xFF\xFE"), PASSED, PASSED},
        {SPAN("\0"), PASSED, PASSED},
        /* bytes that begin with zeros */
        {SPAN("\0\0\0 ftypisom\0\0\2\0"), PASSED, PASSED},
        {SPAN("\0\1\0\0\0\14OS/2"), PASSED, PASSED},
        {SPAN("\0\0\1\xba"), PASSED, PASSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span text = SPAN_OF("text/plain"), json = SPAN_OF("application/json");
        const int unasked = (int)fate_of(text, rows[i].body, false),
                  asked = (int)fate_of(text, rows[i].body, true);
        if (unasked != rows[i].unasked || asked != rows[i].asked)
            fail_msg("row %zu (%.*s): %d, %d", i, SPAN_ARG(rows[i].body), unasked, asked);
        for (int k = 0; k < 2; k++)
            assert_int_equal(fate_of(json, rows[i].body, k), rows[i].body.len ? READ : PASSED);
    }
}

/* Its whole name counts. */
static void which_types_are_json(void **state) {
    (void)state;
    static const struct {
        const char *type;
        bool is;
    } rows[] = {
        {"", true},
        {"application/json", true},
        {"Application/JSON", true},
        {"application/json;charset=utf-8", true},
        {"application/json ; charset=utf-8", true},
        {"application/json\t", true},
        {"application/vnd.api+json", true},
        {"application/problem+JSON; a=b", true},
        {"application/jsonl", false},
        {"application/json-seq", false},
        {"application/json5", false},
        {"application/geo+json-seq", false},
        {"application/jsonl; of=application/json", false},
        {"application/x-ndjson", false},
        {"application/jso", false},
        {"text/plain", false},
        {"text/json", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const other_body b = other_body_of(span_cstr(rows[i].type), SPAN_OF("x"));
        if ((b == OTHER_BODY_TYPED) != rows[i].is) fail_msg("%s: %d", rows[i].type, (int)b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_body_is_taken_for),
        cmocka_unit_test(which_types_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
