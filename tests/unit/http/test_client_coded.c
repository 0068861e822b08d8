/* Answers in a content coding: the owner hears what they stand for, or that they are none. */
#include "unit.h"

#include "pack.h"

#include "calls.h"
#include "peer.h"

static const struct {
    http_coding coding;
    const char *name;
} rows[] = {{HTTP_CODING_GZIP, "gzip"},
            {HTTP_CODING_GZIP, "X-GZip"},
            {HTTP_CODING_DEFLATE, "deflate"},
            {HTTP_CODING_BR, "br"},
            {HTTP_CODING_ZSTD, "identity, zstd"}};

#define TEXT "{\"choices\":[{\"message\":{\"content\":\"Hi hi hi hi\"}}]}"

typedef enum framing { BY_LENGTH, IN_CHUNKS, UNTIL_CLOSE } framing;

/* An answer as it goes over the wire; chunks are of three bytes. */
static buf answer_of(const char *coding, framing how, span bytes) {
    buf out = BUF_EMPTY;
    buf_addf(&out, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n", coding);
    if (how == BY_LENGTH) buf_addf(&out, "Content-Length: %zu\r\n", bytes.len);
    if (how == IN_CHUNKS) buf_add_cstr(&out, "Transfer-Encoding: Chunked\r\n");
    buf_add_cstr(&out, "\r\n");
    for (size_t at = 0; how == IN_CHUNKS && at < bytes.len; at += 3) {
        span piece = span_slice(bytes, at, at + 3);
        buf_addf(&out, "%zx\r\n", piece.len);
        buf_add(&out, piece);
        buf_add_cstr(&out, "\r\n");
    }
    if (how == IN_CHUNKS)
        buf_add_cstr(&out, "0\r\n\r\n");
    else
        buf_add(&out, bytes);
    return out;
}

/* The answer to a connection's first request, and a plain one to its second. */
static void say(peer *p, int fd, int n) {
    (void)n;
    const buf *answer = p->user;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send_bytes(fd, answer->ptr, answer->len);
    if (span_find_span(buf_span(answer), 0, SPAN_OF("Content-Length")) == answer->len) {
        if (span_ends(buf_span(answer), SPAN_OF("0\r\n\r\n"))) (void)peer_sees_close(fd);
        return;
    }
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
    (void)peer_sees_close(fd);
}

static void say_and_leave(peer *p, int fd, int n) {
    (void)n;
    const buf *answer = p->user;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send_bytes(fd, answer->ptr, answer->len);
}

/* One call; the caller looks at c->notes[0] and calls calls_end(). */
static void hears(calls *c, const char *coding, framing how, span bytes) {
    peer p;
    buf answer = answer_of(coding, how, bytes);
    peer_begin_with(&p, say, &answer);
    calls_begin(c);
    calls_to(c, p.port);
    calls_get(c);
    calls_run(c);
    peer_end(&p);
    buf_done(&answer);
}

static void answers_are_undone(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, SPAN_OF(TEXT));
        for (int how = BY_LENGTH; how <= UNTIL_CLOSE; how++) {
            calls c;
            hears(&c, rows[i].name, (framing)how, buf_span(&bytes));
            if (!c.notes[0].ends) fail_msg("%s, %d: %s", rows[i].name, how, c.notes[0].text);
            assert_span(buf_span(&c.notes[0].body), TEXT);
            calls_end(&c);
        }
        buf_done(&bytes);
    }
}

static void others_are_left_as_they_are(void **state) {
    (void)state;
    static const char *const names[] = {"identity", "compress", "gzip, br", ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        calls c;
        hears(&c, names[i], BY_LENGTH, SPAN_OF("bytes"));
        assert_int_equal(c.notes[0].ends, 1);
        assert_span(buf_span(&c.notes[0].body), "bytes");
        calls_end(&c);
    }
    calls c;
    hears(&c, "gzip", BY_LENGTH, SPAN_OF("")); /* no body has no coding */
    assert_int_equal(c.notes[0].ends, 1);
    calls_end(&c);
}

