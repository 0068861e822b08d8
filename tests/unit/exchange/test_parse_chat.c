/* The parse stage, of /chat: what is refused, in which words, and what is written of the rest. */
#include "exchange/parsed.h"

#define SIXTY_FOUR "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void chat_names_field_limit_and_value(void **state) {
    (void)state;
    static const row rows[] = {
        {CHAT, "{}", ERR_UNPROCESSABLE, "message", "'message' is missing."},
        {CHAT, "{\"message\":7}", ERR_UNPROCESSABLE, "message", "'message' must be a string."},
        {CHAT, "{\"message\":\" \\n\\t \"}", ERR_UNPROCESSABLE, "message",
         "'message' cannot be empty."},
        {CHAT, "{\"message\":\"elevenchars\"}", ERR_UNPROCESSABLE, "message",
         "'message' has 11 characters; at most 10 are allowed."},
        {CHAT, "{\"message\":\"x\",\"max_tokens\":0}", ERR_UNPROCESSABLE, "max_tokens",
         "'max_tokens' is 0; it must be between 1 and 400."},
        {CHAT, "{\"message\":\"x\",\"max_tokens\":401}", ERR_UNPROCESSABLE, "max_tokens",
         "'max_tokens' is 401; it must be between 1 and 400."},
        {CHAT, "{\"message\":\"x\",\"max_tokens\":1.5}", ERR_UNPROCESSABLE, "max_tokens",
         "'max_tokens' must be an integer."},
        {CHAT, "{\"message\":\"x\",\"temperature\":2.1}", ERR_UNPROCESSABLE, "temperature",
         "'temperature' is 2.1; it must be between 0 and 2."},
        {CHAT, "{\"message\":\"x\",\"temperature\":-1}", ERR_UNPROCESSABLE, "temperature",
         "'temperature' is -1; it must be between 0 and 2."},
        {CHAT, "{\"message\":\"x\",\"temperature\":\"1\"}", ERR_UNPROCESSABLE, "temperature",
         "'temperature' must be a number."},
        {CHAT, "{\"message\":\"x\",\"stream\":1}", ERR_UNPROCESSABLE, "stream",
         "'stream' must be true or false."},
        {CHAT, "{\"message\":\"x\",\"stream\":[]}", ERR_UNPROCESSABLE, "stream",
         "'stream' must be true or false."},
        {CHAT, "{\"message\":\"x\",\"temperature\":7.1234567890123456789012345678901234567890}",
         ERR_UNPROCESSABLE, "temperature",
         "'temperature' is 7.12345678901234567890123456789012345678; it must be between 0 and 2."},
        {CHAT, "{\"" SIXTY_FOUR "x\":1}", ERR_UNPROCESSABLE, SIXTY_FOUR,
         "'" SIXTY_FOUR "' is not a field of /chat; the fields are message, max_tokens, "
         "temperature, model and stream."},
        {CHAT, "{\"message\":\"x\",\"model\":[]}", ERR_UNPROCESSABLE, "model",
         "'model' must be a string."},
        {CHAT, "{\"message\":\"x\",\"model\":\"\"}", ERR_BAD_VALUE, "model", "'model' is empty."},
        {CHAT, "{\"message\":\"x\",\"mesage\":\"y\"}", ERR_UNPROCESSABLE, "mesage",
         "'mesage' is not a field of /chat; the fields are message, max_tokens, temperature, model "
         "and stream."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&form_chat, &rows[i]);
}

static void chat_refuses_a_crowd_of_fields(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"message\":\"x\"");
    for (int k = 0; k < 100; k++)
        buf_addf(&body, ",\"x%d\":%d", k, k);
    buf_add_char(&body, '}');
    parsed *p = parse(&form_chat, CHAT, buf_span(&body));
    assert_int_equal(p->x.failure.error, ERR_UNPROCESSABLE);
    assert_span(p->x.failure.param, "x0");
    done(p);
    buf_done(&body);
}

/* The facts are what reading the written body would find. */
static void check_facts_of_written(const parsed *p, const char *model, bool stream) {
    const request_facts *f = &p->x.facts;
    json_value root;
    json_fault fault;
    assert_true(json_scan(f->body, NULL, &root, &fault));
    assert_int_equal(f->root.type, JSON_OBJECT);
    assert_ptr_equal(f->root.raw.ptr, root.raw.ptr);
    assert_int_equal(f->root.raw.len, root.raw.len);
    json_value named = json_get(root, SPAN_OF("model"));
    assert_int_equal(f->model.type, JSON_STRING);
    assert_ptr_equal(f->model.raw.ptr, named.raw.ptr);
    assert_int_equal(f->model.raw.len, named.raw.len);
    assert_span(f->model_name, model);
    assert_span(p->x.record.model, model);
    assert_int_equal(f->endpoint, EP_CHAT_COMPLETIONS);
    assert_int_equal(f->choices, 1);
    assert_int_equal(f->stream, stream);
    assert_int_equal(json_get(root, SPAN_OF("stream")).type, stream ? JSON_TRUE : JSON_NONE);
    assert_int_equal(p->x.record.stream, stream);
    assert_false(f->usage_asked);
    assert_int_equal(f->stream_options.type, JSON_NONE);
    assert_int_equal(f->query.len, 0);
}

static void chat_becomes_a_completion(void **state) {
    (void)state;
    static const struct {
        const char *in, *out, *model;
        bool stream;
    } rows[] = {
        {"{\"message\":\" Hi \\u00fc. \"}",
         "{\"model\":\"small\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
         "{\"role\":\"user\",\"content\":\"Hi \xc3\xbc.\"}],\"max_tokens\":100,"
         "\"temperature\":0.5}",
         "small", false},
        {"{\"m\\u0065ssage\":\"x\",\"max_tokens\":400,\"temperature\":2,\"model\":\"big\","
         "\"stream\":true}",
         "{\"model\":\"big\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
         "{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":400,\"temperature\":2,"
         "\"stream\":true}",
         "big", true},
        {"{\"message\":\"x\",\"model\":\"\\u0062/\\\"q\\\"\"}",
         "{\"model\":\"\\u0062/\\\"q\\\"\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
         "brief.\"},"
         "{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":100,\"temperature\":0.5}",
         "b/\"q\"", false},
        {"{\"message\":\"x\",\"max_tokens\":null,\"temperature\":null,\"model\":null,"
         "\"stream\":null}",
         "{\"model\":\"small\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
         "{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":100,\"temperature\":0.5}",
         "small", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(&form_chat, CHAT, span_cstr(rows[i].in));
        assert_int_equal(p->result, STAGE_NEXT);
        assert_span(p->x.facts.body, rows[i].out);
        assert_span(p->x.facts.path, "/chat/completions");
        check_facts_of_written(p, rows[i].model, rows[i].stream);
        done(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chat_names_field_limit_and_value),
        cmocka_unit_test(chat_refuses_a_crowd_of_fields),
        cmocka_unit_test(chat_becomes_a_completion),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
