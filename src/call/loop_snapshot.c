#include "call/loop_snapshot.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Providers close an idle connection after a minute or so; ours go first. Their addresses move. */
const http_client_limits upstream_limits = {
    .head = {.head_bytes = 64 * 1024, .url_bytes = 16 * 1024, .headers = 200},
    .pool_idle_ms = 45 * 1000,
    .dns_ttl_ms = 30 * 1000,
};

struct upstream_tls {
    atomic_uint refs;
    size_t count;
    tls_context *contexts[]; /* by index in config->providers; NULL for plain HTTP */
};

static const config_provider *same_ca_before(const config *c, size_t i, size_t *ret_index) {
    for (size_t j = 0; j < i; j++) {
        if (!c->providers[j].url.tls || !span_eq(c->providers[j].ca_file, c->providers[i].ca_file))
            continue;
        *ret_index = j;
        return &c->providers[j];
    }
    return NULL;
}

upstream_tls *upstream_tls_new(const config *c, buf *ret_why) {
    upstream_tls *t = mem_zalloc(sizeof *t + c->provider_count * sizeof *t->contexts);
    atomic_init(&t->refs, 1);
    t->count = c->provider_count;
    for (size_t i = 0; i < c->provider_count; i++) {
        const config_provider *p = &c->providers[i];
        if (!p->url.tls) continue;
        size_t same = 0;
        if (same_ca_before(c, i, &same)) {
            t->contexts[i] = tls_context_ref(t->contexts[same]);
            continue;
        }
        buf path = BUF_EMPTY;
        buf_add(&path, p->ca_file);
        t->contexts[i] = tls_client_new(p->ca_file.len ? buf_cstr(&path) : NULL, ret_why);
        buf_done(&path);
        if (t->contexts[i]) continue;
        upstream_tls_unref(t);
        return NULL;
    }
    return t;
}

upstream_tls *upstream_tls_ref(upstream_tls *t) {
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void upstream_tls_unref(upstream_tls *t) {
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < t->count; i++)
        tls_context_unref(t->contexts[i]);
    free(t);
}

loop_snapshot *loop_snapshot_new(http_client *client, config *c, target_table *targets,
                                 const upstream_tls *tls) {
    loop_snapshot *u = mem_zalloc(sizeof *u);
    u->refs = 1;
    u->config = config_ref(c);
    u->client = client;
    u->targets = targets;
    u->items = mem_zalloc_array(c->provider_count, sizeof *u->items);
    for (size_t i = 0; i < c->provider_count; i++) {
        const config_provider *p = &c->providers[i];
        const http_origin_spec spec = {.host = p->url.host,
                                       .port = p->url.port,
                                       .authority = p->url.authority,
                                       .unix_path = p->url.unix_path,
                                       .tls = tls->contexts[i],
                                       .proxy = p->proxy,
                                       .max_connections = p->max_connections};
        u->items[i] = (upstream){.provider = p,
                                 .ops = provider_find(p->kind),
                                 .origin = http_client_origin(client, &spec)};
    }
    return u;
}

loop_snapshot *loop_snapshot_ref(loop_snapshot *u) {
    u->refs++;
    return u;
}

void loop_snapshot_unref(loop_snapshot *u) {
    if (!u || --u->refs) return;
    for (size_t i = 0; i < u->config->provider_count; i++)
        http_origin_unref(u->items[i].origin);
    free(u->items);
    config_unref(u->config);
    free(u);
}

upstream *loop_snapshot_find(loop_snapshot *u, const config_provider *p) {
    return &u->items[p - u->config->providers];
}

const secret *upstream_key(upstream *u) {
    const config_provider *p = u->provider;
    if (!p->key_count || p->auth == AUTH_NONE) return NULL;
    return p->keys[u->next_key++ % p->key_count];
}