static void ask_again(noted *n) {
    n->c->notes[0].at_end = NULL;
    calls_get(n->c);
}

/* A connection that had one serves others. */
static void the_next_answer_is_another(void **state) {
    (void)state;
    buf bytes = pack(HTTP_CODING_GZIP, SPAN_OF(TEXT));
    buf answer = answer_of("gzip", BY_LENGTH, buf_span(&bytes));
    peer p;
    calls c;
    peer_begin_with(&p, say, &answer);
    calls_begin(&c);
    calls_to(&c, p.port);
    calls_get(&c)->at_end = ask_again;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(peer_accepted(&p), 1);
    assert_span(buf_span(&c.notes[0].body), TEXT);
    assert_span(buf_span(&c.notes[1].body), "plain");
    calls_end(&c);
    buf_done(&answer);
    buf_done(&bytes);
}

static void fails(const char *coding, framing how, span bytes, http_fail_kind kind,
                  const char *text) {
    calls c;
    hears(&c, coding, how, bytes);
    const noted *n = &c.notes[0];
    if (!n->fails || n->kind != kind) fail_msg("%s, %d: %d, %s", coding, how, n->kind, n->text);
    assert_string_equal(n->text, text);
    assert_true(n->head_seen);
    assert_int_equal(n->body_bytes, n->body.len);
    calls_end(&c);
}

static void what_is_wrong_fails(void **state) {
    (void)state;
    const char *cut = "what its Content-Encoding packs is not complete";
    const char *bad = "it is not what its Content-Encoding says";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, SPAN_OF(TEXT));
        span half = span_slice(buf_span(&bytes), 0, bytes.len / 2);
        for (int how = BY_LENGTH; how <= UNTIL_CLOSE; how++) {
            fails(rows[i].name, (framing)how, half, HTTP_FAIL_CUT, cut);
            fails(rows[i].name, (framing)how, SPAN_OF("\xff\xff\xff\xff\xff\xff"),
                  HTTP_FAIL_MALFORMED, bad);
        }
        buf_add_cstr(&bytes, "tail");
        fails(rows[i].name, BY_LENGTH, buf_span(&bytes), HTTP_FAIL_MALFORMED, bad);
        buf_done(&bytes);
    }
}

static void bombs_fail(void **state) {
    (void)state;
    enum { BOMB_BYTES = 64 * 1024 * 1024 };
    char *zeros = calloc(1, BOMB_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, span_from(zeros, BOMB_BYTES));
        fails(rows[i].name, BY_LENGTH, buf_span(&bytes), HTTP_FAIL_DENSE,
              "it is packed more densely than is allowed");
        buf_done(&bytes);
    }
    free(zeros);
}

/* ---- as it comes ---- */

static const span events[] = {SPAN("data: one\n\n"), SPAN("data: two\n\n")};

typedef struct stream {
    buf bytes;
    size_t ends[ARRAY_LEN(events)];
} stream;

/* The second event is sent when the first one was heard, and the end never. */
static void say_in_pieces(peer *p, int fd, int n) {
    (void)n;
    const stream *s = p->user;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    peer_send_bytes(fd, s->bytes.ptr, s->ends[0]);
    peer_await(p, 1);
    peer_send_bytes(fd, s->bytes.ptr + s->ends[0], s->ends[1] - s->ends[0]);
    (void)peer_sees_close(fd);
}

static void ask_for_more(noted *n) {
    if (n->body.len == events[0].len) peer_reach(n->c->peer, 1);
    if (n->body.len == events[0].len + events[1].len) calls_cancel(n);
}

