/* Tools that are asked over HTTP, by real connections to a server that does what it likes. */
#include "kit.h"

#include "../http/peer.h"

/* The request that came, NUL-terminated, in p->user; the test frees it. */
static bool keep_request(peer *p, int fd) {
    buf request;
    if (!peer_read(fd, &request)) return false;
    pthread_mutex_lock(&p->lock);
    free(p->user);
    p->user = strndup(buf_cstr(&request), request.len);
    p->requests++;
    pthread_mutex_unlock(&p->lock);
    buf_done(&request);
    return true;
}

static bool has_requests(peer *p) {
    pthread_mutex_lock(&p->lock);
    bool any = p->requests > 0;
    pthread_mutex_unlock(&p->lock);
    return any;
}

static void answer_sunny(peer *p, int fd, int n) {
    (void)n;
    while (keep_request(p, fd))
        peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"sun\":\"\xc3\xa9\"");
}

#define OPTIONS "allow_private: true, parameters: {type: object}"

/* options: more of the tool, in flow style. */
static void begin(kit *k, peer *p, peer_script *script, const char *options) {
    char yaml[2000];
    peer_begin(p, script);
    snprintf(yaml, sizeof yaml,
             "providers: {local: {url: 'http://127.0.0.1:1/v1'}}\n"
             "tools:\n"
             "  t: {kind: http, url: 'http://127.0.0.1:%u/w/?k=1', %s}\n",
             p->port, options);
    kit_begin(k, yaml);
}

static void end(kit *k, peer *p) {
    kit_end(k);
    peer_end(p);
    free(p->user);
}

static void arguments_are_the_body(void **state) {
    (void)state;
    kit k;
    peer p;
    begin(&k, &p, answer_sunny, OPTIONS ", headers: {X-Key: abcd}");
    kit_expect(&k, "t", "{\"city\":\"Ulm\"}", "done: {\"sun\":\"\xc3\xa9\"");
    char want[1000];
    snprintf(want, sizeof want,
             "POST /w/?k=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-Key: abcd\r\nAccept: "
             "application/json, text/*;q=0.9, */*;q=0.5\r\nUser-Agent: weir/" WEIR_VERSION
             "\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"city\":\"Ulm\"}",
             p.port);
    assert_string_equal(p.user, want);
    kit_expect(&k, "t", "", "done: {\"sun\":\"\xc3\xa9\"");
    assert_non_null(strstr(p.user, "\r\n\r\n{}"));
    end(&k, &p);
    assert_int_equal(peer_accepted(&p), 1); /* the connection was kept */
}

static void arguments_are_the_query(void **state) {
    (void)state;
    kit k;
    peer p;
    begin(&k, &p, answer_sunny, OPTIONS ", method: GET");
    kit_expect(
        &k, "t",
        "{\"a\":\"x & y=\xc3\xa9/?#\\u0000\",\"n\":-1.50,\"ok\":true,\"no\":null,\"l\":[1,\"b\"],"
        "\"o\":{\"k\":[1]},\"m\":[[1]],\"\\u0026\":\"\"}",
        "done: {\"sun\":\"\xc3\xa9\"");
    const char *line = "GET /w/?k=1&a=x%20%26%20y%3D%C3%A9%2F%3F%23%00&n=-1.50&ok=true&l=1&l=b&o="
                       "%7B%22k%22%3A%5B1%5D%7D&m=%5B%5B1%5D%5D&%26= HTTP/1.1\r\n";
    assert_memory_equal(p.user, line, strlen(line));
    assert_null(strstr(p.user, "Content-"));
    kit_expect(&k, "t", "{}", "done: {\"sun\":\"\xc3\xa9\"");
    assert_memory_equal(p.user, "GET /w/?k=1 HTTP", 16);
    static char large[40000];
    snprintf(large, sizeof large, "{\"a\":\"%039900d\"}", 1);
    kit_expect(&k, "t", large, "bad_arguments: the arguments are too long for a URL");
    end(&k, &p);
}

