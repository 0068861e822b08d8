/* What stands where an answer should be: errors in any form, and documents that are no answer. */
#include "said.h"

#include "dialect/openai.h"

/* As one event of a stream, and as a whole body; and the status that it stands for, 0: it is none.
 */
static void assert_status(dialect d, const char *document, int streamed, int plain) {
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        const reader_spec spec = said_spec(d, WANT_PARTS);
        reader r;
        answer_event e = {.kind = ANSWER_RAW};
        buf body = BUF_EMPTY;
        buf_addf(&body, is_plain ? "%s" : "data: %s\n\n", document);
        span piece = buf_span(&body);
        reader_init(&r, &spec, is_plain ? SPAN_OF("application/json") : SPAN_OF(EVENT_STREAM), -1);
        reader_result got = reader_next(&r, &piece, &e);
        if (is_plain) got = reader_end(&r, true, &e);
        int expected = is_plain ? plain : streamed;
        bool is_error = got == READER_EVENT && e.sorts & (EVENT_ERROR | EVENT_FAILED);
        if (is_error != (expected > 0)) print_error("%s\n", document);
        assert_int_equal(is_error, expected > 0);
        if (expected) assert_int_equal(e.status, expected);
        reader_done(&r);
        buf_done(&body);
    }
}

static void an_error_in_any_form(void **state) {
    (void)state;
    static const struct {
        const char *document;
        int streamed, plain;
    } rows[] = {
        {"{\"error\":{\"message\":\"x\"}}", 502, 502},
        {"{\"error\":{\"code\":429}}", 429, 429},
        {"{\"error\":{\"code\":\"429\",\"status\":503}}", 503, 503},
        {"{\"error\":{\"message\":\"x\",\"type\":\"None\",\"param\":\"None\",\"code\":\"429\"}}",
         429, 429},
        {"{\"error\":{\"code\":\"rate_limited\",\"status\":\"429\"}}", 429, 429},
        {"{\"error\":{\"code\":\"1302\"}}", 502, 502},
        {"{\"error\":{\"code\":\"429x\"}}", 502, 502},
        {"{\"error\":\"it broke\",\"code\":\"503\"}", 503, 503},
        {"{\"error\":{\"code\":200,\"status\":429}}", 502, 502},
        {"{\"error\":\"it broke\"}", 502, 502},
        {"{\"error\":\"it broke\",\"code\":503}", 503, 503},
        {"{\"status\":429,\"error\":\"it broke\"}", 429, 429},
        {"{\"error\":{},\"code\":429}", 502, 502},
        {"{\"object\":\"error\",\"message\":\"x\",\"code\":400}", 400, 400},
        {"{\"object\":\"error\"}", 502, 502},
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}", 502,
         502},
        {"{\"type\":\"error\",\"message\":\"x\"}", 502, 502},
        {"{\"detail\":\"Not Found\"}", 502, 502},
        {"{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"x\"}]}", 502, 502},
        {"{\"detail\":{\"message\":\"x\"},\"status\":500}", 500, 500},
        {"{\"message\":\"x\",\"type\":\"server_error\",\"code\":null}", 502, 502},
        {"{\"message\":\"x\",\"type\":\"BadRequestError\",\"code\":400}", 400, 400},
        {"{\"message\":\"x\",\"code\":\"rate_limited\"}", 502, 502},
        {"{\"message\":\"x\",\"status\":503}", 503, 503},
        {"[{\"error\":{\"code\":429,\"message\":\"x\",\"status\":\"RESOURCE_EXHAUSTED\"}}]", 429,
         429},
        {" [ {\"error\":{\"code\":503}} ] ", 503, 503},
        {"{\"errors\":[{\"message\":\"x\",\"code\":7009}],\"success\":false,\"result\":null}", 502,
         502},
        {"{\"errors\":[{\"status\":429,\"title\":\"x\"},{\"status\":503}]}", 429, 429},
        {"{\"errors\":[{\"code\":400}],\"status\":503}", 503, 503},
        {"{\"errors\":[\"it broke\"]}", 502, 502},
        {"{\"errors\":{\"model\":[\"is not here\"]}}", 502, 502},
        {"{\"errors\":\"it broke\",\"code\":503}", 503, 503},
        /* In a stream it says too little to be one. */
        {"{\"message\":\"x\"}", 0, 502},
        {"{\"message\":\"x\",\"type\":\"ping\"}", 0, 502},
        /* What is none. */
        {"{}", 0, 0},
        {"[]", 0, 0},
        {"[{}]", 0, 0},
        {"[[{\"error\":{}}]]", 0, 0},
        {"{\"error\":null}", 0, 0},
        {"{\"error\":\"\"}", 0, 0},
        {"{\"errors\":null}", 0, 0},
        {"{\"errors\":[]}", 0, 0},
        {"{\"errors\":[null]}", 0, 0},
        {"{\"errors\":[[]]}", 0, 0},
        {"{\"errors\":{}}", 0, 0},
        {"{\"errors\":0}", 0, 0},
        {"{\"errors\":false}", 0, 0},
        {"{\"detail\":null}", 0, 0},
        {"{\"detail\":\"\"}", 0, 0},
        {"{\"detail\":[]}", 0, 0},
        {"{\"message\":{\"content\":\"x\"},\"code\":5}", 0, 0},
        {"{\"message\":\"\",\"code\":5}", 0, 0},
        {"{\"type\":\"terror\"}", 0, 0},
        {"{\"object\":\"list\"}", 0, 0},
    };
    static const dialect dialects[] = {DIALECT_OPENAI_CHAT, DIALECT_OPENAI_COMPLETIONS,
                                       DIALECT_OPENAI_EMBEDDINGS, DIALECT_OPENAI_MODERATIONS,
                                       DIALECT_OPENAI_RESPONSES};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t d = 0; d < ARRAY_LEN(dialects); d++)
            assert_status(dialects[d], rows[i].document, rows[i].streamed, rows[i].plain);
}

