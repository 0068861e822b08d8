#include "call/loop_snapshot.h"

#include "base/mem.h"
#include "call/provider_tls.h"

#include <stdlib.h>

/* Providers close an idle connection after a minute or so; ours go first. Their addresses move. */
const http_client_limits upstream_limits = {
    .head = {.head_bytes = 64 * 1024, .url_bytes = 16 * 1024, .headers = 200},
    .pool_idle_ms = 45 * 1000,
    .dns_ttl_ms = 30 * 1000,
};

static void make_credentials(upstream *u) {
    const config_provider *p = u->provider;
    if (p->auth == AUTH_NONE) return;
    u->credentials = mem_zalloc_array(p->key_count, sizeof(credential *));
    u->credential_count = p->key_count;
    for (size_t i = 0; i < p->key_count; i++)
        u->credentials[i] = credential_new(p->keys[i]);
}

static void upstream_done(upstream *u) {
    for (size_t i = 0; i < u->credential_count; i++)
        credential_unref(u->credentials[i]);
    free(u->credentials);
    http_origin_unref(u->origin);
}

loop_snapshot *loop_snapshot_new(http_client *client, snapshot *s, target_table *targets) {
    const config *c = s->config;
    loop_snapshot *u = mem_zalloc(sizeof *u);
    u->refs = 1;
    u->snapshot = snapshot_ref(s);
    u->client = client;
    u->targets = targets;
    u->items = mem_zalloc_array(c->provider_count, sizeof *u->items);
    for (size_t i = 0; i < c->provider_count; i++) {
        const config_provider *p = &c->providers[i];
        const http_origin_spec spec = {.host = p->url.host,
                                       .port = p->url.port,
                                       .authority = p->url.authority,
                                       .unix_path = p->url.unix_path,
                                       .tls = snapshot_provider_tls(s, i),
                                       .proxy = p->proxy,
                                       .max_connections = p->max_connections};
        u->items[i] = (upstream){.provider = p,
                                 .ops = provider_find(p->kind),
                                 .origin = http_client_origin(client, &spec)};
        make_credentials(&u->items[i]);
    }
    return u;
}

loop_snapshot *loop_snapshot_ref(loop_snapshot *u) {
    u->refs++;
    return u;
}

void loop_snapshot_unref(loop_snapshot *u) {
    if (!u || --u->refs) return;
    for (size_t i = 0; i < loop_snapshot_config(u)->provider_count; i++)
        upstream_done(&u->items[i]);
    free(u->items);
    snapshot_unref(u->snapshot);
    free(u);
}

upstream *loop_snapshot_find(loop_snapshot *u, const config_provider *p) {
    return &u->items[p - loop_snapshot_config(u)->providers];
}

credential *upstream_credential(upstream *u) {
    if (!u->credential_count) return NULL;
    return credential_ref(u->credentials[u->next_credential++ % u->credential_count]);
}
