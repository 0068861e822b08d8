/* Calls of one client after each other or at once, and a server that answers all of them. */
#ifndef WEIR_TEST_POOL_H
#define WEIR_TEST_POOL_H

#include "calls.h"
#include "peer.h"

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static inline bool answer_one(int fd, const char *raw) {
    buf request;
    if (!peer_read(fd, &request)) return false;
    buf_done(&request);
    peer_send(fd, raw);
    return true;
}

static inline void answer_all(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    while (answer_one(fd, ok)) {}
}

/* ---- one after the other ---- */

static int to_send;

static inline void send_next(noted *n) {
    if (n->c->count < to_send) calls_get(n->c);
}

/* Sends count calls, each when the one before has ended; returns the connections it took. */
static inline int in_sequence(calls *c, peer_script *script, int count) {
    peer p;
    peer_begin(&p, script);
    calls_begin(c);
    calls_to(c, p.port);
    to_send = count;
    for (int i = 0; i < count; i++) {
        c->notes[i].at_end = send_next;
        c->notes[i].at_fail = send_next;
    }
    calls_get(c);
    calls_run(c);
    peer_end(&p);
    assert_int_equal(c->over, count);
    return peer_accepted(&p);
}

/* ---- until no connection is left ---- */

static inline void watch_pool(noted *n) {
    loop_timer_start(&n->c->l, &n->c->timer, 0);
}

static inline void end_when_pool_is_empty(timer *t) {
    calls *c = CONTAINER_OF(t, calls, timer);
    if (http_client_get_stats(c->client).open)
        loop_timer_start(&c->l, t, 1);
    else
        calls_stop(c);
}

#endif
