#include "unit.h"

#include "codec_log.h"

#include <ctype.h>
#include <stdio.h>

#define GET "GET /a HTTP/1.1\r\nHost: t\r\n\r\n"

/* ---- pause and resume ---- */

static void a_pause_stops_right_behind_what_was_reported(void **state) {
    (void)state;
    codec_log l;
    log_open(&l, HTTP_CODEC_REQUEST, NULL);
    l.pause = true;
    const span head = SPAN("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n");
    char bytes[200];
    (void)snprintf(bytes, sizeof bytes, "%.*sabc" GET, SPAN_ARG(head));
    span in = span_cstr(bytes);
    size_t used;
    assert_int_equal(http_codec_feed(l.codec, in, &used), HTTP_FEED_PAUSED);
    assert_int_equal(used, head.len);
    assert_int_equal(l.heads, 1);
    in = span_slice(in, used, in.len);
    assert_int_equal(http_codec_feed(l.codec, in, &used), HTTP_FEED_PAUSED);
    assert_int_equal(used, 3);
    assert_int_equal(l.ends, 0);
    assert_true(http_codec_in_message(l.codec));
    /* The end needs no bytes, only the next feed. */
    assert_int_equal(http_codec_feed(l.codec, SPAN_EMPTY, &used), HTTP_FEED_PAUSED);
    assert_int_equal(used, 0);
    assert_int_equal(l.ends, 1);
    assert_false(http_codec_in_message(l.codec));
    in = span_slice(in, 3, in.len);
    l.pause = false;
    assert_int_equal(http_codec_feed(l.codec, in, &used), HTTP_FEED_OK);
    assert_int_equal(used, in.len);
    assert_int_equal(l.ends, 2);
    log_close(&l);
}

typedef struct keeper {
    const http_head *head;
    bool ended;
} keeper;

static bool keep_head(void *user, const http_head *h) {
    ((keeper *)user)->head = h;
    return true;
}

static bool ignore_body(void *user, span piece) {
    (void)user;
    (void)piece;
    return true;
}

static bool stop_at_end(void *user) {
    ((keeper *)user)->ended = true;
    return false;
}

/* As a server needs it: the head is read while the request is being answered. */
static void the_head_lives_until_the_next_message(void **state) {
    (void)state;
    static const http_codec_ops ops = {keep_head, ignore_body, stop_at_end};
    keeper k = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_REQUEST, &log_limits, &ops, &k);
    char first[] = "GET /first?q HTTP/1.1\r\nHost: one\r\nX-A:\r\n\r\n" GET;
    size_t used;
    assert_int_equal(http_codec_feed(c, span_cstr(first), &used), HTTP_FEED_PAUSED);
    span rest = span_slice(span_cstr(first), used, sizeof first - 1);
    memset(first, '!', used);
    assert_true(k.ended);
    assert_span(k.head->path, "/first");
    assert_span(k.head->query, "q");
    assert_span(http_header_get(k.head->headers, SPAN_OF("HOST")), "one");
    assert_non_null(http_header_get(k.head->headers, SPAN_OF("x-a")).ptr);
    assert_null(http_header_get(k.head->headers, SPAN_OF("x-b")).ptr);
    assert_int_equal(http_codec_feed(c, rest, &used), HTTP_FEED_PAUSED);
    assert_span(k.head->path, "/a");
    http_codec_shrink(c);
    assert_int_equal(http_codec_feed(c, SPAN_OF(GET), &used), HTTP_FEED_PAUSED);
    assert_span(k.head->path, "/a");
    http_codec_free(c);
}

/* Who takes it has it for as long as he likes: past the next message, and past the codec. */
static void a_head_that_is_taken_stays_where_it_is(void **state) {
    (void)state;
    static const http_codec_ops ops = {keep_head, ignore_body, stop_at_end};
    keeper k = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_REQUEST, &log_limits, &ops, &k);
    size_t used;
    const span first = SPAN_OF("GET /first HTTP/1.1\r\nHost: one\r\nX-A: 1\r\n\r\n");
    assert_int_equal(http_codec_feed(c, first, &used), HTTP_FEED_PAUSED);
    const span path = k.head->path;
    const http_headers headers = k.head->headers;
    http_head_memory taken = http_codec_take_head(c);
    assert_int_equal(http_codec_feed(c, SPAN_OF(GET), &used), HTTP_FEED_PAUSED);
    assert_span(k.head->path, "/a");
    http_codec_free(c);
    assert_span(path, "/first");
    assert_span(http_header_get(headers, SPAN_OF("x-a")), "1");
    http_head_memory_free(&taken);
    assert_null(taken.bytes);
}

static http_codec *suicidal;

static bool free_at_head(void *user, const http_head *h) {
    (void)user;
    (void)h;
    http_codec_free(suicidal);
    return false;
}

