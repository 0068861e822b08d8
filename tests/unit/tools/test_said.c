/* What a model's answer says and calls, however odd it is. */
#include "unit.h"

#include "tools/said.h"

/* "id|name|arguments|object", of each call. */
static void show(const model_said *said, buf *out) {
    for (size_t i = 0; i < said->call_count; i++) {
        const said_call *c = &said->calls[i];
        buf_addf(out, "%s%.*s|%.*s|%.*s%s", i ? "; " : "", SPAN_ARG(c->id), SPAN_ARG(c->name),
                 SPAN_ARG(c->arguments), c->is_object ? "" : "|odd");
    }
}

#define MESSAGE(members) "{\"choices\":[{\"message\":{\"role\":\"assistant\"" members "}}]}"
#define CALLS(list)      MESSAGE(",\"content\":null,\"tool_calls\":[" list "]")
#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":" arguments "}}"

static void answers_are_read_as_models_write_them(void **state) {
    (void)state;
    static const struct {
        const char *completion, *words, *calls;
    } rows[] = {
        {MESSAGE(",\"content\":\"Hello.\""), "Hello.", ""},
        {"  \n" MESSAGE(",\"content\":\"Hello.\"") " ", "Hello.", ""},
        {MESSAGE(",\"content\":[{\"type\":\"text\",\"text\":\"a\\\"\"},{\"type\":\"image\"},"
                 "{\"type\":\"text\",\"text\":\"b\"}]"),
         "a\"b", ""},
        {MESSAGE(",\"content\":null,\"refusal\":\"No.\""), "No.", ""},
        {MESSAGE(",\"content\":\"Yes.\",\"refusal\":null"), "Yes.", ""},
        {MESSAGE(",\"content\":\"\""), "", ""},
        {MESSAGE(""), "", ""},
        {MESSAGE(",\"content\":null,\"tool_calls\":[]"), "", ""},
        {MESSAGE(",\"content\":null,\"tool_calls\":null"), "", ""},
        {"{\"choices\":[]}", "", ""},
        {"{\"choices\":null}", "", ""},
        {"{\"choices\":[{}]}", "", ""},
        {"{\"choices\":[7]}", "", ""},
        {"{}", "", ""},
        {CALLS(CALL("c1", "add", "\"{\\\"a\\\":1}\"")), "", "c1|add|{\"a\":1}"},
        {CALLS(CALL("c1", "add", "\"{}\"") "," CALL("c2", "sub", "\"{}\"")), "",
         "c1|add|{}; c2|sub|{}"},
        {MESSAGE(",\"content\":\"Let me see.\",\"tool_calls\":[" CALL("c", "add", "\"{}\"") "]"),
         "Let me see.", "c|add|{}"},
        /* arguments */
        {CALLS(CALL("c", "add", "\"\"")), "", "c|add|{}"},
        {CALLS(CALL("c", "add", "\" \\n\"")), "", "c|add|{}"},
        {CALLS(CALL("c", "add", "null")), "", "c|add|{}"},
        {CALLS("{\"id\":\"c\",\"function\":{\"name\":\"add\"}}"), "", "c|add|{}"},
        {CALLS(CALL("c", "add", "{\"a\":1}")), "", "c|add|{\"a\":1}"},
        {CALLS(CALL("c", "add", "\" {\\\"a\\\": 1}\\n\"")), "", "c|add|{\"a\": 1}"},
        {CALLS(CALL("c", "add", "\"{\\\"a\\\":\"")), "", "c|add|{\"a\":|odd"},
        {CALLS(CALL("c", "add", "\"7\"")), "", "c|add|7|odd"},
        {CALLS(CALL("c", "add", "\"[]\"")), "", "c|add|[]|odd"},
        {CALLS(CALL("c", "add", "7")), "", "c|add|7|odd"},
        {CALLS(CALL("c", "add", "\"Paris, please\"")), "", "c|add|Paris, please|odd"},
        {CALLS(CALL("c", "add", "\"{\\\"a\\\":1,\\\"a\\\":2}\"")), "",
         "c|add|{\"a\":1,\"a\":2}|odd"},
        {CALLS(CALL("c", "add", "\"{'a':1}\"")), "", "c|add|{'a':1}|odd"},
        /* ids and names */
        {CALLS("{\"function\":{\"name\":\"add\",\"arguments\":\"{}\"}}"), "", "|add|{}"},
        {CALLS("{\"id\":null,\"function\":{\"name\":null,\"arguments\":\"{}\"}}"), "", "||{}"},
        {CALLS("{\"id\":7,\"function\":{\"arguments\":\"{}\"}}"), "", "||{}"},
        {CALLS("{\"id\":\"c\",\"name\":\"add\",\"arguments\":\"{}\"}"), "", "c|add|{}"},
        {CALLS("null,\"x\",[]," CALL("c", "add", "\"{}\"")), "", "c|add|{}"},
        {CALLS("{}"), "", "||{}"},
        /* other forms */
        {CALLS("{\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":\"run\",\"input\":\"ls\"}}"),
         "", "c|run|ls|odd"},
        {MESSAGE(",\"content\":null,\"function_call\":{\"name\":\"add\",\"arguments\":\"{}\"}"), "",
         "|add|{}"},
        {MESSAGE(",\"tool_calls\":[" CALL(
             "c", "add", "\"{}\"") "],\"function_call\":{\"name\":\"add\",\"arguments\":\"{}\"}"),
         "", "c|add|{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        buf shown = BUF_EMPTY;
        model_said said;
        json_value root;
        json_fault fault;
        arena_init(&a, 0);
        if (!json_scan(span_cstr(rows[i].completion), &(json_limits){.repeats = true}, &root,
                       &fault))
            fail_msg("row %zu is no JSON", i);
        model_said_read(span_cstr(rows[i].completion), &a, &said);
        show(&said, &shown);
        assert_span(said.words, rows[i].words);
        assert_string_equal(buf_cstr(&shown), rows[i].calls);
        assert_int_equal(said.more_calls, 0);
        buf_done(&shown);
        arena_done(&a);
    }
}

static void the_first_choice_and_the_answers_own_words_count(void **state) {
    (void)state;
    arena a;
    model_said said;
    arena_init(&a, 0);
    model_said_read(
        SPAN_OF("{\"model\":\"m-1\",\"choices\":[{\"finish_reason\":\"length\",\"message\":"
                "{\"content\":\"one\"}},{\"message\":{\"content\":\"two\"}}]}"),
        &a, &said);
    assert_span(said.words, "one");
    assert_span(said.finish_reason, "length");
    assert_span(said.model, "m-1");
    arena_done(&a);
}

/* Whatever else stands around what is read, and in whatever order. */
static void members_stand_in_any_order(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"id\":\"x\",\"object\":{\"choices\":[]},\"created\":1,\"model\":\"m-1\",\"choices\":[{"
        "\"index\":0,"
        "\"logprobs\":{\"content\":[]},\"message\":{\"role\":\"assistant\",\"annotations\":[],"
        "\"content\":\"one\"},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":1}}",
        "{\"usage\":{\"model\":\"no\"},\"choices\":[{\"message\":{\"content\":\"one\"},\"finish_"
        "reason\":\"stop\","
        "\"index\":0}],\"system_fingerprint\":null,\"model\":\"m-1\",\"object\":\"chat."
        "completion\"}",
        " {\"choices\" : [ { \"finish_reason\" : \"stop\" , \"message\" : { \"content\" : \"one\" "
        "} } ] , "
        "\"model\" : \"m-1\" } ",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        model_said said;
        arena_init(&a, 0);
        model_said_read(span_cstr(rows[i]), &a, &said);
        assert_span(said.words, "one");
        assert_span(said.finish_reason, "stop");
        assert_span(said.model, "m-1");
        arena_done(&a);
    }
}

