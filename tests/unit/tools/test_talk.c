/* The conversation of a run: what the model is asked next, and what the steps were. */
#include "heap.h"
#include "unit.h"

#include "tools/talk.h"
#include "tools/talk_ids.h"

#define HEAD  "{\"model\":\"m\",\"tools\":[]"
#define ASKED "{\"role\":\"user\",\"content\":\"hi\"}"

typedef struct talking {
    talk talk;
    arena arena;
    model_said said;
} talking;

static void begin_with(talking *t, span messages) {
    *t = (talking){0};
    arena_init(&t->arena, 0);
    talk_begin(&t->talk, SPAN_OF(HEAD), "messages", messages);
}

static void begin(talking *t) {
    begin_with(t, SPAN_OF(ASKED));
}

static void end(talking *t) {
    talk_done(&t->talk);
    arena_done(&t->arena);
}

/* The model answers with that message. */
static void says(talking *t, const char *message) {
    span parts[] = {SPAN("{\"choices\":[{\"message\":"), span_cstr(message), SPAN("}]}")};
    model_said_read(arena_join(&t->arena, parts, ARRAY_LEN(parts)), &t->arena, &t->said);
    talk_add_said(&t->talk, &t->said, &t->arena);
}

static void answers(talking *t, size_t call, bool failed, const char *text) {
    const talk_result r = {failed, span_cstr(text), 5};
    talk_add_result(&t->talk, &t->said.calls[call], &r);
}

static void assert_body(talking *t, bool last, const char *messages) {
    buf expected = BUF_EMPTY;
    buf_addf(&expected, HEAD ",\"messages\":[" ASKED "%s]%s}", messages,
             last ? ",\"tool_choice\":\"none\"" : "");
    span body = talk_body(&t->talk, last ? SPAN_OF("],\"tool_choice\":\"none\"}") : SPAN_OF("]}"));
    json_value root;
    json_fault fault;
    assert_true(json_scan(body, NULL, &root, &fault));
    assert_span(body, buf_cstr(&expected));
    buf_done(&expected);
}

static void assert_steps(const talking *t, const char *expected) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    talk_write_steps(&t->talk, &w);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"" arguments "\"}}"
#define SAID(content, calls)                                                                       \
    ",{\"role\":\"assistant\",\"content\":" content ",\"tool_calls\":[" calls "]}"
#define TOLD(id, content)                                                                          \
    ",{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" content "\"}"

static void a_talk_grows_by_what_is_said_and_told(void **state) {
    (void)state;
    talking t;
    begin(&t);
    assert_body(&t, false, "");
    assert_body(&t, true, "");
    assert_body(&t, false, "");
    assert_steps(&t, "[]");
    says(&t, "{\"content\":\"Let me \\u0073ee.\",\"tool_calls\":[" CALL(
                 "c1", "add", "{\\\"a\\\":1}") "," CALL("c2", "now", "{}") "]}");
    answers(&t, 0, false, "7 \"or\" 8\n");
    answers(&t, 1, true, "it is too \"late\"");
#define FIRST                                                                                      \
    SAID("\"Let me \\u0073ee.\"", CALL("c1", "add", "{\\\"a\\\":1}") "," CALL("c2", "now", "{}"))  \
    TOLD("c1", "7 \\\"or\\\" 8\\n") TOLD("c2", "Error: it is too \\\"late\\\"")
    assert_body(&t, false, FIRST);
    says(&t, "{\"content\":null,\"tool_calls\":[" CALL("c3", "add", "{}") "]}");
    assert_steps(&t, "[{\"tool\":\"add\",\"arguments\":{\"a\":1},\"result\":\"7 \\\"or\\\" 8\\n\","
                     "\"ms\":5},{\"tool\":\"now\",\"arguments\":{},\"error\":\"it is too "
                     "\\\"late\\\"\",\"ms\":5}]"); /* the third is not answered yet */
    answers(&t, 0, false, "");
    assert_body(&t, true, FIRST SAID("null", CALL("c3", "add", "{}")) TOLD("c3", ""));
    end(&t);
}

/* A provider refuses, or falls over, arguments that are no JSON; the model is told what it wrote.
 */
static void odd_arguments_stand_in_the_step_alone(void **state) {
    (void)state;
    talking t;
    begin(&t);
    says(&t, "{\"tool_calls\":[" CALL("c1", "add", "{\\\"a\\\":") "," CALL("c2", "add", "") "]}");
    answers(&t, 0, true, "no JSON");
    answers(&t, 1, false, "0");
    assert_body(&t, false,
                SAID("null", CALL("c1", "add", "{}") "," CALL("c2", "add", "{}"))
                    TOLD("c1", "Error: no JSON") TOLD("c2", "0"));
    assert_steps(&t,
                 "[{\"tool\":\"add\",\"arguments\":\"{\\\"a\\\":\",\"error\":\"no JSON\",\"ms\":5},"
                 "{\"tool\":\"add\",\"arguments\":{},\"result\":\"0\",\"ms\":5}]");
    end(&t);
}