static void a_callback_may_free_the_codec(void **state) {
    (void)state;
    static const http_codec_ops ops = {free_at_head, ignore_body, stop_at_end};
    suicidal = http_codec_new(HTTP_CODEC_REQUEST, &log_limits, &ops, NULL);
    size_t used;
    assert_int_equal(http_codec_feed(suicidal, SPAN_OF(GET GET), &used), HTTP_FEED_PAUSED);
    assert_int_equal(used, sizeof GET - 1);
}

/* ---- the end of the stream ---- */

static void ends_between_and_within_messages(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        bool legal;
    } rows[] = {{"", true},
                {"\r\n", true},
                {GET, true},
                {GET "\r\n", true},
                {"G", false},
                {GET "GET", false},
                {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\na", false},
                {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        codec_log l;
        log_open(&l, HTTP_CODEC_REQUEST, NULL);
        log_feed(&l, span_cstr(rows[i].bytes));
        assert_int_equal(http_codec_in_message(l.codec), !rows[i].legal);
        assert_int_equal(http_codec_eof(l.codec), rows[i].legal);
        log_close(&l);
    }
}

/* ---- bounds ---- */

/* The error for a request of that many bytes in target, header lines, and one header's value. */
static error_id bounded(size_t target, unsigned lines, size_t value) {
    buf b = BUF_EMPTY;
    buf_addf(&b, "GET /%0*d HTTP/1.1\r\nHost: t\r\n", (int)target - 1, 0);
    for (unsigned i = 1; i < lines; i++)
        buf_addf(&b, "A: %0*d\r\n", i == 1 ? (int)value : 1, 0);
    buf_add_cstr(&b, "\r\n");
    char *whole = log_of(HTTP_CODEC_REQUEST, buf_span(&b), CUT_NONE, false, NULL);
    char *pieces = log_of(HTTP_CODEC_REQUEST, buf_span(&b), CUT_EVERYWHERE, false, NULL);
    assert_string_equal(whole, pieces);
    codec_log l;
    log_open(&l, HTTP_CODEC_REQUEST, NULL);
    log_feed(&l, buf_span(&b));
    const char *why;
    error_id id = http_codec_error(l.codec, &why);
    assert_int_equal(l.ends, id == ERR_NONE);
    log_close(&l);
    free(whole);
    free(pieces);
    buf_done(&b);
    return id;
}

static void heads_are_bounded(void **state) {
    (void)state;
    assert_int_equal(bounded(10, 2, 1), ERR_NONE);
    assert_int_equal(bounded(1024, 2, 1), ERR_NONE);
    assert_int_equal(bounded(1025, 2, 1), ERR_URL_TOO_LONG);
    assert_int_equal(bounded(9000, 2, 1), ERR_URL_TOO_LONG);
    assert_int_equal(bounded(10, 30, 1), ERR_NONE);
    assert_int_equal(bounded(10, 31, 1), ERR_HEAD_TOO_LARGE);
    const size_t fixed = sizeof "GET / HTTP/1.1\r\nHost: t\r\nA: \r\n\r\n" - 1 + 9;
    assert_int_equal(bounded(10, 2, 4096 - fixed), ERR_NONE);
    assert_int_equal(bounded(10, 2, 4097 - fixed), ERR_HEAD_TOO_LARGE);
    assert_int_equal(bounded(10, 2, 20000), ERR_HEAD_TOO_LARGE);
}

static void endless(const char *head, const char *repeated, error_id want) {
    codec_log l;
    log_open(&l, HTTP_CODEC_REQUEST, NULL);
    log_feed(&l, span_cstr(head));
    unsigned rounds = 0;
    while (!l.bad && ++rounds < 100000)
        log_feed(&l, span_cstr(repeated));
    const char *why;
    assert_int_equal(http_codec_error(l.codec, &why), want);
    log_close(&l);
}

static void nothing_is_endless(void **state) {
    (void)state;
#define CHUNKED "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless("GET / HTTP/1.1\r\n", "A: b\r\n", ERR_HEAD_TOO_LARGE);
    endless("GET /", "a", ERR_URL_TOO_LONG);
    endless("G", "E", ERR_HEAD_TOO_LARGE);
    endless(CHUNKED, "0", ERR_BAD_HTTP);
    endless(CHUNKED "1;a", "b", ERR_BAD_HTTP);
    endless(CHUNKED, "1;abcdefghijklmnopqrstuvwxyz\r\nx\r\n", ERR_BAD_HTTP);
    endless(CHUNKED "0\r\n", "A: b\r\n", ERR_BAD_HTTP);
    endless(CHUNKED "0\r\n", "a", ERR_BAD_HTTP);
}

/* Limits that shrink while a head is being gathered end it; they cannot make the codec run wild. */
static void limits_may_shrink(void **state) {
    (void)state;
    codec_log l;
    log_open(&l, HTTP_CODEC_REQUEST, NULL);
    log_feed(&l, SPAN_OF("GET / HTTP/1.1\r\nHost: tttttttttttttttttt\r\n"));
    http_codec_limits small = log_limits;
    small.head_bytes = 20;
    http_codec_set_limits(l.codec, &small);
    log_feed(&l, SPAN_OF("\r\n"));
    assert_true(l.bad);
    log_close(&l);
}

/* ---- fields ---- */

/* Each byte at the begin, in the middle and at the end of a field's name. */
static void names_are_tokens(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 3; at++) {
            char head[] = "GET / HTTP/1.1\r\nHost: t\r\nabc: v\r\n\r\n";
            *(strstr(head, "abc") + at) = (char)c;
            codec_log l;
            log_open(&l, HTTP_CODEC_REQUEST, NULL);
            log_feed(&l, span_from(head, sizeof head - 1));
            bool legal = (c < 128 && isalnum(c)) || (c && strchr("!#$%&'*+-.^_`|~", c));
            /* "a:c: v" has a shorter name and another value. */
            if (c == ':' && at > 0) legal = true;
            if (l.bad == legal) fail_msg("byte %d at %zu: %s", c, at, buf_cstr(&l.text));
            log_close(&l);
        }
    }
}

