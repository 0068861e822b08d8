/* Events that no provider sent: they look as OpenAI's, and are read as what they are. */
#include "heap.h"

#include "dialect/dialect_writer.h"
#include "dialect/openai.h"

/* Any event of a stream that tells its envelope. */
typedef struct stream {
    dialect dialect;
    reader reader;
    answer_event like;
} stream;

static void begin(stream *s, dialect d, const char *first) {
    const reader_spec spec = {
        .dialect = d, .want = WANT_PARTS | WANT_ENVELOPE, .choices = 1, .event_bytes = 4096};
    s->dialect = d;
    reader_init(&s->reader, &spec, SPAN_OF("text/event-stream"), -1);
    span input = span_cstr(first);
    assert_int_equal(reader_next(&s->reader, &input, &s->like), READER_EVENT);
}

/* What is written is read again: which sorts it has. */
static unsigned sorts_of(dialect d, const buf *data) {
    const reader_spec spec = {.dialect = d, .choices = 1, .event_bytes = 4096};
    reader again;
    reader_init(&again, &spec, SPAN_OF("text/event-stream"), -1);
    answer_event e;
    reader_take_made(&again, SPAN_EMPTY, buf_span(data), &e);
    reader_done(&again);
    assert_true(e.is_json);
    return e.sorts;
}

static void writes_finish(stream *s, unsigned choice, const char *reason, const char *name,
                          const char *expected) {
    buf out = BUF_EMPTY;
    assert_span(
        dialect_writer_get(s->dialect)->write_finish(&s->like, choice, span_cstr(reason), &out),
        name);
    assert_span(buf_span(&out), expected);
    assert_true(sorts_of(s->dialect, &out) & EVENT_FINISH);
    buf_done(&out);
}

static void writes_usage(stream *s, token_usage usage, const char *expected) {
    buf out = BUF_EMPTY;
    assert_span(dialect_writer_get(s->dialect)->write_usage(&s->like, &usage, &out), "");
    assert_span(buf_span(&out), expected);
    assert_int_equal(sorts_of(s->dialect, &out), EVENT_USAGE);
    buf_done(&out);
}

static void a_chat_completion(void **state) {
    (void)state;
    stream s;
    begin(&s, DIALECT_OPENAI_CHAT,
          "data: {\"id\":\"x\\u0041\",\"created\":1.0e3,\"model\":\"m\",\"choices\":[]}\n\n");
    writes_finish(&s, 2, "content_filter", "",
                  "{\"id\":\"x\\u0041\",\"object\":\"chat.completion.chunk\",\"created\":1.0e3,"
                  "\"model\":\"m\",\"choices\":[{\"index\":2,\"delta\":{},"
                  "\"finish_reason\":\"content_filter\"}]}");
    writes_usage(&s, (token_usage){3, 4, 7, 2, 1, false},
                 "{\"id\":\"x\\u0041\",\"object\":\"chat.completion.chunk\",\"created\":1.0e3,"
                 "\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
                 "\"completion_tokens\":4,\"total_tokens\":7,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":2},"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}");
    reader_done(&s.reader);
    /* What the stream has not told is left out. */
    begin(&s, DIALECT_OPENAI_CHAT, "data: {\"choices\":[]}\n\n");
    writes_finish(&s, 0, "stop", "",
                  "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"
                  "\"finish_reason\":\"stop\"}]}");
    s.like.envelope = NULL;
    writes_usage(&s, token_usage_unknown,
                 "{\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{"
                 "\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}");
    reader_done(&s.reader);
}

static void a_completion(void **state) {
    (void)state;
    stream s;
    begin(&s, DIALECT_OPENAI_COMPLETIONS, "data: {\"id\":\"x\",\"choices\":[]}\n\n");
    writes_finish(&s, 1, "length", "",
                  "{\"id\":\"x\",\"object\":\"text_completion\",\"choices\":[{\"index\":1,"
                  "\"text\":\"\",\"finish_reason\":\"length\"}]}");
    writes_usage(&s, (token_usage){3, 4, 7, -1, -1, false},
                 "{\"id\":\"x\",\"object\":\"text_completion\",\"choices\":[],\"usage\":{"
                 "\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}");
    writes_usage(&s, (token_usage){1, 0, 1, 0, 0, false},
                 "{\"id\":\"x\",\"object\":\"text_completion\",\"choices\":[],\"usage\":{"
                 "\"prompt_tokens\":1,\"completion_tokens\":0,\"total_tokens\":1,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":0},"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}");
    reader_done(&s.reader);
}

