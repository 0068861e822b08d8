#include "http/client_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

http_client *http_client_new(loop *l, const http_client_limits *limits) {
    http_client *c = mem_zalloc(sizeof *c);
    c->loop = l;
    c->limits = *limits;
    list_init(&c->origins);
    return c;
}

http_client_stats http_client_get_stats(const http_client *c) {
    return c->stats;
}

/* ---- origins ---- */

static char *copy(span s) {
    return mem_strndup(s.ptr, s.len);
}

static span host_of(const http_origin_spec *spec) {
    span host = spec->host;
    if (span_starts(host, SPAN_OF("[")) && span_ends(host, SPAN_OF("]")))
        host = span_slice(host, 1, host.len - 1);
    return host;
}

static bool is_same(const http_origin *o, const http_origin_spec *spec) {
    return o->refs && o->port == spec->port && o->tls == spec->tls && o->admits == spec->admits &&
           span_eq(span_cstr(o->owner), spec->owner) &&
           span_eq(span_cstr(o->host), host_of(spec)) &&
           span_eq(span_cstr(o->authority), spec->authority) &&
           span_eq(span_cstr(o->unix_path), spec->unix_path) &&
           span_eq(span_cstr(o->proxy_option), spec->proxy);
}

static const char *environment(const char *name) {
    return getenv(name);
}

static http_origin *origin_new(http_client *c, const http_origin_spec *spec) {
    http_origin *o = mem_zalloc(sizeof *o);
    o->client = c;
    o->owner = copy(spec->owner);
    o->host = copy(host_of(spec));
    o->port = spec->port;
    o->authority = copy(spec->authority);
    o->unix_path = copy(spec->unix_path);
    o->proxy_option = copy(spec->proxy);
    if (spec->tls) o->tls = tls_context_ref(spec->tls);
    o->admits = spec->admits;
    assert(!o->admits || span_eq(spec->proxy, SPAN_OF("none")));
    pool_init(o);
    list_push_back(&c->origins, &o->link);
    if (spec->unix_path.len) return o;
    http_proxy_choose(spec->proxy, spec->tls, span_cstr(o->host), o->port, environment, &o->proxy);
    bool tunnel = o->proxy.kind == PROXY_CONNECT;
    span name = span_cstr(tunnel ? o->proxy.host : o->host);
    o->names = resolver_new(c->loop, name, tunnel ? o->proxy.port : o->port, c->limits.dns_ttl_ms);
    if (tunnel) resolver_set_called(o->names, "of the proxy");
    return o;
}

http_origin *http_client_origin(http_client *c, const http_origin_spec *spec) {
    assert(!c->closed);
    http_origin *found = NULL;
    LIST_FOREACH(&c->origins, it) {
        http_origin *o = LIST_ENTRY(it, http_origin, link);
        if (is_same(o, spec)) found = o;
    }
    if (!found) found = origin_new(c, spec);
    found->refs++;
    found->max_connections = spec->max_connections ? spec->max_connections : UINT_MAX;
    found->head = c->limits.head;
    if (spec->head_bytes > found->head.head_bytes) found->head.head_bytes = spec->head_bytes;
    if (spec->headers > found->head.headers) found->head.headers = spec->headers;
    found->shared = spec->max_share > 0;
    found->max_share = spec->max_share;
    pool_serve(found);
    return found;
}

secret *http_origin_proxy_login(const http_origin *o) {
    return o->proxy.authorization;
}

void origin_free_if_unused(http_origin *o) {
    if (o->refs || o->open || o->calls) return;
    list_remove(&o->link);
    if (o->names) resolver_free(o->names);
    http_proxy_done(&o->proxy);
    queue_done(o);
    tls_context_unref(o->tls);
    free(o->owner);
    free(o->host);
    free(o->authority);
    free(o->unix_path);
    free(o->proxy_option);
    free(o);
}

/* Nobody will call it any more, except for the calls that run: their connections close after them,
 * and the last one takes the origin along. */
void http_origin_unref(http_origin *o) {
    if (!o || --o->refs) return;
    pool_close_idle(o);
    origin_free_if_unused(o);
}

/* ---- the end ---- */

static void close_calls(http_origin *o) {
    while (!list_empty(&o->turns)) {
        http_party *first = LIST_ENTRY(o->turns.next, http_party, turn);
        call_free(LIST_ENTRY(first->waiting.next, http_call, link));
    }
    for (list *node; (node = list_pop_front(&o->doomed));)
        call_free(LIST_ENTRY(node, http_call, link));
    for (list *node; (node = list_pop_front(&o->busy));) {
        http_conn *conn = LIST_ENTRY(node, http_conn, link);
        http_call *call = conn->call;
        conn->call = NULL;
        call_free(call);
        client_conn_close(conn);
    }
}

void http_client_close(http_client *c) {
    if (c->closed) return;
    c->closed = true;
    LIST_FOREACH(&c->origins, it) {
        http_origin *o = LIST_ENTRY(it, http_origin, link);
        o->refs++; /* stays until the last line */
        close_calls(o);
        pool_close_idle(o);
        if (o->names) resolver_free(o->names);
        o->names = NULL;
        o->refs--;
        origin_free_if_unused(o);
    }
}

/* Origins that somebody still refers to go with their last reference. */
void http_client_free(http_client *c) {
    if (!c) return;
    http_client_close(c);
    for (list *node; (node = list_pop_front(&c->origins));)
        LIST_ENTRY(node, http_origin, link)->client = NULL;
    free(c);
}
