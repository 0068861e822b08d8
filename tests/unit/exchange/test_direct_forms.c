/* A program's exchanges with providers that answer in another form than was asked for. */
#include "direct.h"

#include "../http/peer.h"

static bool holds(const buf *text, const char *part) {
    return span_find_span(buf_span(text), 0, span_cstr(part)) < text->len;
}

/* Answers each request with the script's bytes and closes. */
static const char *answer;

static void say(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, answer);
}

static void run(direct *d, const char *bytes) {
    peer p;
    answer = bytes;
    peer_begin(&p, say);
    d->port = p.port;
    direct_run(d);
    peer_end(&p);
}

#define HEAD(type) "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " type "\r\n\r\n"
#define CHAT       "{\"model\":\"m\",\"messages\":[],\"stream\":"

static void json_for_a_stream(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", CHAT "true}");
    run(&d, HEAD("application/json") "{\"choices\":[]}");
    assert_span(buf_span(&d.said), "answer, done");
    assert_span(buf_span(&d.body), "{\"choices\":[]}");
    assert_int_equal(d.error, ERR_NONE);
    direct_free(&d);
}

static void a_stream_for_json(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", CHAT "false}");
    run(&d, HEAD("text/event-stream") "data: "
                                      "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}"
                                      "\n\ndata: [DONE]\n\n");
    assert_span(buf_span(&d.said), "head, piece, end, done");
    assert_int_equal(d.pieces, 1);
    direct_free(&d);
}

/* On a path that only goes through. */
static void what_is_no_json(void **state) {
    (void)state;
    direct d = direct_post(0, "/audio/speech", "{\"model\":\"m\"}");
    run(&d, HEAD("audio/mpeg") "soundsound");
    assert_span(buf_span(&d.said), "answer, done");
    assert_span(buf_span(&d.body), "soundsound");
    assert_int_equal(d.last_status, 200);
    assert_int_equal(d.record.bytes_out, 10);
    direct_free(&d);
}

static void too_much_of_it(void **state) {
    (void)state;
    buf bytes = BUF_EMPTY;
    buf_add_cstr(&bytes, HEAD("audio/mpeg"));
    for (int i = 0; i < 1100; i++)
        buf_add_cstr(&bytes, "s");
    direct d = direct_post(0, "/audio/speech", "{\"model\":\"m\"}");
    d.options = "limits: {answer: 1KB}\n";
    run(&d, buf_cstr(&bytes));
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.status, 502);
    assert_int_equal(d.error, ERR_ANSWER_TOO_LARGE);
    assert_int_equal(d.record.error, ERR_ANSWER_TOO_LARGE);
    assert_true(span_find_span(buf_span(&d.body), 0, SPAN_OF("limits.answer")) < d.body.len);
    direct_free(&d);
    buf_done(&bytes);
}

/* No end by its length: what came is not handed on as if it were whole. */
static void a_part_of_it(void **state) {
    (void)state;
    direct d = direct_post(0, "/audio/speech", "{\"model\":\"m\"}");
    run(&d, "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 20\r\n\r\nsound");
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.error, ERR_CONNECTION_LOST);
    assert_true(span_starts(buf_span(&d.body), SPAN_OF("{\"error\":")));
    direct_free(&d);
}

/* Some send them while an answer takes long; /chat reads what comes behind. */
static void blanks_ahead_of_an_answer(void **state) {
    (void)state;
    direct d = direct_post(0, "/chat/completions", "{\"message\":\"hi\"}");
    d.request.form = FORM_CHAT;
    run(&d, HEAD("application/json") "\n\n  {\"model\":\"m\",\"choices\":[{\"message\":"
                                     "{\"content\":\"late\"}}]}\n");
    assert_int_equal(d.status, 200);
    assert_true(holds(&d.body, "\"response\":\"late\""));
    assert_true(holds(&d.body, "\"model\":\"m\""));
    direct_free(&d);

    d = direct_post(0, "/chat/completions", "{\"message\":\"hi\"}");
    d.request.form = FORM_CHAT;
    run(&d, "HTTP/1.1 400 No\r\nConnection: close\r\n\r\n"
            "\n {\"error\":{\"type\":\"theirs\",\"message\":\"no\",\"code\":\"c\"}}");
    assert_int_equal(d.status, 400);
    assert_true(holds(&d.body, "\"type\":\"theirs\""));
    assert_true(holds(&d.body, "\"code\":\"c\""));
    direct_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_for_a_stream), cmocka_unit_test(a_stream_for_json),
        cmocka_unit_test(what_is_no_json),   cmocka_unit_test(too_much_of_it),
        cmocka_unit_test(a_part_of_it),      cmocka_unit_test(blanks_ahead_of_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
