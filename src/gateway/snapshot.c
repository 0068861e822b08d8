#include "gateway/snapshot.h"

#include "base/mem.h"

#include <stdlib.h>

/* What may wait in memory for a reader that is slower than its provider. */
enum { PENDING_BYTES = 64 * 1024 };

static bool load_certificates(snapshot *s, buf *ret_why) {
    const config *c = s->config;
    s->listener_tls = mem_zalloc_array(c->listener_count + 1, sizeof(tls_context *));
    for (size_t i = 0; i < c->listener_count; i++) {
        const config_listener *l = &c->listeners[i];
        if (!l->tls_cert.len) continue;
        char *cert = mem_strndup(l->tls_cert.ptr, l->tls_cert.len);
        char *key = mem_strndup(l->tls_key.ptr, l->tls_key.len);
        s->listener_tls[i] = tls_server_new(cert, key, ret_why);
        free(cert);
        free(key);
        if (!s->listener_tls[i]) return false;
    }
    return true;
}

snapshot *snapshot_new(config *c, buf *ret_why) {
    snapshot *s = mem_zalloc(sizeof *s);
    atomic_init(&s->refs, 1);
    s->config = config_ref(c);
    if (load_certificates(s, ret_why)) s->upstream_tls = upstream_tls_new(c, ret_why);
    if (s->upstream_tls) return s;
    snapshot_unref(s);
    return NULL;
}

snapshot *snapshot_ref(snapshot *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(snapshot *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; s->listener_tls && i < s->config->listener_count; i++)
        tls_context_unref(s->listener_tls[i]);
    free(s->listener_tls);
    if (s->upstream_tls) upstream_tls_unref(s->upstream_tls);
    config_unref(s->config);
    free(s);
}

http_server_limits snapshot_server_limits(const config *c) {
    return (http_server_limits){
        .head = {.head_bytes = c->limits.head_bytes,
                 .url_bytes = c->limits.url_bytes,
                 .headers = c->limits.headers},
        .body_bytes = c->limits.body_bytes,
        .pending_bytes = PENDING_BYTES,
        .connections = c->server.max_connections,
        .header_timeout_ms = c->server.header_timeout_ms,
        .body_timeout_ms = c->server.body_timeout_ms,
        .idle_timeout_ms = c->server.idle_timeout_ms,
    };
}