/* Beside an answer those words mean something else, or nothing. */
static void an_answer_is_no_error(void **state) {
    (void)state;
    static const char *const documents[] = {
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"detail\":\"x\"}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"errors\":[{\"message\":\"x\"}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"message\":\"x\",\"code\":500}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"error\":null,\"type\":\"error\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(documents); i++)
        assert_status(DIALECT_OPENAI_CHAT, documents[i], 0, 0);
    assert_status(
        DIALECT_OPENAI_RESPONSES,
        "{\"type\":\"response.created\",\"message\":\"x\",\"code\":500,\"status\":\"queued\"}", 0,
        0);
    assert_status(DIALECT_OPENAI_RESPONSES, "{\"output\":[],\"message\":\"x\",\"detail\":\"x\"}",
                  502, 0);
    /* Some of several may have failed. */
    assert_status(DIALECT_OPENAI_EMBEDDINGS,
                  "{\"data\":[{\"embedding\":[1]}],\"errors\":[{\"message\":\"x\"}]}", 0, 0);
    /* And how a good one went is told by some. */
    assert_status(DIALECT_OPENAI_EMBEDDINGS,
                  "{\"code\":0,\"message\":\"Success\",\"data\":[{\"embedding\":[1]}]}", 0, 0);
    assert_status(DIALECT_OPENAI_EMBEDDINGS,
                  "{\"data\":[{\"embedding\":[1]}],\"status\":200,\"message\":\"OK\"}", 0, 0);
    assert_status(DIALECT_OPENAI_EMBEDDINGS, "{\"data\":[{\"embedding\":[1]}],\"detail\":\"done\"}",
                  0, 0);
    assert_status(DIALECT_OPENAI_MODERATIONS,
                  "{\"code\":0,\"message\":\"Success\",\"results\":[{}]}", 0, 0);
    /* What has nothing to show for it is none; and what calls itself an error is one. */
    assert_status(DIALECT_OPENAI_EMBEDDINGS, "{\"code\":429,\"message\":\"x\",\"data\":[]}", 429,
                  429);
    assert_status(DIALECT_OPENAI_EMBEDDINGS, "{\"code\":429,\"message\":\"x\",\"data\":null}", 429,
                  429);
    assert_status(DIALECT_OPENAI_EMBEDDINGS, "{\"data\":[],\"errors\":[{\"code\":429}]}", 429, 429);
    assert_status(DIALECT_OPENAI_EMBEDDINGS,
                  "{\"object\":\"error\",\"message\":\"x\",\"data\":[{\"embedding\":[1]}]}", 502,
                  502);
    assert_status(DIALECT_OPENAI_RESPONSES,
                  "{\"type\":\"response.output_text.delta\",\"delta\":\"a\",\"errors\":[\"x\"]}", 0,
                  502);
    /* It is an answer that failed. */
    assert_status(DIALECT_OPENAI_RESPONSES,
                  "{\"type\":\"response.failed\",\"status\":\"failed\",\"error\":{\"code\":429}}",
                  429, 429);
    /* Nobody knows what it would be there. */
    assert_status(DIALECT_RAW, "{\"detail\":\"x\"}", 0, 0);
    assert_status(DIALECT_RAW, "[{\"error\":{}}]", 0, 0);
}

/* It is called one, whatever it says. */
static void an_event_that_is_named_error(void **state) {
    (void)state;
    static const struct {
        const char *data, *said;
    } rows[] = {
        {"upstream exploded", "error: error 502"},
        {"\"upstream exploded\"", "error: error 502"},
        {"{}", "error: error 502"},
        {"{\"message\":\"x\"}", "error: error 502"},
        {"{\"message\":\"x\",\"code\":429}", "error: error 429"},
        {"{\"error\":{\"code\":503}}", "error: error 503"},
    };
    static const dialect dialects[] = {DIALECT_OPENAI_CHAT, DIALECT_OPENAI_RESPONSES};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t d = 0; d < ARRAY_LEN(dialects); d++) {
            const reader_spec spec = said_spec(dialects[d], WANT_PARTS);
            buf body = BUF_EMPTY, expected = BUF_EMPTY;
            buf_addf(&body, "event: error\ndata: %s\n\n", rows[i].data);
            buf_addf(&expected, "%s\nbad", rows[i].said);
            assert_said(&spec, EVENT_STREAM, buf_cstr(&body), buf_cstr(&expected));
            buf_done(&body);
            buf_done(&expected);
        }
    }
    const reader_spec spec = said_spec(DIALECT_RAW, 0);
    assert_said(&spec, EVENT_STREAM, "event: error\ndata: x\n\n", "error: content\nend");
    const reader_spec chat = said_spec(DIALECT_OPENAI_CHAT, 0);
    assert_said(&chat, EVENT_STREAM, "event: errors\ndata: x\n\n", "bad, 1 skipped");
}

