/* A program's exchanges with providers that answer in another form than was asked for: it gets what
 * it asked for. */
#include "direct.h"

#include "../http/peer.h"

static bool holds(const buf *text, const char *part) {
    return span_find_span(buf_span(text), 0, span_cstr(part)) < text->len;
}

static void run(direct *d, const char *bytes) {
    peer p;
    peer_begin_saying(&p, bytes);
    d->port = p.port;
    direct_run(d);
    peer_end(&p);
}

#define HEAD(type) "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " type "\r\n\r\n"
#define CHAT       "{\"model\":\"m\",\"messages\":[{}],\"stream\":"

static void json_for_a_stream(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", CHAT "true}");
    run(&d, HEAD("application/json") "{\"choices\":[{\"message\":{\"content\":\"Hi\"},"
                                     "\"finish_reason\":\"stop\"}]}");
    assert_span(buf_span(&d.said), "head, piece, end, done");
    assert_int_equal(d.pieces, 2);
    assert_int_equal(d.error, ERR_NONE);
    direct_free(&d);
}

static void a_stream_for_json(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", CHAT "false}");
    run(&d, HEAD("text/event-stream") "data: "
                                      "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}"
                                      "\n\ndata: [DONE]\n\n");
    assert_span(buf_span(&d.said), "answer, done");
    assert_span(buf_span(&d.body),
                "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
                "\"assistant\",\"content\":null}}]}");
    direct_free(&d);
}

/* Some send them while an answer takes long; /chat reads what comes behind. */
static void blanks_ahead_of_an_answer(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", "{\"message\":\"hi\"}");
    d.request.form = &form_chat;
    run(&d, HEAD("application/json") "\n\n  {\"model\":\"m\",\"choices\":[{\"message\":"
                                     "{\"content\":\"late\"}}]}\n");
    assert_int_equal(d.status, 200);
    assert_true(holds(&d.body, "\"response\":\"late\""));
    assert_true(holds(&d.body, "\"model\":\"m\""));
    direct_free(&d);

    d = direct_post(0, "/chat/completions", "{\"message\":\"hi\"}");
    d.request.form = &form_chat;
    run(&d, "HTTP/1.1 400 No\r\nConnection: close\r\n\r\n"
            "\n {\"error\":{\"type\":\"theirs\",\"message\":\"no\",\"code\":\"c\"}}");
    assert_int_equal(d.status, 400);
    assert_true(holds(&d.body, "\"type\":\"theirs\""));
    assert_true(holds(&d.body, "\"code\":\"c\""));
    direct_free(&d);
}

/* A single text goes out as it came, escapes and all; several are joined. */
static void texts_in_parts(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", "{\"message\":\"hi\",\"model\":\"m\"}");
    d.request.form = &form_chat;
    run(&d, HEAD("application/json") "{\"model\":\"\",\"choices\":[{\"message\":{\"content\":["
                                     "{\"text\":\"\\u00e9\\/\"}]}}]}");
    assert_true(holds(&d.body, "\"response\":\"\\u00e9\\/\""));
    assert_true(holds(&d.body, "\"model\":\"m\"")); /* what was asked for */
    direct_free(&d);

    d = direct_post(0, "/chat/completions", "{\"message\":\"hi\",\"stream\":true}");
    d.request.form = &form_chat;
    run(&d, HEAD("text/event-stream") "data: "
                                      "{\"model\":\"t\\u00e9\",\"choices\":[{\"index\":0,\"delta\":"
                                      "{\"content\":\"\\u00e9\\/\"}}]}"
                                      "\n\ndata: "
                                      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":[{"
                                      "\"type\":\"text\",\"text\":"
                                      "\"a\\/\"},{\"type\":\"text\",\"text\":\"b\"}]}}]}"
                                      "\n\ndata: "
                                      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},"
                                      "\"finish_reason\":\"stop\"}]}"
                                      "\n\ndata: [DONE]\n\n");
    assert_true(span_starts(buf_span(&d.body), SPAN_OF("data: {\"delta\":\"\\u00e9\\/\"}\n\n\n"
                                                       "data: {\"delta\":\"a/b\"}\n\n\n"
                                                       "data: {\"done\":true,")));
    assert_true(holds(&d.body, "\"model\":\"t\xC3\xA9\""));
    direct_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_for_a_stream),
        cmocka_unit_test(a_stream_for_json),
        cmocka_unit_test(blanks_ahead_of_an_answer),
        cmocka_unit_test(texts_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