static void a_stream_is_heard_as_it_comes(void **state) {
    (void)state;
    stream s;
    s.bytes = pack_pieces(HTTP_CODING_GZIP, events, ARRAY_LEN(events), s.ends);
    peer p;
    calls c;
    peer_begin_with(&p, say_in_pieces, &s);
    calls_begin(&c);
    c.peer = &p;
    calls_to(&c, p.port);
    calls_get(&c)->at_body = ask_for_more;
    calls_run(&c);
    peer_end(&p);
    assert_span(buf_span(&c.notes[0].body), "data: one\n\ndata: two\n\n");
    calls_end(&c);
    buf_done(&s.bytes);
}

/* ---- in slices ---- */

enum { MUCH = 3 * 1024 * 1024 + 17, A_TURN = 550 * 1024 };

typedef struct much {
    int64_t turn; /* by its clock */
    size_t begin; /* of it: what had been told */
    size_t told;
    size_t most; /* that one turn told */
    size_t pause_at;
    timer later;
    noted *n;
} much;

static much m;

static void resume(timer *t) {
    (void)t;
    assert_int_equal(m.n->body.len, m.pause_at);
    m.pause_at = 0;
    http_call_resume(m.n->call);
}

/* A turn reads the clock once, in microseconds. */
static void measure(noted *n) {
    if (m.turn != n->c->l.now_us) m.begin = m.told;
    m.turn = n->c->l.now_us;
    m.told = n->body.len;
    if (m.told - m.begin > m.most) m.most = m.told - m.begin;
    if (!m.pause_at || n->body.len < m.pause_at || timer_active(&m.later)) return;
    m.pause_at = n->body.len;
    m.n = n;
    http_call_pause(n->call);
    loop_timer_start(&n->c->l, &m.later, 20);
}

/* The end of the connection, which came long ago, is heard behind the last of them. */
static void what_is_dense_is_told_in_slices(void **state) {
    (void)state;
    char *text = calloc(1, MUCH);
    memset(text, 'a', MUCH);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int how = BY_LENGTH; how <= UNTIL_CLOSE; how++) {
            for (size_t pause_at = 0; pause_at < MUCH; pause_at += MUCH / 2) {
                buf bytes = pack(rows[i].coding, span_from(text, MUCH));
                buf answer = answer_of(rows[i].name, (framing)how, buf_span(&bytes));
                peer p;
                calls c;
                m = (much){.pause_at = pause_at};
                timer_init(&m.later, resume);
                peer_begin_with(&p, say_and_leave, &answer);
                calls_begin(&c);
                calls_to(&c, p.port);
                calls_get(&c)->at_body = measure;
                calls_run(&c);
                peer_end(&p);
                if (!c.notes[0].ends) fail_msg("%s, %d: %s", rows[i].name, how, c.notes[0].text);
                assert_int_equal(c.notes[0].body.len, MUCH);
                assert_memory_equal(c.notes[0].body.ptr, text, MUCH);
                assert_int_equal(m.pause_at, 0);
                assert_in_range(m.most, 64 * 1024, A_TURN);
                calls_end(&c);
                buf_done(&answer);
                buf_done(&bytes);
            }
        }
    }
    free(text);
}

/* Half as large when it is packed. */
static void write_text(char *text) {
    uint32_t n = 7;
    for (size_t i = 0; i < MUCH; i++) {
        n = n * 1664525 + 1013904223;
        text[i] = "abcdefghijklmnop"[n >> 28];
    }
}

/* What is cut in one is: the end is told once all that came has been. */
static void a_cut_is_heard_behind_the_slices(void **state) {
    (void)state;
    char *text = calloc(1, MUCH);
    write_text(text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, span_from(text, MUCH));
        buf answer = answer_of(rows[i].name, BY_LENGTH, buf_span(&bytes));
        answer.len -= 3;
        peer p;
        calls c;
        m = (much){0};
        timer_init(&m.later, resume);
        peer_begin_with(&p, say_and_leave, &answer);
        calls_begin(&c);
        calls_to(&c, p.port);
        calls_get(&c)->at_body = measure;
        calls_run(&c);
        peer_end(&p);
        assert_int_equal(c.notes[0].fails, 1);
        assert_int_equal(c.notes[0].kind, HTTP_FAIL_CUT);
        assert_true(c.notes[0].body.len > MUCH / 2);
        assert_memory_equal(c.notes[0].body.ptr, text, c.notes[0].body.len);
        calls_end(&c);
        buf_done(&answer);
        buf_done(&bytes);
    }
    free(text);
}

