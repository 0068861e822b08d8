/* A connection's way to readiness. Each step asserts where it stands and begins the next. */
#include "http/client_internal.h"

#include <assert.h>

static transport_tls tls_of(const http_origin *o) {
    return (transport_tls){.context = o->tls, .name = span_cstr(o->host), .port = o->port};
}

static bool has_tunnel(const http_origin *o) {
    return o->proxy.kind == PROXY_CONNECT;
}

/* 1. the name */

static void connect_socket(http_conn *conn) {
    http_origin *o = conn->origin;
    conn->state = CONN_CONNECTING;
    transport_target target = {.unix_path = span_cstr(o->unix_path), .admits = o->admits};
    if (o->names) target.addresses = resolver_addresses(o->names, &target.address_count);
    if (has_tunnel(o))
        target.called = "the proxy";
    else
        target.tls = tls_of(o);
    conn->t = transport_connect(o->client->loop, &target, &conn_ops, conn);
}

static void fail_unresolved(http_conn *conn) {
    const resolver *names = conn->origin->names;
    shortage own = resolver_shortage(names);
    client_conn_fail(conn, own ? fault_short(own) : client_conn_blame(conn, HTTP_FAIL_CONNECT),
                     resolver_why(names));
}

static void on_resolved(resolve_wait *w) {
    http_conn *conn = CONTAINER_OF(w, http_conn, wait);
    assert(conn->state == CONN_RESOLVING);
    size_t count;
    (void)resolver_addresses(conn->origin->names, &count);
    if (count)
        connect_socket(conn);
    else
        fail_unresolved(conn);
}

void client_conn_connect(http_origin *o, http_call *call) {
    http_conn *conn = client_conn_new(o, call);
    o->client->stats.connects++;
    conn->state = CONN_RESOLVING;
    resolve_wait_init(&conn->wait, on_resolved);
    if (!o->names || resolver_get(o->names, &conn->wait)) connect_socket(conn);
}

/* 2. the socket (with TLS, unless a proxy lies before) */

static void ready(http_conn *conn) {
    call_begin(conn->call, conn);
}

/* The name is bracketed where it is an IPv6 address (RFC 9110 section 9.3.6). */
static void ask_for_tunnel(http_conn *conn) {
    http_origin *o = conn->origin;
    conn->state = CONN_TUNNELLING;
    buf *out = &conn->tunnel;
    span host = span_cstr(o->host);
    const char *form = span_find(host, 0, ':') < host.len ? "[%s]:%u" : "%s:%u";
    buf_add_cstr(out, "CONNECT ");
    buf_addf(out, form, o->host, o->port);
    buf_add_cstr(out, " HTTP/1.1\r\nHost: ");
    buf_addf(out, form, o->host, o->port);
    if (o->proxy.authorization) {
        span value = secret_reveal(o->proxy.authorization);
        buf_reserve(out, value.len + 64); /* no copy stays behind in freed memory */
        buf_add_cstr(out, "\r\nProxy-Authorization: ");
        buf_add(out, value);
    }
    buf_add_cstr(out, "\r\n\r\n");
    http_codec_expect_head_answer(conn->codec); /* an answer to CONNECT has no body either */
    conn->tunnel_request = buf_span(out);
    transport_lend(conn->t, &conn->tunnel_request, 1);
}

/* The addresses may have changed their places, or be others, since this began with them. */
static void note_address(const http_conn *conn) {
    struct sockaddr_storage answered;
    if (conn->origin->names && transport_address(conn->t, &answered))
        resolver_prefer(conn->origin->names, &answered);
}

void client_conn_opened(http_conn *conn) {
    const http_origin *o = conn->origin;
    assert(conn->state == CONN_CONNECTING || conn->state == CONN_SECURING);
    if (conn->state == CONN_CONNECTING) note_address(conn);
    if (conn->state == CONN_CONNECTING && has_tunnel(o))
        ask_for_tunnel(conn);
    else
        ready(conn);
}

/* 3. the tunnel. Where the proxy is may not be told: HTTPS_PROXY may hold a login, and in the wrong
 * place. */

static void tunnel_refused(http_conn *conn) {
    const http_origin *o = conn->origin;
    buf text = BUF_EMPTY;
    buf_addf(&text, "the proxy refused the tunnel to %s:%u: %d %s", o->host, o->port,
             conn->tunnel_status, http_status_text(conn->tunnel_status));
    client_conn_fail(conn, fault_short(SHORTAGE_PROXY), buf_cstr(&text));
    buf_done(&text);
}

void conn_tunnel_answered(http_conn *conn, bool clean) {
    assert(conn->state == CONN_TUNNELLING);
    if (conn->tunnel_status < 200 || conn->tunnel_status > 299) {
        tunnel_refused(conn);
        return;
    }
    if (!clean) {
        client_conn_fail(conn, fault_short(SHORTAGE_PROXY),
                         "the proxy sent bytes before the tunnel was used");
        return;
    }
    if (!conn->origin->tls) {
        ready(conn);
        return;
    }
    conn->state = CONN_SECURING;
    transport_tls tls = tls_of(conn->origin);
    transport_start_tls(conn->t, &tls);
}

/* Until its answer to CONNECT has come, a proxy is all there is to be met: that it does not find
 * the origin is its word, and what it waits for meanwhile is not known. Nor does a tunnel that ends
 * or is silent before there is TLS in it show that it leads anywhere. */
http_fault client_conn_blame(const http_conn *conn, http_fail_kind otherwise) {
    bool opening = conn->state < CONN_SECURING;
    bool leads_nowhere = conn->state == CONN_SECURING && otherwise != HTTP_FAIL_TLS;
    bool before_origin = has_tunnel(conn->origin) && (opening || leads_nowhere);
    if (conn->state == CONN_RESOLVING && otherwise == HTTP_FAIL_CONNECT_TIMEOUT)
        return fault_short(SHORTAGE_NAMES);
    return before_origin ? fault_short(SHORTAGE_PROXY) : fault_of(otherwise);
}

const char *client_conn_doing(const http_conn *conn) {
    switch (conn->state) {
    case CONN_RESOLVING: return "looking up the name";
    case CONN_CONNECTING:
        return conn->origin->tls && !has_tunnel(conn->origin) ? "connecting and the TLS handshake"
                                                              : "connecting";
    case CONN_TUNNELLING: return "the proxy's answer to CONNECT";
    case CONN_SECURING: return "the TLS handshake";
    default: return "the connection";
    }
}
