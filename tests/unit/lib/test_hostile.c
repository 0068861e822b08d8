/* What a provider may answer that none should: a program that only asks must come to no harm. */
#include "lib.h"

#include "../http/peer.h"

#define HEAD(more) "HTTP/1.1 200 OK\r\nConnection: close\r\n" more "\r\n"
#define JSON       "Content-Type: application/json\r\n"

static weir_client *client_of(peer *p, const char *bytes) {
    char url[64];
    peer_begin_saying(p, bytes);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", (unsigned)p->port);
    weir_options *o = weir_options_new();
    weir_options_set_url(o, url);
    weir_options_set(o, "retry.retries", "0");
    return lib_client(o);
}

/* Nobody is there to hear the events of a stream that was not asked for: they are put together,
 * where they are ones of that endpoint's. */
static void a_stream_for_a_whole_answer(void **state) {
    (void)state;
    peer p;
    static const char stream[] = HEAD("Content-Type: text/event-stream\r\n") //
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n"
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n"
        "data: [DONE]\n\n";
    weir_client *c = client_of(&p, stream);
    static const struct {
        const char *path, *code, *message;
    } rows[] = {
        {"/responses", "stream_interrupted", "ended without its answer"},
        {"/embeddings", "provider_bad_answer", "a stream where a whole answer was asked for"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_request *q = lib_request("m", "hi");
        weir_request_set_path(q, rows[i].path);
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_PROVIDER);
        assert_string_equal(r->error_code, rows[i].code);
        assert_non_null(strstr(r->error_message, rows[i].message));
        assert_null(r->text);
        assert_non_null(strstr(r->body, "\"error\""));
        weir_result_free(r);
    }
    weir_result *r = lib_chat(c, lib_request("m", "hi"));
    assert_int_equal(r->code, WEIR_OK);
    assert_string_equal(r->text, "hi");
    weir_result_free(r);
    weir_client_free(c);
    peer_end(&p);
}

typedef struct heard {
    buf text; /* of each event, then '|' */
    bool stop;
} heard;

static int hear(void *user, const weir_event *event) {
    heard *h = user;
    buf_addf(&h->text, "%s|", event->text);
    assert_int_equal(event->json[event->json_len - 1], '}');
    return h->stop;
}

/* It is one event that says what it says otherwise, also where that is the last one wanted, and one
 * that ends it. */
static void a_whole_answer_for_a_stream(void **state) {
    (void)state;
    peer p;
    weir_client *c =
        client_of(&p, HEAD(JSON) "{\"model\":\"theirs\",\"choices\":[{\"message\":{\"content\":"
                                 "[{\"type\":\"text\",\"text\":\"a\\n\"},{\"text\":\"b\"}]}}]}");
    for (int stop = 0; stop < 2; stop++) {
        heard h = {.stop = stop};
        weir_request *q = lib_request("m", "hi");
        weir_result *r = weir_stream(c, q, hear, &h);
        weir_request_free(q);
        assert_int_equal(r->code, stop ? WEIR_CANCELLED : WEIR_OK);
        assert_string_equal(buf_cstr(&h.text), stop ? "a\nb|" : "a\nb||");
        assert_string_equal(r->text, "a\nb");
        assert_string_equal(r->model, "theirs");
        weir_result_free(r);
        buf_done(&h.text);
    }
    weir_client_free(c);
    peer_end(&p);
}

static weir_result *ask(const char *bytes, weir_summary **ret_summary) {
    peer p;
    weir_client *c = client_of(&p, bytes);
    weir_result_free(lib_chat(c, lib_request("m", "hi")));
    weir_result *r = lib_chat(c, lib_request("m", "hi"));
    *ret_summary = weir_client_summary(c);
    weir_client_free(c);
    peer_end(&p);
    return r;
}

#define LARGEST "9223372036854775807"

/* Figures are added up, so none may be as large as it can be written. */
static void figures_beyond_all_measure(void **state) {
    (void)state;
    weir_summary *s;
    weir_result *r =
        ask(HEAD(JSON) "{\"choices\":[{\"message\":{}}],\"usage\":{\"prompt_tokens\":" LARGEST
                       ",\"completion_tokens\":" LARGEST ",\"total_tokens\":" LARGEST "}}",
            &s);
    assert_int_equal(r->code, WEIR_OK);
    assert_true(r->tokens_estimated);
    assert_in_range(r->prompt_tokens, 0, 1000);
    assert_in_range(r->total_tokens, 0, 1000);
    assert_in_range(s->total_tokens, 0, 2000);
    weir_result_free(r);
    weir_summary_free(s);
}

/* Strings of a result are UTF-8: what a header says otherwise is not told. */
static void an_id_that_is_no_text(void **state) {
    (void)state;
    weir_summary *s;
    weir_result *r =
        ask(HEAD(JSON "X-Request-Id: a\xFF\xFE\r\n") "{\"choices\":[{\"message\":{}}]}", &s);
    assert_int_equal(r->code, WEIR_OK);
    assert_null(r->provider_request_id);
    weir_result_free(r);
    weir_summary_free(s);
}

/* A thousand of them are kept for the summary: they may not be of any length. */
static void a_model_that_is_called_too_long(void **state) {
    (void)state;
    weir_summary *s;
    buf bytes = BUF_EMPTY;
    buf_add_cstr(&bytes, HEAD(JSON) "{\"choices\":[{\"message\":{}}],\"model\":\"");
    for (int i = 0; i < 257; i++)
        buf_add_char(&bytes, 'm');
    buf_add_cstr(&bytes, "\"}");
    weir_result *r = ask(buf_cstr(&bytes), &s);
    assert_int_equal(strlen(r->model), 257);
    assert_int_equal(s->successful_calls, 2);
    assert_int_equal(s->models_used_count, 0);
    weir_result_free(r);
    weir_summary_free(s);
    buf_done(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_for_a_whole_answer),
        cmocka_unit_test(a_whole_answer_for_a_stream),
        cmocka_unit_test(figures_beyond_all_measure),
        cmocka_unit_test(an_id_that_is_no_text),
        cmocka_unit_test(a_model_that_is_called_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
