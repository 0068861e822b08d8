#include "http/server_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* Connections beyond the bound that are told why, in one second; the others are closed at once. */
enum { POLITE_PER_SECOND = 100 };

/* ---- end of the turn ---- */

static void tell_idle(http_server *s) {
    if (!s->draining || s->conn_count || !s->on_idle) return;
    void (*on_idle)(void *user) = s->on_idle;
    s->on_idle = NULL;
    on_idle(s->user);
}

/* Finished requests are told here and not inside http_answer(), so that a handler is never freed by
 * its own call. A next request that waited begins here too. */
static void on_end_of_turn(loop_hook *hook) {
    http_server *s = CONTAINER_OF(hook, http_server, hook);
    /* Large output runs the hooks before their time, from anywhere in a handler's work. */
    if (!s->loop->ending || s->telling) return;
    s->telling = true;
    for (list *node; (node = list_pop_front(&s->done));) {
        http_request *r = LIST_ENTRY(node, http_request, link);
        conn_request_done(r->conn, r);
    }
    s->telling = false;
    tell_idle(s);
}

void server_conn_gone(http_server *s) {
    s->conn_count--;
    /* The hook runs only in a turn in which something happened. */
    loop_enter(s->loop);
}

/* ---- accepting ---- */

static bool may_be_polite(http_server *s) {
    int64_t second = s->loop->now_ms / 1000;
    if (s->polite_ms != second) {
        s->polite_ms = second;
        s->polite = 0;
    }
    return s->polite++ < POLITE_PER_SECOND;
}

static void refuse_nobody(void *user, transport_fail why, const char *text) {
    (void)user;
    (void)why;
    (void)text;
}

static void drop_data(void *user, span bytes) {
    (void)user;
    (void)bytes;
}

static const transport_ops refused_ops = {.on_data = drop_data, .on_fail = refuse_nobody};

static void refuse_connection(http_server *s, transport *io, error_id id, const char *why) {
    if (may_be_polite(s)) {
        answer_refusal(s, io, NULL, id, why);
        transport_finish(io, LINGER_MS);
    } else {
        transport_close(io);
    }
}

void server_accept(http_server *s, int fd, const struct sockaddr_storage *from, tls_context *tls) {
    transport *io = transport_accept(s->loop, fd, from, tls, &refused_ops, NULL);
    if (!io) return;
    s->last_descriptor = fd;
    if (s->conn_count >= s->limits.connections) {
        refuse_connection(s, io, ERR_TOO_BUSY, "The server is at its limit of connections.");
        return;
    }
    conn *c = conn_new(s);
    c->io = io;
    if (!server_take_address(s, c)) {
        conn_discard(c);
        refuse_connection(s, io, ERR_OVER_CONNECTIONS,
                          "This address has as many connections as one may "
                          "(server.max_connections_per_address).");
        return;
    }
    transport_set_owner(io, &conn_transport_ops, c);
    list_push_back(&s->conns, &c->link);
    s->conn_count++;
    conn_begin(c);
}

/* ---- the date ---- */

const char *server_date(http_server *s) {
    int64_t age_ms = s->loop->now_ms - s->date_ms;
    if (!s->date[0] || age_ms >= 1000 || age_ms < 0) {
        int64_t wall_us = clock_wall_us();
        clock_http_date(wall_us, s->date);
        s->date_ms = s->loop->now_ms - wall_us / 1000 % 1000;
    }
    return s->date;
}

/* ---- life ---- */

http_server *http_server_new(loop *l, const http_server_limits *limits, const http_server_ops *ops,
                             void *user) {
    http_server *s = mem_zalloc(sizeof *s);
    s->loop = l;
    s->limits = *limits;
    s->ops = ops;
    s->user = user;
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->done);
    list_init(&s->spare);
    s->hook.run = on_end_of_turn;
    /* First of all hooks: a pipelined request may begin and end in it, and those who serve it must
     * find their own hooks of this turn still to come. */
    list_push_front(&l->hooks, &s->hook.link);
    return s;
}

void http_server_set_limits(http_server *s, const http_server_limits *limits) {
    s->limits = *limits;
    LIST_FOREACH(&s->conns, it)
    conn_limits_changed(LIST_ENTRY(it, conn, link));
}

void http_server_drain(http_server *s, void (*on_idle)(void *user)) {
    if (s->closed) return;
    loop_enter(s->loop);
    s->draining = true;
    s->on_idle = on_idle;
    listener_retire_all(s);
    LIST_FOREACH(&s->conns, it)
    conn_drain(LIST_ENTRY(it, conn, link));
}

void http_server_close(http_server *s) {
    if (s->closed) return;
    loop_enter(s->loop);
    s->closed = s->draining = true;
    listener_close_all(s);
    while (!list_empty(&s->conns))
        conn_close(LIST_ENTRY(s->conns.next, conn, link));
    loop_remove_hook(&s->hook);
}

void http_server_free(http_server *s) {
    if (!s) return;
    http_server_close(s);
    assert(list_empty(&s->conns) && list_empty(&s->listeners));
    http_request_free_spare(s);
    while (s->codec_count)
        http_codec_free(s->codecs[--s->codec_count]);
    buf_done(&s->scratch);
    shares_done(&s->addresses);
    shares_done(&s->clients);
    free(s);
}

unsigned http_server_connections(const http_server *s) {
    return s->conn_count;
}