/* Whole documents, and what is missing in each; NULL: it is an answer. */
static void a_document_that_is_no_answer(void **state) {
    (void)state;
#define CHOICES  "The provider's answer has no choices."
#define VECTORS  "The provider's answer has no embeddings."
#define RESULTS  "The provider's answer has no results."
#define RESPONSE "The provider's answer has neither output nor status."
#define OBJECT   "The provider's answer is no JSON object."
    static const struct {
        dialect dialect;
        const char *body, *missing;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, "{}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"id\":\"x\",\"usage\":{\"prompt_tokens\":1}}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":null}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[]}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":{}}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":\"x\"}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[null]}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[\"x\",1]}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[{}]}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[{\"index\":0,\"finish_reason\":null}]}", CHOICES},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[{\"message\":null}]}", CHOICES},
        {DIALECT_OPENAI_COMPLETIONS, "{\"choices\":[]}", CHOICES},
        {DIALECT_OPENAI_COMPLETIONS, "{\"choices\":[{\"text\":null}]}", CHOICES},
        {DIALECT_OPENAI_CHAT, "", "The provider's answer is empty."},
        {DIALECT_OPENAI_CHAT, " \n", "The provider's answer is empty."},
        {DIALECT_OPENAI_CHAT, "[]", OBJECT},
        {DIALECT_OPENAI_CHAT, "null", OBJECT},
        {DIALECT_OPENAI_CHAT, "7", OBJECT},
        {DIALECT_OPENAI_CHAT, "\"x\"", OBJECT},
        {DIALECT_OPENAI_RESPONSES, "[{\"output\":[]}]", OBJECT},
        {DIALECT_OPENAI_CHAT, "<html>", "The provider's answer is not valid JSON."},
        /* An answer without content is one. */
        {DIALECT_OPENAI_CHAT, "{\"choices\":[{\"message\":{}}]}", NULL},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[null,{\"message\":{\"content\":null}}]}", NULL},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[{\"finish_reason\":\"content_filter\"}]}", NULL},
        {DIALECT_OPENAI_CHAT, "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", NULL},
        {DIALECT_OPENAI_COMPLETIONS, "{\"choices\":[{\"text\":\"\"}]}", NULL},
        {DIALECT_OPENAI_EMBEDDINGS, "{\"object\":\"list\"}", VECTORS},
        {DIALECT_OPENAI_EMBEDDINGS, "{\"data\":[]}", VECTORS},
        {DIALECT_OPENAI_EMBEDDINGS, "{\"data\":null}", VECTORS},
        {DIALECT_OPENAI_EMBEDDINGS, "{\"data\":[null]}", VECTORS},
        {DIALECT_OPENAI_EMBEDDINGS, "{\"data\":[{\"embedding\":[1]}]}", NULL},
        {DIALECT_OPENAI_MODERATIONS, "{\"id\":\"x\"}", RESULTS},
        {DIALECT_OPENAI_MODERATIONS, "{\"results\":[]}", RESULTS},
        {DIALECT_OPENAI_MODERATIONS, "{\"results\":[{}]}", NULL},
        {DIALECT_OPENAI_RESPONSES, "{}", RESPONSE},
        {DIALECT_OPENAI_RESPONSES, "{\"id\":\"x\",\"output\":null,\"status\":null}", RESPONSE},
        {DIALECT_OPENAI_RESPONSES, "{\"status\":\"failed\",\"error\":null,\"output\":[]}",
         "The provider's response failed, and does not say why."},
        {DIALECT_OPENAI_RESPONSES, "{\"output\":[]}", NULL},
        {DIALECT_OPENAI_RESPONSES, "{\"status\":\"queued\"}", NULL},
        {DIALECT_OPENAI_RESPONSES, "{\"status\":\"incomplete\",\"output\":[]}", NULL},
        {DIALECT_RAW, "{}", NULL},
        {DIALECT_RAW, "", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int want = 0; want < 2; want++) {
            const reader_spec spec = said_spec(rows[i].dialect, want ? WANT_PARTS : 0);
            span piece = span_cstr(rows[i].body);
            reader r;
            answer_event e;
            reader_init(&r, &spec, SPAN_OF("application/json"), -1);
            assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
            reader_result got = reader_end(&r, true, &e);
            if ((got == READER_BAD) != (rows[i].missing != NULL)) print_error("%s\n", rows[i].body);
            assert_int_equal(got, rows[i].missing ? READER_BAD : READER_EVENT);
            if (rows[i].missing) assert_string_equal(r.no_answer, rows[i].missing);
            reader_done(&r);
        }
    }
}

/* Whoever makes JSON must not put a byte order mark before it; who reads it may pass one over
 * (RFC 8259 section 8.1). The client does not get it. */
static void a_byte_order_mark_before_an_answer(void **state) {
    (void)state;
#define MARK "\xEF\xBB\xBF"
#define HI   "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}"
    static const struct {
        const char *body, *told;
    } rows[] = {
        {MARK HI, HI},
        {MARK " \n" HI, " \n" HI},
        {HI, HI},
        {MARK "{\"error\":{\"code\":429}}", "{\"error\":{\"code\":429}}"},
        {MARK "[{\"error\":{\"code\":503}}]", "[{\"error\":{\"code\":503}}]"},
        {MARK MARK HI, NULL}, /* one */
        {" " MARK HI, NULL},
        {"\xEF\xBB" HI, NULL},
        {MARK, NULL},
        {MARK "<html>", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
        span piece = span_cstr(rows[i].body);
        reader r;
        answer_event e;
        reader_init(&r, &spec, SPAN_OF("application/json"), -1);
        assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
        assert_int_equal(reader_end(&r, true, &e), rows[i].told ? READER_EVENT : READER_BAD);
        if (rows[i].told) assert_span(e.data, rows[i].told);
        reader_done(&r);
    }
    /* Where nobody knows what it is, it stays. */
    const reader_spec raw = said_spec(DIALECT_RAW, 0);
    span piece = SPAN_OF(MARK "{}");
    reader r;
    answer_event e;
    reader_init(&r, &raw, SPAN_OF("application/json"), -1);
    assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
    assert_int_equal(reader_end(&r, true, &e), READER_EVENT);
    assert_span(e.data, MARK "{}");
    reader_done(&r);
}

/* More members than are looked at may hide it. */
static void an_answer_behind_very_many_members(void **state) {
    (void)state;
    for (int n = ANSWER_MEMBERS - 2; n <= ANSWER_MEMBERS; n++) {
        const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
        buf body = BUF_EMPTY;
        buf_add_char(&body, '{');
        for (int i = 0; i < n; i++)
            buf_addf(&body, "\"x%d\":1,", i);
        buf_add_cstr(&body, "\"choices\":[{\"message\":{}}]}");
        buf said = said_in(&spec, "application/json", buf_span(&body), NULL, 0, true);
        assert_non_null(strstr(buf_cstr(&said), "end"));
        buf_done(&said);
        buf_done(&body);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_in_any_form),
        cmocka_unit_test(an_answer_is_no_error),
        cmocka_unit_test(an_event_that_is_named_error),
        cmocka_unit_test(a_document_that_is_no_answer),
        cmocka_unit_test(a_byte_order_mark_before_an_answer),
        cmocka_unit_test(an_answer_behind_very_many_members),
    };
    return run_watched(tests);
}