static void each_call_has_an_id_of_its_own(void **state) {
    (void)state;
    talking t;
    begin(&t);
    says(&t, "{\"tool_calls\":[" CALL("c1", "a", "{}") "," CALL(
                 "c1", "b", "{}") ","
                                  "{\"function\":{\"name\":\"c\"}}]}");
    assert_span(t.said.calls[0].id, "c1");
    assert_span(t.said.calls[1].id, "call00001");
    assert_span(t.said.calls[2].id, "call00002");
    for (size_t i = 0; i < 3; i++)
        answers(&t, i, false, "");
    says(&t, "{\"tool_calls\":[" CALL("c1", "a", "{}") "," CALL("call00003", "b", "{}") "," CALL(
                 "c1", "c", "{}") "]}");
    assert_span(t.said.calls[0].id, "call00003");
    assert_span(t.said.calls[1].id, "call00004"); /* a model's own word may be one that was made */
    assert_span(t.said.calls[2].id, "call00005");
    end(&t);
}

/* Whoever asks may have them all in his messages. */
static void ids_that_are_all_taken_end_nothing(void **state) {
    (void)state;
    talking t = {0};
    buf messages = BUF_EMPTY;
    buf_add_cstr(&messages, "{\"role\":\"user\",\"content\":\"hi\",\"ids\":[\"\"");
    for (unsigned i = 0; i < 100000; i++)
        buf_addf(&messages, ",\"call%05u\"", i);
    buf_add_cstr(&messages, "]}");
    arena_init(&t.arena, 0);
    talk_begin(&t.talk, SPAN_OF(HEAD), "messages", buf_span(&messages));
    says(&t, "{\"tool_calls\":[" CALL("", "a", "{}") "," CALL("", "b", "{}") "]}");
    assert_int_equal(t.said.calls[0].id.len, 9);
    assert_int_equal(t.said.calls[1].id.len, 9);
    assert_false(span_eq(t.said.calls[0].id, t.said.calls[1].id));
    buf_done(&messages);
    end(&t);
}

/* Signatures and the like go back to where they came from; what is empty does not. */
static void what_a_server_adds_goes_back_to_it(void **state) {
    (void)state;
    talking t;
    begin(&t);
    says(&t, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null,\"annotations\":[],"
             "\"audio\":null,\"reasoning_content\":\"since\",\"tool_calls\":[{\"index\":0,\"id\":"
             "\"c\",\"type\":\"function\",\"function\":{\"name\":\"a\",\"arguments\":\"{}\"},"
             "\"extra_content\":{\"google\":{\"thought_signature\":\"x==\"}},\"none\":null}]}");
    answers(&t, 0, false, "1");
    assert_body(&t, false,
                ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c\",\"type\":"
                "\"function\",\"function\":{\"name\":\"a\",\"arguments\":\"{}\"},"
                "\"extra_content\":{\"google\":{\"thought_signature\":\"x==\"}}}],"
                "\"reasoning_content\":\"since\"}" TOLD("c", "1"));
    end(&t);
}

/* What a model writes or a tool answers stays a string, whatever is in it. */
static void hostile_texts_stay_texts(void **state) {
    (void)state;
    static const char *const texts[] = {"\"}],\"model\":\"other\",\"x\":[{\"",
                                        "\\\"",
                                        "]}",
                                        "\x01\x1f",
                                        "\xff\xfe not UTF-8",
                                        "Error: "};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        talking t;
        begin(&t);
        json_value root;
        json_fault fault;
        buf message = BUF_EMPTY;
        buf_add_cstr(&message, "{\"tool_calls\":[{\"id\":");
        json_write_string(&message, span_cstr(texts[i]));
        buf_add_cstr(&message, ",\"function\":{\"name\":");
        json_write_string(&message, span_cstr(texts[i]));
        buf_add_cstr(&message, ",\"arguments\":");
        json_write_string(&message, span_cstr(texts[i]));
        buf_add_cstr(&message, "}}]}");
        says(&t, buf_cstr(&message));
        answers(&t, 0, i % 2, texts[i]);
        span body = talk_body(&t.talk, SPAN_OF("]}"));
        assert_true(json_scan(body, NULL, &root, &fault));
        json_value messages = json_get(root, SPAN_OF("messages"));
        assert_int_equal(json_count(messages), 3);
        assert_true(json_is(json_get(root, SPAN_OF("model")), SPAN_OF("m")));
        buf out = BUF_EMPTY;
        json_writer w = json_writer_of(&out);
        talk_write_steps(&t.talk, &w);
        assert_true(json_scan(buf_span(&out), NULL, &root, &fault));
        assert_int_equal(json_count(root), 1);
        buf_done(&out);
        buf_done(&message);
        end(&t);
    }
}

