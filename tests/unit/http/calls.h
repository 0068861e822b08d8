/* A client on a loop, with calls that note what they are told. */
#ifndef WEIR_TEST_CALLS_H
#define WEIR_TEST_CALLS_H

#include "http/client.h"

#include <stdio.h>

enum { CALLS_MAX = 64 };

typedef struct calls calls;

typedef struct noted {
    calls *c;
    http_call *call; /* NULL once it has ended */
    int sent, heads, ends, fails, status;
    buf body;
    buf head;
    http_fail_kind kind;
    shortage shortage;
    bool head_seen;
    uint64_t body_bytes;
    char text[200];
    http_call_facts facts;
    bool over; /* ended, failed or cancelled: hears nothing more */
    int told_after;
    void (*at_sent)(struct noted *n);
    void (*at_head)(struct noted *n);
    void (*at_body)(struct noted *n);
    void (*at_end)(struct noted *n);
    void (*at_fail)(struct noted *n);
} noted;

struct calls {
    loop l;
    http_client *client;
    http_origin *origin;
    http_origin_spec spec;
    char authority[64];
    noted notes[CALLS_MAX];
    int count, over;
    http_client_stats stats; /* when all was over */
    timer timer;
    struct peer *peer; /* for callbacks that steer the server */
    bool keep_running; /* do not stop when all calls are over */
};

static const http_client_limits calls_limits = {
    .head = {.head_bytes = 16384, .url_bytes = 4096, .headers = 64},
    .pool_idle_ms = 60000,
    .dns_ttl_ms = 30000,
};

static inline void calls_stop(calls *c) {
    loop_timer_stop(&c->l, &c->timer);
    http_origin_unref(c->origin);
    c->origin = NULL;
    http_client_close(c->client);
    loop_stop(&c->l);
}

static inline void note_over(noted *n) {
    n->over = true;
    n->call = NULL;
    if (++n->c->over == n->c->count && !n->c->keep_running) calls_stop(n->c);
}

static inline void calls_cancel(noted *n) {
    if (n->over) return;
    n->facts = http_call_get_facts(n->call);
    http_call_cancel(n->call);
    note_over(n);
}

static inline void on_sent(void *user) {
    noted *n = user;
    if (n->over) n->told_after++;
    n->sent++;
    if (n->at_sent) n->at_sent(n);
}

static inline void on_head(void *user, const http_head *head) {
    noted *n = user;
    if (n->over) n->told_after++;
    n->heads++;
    n->status = head->status;
    for (size_t i = 0; i < head->headers.count; i++)
        buf_addf(&n->head, "%.*s=%.*s;", SPAN_ARG(head->headers.items[i].name),
                 SPAN_ARG(head->headers.items[i].value));
    n->facts = http_call_get_facts(n->call);
    if (n->at_head) n->at_head(n);
}

static inline void on_body(void *user, span piece) {
    noted *n = user;
    if (n->over) n->told_after++;
    buf_add(&n->body, piece);
    if (n->at_body) n->at_body(n);
}

static inline void on_end(void *user) {
    noted *n = user;
    if (n->over) n->told_after++;
    n->ends++;
    n->call = NULL;
    if (n->at_end) n->at_end(n);
    note_over(n);
}

static inline void on_fail(void *user, const http_fail *f) {
    noted *n = user;
    if (n->over) n->told_after++;
    n->fails++;
    n->kind = f->kind;
    n->shortage = f->shortage;
    n->head_seen = f->head_seen;
    n->body_bytes = f->body_bytes;
    snprintf(n->text, sizeof n->text, "%s", f->text);
    n->call = NULL;
    if (n->at_fail) n->at_fail(n);
    note_over(n);
}

static const http_call_ops note_ops = {on_sent, on_head, on_body, on_end, on_fail};

static inline void calls_begin_with(calls *c, const http_client_limits *limits) {
    *c = (calls){0};
    assert_int_equal(loop_init(&c->l, 0), 0);
    c->client = http_client_new(&c->l, limits);
    timer_init(&c->timer, NULL);
    c->spec = (http_origin_spec){
        .host = SPAN_OF("127.0.0.1"), .proxy = SPAN_OF("none"), .max_connections = 8};
}

static inline void calls_begin(calls *c) {
    calls_begin_with(c, &calls_limits);
}

/* The origin of c->spec at that port. */
static inline void calls_to(calls *c, uint16_t port) {
    snprintf(c->authority, sizeof c->authority, "%.*s:%u", SPAN_ARG(c->spec.host), port);
    c->spec.port = port;
    c->spec.authority = span_cstr(c->authority);
    c->origin = http_client_origin(c->client, &c->spec);
}

static const http_header plain_headers[] = {{SPAN("X-Test"), SPAN("yes")}};

static inline http_call_spec plain_get(void) {
    return (http_call_spec){.method = SPAN_OF("GET"),
                            .path = SPAN_OF("/v1/models?x=1"),
                            .headers = {plain_headers, 1},
                            .connect_ms = 20000,
                            .first_byte_ms = 20000,
                            .idle_ms = 20000};
}

static inline noted *calls_send(calls *c, const http_call_spec *spec) {
    noted *n = &c->notes[c->count++];
    n->c = c;
    n->call = http_client_send(c->client, c->origin, spec, &note_ops, n);
    assert_non_null(n->call);
    assert_int_equal(n->heads + n->ends + n->fails, 0);
    return n;
}

static inline noted *calls_get(calls *c) {
    http_call_spec spec = plain_get();
    return calls_send(c, &spec);
}

static inline void calls_run(calls *c) {
    loop_run(&c->l);
    http_client_stats s = http_client_get_stats(c->client);
    assert_int_equal(s.open, 0);
    assert_int_equal(s.idle, 0);
    c->stats = s;
    http_client_free(c->client);
    loop_done(&c->l);
    for (int i = 0; i < c->count; i++) {
        noted *n = &c->notes[i];
        assert_int_equal(n->told_after, 0);
        assert_true(n->ends + n->fails <= 1);
    }
}

static inline void calls_end(calls *c) {
    for (int i = 0; i < c->count; i++) {
        buf_done(&c->notes[i].body);
        buf_done(&c->notes[i].head);
    }
}

#endif