static void cancel_in_the_middle(noted *n) {
    if (n->body.len > MUCH / 2) calls_cancel(n);
}

/* The timer begins here: how long it takes to come so far is the machine's. */
static void pause_in_the_middle(noted *n) {
    if (n->body.len <= MUCH / 2 || n->told_after++) return;
    http_call_pause(n->call);
    loop_timer_start(&n->c->l, &n->c->timer, 100);
}

static void cancel_later(timer *t) {
    calls *c = CONTAINER_OF(t, calls, timer);
    assert_true(c->notes[0].body.len > MUCH / 2 && c->notes[0].body.len < MUCH);
    c->notes[0].told_after = 0;
    calls_cancel(&c->notes[0]);
}

/* From inside a piece, and while some waits. */
static void whoever_leaves_hears_no_slice(void **state) {
    (void)state;
    char *text = calloc(1, MUCH);
    for (int inside = 0; inside < 2; inside++) {
        buf bytes = pack(HTTP_CODING_GZIP, span_from(text, MUCH));
        buf answer = answer_of("gzip", BY_LENGTH, buf_span(&bytes));
        peer p;
        calls c;
        peer_begin_with(&p, say_and_leave, &answer);
        calls_begin(&c);
        calls_to(&c, p.port);
        calls_get(&c)->at_body = inside ? cancel_in_the_middle : pause_in_the_middle;
        timer_init(&c.timer, cancel_later);
        calls_run(&c);
        peer_end(&p);
        assert_true(c.notes[0].body.len < MUCH);
        calls_end(&c);
        buf_done(&answer);
        buf_done(&bytes);
    }
    free(text);
}

/* ---- leaving from inside ---- */

static bool closes_all;

static void leave_and_read(void *user, span piece) {
    noted *n = user;
    if (closes_all)
        http_client_close(n->c->client);
    else
        http_call_cancel(n->call);
    buf_add(&n->body, piece); /* still there: under ASan */
    note_over(n);
}

/* A piece is its hearer's until he returns, also where he ends the call, or all of them. */
static void a_piece_outlives_its_call(void **state) {
    (void)state;
    static const http_call_ops ops = {on_sent, on_head, leave_and_read, on_end, on_fail};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, SPAN_OF(TEXT));
        for (int round = 0; round < 2; round++) {
            closes_all = round;
            buf answer = answer_of(rows[i].name, BY_LENGTH, buf_span(&bytes));
            peer p;
            calls c;
            http_call_spec spec = plain_get();
            peer_begin_with(&p, say, &answer);
            calls_begin(&c);
            calls_to(&c, p.port);
            noted *n = &c.notes[c.count++];
            n->c = &c;
            n->call = http_client_send(c.client, c.origin, &spec, &ops, n);
            calls_run(&c);
            peer_end(&p);
            assert_span(buf_span(&n->body), TEXT);
            calls_end(&c);
            buf_done(&answer);
        }
        buf_done(&bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_undone),
        cmocka_unit_test(others_are_left_as_they_are),
        cmocka_unit_test(the_next_answer_is_another),
        cmocka_unit_test(what_is_wrong_fails),
        cmocka_unit_test(bombs_fail),
        cmocka_unit_test(a_stream_is_heard_as_it_comes),
        cmocka_unit_test(what_is_dense_is_told_in_slices),
        cmocka_unit_test(a_cut_is_heard_behind_the_slices),
        cmocka_unit_test(whoever_leaves_hears_no_slice),
        cmocka_unit_test(a_piece_outlives_its_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