/* A stream tells each step as it is made, the plain answer all of them: the same objects. */
static void a_step_is_told_as_it_is_kept(void **state) {
    (void)state;
    static const talk_result results[] = {{false, SPAN("a\"b"), 1}, {true, SPAN("c\"d"), 22}};
    talking t;
    buf one = BUF_EMPTY, all = BUF_EMPTY;
    begin(&t);
    says(&t,
         "{\"tool_calls\":[" CALL("c1", "x", "{\\\"a\\\": [1]}") "," CALL("c2", "y", "[]") "]}");
    json_writer w = json_writer_of(&one), v = json_writer_of(&all);
    json_open_array(&w);
    for (size_t i = 0; i < 2; i++) {
        talk_write_step(&w, &t.said.calls[i], &results[i]);
        talk_add_result(&t.talk, &t.said.calls[i], &results[i]);
    }
    json_close_array(&w);
    talk_write_steps(&t.talk, &v);
    assert_string_equal(buf_cstr(&one), buf_cstr(&all));
    assert_string_equal(
        buf_cstr(&one),
        "[{\"tool\":\"x\",\"arguments\":{\"a\": [1]},\"result\":\"a\\\"b\",\"ms\":1},"
        "{\"tool\":\"y\",\"arguments\":\"[]\",\"error\":\"c\\\"d\",\"ms\":22}]");
    buf_done(&one);
    buf_done(&all);
    end(&t);
}