/* Each byte in a target, and in a value. */
static void targets_and_values(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (int in_value = 0; in_value < 2; in_value++) {
            char head[] = "GET /T HTTP/1.1\r\nHost: t\r\nabc: wVw\r\n\r\n";
            char *value = strchr(head, 'V');
            *value = 'v';
            *(in_value ? value : strchr(head + 4, 'T')) = (char)c;
            codec_log l;
            log_open(&l, HTTP_CODEC_REQUEST, NULL);
            log_feed(&l, span_from(head, sizeof head - 1));
            bool legal =
                in_value ? (c >= 32 && c != 127) || c == '\t' : c > 32 && c < 127 && c != '#';
            if (l.bad == legal) fail_msg("byte %d: %s", c, buf_cstr(&l.text));
            log_close(&l);
        }
    }
}

static void hop_by_hop_fields(void **state) {
    (void)state;
    static const http_header fields[] = {{SPAN("connection"), SPAN("keep-alive, X-Mine ")},
                                         {SPAN("x-min"), SPAN("x-min")},
                                         {SPAN("CONNECTION"), SPAN(",x-other")}};
    http_hops named;
    http_hops_of((http_headers){fields, ARRAY_LEN(fields)}, &named);
    const char *hop[] = {"Connection",
                         "keep-alive",
                         "TE",
                         "Trailer",
                         "transfer-encoding",
                         "Upgrade",
                         "Proxy-Authorization",
                         "proxy-connection",
                         "x-mine",
                         "X-Other"};
    const char *through[] = {"Content-Type", "x-min", "Authorization", "Expect", "te2"};
    for (size_t i = 0; i < ARRAY_LEN(hop); i++)
        assert_true(http_header_is_hop(span_cstr(hop[i]), &named));
    for (size_t i = 0; i < ARRAY_LEN(through); i++)
        assert_false(http_header_is_hop(span_cstr(through[i]), &named));
}

/* As many as there may be are looked up; of more, as no codec lets through, all fields are some. */
static void what_connection_may_name(void **state) {
    (void)state;
    for (size_t count = HTTP_HOPS_MAX - 1; count <= HTTP_HOPS_MAX + 1; count++) {
        buf names = BUF_EMPTY;
        for (size_t i = 1; i < count; i++)
            buf_addf(&names, "x-%zu,", i);
        buf_add_cstr(&names, "x-last");
        const http_header field = {SPAN("Connection"), buf_span(&names)};
        http_hops named;
        http_hops_of((http_headers){&field, 1}, &named);
        assert_int_equal(named.many, count > HTTP_HOPS_MAX);
        assert_true(http_header_is_hop(SPAN_OF("x-1"), &named));
        assert_true(http_header_is_hop(SPAN_OF("X-Last"), &named));
        assert_int_equal(http_header_is_hop(SPAN_OF("x-none"), &named), count > HTTP_HOPS_MAX);
        buf_done(&names);
    }
}

static void fields_of_one_name_are_one_list(void **state) {
    (void)state;
    static const http_header fields[] = {{SPAN("Connection"), SPAN("close, a")},
                                         {SPAN("Via"), SPAN("1.1 x")},
                                         {SPAN("connection"), SPAN("")},
                                         {SPAN("CONNECTION"), SPAN("b")}};
    const http_headers all = {fields, ARRAY_LEN(fields)};
    arena a;
    arena_init(&a, 0);
    assert_span(http_header_list(all, SPAN_OF("connection"), &a), "close, a, , b");
    assert_ptr_equal(http_header_list(all, SPAN_OF("via"), &a).ptr, fields[1].value.ptr);
    assert_null(http_header_list(all, SPAN_OF("te"), &a).ptr);
    arena_done(&a);
}

