/* What one chunk in OpenAI's form says. */
#include "unit.h"

#include "dialect/openai.h"

static reader r;

/* What it points to is of r and of data. */
static answer_event chunk(dialect d, const char *data) {
    const reader_spec spec = {.dialect = d, .choices = 1, .event_bytes = 4096};
    reader_init(&r, &spec, SPAN_OF("text/event-stream"), -1);
    answer_event e = {.kind = ANSWER_STREAM, .data = span_cstr(data)};
    dialect_get(d)->read(&r, &e);
    reader_done(&r);
    return e;
}

static bool is(const answer_event *e, unsigned sort) {
    return e->sorts & sort;
}

static void reads_chunks(void **state) {
    (void)state;
    answer_event f =
        chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                                   "\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}");
    assert_true(f.is_json && !is(&f, EVENT_CONTENT) && !is(&f, EVENT_FINISH) && !f.usage);
    f = chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}");
    assert_true(is(&f, EVENT_CONTENT) && !is(&f, EVENT_FINISH));
    f = chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}");
    assert_true(is(&f, EVENT_CONTENT));
    f = chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"},"
                                   "{\"delta\":{},\"finish_reason\":\"length\"}]}");
    assert_int_equal(r.finished.bits[0], 3);
    assert_span(f.finish_reason, "length");
    f = chunk(DIALECT_OPENAI_CHAT,
              "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
              "\"total_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":2},"
              "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}");
    assert_true(is(&f, EVENT_USAGE) && f.usage);
    assert_int_equal(f.usage->prompt, 3);
    assert_int_equal(f.usage->completion, 4);
    assert_int_equal(f.usage->total, 7);
    assert_int_equal(f.usage->cached, 2);
    assert_int_equal(f.usage->reasoning, 1);
    /* Azure's first chunk has no choices either, but no usage: it is passed on. */
    f = chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[],\"prompt_filter_results\":[]}");
    assert_false(is(&f, EVENT_USAGE));
    f = chunk(DIALECT_OPENAI_COMPLETIONS,
              "{\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}");
    assert_true(is(&f, EVENT_CONTENT));
    f = chunk(DIALECT_OPENAI_CHAT, "{\"error\":{\"message\":\"x\"}}");
    assert_true(is(&f, EVENT_ERROR));
    f = chunk(DIALECT_OPENAI_CHAT, "{\"error\":null,\"choices\":[]}");
    assert_false(is(&f, EVENT_ERROR));
    assert_false(chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[").is_json);
    /* Other objects of a choice are no message, and a chunk without choices says nothing; of what
     * nobody knows everything does. */
    f = chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[{\"delta\":{},\"logprobs\":{\"content\":[1]}}]}");
    assert_int_equal(f.sorts, 0);
    assert_int_equal(chunk(DIALECT_OPENAI_CHAT, "{\"id\":\"x\"}").sorts, 0);
    assert_int_equal(chunk(DIALECT_RAW, "{\"id\":\"x\"}").sorts, EVENT_CONTENT);
    /* A name that comes twice hides neither what else there is nor what is broken behind it. */
    f = chunk(DIALECT_OPENAI_CHAT, "{\"id\":1,\"id\":1,\"choices\":[{\"delta\":{\"content\":\"a\"},"
                                   "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}");
    assert_true(f.is_json && is(&f, EVENT_CONTENT) && is(&f, EVENT_FINISH) && f.usage);
    assert_false(chunk(DIALECT_OPENAI_CHAT, "{\"id\":1,\"id\":1,\"choices\":[").is_json);
    f = chunk(DIALECT_OPENAI_RESPONSES,
              "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}");
    assert_true(is(&f, EVENT_CONTENT) && !is(&f, EVENT_FINISH));
    f = chunk(DIALECT_OPENAI_RESPONSES,
              "{\"type\":\"response.completed\",\"response\":{\"error\":null,"
              "\"usage\":{\"input_tokens\":5,\"output_tokens\":6,"
              "\"total_tokens\":11}}}");
    assert_true(is(&f, EVENT_FINISH) && is(&f, EVENT_CLOSE));
    assert_int_equal(f.usage->prompt, 5);
    assert_int_equal(f.usage->completion, 6);
    f = chunk(DIALECT_OPENAI_RESPONSES, "{\"type\":\"error\",\"message\":\"x\"}");
    assert_true(is(&f, EVENT_ERROR));
}

/* Of a stream's chunk, where weir has asked and the client has not. */
static void the_null_usage_is_seen(void **state) {
    (void)state;
    static const struct {
        const char *data, *seen;
        bool plain, unasked;
    } rows[] = {
        {"{\"choices\":[],\"usage\":null}", "\"usage\":null"},
        {"{\"choices\":[], \"usage\" :\tnull }", "\"usage\" :\tnull"},
        {"{\"choices\":[],\"usage\":{}}", ""},
        {"{\"choices\":[{\"usage\":null}]}", ""},
        {"{\"choices\":[],\"usage\":\"null\"}", ""},
        {"{\"choices\":[],\"usage\":null}", "", .plain = true},
        {"{\"choices\":[],\"usage\":null}", "", .unasked = true},
    };
    static const dialect dialects[] = {DIALECT_OPENAI_CHAT, DIALECT_OPENAI_COMPLETIONS};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t d = 0; d < ARRAY_LEN(dialects); d++) {
            const reader_spec spec = {.dialect = dialects[d],
                                      .choices = 1,
                                      .event_bytes = 4096,
                                      .usage_added = !rows[i].unasked};
            reader_init(&r, &spec, SPAN_OF("text/event-stream"), -1);
            answer_event e = {.kind = rows[i].plain ? ANSWER_PLAIN : ANSWER_STREAM,
                              .data = span_cstr(rows[i].data)};
            dialect_get(dialects[d])->read(&r, &e);
            assert_span(e.null_usage, rows[i].seen);
            reader_done(&r);
        }
    }
}