static void calls_that_another_answers_stay_as_they_came(void **state) {
    (void)state;
    talking t;
    begin(&t);
    assert_span(talk_added(&t.talk), "");
    span parts[] = {SPAN("{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":["),
                    SPAN(CALL("c1", "mine", "{}") ","),
                    SPAN("{\"index\":1,\"type\":\"custom\",\"custom\":{\"name\":\"his\","
                         "\"input\":\"no JSON\"}}"),
                    SPAN("]}}]}")};
    model_said_read(arena_join(&t.arena, parts, ARRAY_LEN(parts)), &t.arena, &t.said);
    t.said.calls[1].handed = true;
    talk_add_said(&t.talk, &t.said, &t.arena);
    answers(&t, 0, false, "1");
    talk_leave_open(&t.talk);
#define ADDED                                                                                      \
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" CALL(                              \
        "c1", "mine", "{}") ",{\"id\":"                                                            \
                            "\"call00001\","                                                       \
                            "\"type\":\"custom\","                                                 \
                            "\"custom\":{\"name\":"                                                \
                            "\"his\",\"input\":"                                                   \
                            "\"no JSON\"}}]}" TOLD("c1", "1")
    assert_span(talk_added(&t.talk), ADDED);
    assert_body(&t, false, "," ADDED);
    assert_steps(&t, "[{\"tool\":\"mine\",\"arguments\":{},\"result\":\"1\",\"ms\":5}]");
    end(&t);
}

/* What a response's output becomes in the next input. bare: nobody keeps its items. */
static void items_of_a_response(void **state) {
    (void)state;
    static const struct {
        bool bare;
        const char *added;
    } rows[] = {
        {false,
         "{\"type\":\"reasoning\",\"id\":\"rs_1\"},{\"type\":\"function_call\",\"call_id\":\"c1\","
         "\"name\":\"f\",\"arguments\":\"{}\",\"id\":\"fc_1\"},{\"type\":\"function_call\",\"call_"
         "id\":"
         "\"c2\",\"name\":\"his\",\"arguments\":\"no\",\"id\":\"fc_2\"},{\"type\":"
         "\"function_call_output\",\"call_id\":\"c1\",\"output\":\"Error: no\"}"},
        {true,
         "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},{"
         "\"type\":"
         "\"function_call\",\"call_id\":\"c2\",\"name\":\"his\",\"arguments\":\"no\"},{\"type\":"
         "\"function_call_output\",\"call_id\":\"c1\",\"output\":\"Error: no\"}"},
    };
    static const span response = SPAN("{\"status\":\"completed\",\"model\":\"m\",\"output\":[{"
                                      "\"type\":\"reasoning\",\"id\":\"rs_1\"},"
                                      "{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":"
                                      "\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},"
                                      "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":"
                                      "\"his\",\"arguments\":\"no\",\"id\":"
                                      "\"fc_2\"}]}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        talking t;
        begin(&t);
        model_said_read_response(response, &t.arena, &t.said);
        assert_int_equal(t.said.call_count, 2);
        assert_span(t.said.calls[0].id, "c1");
        assert_span(t.said.finish_reason, "completed");
        t.said.calls[1].handed = true;
        talk_add_items(&t.talk, &t.said, t.said.message, rows[i].bare, &t.arena);
        const talk_result r = {true, SPAN("no"), 5};
        talk_add_output(&t.talk, &t.said.calls[0], &r);
        talk_leave_open(&t.talk);
        assert_span(talk_added(&t.talk), rows[i].added);
        assert_steps(&t, "[{\"tool\":\"f\",\"arguments\":{},\"error\":\"no\",\"ms\":5}]");
        end(&t);
    }
}

/* A model may call by the dozen in a conversation of megabytes: it is not gone through for each. */
static void a_long_talk_is_gone_through_for_all_calls_at_once(void **state) {
    (void)state;
    for (unsigned written = 0; written <= 200; written += 100) {
        talking t;
        buf messages = BUF_EMPTY, calls = BUF_EMPTY;
        buf_add_cstr(&messages, "{\"role\":\"user\",\"content\":\"\"}");
        for (unsigned i = 1; i <= written; i++)
            buf_addf(&messages, ",{\"id\":\"call%05u\"}", i);
        begin_with(&t, buf_span(&messages));
        for (unsigned i = 0; i < SAID_CALLS_MAX; i++)
            buf_addf(&calls, "%s{\"function\":{\"name\":\"a\"}}", i ? "," : "");
        buf said = BUF_EMPTY;
        buf_addf(&said, "{\"tool_calls\":[%s]}", buf_cstr(&calls));
        says(&t, buf_cstr(&said));
        assert_in_range(t.talk.passes, 1, 3);
        for (size_t i = 0; i < SAID_CALLS_MAX; i++)
            for (size_t k = 0; k < i; k++)
                assert_false(span_eq(t.said.calls[i].id, t.said.calls[k].id));
        for (size_t i = 0; i < SAID_CALLS_MAX; i++)
            assert_true(span_find_span(buf_span(&messages), 0, t.said.calls[i].id) == messages.len);
        buf_done(&said);
        buf_done(&calls);
        buf_done(&messages);
        end(&t);
    }
}

/* As told by a search for each. */
static void ids_stand_in_a_text_as_strings_do(void **state) {
    (void)state;
    static const char alphabet[] = "ab\"\\";
    uint64_t x = 88172645463325252u;
    unsigned stood = 0;
    for (unsigned n = 0; n < 5000; n++) {
        char text[40], of_ids[6][3];
        span ids[6];
        bool taken[6];
        for (size_t i = 0; i < sizeof text; i++)
            x ^= x << 13, x ^= x >> 7, x ^= x << 17, text[i] = alphabet[(x >> 20) % 4];
        for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
            for (size_t i = 0; i < sizeof of_ids[k]; i++)
                x ^= x << 13, x ^= x >> 7, x ^= x << 17, of_ids[k][i] = alphabet[(x >> 20) % 4];
            ids[k] = span_from(of_ids[k], 1 + (x >> 30) % 3);
        }
        const span all = span_from(text, sizeof text);
        talk_ids_look(all, ids, ARRAY_LEN(ids), taken);
        for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
            buf quoted = BUF_EMPTY;
            json_write_string(&quoted, ids[k]);
            assert_int_equal(taken[k], span_find_span(all, 0, buf_span(&quoted)) < all.len);
            stood += taken[k];
            buf_done(&quoted);
        }
    }
    assert_in_range(stood, 1000, 29000);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_talk_grows_by_what_is_said_and_told),
        cmocka_unit_test(calls_that_another_answers_stay_as_they_came),
        cmocka_unit_test(items_of_a_response),
        cmocka_unit_test(odd_arguments_stand_in_the_step_alone),
        cmocka_unit_test(each_call_has_an_id_of_its_own),
        cmocka_unit_test(ids_that_are_all_taken_end_nothing),
        cmocka_unit_test(a_long_talk_is_gone_through_for_all_calls_at_once),
        cmocka_unit_test(ids_stand_in_a_text_as_strings_do),
        cmocka_unit_test(what_a_server_adds_goes_back_to_it),
        cmocka_unit_test(hostile_texts_stay_texts),
        cmocka_unit_test(a_step_is_told_as_it_is_kept),
    };
    return run_watched(tests);
}