/* ---- what does not go well ---- */

static const char *_Atomic answer; /* read by the peers' threads */

static void answer_it(peer *p, int fd, int n) {
    (void)n;
    while (keep_request(p, fd))
        peer_send(fd, answer);
}

static void answer_and_close(peer *p, int fd, int n) {
    (void)n;
    if (keep_request(p, fd)) peer_send(fd, answer);
}

static void its_status_counts(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"HTTP/1.1 204 No Content\r\n\r\n", "done: "},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno\ncity!\x01",
         "failed: the tool answered 404 Not Found: no city! "},
        {"HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\n\xff\xfe",
         "failed: the tool answered 500 Internal Server Error: ??"},
        {"HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", "failed: the tool answered 599 "},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
         "failed: the tool answered 302, a redirect, and those are not followed"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xc3(",
         "garbled: the tool's answer is not text in UTF-8"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\nthe key is sk-0123456789abcdef, ok",
         "done: the key is [redacted], ok"},
        {"HTTP/1.1 401 No\r\nContent-Length: 23\r\n\r\nbad sk-0123456789abcdef",
         "failed: the tool answered 401 Unauthorized: bad [redacted]"},
    };
    kit k;
    peer p;
    begin(&k, &p, answer_and_close,
          OPTIONS ", headers: {Authorization: Bearer sk-0123456789abcdef}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer = rows[i][0];
        kit_expect(&k, "t", "{}", rows[i][1]);
    }
    end(&k, &p);
}

static void what_breaks_is_told(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"", "failed: the tool's answer cannot be used: "},
        {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
         "failed: the tool's answer cannot be used: "},
        {"SSH-2.0-x\r\n\r\n", "failed: the tool's answer cannot be used: "},
    };
    kit k;
    peer p;
    begin(&k, &p, answer_and_close, OPTIONS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer = rows[i][0];
        char *said = kit_ask(&k, "t", "{}");
        assert_memory_equal(said, rows[i][1], strlen(rows[i][1]));
        free(said);
    }
    end(&k, &p);
}

static void wait_for_close(peer *p, int fd, int n) {
    char c;
    (void)n;
    if (!keep_request(p, fd)) return;
    if (answer) peer_send(fd, answer);
    while (recv(fd, &c, 1, 0) > 0) {}
    peer_reach(p, 1);
}

static void silence_ends(void **state) {
    (void)state;
    static const char *const answers[] = {NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        kit k;
        peer p;
        answer = answers[i];
        begin(&k, &p, wait_for_close, OPTIONS ", timeout: 50ms");
        kit_expect(&k, "t", "{}", "timed_out: the tool did not answer within 50ms");
        peer_await(&p, 1); /* the connection is closed */
        end(&k, &p);
    }
}

static void the_askers_time_goes_first(void **state) {
    (void)state;
    kit k;
    kit_call c = {.waiter = {kit_told}, .kit = &k};
    peer p;
    answer = NULL;
    begin(&k, &p, wait_for_close, OPTIONS ", timeout: 1h");
    loop_read_clock(&k.l);
    const tool_ask ask = {.due_ms = k.l.now_ms + 30};
    c.call = tool_start(k.runner, k.list->items[0], &ask, &c.waiter);
    kit_wait(&c);
    assert_int_equal(c.outcome, TOOL_TIMED_OUT);
    assert_string_equal(c.text.ptr, "the tool did not answer in the time that was left");
    buf_done(&c.text);
    end(&k, &p);
}

static void cancelling_closes(void **state) {
    (void)state;
    kit k;
    kit_call c;
    peer p;
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx";
    begin(&k, &p, wait_for_close, OPTIONS);
    kit_start(&k, &c, "t", "{}");
    while (!has_requests(&p)) /* until it is under way */
        uv_run(&k.l.uv, UV_RUN_NOWAIT);
    tool_cancel(c.call);
    uv_run(&k.l.uv, UV_RUN_NOWAIT);
    peer_await(&p, 1);
    assert_int_equal(c.told, 0);
    end(&k, &p);
}

