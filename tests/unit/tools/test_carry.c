/* What a run has done, in the id of a call. */
#include "unit.h"

#include "tools/carry.h"

#define ASSISTANT(text)                                                                            \
    "{\"role\":\"assistant\",\"content\":" text ",\"tool_calls\":[{\"id\":\"c1\",\"type\":"        \
    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}"
#define TOOL(text) "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"" text "\"}"

static void assert_name(span id) {
    assert_true(span_starts(id, carry_mark));
    assert_true(id.len <= CARRY_BYTES_MAX);
    for (size_t i = 0; i < id.len; i++)
        assert_non_null(memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                               id.ptr[i], 64));
}

static void what_is_written_is_read(void **state) {
    (void)state;
    static const carried rows[] = {
        {SPAN("call_1"), SPAN(ASSISTANT("null"))},
        {SPAN("call_12"), SPAN(ASSISTANT("\"\\u00e4 ä\"") "," TOOL("12"))},
        {SPAN("call_123"), SPAN(ASSISTANT("null") ", " TOOL("x") "," ASSISTANT("\"y\""))},
        {SPAN(""), SPAN(TOOL("\xf0\x9f\x98\x80"))},
        {SPAN("ä"), SPAN(TOOL("/?+&=~"))},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        carried c;
        buf id = BUF_EMPTY;
        arena_init(&a, 0);
        assert_true(carry_write(&rows[i], &id));
        assert_name(buf_span(&id));
        assert_true(carry_read(buf_span(&id), &a, &c));
        assert_true(span_eq(c.id, rows[i].id));
        assert_true(span_eq(c.messages, rows[i].messages));
        buf_done(&id);
        arena_done(&a);
    }
}

/* Any bytes in the place of what carry_write() has written. */
static bool reads(const char *mark, const char *text) {
    arena a;
    carried c;
    buf id = BUF_EMPTY;
    arena_init(&a, 0);
    buf_add_cstr(&id, mark);
    buf_add_cstr(&id, text);
    bool ok = carry_read(buf_span(&id), &a, &c);
    buf_done(&id);
    arena_done(&a);
    return ok;
}

static void what_is_none_is_not_read(void **state) {
    (void)state;
    /* base64url of: "a\n{}" "a\n{\"role\":\"system\"}" "a\n" "a" "a\n1," "\xff\n…" */
    static const char *const none[] = {
        "",
        "YQp7fQ",
        "YQp7InJvbGUiOiJzeXN0ZW0ifQ",
        "YQo",
        "YQ",
        "YQoxLA",
        "_wp7InJvbGUiOiJ0b29sIn0",
        "YQp7InJvbGUiOiJ0b29sIn0sXQ",
        "*",
        "YQp7InJvbGUiOiJ0b29sIn0=",
        "YQp7InJvbGUiOiJ0b29sIn1dLFs",
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (reads("weir-run-", none[i])) fail_msg("%s is read", none[i]);
    assert_true(reads("weir-run-", "YQp7InJvbGUiOiJ0b29sIn0")); /* {"role":"tool"} */
    assert_false(reads("call_", "YQp7InJvbGUiOiJ0b29sIn0"));
}

/* Of texts that are too long their beginnings are kept: what was called is more than what it said.
 */
static void long_texts_are_cut(void **state) {
    (void)state;
    static const size_t lengths[] = {11000, 30000, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        arena a;
        carried c;
        buf id = BUF_EMPTY, messages = BUF_EMPTY;
        arena_init(&a, 0);
        buf_add_cstr(&messages, ASSISTANT("null") ",{\"role\":\"tool\",\"tool_call_id\":\"c1\","
                                                  "\"content\":\"");
        for (size_t k = 0; k < lengths[i]; k++)
            buf_add_char(&messages, 'x');
        buf_add_cstr(&messages, "\"}");
        assert_true(carry_write(&(carried){SPAN("c2"), buf_span(&messages)}, &id));
        assert_name(buf_span(&id));
        assert_true(carry_read(buf_span(&id), &a, &c));
        bool cut = lengths[i] > 11000;
        assert_int_equal(span_find_span(c.messages, 0, SPAN_OF("(cut: it is")) < c.messages.len,
                         cut);
        assert_true(span_starts(c.messages, SPAN_OF(ASSISTANT("null"))));
        assert_true(span_find_span(c.messages, 0, SPAN_OF("xxxxxxxx")) < c.messages.len);
        buf_done(&id);
        buf_done(&messages);
        arena_done(&a);
    }
}

static void long_arguments_stay_an_object(void **state) {
    (void)state;
    arena a;
    carried c;
    buf id = BUF_EMPTY, messages = BUF_EMPTY;
    arena_init(&a, 0);
    buf_add_cstr(&messages, "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{"
                            "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"");
    for (size_t k = 0; k < 20000; k++)
        buf_add_char(&messages, 'x');
    buf_add_cstr(&messages, "\\\"}\"}}]}");
    assert_true(carry_write(&(carried){SPAN("c2"), buf_span(&messages)}, &id));
    assert_true(carry_read(buf_span(&id), &a, &c));
    assert_span(c.messages, "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{"
                            "\"name\":\"f\",\"arguments\":\"{\\\"cut\\\":\\\"too long to be "
                            "kept\\\"}\"}}]}");
    buf_done(&id);
    buf_done(&messages);
    arena_done(&a);
}

static void too_many_are_not_carried(void **state) {
    (void)state;
    buf id = BUF_EMPTY, messages = BUF_EMPTY;
    for (size_t k = 0; k < 250; k++)
        buf_addf(&messages, "%s" TOOL("0123456789"), k ? "," : "");
    assert_false(carry_write(&(carried){SPAN("c2"), buf_span(&messages)}, &id));
    assert_int_equal(id.len, 0);
    buf_done(&id);
    buf_done(&messages);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),  cmocka_unit_test(what_is_none_is_not_read),
        cmocka_unit_test(long_texts_are_cut),       cmocka_unit_test(long_arguments_stay_an_object),
        cmocka_unit_test(too_many_are_not_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