/* The target's own authority counts before the header, and HTTP/1.0 need name nobody. */
static void the_host_that_is_meant(void **state) {
    (void)state;
    static const struct {
        const char *head;
        const char *host;
    } rows[] = {
        {"GET /a HTTP/1.1\r\nHost: a.test:80\r\n\r\n", "a.test:80"},
        {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "a.test"},
        {"GET http://A.test/b HTTP/1.1\r\nHost: a.test\r\n\r\n", "A.test"},
        {"GET http://b.test:8080/?c HTTP/1.0\r\n\r\n", "b.test:8080"},
        {"GET /a HTTP/1.0\r\nHost: c.test\r\n\r\n", "c.test"},
        {"GET /a HTTP/1.0\r\n\r\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[64];
        snprintf(line, sizeof line, "\nhost=%s\n", rows[i].host);
        char *log = log_of(HTTP_CODEC_REQUEST, span_cstr(rows[i].head), CUT_NONE, false, NULL);
        if (!strstr(log, line)) fail_msg("%s\n%s", rows[i].head, log);
        free(log);
    }
}

/* Also where another line comes before or behind it. */
static void any_line_of_connection_may_close(void **state) {
    (void)state;
    static const struct {
        const char *minor;
        const char *lines;
        bool alive;
    } rows[] = {
        {"1", "", true},
        {"1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1", "Connection: close\r\nX: y\r\nCONNECTION: x-a\r\n", false},
        {"1", "Connection:\r\nConnection: x-a ,\tCLOSE\r\n", false},
        {"1", "Connection: x-a\r\nConnection: x-close, closed\r\n", true},
        {"0", "Connection: x-a\r\nconnection: Keep-Alive\r\n", true},
        {"0", "Connection: keep-alive\r\nconnection: x-a\r\n", true},
        {"0", "Connection: keep-alive\r\nconnection: close\r\n", false},
    };
    static const struct {
        http_codec_kind kind;
        const char *format;
    } ways[] = {
        {HTTP_CODEC_REQUEST, "GET / HTTP/1.%s\r\nHost: t\r\n%s\r\n"},
        {HTTP_CODEC_RESPONSE, "HTTP/1.%s 200 OK\r\nContent-Length: 0\r\n%s\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(ways); i++) {
        const size_t row = i / ARRAY_LEN(ways), way = i % ARRAY_LEN(ways);
        char head[256];
        snprintf(head, sizeof head, ways[way].format, rows[row].minor, rows[row].lines);
        char *log = log_of(ways[way].kind, span_cstr(head), CUT_NONE, false, NULL);
        if (!strstr(log, rows[row].alive ? " alive=1 " : " alive=0 "))
            fail_msg("%s\n%s", head, log);
        free(log);
    }
}

static void safe_fields(void **state) {
    (void)state;
    assert_true(http_header_is_safe(SPAN_OF("X-A"), SPAN_OF("b\tc \xff")));
    assert_true(http_header_is_safe(SPAN_OF("X-A"), SPAN_OF("")));
    assert_false(http_header_is_safe(SPAN_OF(""), SPAN_OF("b")));
    assert_false(http_header_is_safe(SPAN_OF("X A"), SPAN_OF("b")));
    assert_false(http_header_is_safe(SPAN_OF("X-A"), SPAN_OF("b\r\nX: y")));
    assert_false(http_header_is_safe(SPAN_OF("X-A"), SPAN_OF("0123456789\0")));
    assert_string_equal(http_status_text(404), "Not Found");
    assert_string_equal(http_status_text(299), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_stops_right_behind_what_was_reported),
        cmocka_unit_test(the_head_lives_until_the_next_message),
        cmocka_unit_test(a_head_that_is_taken_stays_where_it_is),
        cmocka_unit_test(a_callback_may_free_the_codec),
        cmocka_unit_test(ends_between_and_within_messages),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(nothing_is_endless),
        cmocka_unit_test(limits_may_shrink),
        cmocka_unit_test(names_are_tokens),
        cmocka_unit_test(targets_and_values),
        cmocka_unit_test(hop_by_hop_fields),
        cmocka_unit_test(what_connection_may_name),
        cmocka_unit_test(fields_of_one_name_are_one_list),
        cmocka_unit_test(the_host_that_is_meant),
        cmocka_unit_test(any_line_of_connection_may_close),
        cmocka_unit_test(safe_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
