/* Connecting: a Unix socket, or several addresses raced in the manner of RFC 8305. */
#include "http/transport_internal.h"

#include "base/mem.h"
#include "http/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { NEXT_ADDRESS_MS = 250 };

struct connector {
    transport *t;
    timer next_timer;
    size_t count, next; /* addresses, and the first that has not been tried */
    unsigned running;
    const char *called;
    address_admits *admits; /* NULL: any */
    buf why;           /* the first failure, which is that of the preferred address; but an address
                          that has failed by itself comes before those that could not be tried */
    shortage shortage; /* why none was tried so far */
    socket_handle **attempts;        /* one per address; NULL: not running */
    struct sockaddr_storage addrs[]; /* count */
};

void sockaddr_text(const struct sockaddr_storage *addr, buf *out) {
    char ip[INET6_ADDRSTRLEN] = "?";
    if (addr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)addr;
        uv_ip6_name(in6, ip, sizeof ip);
        buf_addf(out, "[%s]:%u", ip, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in4 = (const void *)addr;
        uv_ip4_name(in4, ip, sizeof ip);
        buf_addf(out, "%s:%u", ip, ntohs(in4->sin_port));
    }
}

void connector_free(connector *c) {
    loop_timer_stop(c->t->loop, &c->next_timer);
    for (size_t i = 0; i < c->count; i++)
        if (c->attempts[i]) socket_close(c->attempts[i]);
    buf_done(&c->why);
    free(c->attempts);
    free(c);
}

static void note_failure(connector *c, size_t i, int err) {
    shortage s = shortage_of_errno(-err);
    if (c->why.len && (s || !c->shortage)) return;
    c->shortage = s;
    buf_clear(&c->why);
    buf_add_cstr(&c->why, "connecting to ");
    if (c->called)
        buf_add_cstr(&c->why, c->called);
    else
        sockaddr_text(&c->addrs[i], &c->why);
    buf_addf(&c->why, " failed: %s", uv_strerror(err));
    if (c->count > 1) buf_addf(&c->why, " (first of %zu addresses)", c->count);
}

COLD static void note_refused(connector *c, size_t i) {
    if (c->why.len && !c->shortage) return;
    c->shortage = SHORTAGE_NONE;
    buf_clear(&c->why);
    sockaddr_text(&c->addrs[i], &c->why);
    buf_add_cstr(&c->why, " is not a public address, and may not be connected to");
}

static void give_up(connector *c) {
    transport *t = c->t;
    if (!c->why.len) buf_add_cstr(&c->why, "there is no address to connect to");
    t->shortage = c->shortage;
    transport_fail_later(t, c->shortage ? TRANSPORT_SHORT : TRANSPORT_CONNECT, buf_cstr(&c->why));
    t->connector = NULL;
    connector_free(c);
}

static void on_connected(uv_connect_t *req, int status);

/* Begins with the next address whose attempt can be begun; gives up when none runs or is left. */
static void try_next(connector *c) {
    while (c->next < c->count) {
        size_t i = c->next++;
        if (c->admits && !c->admits((const void *)&c->addrs[i])) {
            note_refused(c, i);
            continue;
        }
        socket_handle *s = socket_new(c->t, false);
        const struct sockaddr *addr = (const void *)&c->addrs[i];
        uv_connect_t *req = mem_alloc(sizeof *req); /* of moments: not part of each socket */
        int err = uv_tcp_connect(req, &s->uv.tcp, addr, on_connected);
        if (!err) {
            c->attempts[i] = s;
            c->running++;
            if (c->next < c->count) loop_timer_start(c->t->loop, &c->next_timer, NEXT_ADDRESS_MS);
            return;
        }
        free(req);
        note_failure(c, i, err);
        socket_close(s);
    }
    if (!c->running) give_up(c);
}

static void on_next_timer(timer *due) {
    try_next(CONTAINER_OF(due, connector, next_timer));
}

static void on_connected(uv_connect_t *req, int status) {
    socket_handle *s = socket_of(req->handle);
    free(req);
    transport *t = s->t;
    connector *c = t->connector;
    if (status == UV_ECANCELED || !c) return; /* closed already */
    loop_enter(t->loop);
    size_t i = 0;
    while (c->attempts[i] != s)
        i++;
    c->attempts[i] = NULL;
    c->running--;
    if (status == 0) {
        t->connector = NULL;
        connector_free(c);
        peer_watch(s);
        transport_connected(t, s);
        return;
    }
    note_failure(c, i, status);
    socket_close(s);
    loop_timer_stop(t->loop, &c->next_timer);
    try_next(c);
}

/* ---- Unix sockets ---- */

static void on_pipe_connected(uv_connect_t *req, int status) {
    socket_handle *s = socket_of(req->handle);
    free(req);
    transport *t = s->t;
    if (t->closed) return;
    loop_enter(t->loop);
    if (status == 0) {
        transport_connected(t, s);
        return;
    }
    buf why = BUF_EMPTY;
    buf_addf(&why, "connecting to the Unix socket failed: %s", uv_strerror(status));
    transport_fail_later(t, transport_why(t, status, TRANSPORT_CONNECT), buf_cstr(&why));
    buf_done(&why);
}

static void connect_unix(transport *t, span path) {
    socket_handle *s = socket_new(t, true);
    t->socket = s;
    char *name = mem_strndup(path.ptr, path.len);
    uv_pipe_connect(mem_alloc(sizeof(uv_connect_t)), &s->uv.pipe, name, on_pipe_connected);
    free(name);
}

transport *transport_connect(loop *l, const transport_target *target, const transport_ops *ops,
                             void *user) {
    loop_enter(l);
    transport *t = transport_new(l, ops, user);
    if (target->tls.context) {
        span name = target->tls.name;
        t->tls_wanted = target->tls;
        t->tls_wanted.name.ptr = mem_strndup(name.ptr, name.len);
        tls_context_ref(target->tls.context);
    }
    if (target->unix_path.len) {
        connect_unix(t, target->unix_path);
        return t;
    }
    size_t bytes = target->address_count * sizeof target->addresses[0];
    connector *c = mem_zalloc(sizeof *c + bytes);
    c->t = t;
    c->count = target->address_count;
    c->called = target->called;
    c->admits = target->admits;
    c->attempts = mem_zalloc_array(c->count, sizeof(socket_handle *));
    if (bytes) memcpy(c->addrs, target->addresses, bytes);
    timer_init(&c->next_timer, on_next_timer);
    t->connector = c;
    try_next(c);
    return t;
}