static void calls_have_a_bound(void **state) {
    (void)state;
    arena a;
    model_said said;
    buf text = BUF_EMPTY;
    arena_init(&a, 0);
    buf_add_cstr(&text, "{\"choices\":[{\"message\":{\"tool_calls\":[");
    for (int i = 0; i < SAID_CALLS_MAX + 3; i++)
        buf_addf(&text, "%s{\"id\":\"c%d\",\"function\":{\"name\":\"add\"}}", i ? "," : "", i);
    buf_add_cstr(&text, "]}}]}");
    model_said_read(buf_span(&text), &a, &said);
    assert_int_equal(said.call_count, SAID_CALLS_MAX);
    assert_int_equal(said.more_calls, 3);
    assert_span(said.calls[SAID_CALLS_MAX - 1].id, "c63");
    buf_done(&text);
    arena_done(&a);
}

/* What a schema never describes is no object to anybody. */
static void arguments_have_bounds(void **state) {
    (void)state;
    buf deep = BUF_EMPTY;
    for (int i = 0; i < 100; i++)
        buf_add_cstr(&deep, "{\"a\":");
    buf_add_cstr(&deep, "1");
    for (int i = 0; i < 100; i++)
        buf_add_char(&deep, '}');
    assert_false(model_said_is_object(buf_span(&deep)));
    assert_true(model_said_is_object(SPAN_OF("{\"a\":1e400000}")));
    assert_true(model_said_is_object(SPAN_OF("{\"a\":\"\\u0000; rm -rf ../..\"}")));
    assert_false(model_said_is_object(SPAN_OF("{\"a\":\"\xff\"}")));
    assert_false(model_said_is_object(SPAN_EMPTY));
    buf_done(&deep);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read_as_models_write_them),
        cmocka_unit_test(the_first_choice_and_the_answers_own_words_count),
        cmocka_unit_test(members_stand_in_any_order),
        cmocka_unit_test(calls_have_a_bound),
        cmocka_unit_test(arguments_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