static char flood[65536];

static void send_100_megabytes(peer *p, int fd, int n) {
    (void)n;
    if (!keep_request(p, fd)) return;
    peer_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t sent = 0; sent < 100 << 20; sent += sizeof flood) {
        peer_send(fd, "10000\r\n");
        if (send(fd, flood, sizeof flood, MSG_NOSIGNAL) <= 0) return;
        peer_send(fd, "\r\n");
    }
}

static void a_flood_is_cut_off(void **state) {
    (void)state;
    kit k;
    peer p;
    memset(flood, 'x', sizeof flood);
    begin(&k, &p, send_100_megabytes, OPTIONS ", max_result: 100KB");
    kit_expect(&k, "t", "{}", "too_large: the tool's answer is larger than 100KB");
    kit_expect(&k, "t", "{}", "too_large: the tool's answer is larger than 100KB");
    end(&k, &p);
}

/* ---- where it may be ---- */

static void private_addresses_are_refused(void **state) {
    (void)state;
    kit k;
    peer p;
    char yaml[1000], want[300];
    peer_begin(&p, answer_it);
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    snprintf(yaml, sizeof yaml,
             "providers: {local: {url: 'http://127.0.0.1:1/v1'}}\n"
             "tools:\n"
             "  number: {kind: http, url: 'http://127.0.0.1:%1$u/'}\n"
             "  name: {kind: http, url: 'http://localhost:%1$u/'}\n"
             "  six: {kind: http, url: 'http://[::ffff:127.0.0.1]:%1$u/'}\n"
             "  may: {kind: http, url: 'http://localhost:%1$u/', allow_private: true}\n",
             p.port);
    kit_begin(&k, yaml);
    kit_expect(&k, "may", "{}", "done: x");
    snprintf(want, sizeof want,
             "unreachable: the tool cannot be reached: 127.0.0.1:%u is not a public address, and "
             "may not be connected to",
             p.port);
    kit_expect(&k, "number", "{}", want);
    char *said = kit_ask(&k, "name", "{}");
    assert_non_null(strstr(said, "is not a public address"));
    free(said);
    said = kit_ask(&k, "six", "{}");
    assert_non_null(strstr(said, "is not a public address"));
    free(said);
    kit_end(&k);
    peer_end(&p);
    free(p.user);
    assert_int_equal(peer_accepted(&p), 1);
}

static void nobody_there_is_told(void **state) {
    (void)state;
    kit k;
    kit_begin(&k, "providers: {local: {url: 'http://127.0.0.1:1/v1'}}\n"
                  "tools: {t: {kind: http, url: 'http://127.0.0.1:1/', allow_private: true}}\n");
    kit_expect(&k, "t", "{}",
               "unreachable: the tool cannot be reached: connecting to 127.0.0.1:1 failed: "
               "connection refused");
    kit_end(&k);
}

static void many_at_once(void **state) {
    (void)state;
    enum { CALLS = 40 };
    kit k;
    peer p;
    kit_call calls[CALLS];
    begin(&k, &p, answer_sunny, OPTIONS);
    for (size_t i = 0; i < CALLS; i++)
        kit_start(&k, &calls[i], "t", "{}");
    for (size_t i = 0; i < CALLS; i++) {
        kit_wait(&calls[i]);
        assert_int_equal(calls[i].outcome, TOOL_DONE);
        buf_done(&calls[i].text);
    }
    end(&k, &p);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_the_body),
        cmocka_unit_test(arguments_are_the_query),
        cmocka_unit_test(its_status_counts),
        cmocka_unit_test(what_breaks_is_told),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(the_askers_time_goes_first),
        cmocka_unit_test(cancelling_closes),
        cmocka_unit_test(a_flood_is_cut_off),
        cmocka_unit_test(private_addresses_are_refused),
        cmocka_unit_test(nobody_there_is_told),
        cmocka_unit_test(many_at_once),
    };
    return run_watched(tests);
}