/* prompt, completion, total, cached, reasoning; -1: not told. */
static void reads_the_usage_of_either_family(void **state) {
    (void)state;
    static const struct {
        const char *usage;
        int64_t figures[5];
    } rows[] = {
        {"{}", {-1, -1, -1, -1, -1}},
        {"{\"prompt_tokens\":3,\"completion_tokens\":4}", {3, 4, 7, -1, -1}},
        {"{\"prompt_tokens\":3}", {3, -1, 3, -1, -1}},
        {"{\"completion_tokens\":4}", {-1, 4, -1, -1, -1}},
        {"{\"total_tokens\":9,\"output_tokens\":2,\"input_tokens\":1,"
         "\"input_tokens_details\":{\"cached_tokens\":5},"
         "\"output_tokens_details\":{\"reasoning_tokens\":6}}",
         {1, 2, 9, 5, 6}},
        /* Chat's names come first, wherever they stand, unless they say nothing. */
        {"{\"input_tokens\":1,\"output_tokens\":2,\"prompt_tokens\":3,\"completion_tokens\":4}",
         {3, 4, 7, -1, -1}},
        {"{\"prompt_tokens\":null,\"input_tokens\":1,\"prompt_tokens_details\":null,"
         "\"input_tokens_details\":{\"cached_tokens\":5}}",
         {1, -1, 1, 5, -1}},
        {"{\"completion_tokens\":-1,\"output_tokens\":2,\"completion_tokens_details\":[],"
         "\"output_tokens_details\":{\"reasoning_tokens\":6}}",
         {-1, 2, -1, -1, 6}},
        {"{\"prompt_tokens\":3,\"prompt_tokens\":4}", {3, -1, 3, -1, -1}},
        {"{\"prompt\\u005ftokens\":3}", {3, -1, 3, -1, -1}},
        {"{\"prompt_tokens\":1000000001,\"total_tokens\":1.5}", {-1, -1, -1, -1, -1}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char data[512];
        (void)snprintf(data, sizeof data, "{\"choices\":[],\"usage\":%s}", rows[i].usage);
        answer_event f = chunk(DIALECT_OPENAI_CHAT, data);
        const int64_t got[] = {f.usage->prompt, f.usage->completion, f.usage->total,
                               f.usage->cached, f.usage->reasoning};
        for (size_t j = 0; j < ARRAY_LEN(got); j++)
            assert_int_equal(got[j], rows[i].figures[j]);
    }
}

/* As Moonshot's streams have it, where one choice was asked for; what stands outside is believed.
 */
static void reads_the_usage_of_a_choice(void **state) {
    (void)state;
    answer_event f =
        chunk(DIALECT_OPENAI_CHAT,
              "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{"
              "\"prompt_tokens\":3,\"completion_tokens\":4}}],\"usage\":null}");
    assert_int_equal(f.usage->prompt, 3);
    assert_int_equal(f.usage->completion, 4);
    assert_true(f.sorts == EVENT_FINISH);
    f = chunk(DIALECT_OPENAI_CHAT, "{\"choices\":[{\"delta\":{},\"usage\":{\"prompt_tokens\":3}}],"
                                   "\"usage\":{\"prompt_tokens\":5}}");
    assert_int_equal(f.usage->prompt, 5);
}

/* Details of the prompt and of the completion; -1: not told. */
static void reads_what_has_a_price_of_its_own(void **state) {
    (void)state;
    static const struct {
        const char *usage;
        int64_t cached, cache_write, audio_prompt, image_prompt, reasoning, audio_completion;
    } rows[] = {
        {"{\"prompt_tokens\":9}", -1, -1, -1, -1, -1, -1},
        {"{\"prompt_tokens\":9,\"prompt_tokens_details\":{\"image_tokens\":4,\"audio_tokens\":3,"
         "\"cache_write_tokens\":2,\"cached_tokens\":1},\"completion_tokens_details\":{"
         "\"audio_tokens\":6,\"reasoning_tokens\":5}}",
         1, 2, 3, 4, 5, 6},
        {"{\"input_tokens\":9,\"input_tokens_details\":{\"cache_write_tokens\":2},"
         "\"output_tokens_details\":{\"audio_tokens\":6}}",
         -1, 2, -1, -1, -1, 6},
        /* As transcriptions name them, and what is spoken in real time. */
        {"{\"type\":\"tokens\",\"input_tokens\":9,\"input_token_details\":{\"text_tokens\":2,"
         "\"audio_tokens\":7,\"cached_tokens\":1},\"output_tokens\":8,"
         "\"output_token_details\":{\"audio_tokens\":6}}",
         1, -1, 7, -1, -1, 6},
        {"{\"prompt_tokens\":9,\"prompt_tokens_details\":{\"audio_tokens\":-3,"
         "\"cached_tokens\":null},\"completion_tokens_details\":7}",
         -1, -1, -1, -1, -1, -1},
        /* DeepSeek's and Moonshot's names for what was cached, of which the details are believed.
         */
        {"{\"prompt_tokens\":9,\"prompt_cache_hit_tokens\":8,\"prompt_cache_miss_tokens\":1}", 8,
         -1, -1, -1, -1, -1},
        {"{\"prompt_tokens\":9,\"cached_tokens\":7}", 7, -1, -1, -1, -1, -1},
        {"{\"prompt_tokens\":9,\"cached_tokens\":7,\"prompt_cache_hit_tokens\":8,"
         "\"prompt_tokens_details\":{\"cached_tokens\":6}}",
         6, -1, -1, -1, -1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char data[512];
        (void)snprintf(data, sizeof data, "{\"choices\":[],\"usage\":%s}", rows[i].usage);
        const token_usage *u = chunk(DIALECT_OPENAI_CHAT, data).usage;
        assert_int_equal(u->cached, rows[i].cached);
        assert_int_equal(u->cache_write, rows[i].cache_write);
        assert_int_equal(u->audio_prompt, rows[i].audio_prompt);
        assert_int_equal(u->image_prompt, rows[i].image_prompt);
        assert_int_equal(u->reasoning, rows[i].reasoning);
        assert_int_equal(u->audio_completion, rows[i].audio_completion);
    }
}

/* Figures that were told, and what can be said of those that were not. */
static void usage_may_be_told_in_part(void **state) {
    (void)state;
    static const struct {
        const char *usage;
        int64_t prompt, completion, total;
    } rows[] = {
        {"{\"prompt_tokens\":3,\"completion_tokens\":4}", 3, 4, 7},
        {"{\"prompt_tokens\":0,\"completion_tokens\":4}", 0, 4, 4},
        {"{\"prompt_tokens\":3}", 3, -1, 3},
        {"{\"prompt_tokens\":3,\"completion_tokens\":1}", 3, 1, 4},
        {"{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":0}", 3, 1, 4},
        {"{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":9}", 3, 1, 9},
        {"{\"prompt_tokens\":3.0,\"completion_tokens\":1.2e1,\"total_tokens\":15.5}", 3, 12, 15},
        {"{\"prompt_tokens\":\"3\",\"completion_tokens\":1e300}", -1, -1, -1},
        {"{\"completion_tokens\":4}", -1, 4, -1},
        {"{\"prompt_tokens\":0,\"input_tokens\":9}", 0, -1, 0},
        {"{\"prompt_tokens\":-1,\"completion_tokens\":1.5,\"total_tokens\":1000000001}", -1, -1,
         -1},
        {"{\"prompt_tokens\":1000000000}", 1000000000, -1, 1000000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char data[200];
        snprintf(data, sizeof data, "{\"choices\":[],\"usage\":%s}", rows[i].usage);
        answer_event e = chunk(DIALECT_OPENAI_CHAT, data);
        assert_int_equal(e.usage->prompt, rows[i].prompt);
        assert_int_equal(e.usage->completion, rows[i].completion);
        assert_int_equal(e.usage->total, rows[i].total);
    }
}

/* Some of it at the beginning of a stream and the rest at its end, of whatever tier of service. */
static void usage_may_be_told_in_pieces(void **state) {
    (void)state;
    static const struct {
        const char *data;
        int64_t prompt, completion, total, cached;
        uint8_t service;
    } rows[] = {
        {"{\"choices\":[],\"service_tier\":\"flex\",\"usage\":{\"prompt_tokens\":30,"
         "\"total_tokens\":30,\"prompt_tokens_details\":{\"cached_tokens\":8}}}",
         30, -1, 30, 8, SERVICE_STANDARD + 1},
        {"{\"choices\":[],\"usage\":{\"completion_tokens\":2}}", 30, 2, 32, 8,
         SERVICE_STANDARD + 1},
        {"{\"choices\":[],\"service_tier\":null,\"usage\":{\"prompt_tokens\":0,"
         "\"completion_tokens\":4,\"total_tokens\":4,\"prompt_tokens_details\":null}}",
         30, 4, 34, 8, SERVICE_STANDARD + 1},
        {"{\"choices\":[],\"service_tier\":\"default\",\"usage\":{\"prompt_tokens\":31,"
         "\"completion_tokens\":4,\"total_tokens\":40}}",
         31, 4, 40, 8, SERVICE_STANDARD},
        /* a total that tells of more than both is not forgotten */
        {"{\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":5}}", 31, 5, 40, 8,
         SERVICE_STANDARD},
        /* what is cached, beside its details */
        {"{\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"prompt_cache_hit_tokens\":0}}", 31, 5,
         40, 8, SERVICE_STANDARD},
        {"{\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"prompt_cache_hit_tokens\":20}}", 31, 5,
         40, 20, SERVICE_STANDARD},
    };
    const reader_spec spec = {.dialect = DIALECT_OPENAI_CHAT, .choices = 1, .event_bytes = 4096};
    assert_span(config_service_names[SERVICE_STANDARD + 1], "flex");
    reader_init(&r, &spec, SPAN_OF("text/event-stream"), -1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer_event e = {.kind = ANSWER_STREAM, .data = span_cstr(rows[i].data)};
        dialect_get(DIALECT_OPENAI_CHAT)->read(&r, &e);
        assert_int_equal(e.usage->prompt, rows[i].prompt);
        assert_int_equal(e.usage->completion, rows[i].completion);
        assert_int_equal(e.usage->total, rows[i].total);
        assert_int_equal(e.usage->cached, rows[i].cached);
        assert_int_equal(e.usage->service, rows[i].service);
    }
    reader_done(&r);
}

/* What is stored and looked at once more was used before. */
static void usage_of_another_call_is_not_read(void **state) {
    (void)state;
    const reader_spec spec = {
        .dialect = DIALECT_RAW, .asks_no_model = true, .choices = 1, .event_bytes = 4096};
    reader_init(&r, &spec, SPAN_OF("application/json"), -1);
    answer_event e = {.kind = ANSWER_PLAIN,
                      .data = SPAN_OF("{\"object\":\"batch\",\"usage\":{\"input_tokens\":9}}")};
    dialect_get(DIALECT_RAW)->read(&r, &e);
    reader_done(&r);
    assert_true(e.is_json);
    assert_null(e.usage);
    assert_int_equal(e.usage_text.len, 0);
}

/* The status that an error event stands for. */
static void errors_tell_their_status(void **state) {
    (void)state;
    static const struct {
        const char *data;
        int status;
    } rows[] = {
        {"{\"error\":{\"code\":429}}", 429},
        {"{\"error\":{\"code\":null,\"status\":503}}", 503},
        {"{\"error\":{\"code\":\"429\"}}", 429},
        {"{\"error\":{\"code\":399}}", 502},
        {"{\"error\":{\"code\":400}}", 400},
        {"{\"error\":{\"code\":599}}", 599},
        {"{\"error\":{\"code\":600}}", 502},
        {"{\"error\":{\"code\":200,\"status\":429}}", 502},
        {"{\"error\":\"broken\"}", 502},
        {"{\"error\":\"x\"}", 502},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer_event e = chunk(DIALECT_OPENAI_CHAT, rows[i].data);
        assert_true(is(&e, EVENT_ERROR) && !is(&e, EVENT_CONTENT));
        assert_int_equal(e.status, rows[i].status);
    }
    answer_event e = chunk(DIALECT_OPENAI_CHAT, "{\"error\":\"\",\"choices\":[]}");
    assert_false(is(&e, EVENT_ERROR));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_chunks),
        cmocka_unit_test(the_null_usage_is_seen),
        cmocka_unit_test(reads_the_usage_of_either_family),
        cmocka_unit_test(reads_the_usage_of_a_choice),
        cmocka_unit_test(reads_what_has_a_price_of_its_own),
        cmocka_unit_test(usage_may_be_told_in_part),
        cmocka_unit_test(usage_may_be_told_in_pieces),
        cmocka_unit_test(usage_of_another_call_is_not_read),
        cmocka_unit_test(errors_tell_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