static void a_response(void **state) {
    (void)state;
    stream s;
    begin(&s, DIALECT_OPENAI_RESPONSES,
          "data: {\"type\":\"response.created\",\"sequence_number\":4,\"response\":{\"id\":\"r\","
          "\"created_at\":7,\"model\":\"m\"}}\n\n");
    writes_finish(&s, 0, "length", "response.incomplete",
                  "{\"type\":\"response.incomplete\",\"sequence_number\":5,\"response\":{"
                  "\"id\":\"r\",\"object\":\"response\",\"created_at\":7,\"status\":\"incomplete\","
                  "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"model\":\"m\","
                  "\"output\":[]}}");
    writes_finish(&s, 0, "content_filter", "response.incomplete",
                  "{\"type\":\"response.incomplete\",\"sequence_number\":5,\"response\":{"
                  "\"id\":\"r\",\"object\":\"response\",\"created_at\":7,\"status\":\"incomplete\","
                  "\"incomplete_details\":{\"reason\":\"content_filter\"},\"model\":\"m\","
                  "\"output\":[]}}");
    const token_usage told = {
        .prompt = 3, .completion = 4, .total = 7, .cached = 2, .reasoning = -1};
    s.like.usage = &told;
    writes_finish(&s, 0, "stop", "response.completed",
                  "{\"type\":\"response.completed\",\"sequence_number\":5,\"response\":{"
                  "\"id\":\"r\",\"object\":\"response\",\"created_at\":7,\"status\":\"completed\","
                  "\"incomplete_details\":null,\"model\":\"m\",\"output\":[],\"usage\":{"
                  "\"input_tokens\":3,\"input_tokens_details\":{\"cached_tokens\":2},"
                  "\"output_tokens\":4,\"output_tokens_details\":{\"reasoning_tokens\":0},"
                  "\"total_tokens\":7}}}");
    s.like.usage = &token_usage_unknown;
    s.like.data = SPAN_OF(" {\"sequence_number\":9} ");
    s.like.envelope = NULL;
    writes_finish(&s, 0, "stop", "response.completed",
                  "{\"type\":\"response.completed\",\"sequence_number\":10,\"response\":{"
                  "\"object\":\"response\",\"status\":\"completed\",\"incomplete_details\":null,"
                  "\"output\":[]}}");
    s.like.data = SPAN_OF("{\"sequence_number\":9223372036854775807}"); /* there is no next */
    writes_finish(&s, 0, "stop", "response.completed",
                  "{\"type\":\"response.completed\",\"response\":{\"object\":\"response\","
                  "\"status\":\"completed\",\"incomplete_details\":null,\"output\":[]}}");
    s.like.data = SPAN_OF("{}\t"); /* events are not numbered everywhere */
    writes_finish(&s, 0, "stop", "response.completed",
                  "{\"type\":\"response.completed\",\"response\":{\"object\":\"response\","
                  "\"status\":\"completed\",\"incomplete_details\":null,\"output\":[]}}");
    buf out = BUF_EMPTY;
    const token_usage usage = {1, 2, 3, -1, -1, false};
    assert_span(dialect_writer_get(DIALECT_OPENAI_RESPONSES)->write_usage(&s.like, &usage, &out),
                "");
    assert_int_equal(out.len, 0); /* its last event tells it */
    reader_done(&s.reader);
}

static void an_error(void **state) {
    (void)state;
    static const char body[] = " {\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,"
                               "\"code\":\"c\"}}";
    static const dialect chunks[] = {DIALECT_OPENAI_CHAT, DIALECT_OPENAI_COMPLETIONS, DIALECT_RAW};
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        buf_clear(&out);
        assert_span(dialect_writer_get(chunks[i])->write_error(span_cstr(body), &out), "");
        assert_span(buf_span(&out), body);
        assert_int_equal(sorts_of(chunks[i], &out), EVENT_ERROR);
        buf_clear(&out); /* one line of data, also where many clients look at one alone */
        (void)dialect_writer_get(chunks[i])->write_error(SPAN_OF("{\r\n \"error\":\n{}\n}"), &out);
        assert_span(buf_span(&out), "{   \"error\": {} }");
    }
    buf_clear(&out);
    const dialect_writer *responses = dialect_writer_get(DIALECT_OPENAI_RESPONSES);
    assert_span(responses->write_error(span_cstr(body), &out), "error");
    assert_span(buf_span(&out),
                "{\"type\":\"error\",\"code\":\"c\",\"message\":\"m\",\"param\":null,\"error\":{"
                "\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}");
    assert_int_equal(sorts_of(DIALECT_OPENAI_RESPONSES, &out), EVENT_ERROR);
    buf_clear(&out);
    responses->write_error(SPAN_OF("{\"error\":{\"message\":\"m\"}}"), &out);
    assert_span(buf_span(&out), "{\"type\":\"error\",\"code\":null,\"message\":\"m\","
                                "\"param\":null,\"error\":{\"message\":\"m\"}}");
    buf_done(&out);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_completion),
        cmocka_unit_test(a_completion),
        cmocka_unit_test(a_response),
        cmocka_unit_test(an_error),
    };
    return run_watched(tests);
}
