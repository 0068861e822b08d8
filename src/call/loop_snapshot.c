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

static void make_keys(upstream *u, target_table *targets) {
    const config_provider *p = u->provider;
    key_table *known = target_table_keys(targets);
    size_t count = p->auth == AUTH_NONE ? 0 : p->key_count;
    u->key_count = count ? count : 1;
    u->keys = mem_zalloc_array(u->key_count, sizeof *u->keys);
    for (size_t i = 0; i < count; i++)
        u->keys[i].credential = credential_new(p->keys[i]);
    for (size_t i = 0; i < u->key_count; i++) {
        u->keys[i].state = key_get(known, p->name, credential_key(u->keys[i].credential));
        u->keys[i].weight = count ? p->key_weights[i] : 1;
        u->round += u->keys[i].weight;
    }
}

static void make_secrets(upstream *u, target_table *targets) {
    secret_list in_force = {0};
    provider_secrets(u->provider, http_origin_proxy_login(u->origin), &in_force);
    u->secrets = secret_table_get(target_table_secrets(targets), u->provider->name, &in_force);
    secret_list_done(&in_force);
}

static void upstream_done(upstream *u) {
    for (size_t i = 0; i < u->key_count; i++) {
        credential_unref(u->keys[i].credential);
        key_unref(u->keys[i].state);
    }
    free(u->keys);
    health_unref(u->health);
    secret_set_unref(u->secrets);
    http_origin_unref(u->origin);
    target_unref(u->plain);
    target_unref(u->strangers);
}

loop_snapshot *loop_snapshot_new(http_client *client, snapshot *s, target_table *targets) {
    const config *c = s->config;
    loop_snapshot *u = mem_zalloc(sizeof *u);
    u->refs = 1;
    u->snapshot = snapshot_ref(s);
    u->client = client;
    u->targets = targets;
    named_targets_init(&u->named, c, targets);
    u->items = mem_zalloc_array(c->provider_count, sizeof *u->items);
    for (size_t i = 0; i < c->provider_count; i++) {
        const config_provider *p = &c->providers[i];
        /* Where there is one client, or none, there is nobody to share with. */
        unsigned share = config_has_several(c) ? (unsigned)config_share(c, p->max_connections) : 0;
        const http_origin_spec spec = {.owner = p->name,
                                       .host = p->url.host,
                                       .port = p->url.port,
                                       .authority = p->url.authority,
                                       .unix_path = p->url.unix_path,
                                       .tls = snapshot_provider_tls(s, i),
                                       .proxy = p->proxy,
                                       .max_connections = p->max_connections,
                                       .max_share = share,
                                       .head_bytes = c->limits.head_bytes,
                                       .headers = c->limits.headers};
        u->items[i] = (upstream){.provider = p,
                                 .ops = provider_find(p->kind),
                                 .origin = http_client_origin(client, &spec),
                                 .health = health_get(target_table_health(targets), p),
                                 .plain = target_get(targets, p->name),
                                 .strangers = target_get_strangers(targets, p->name)};
        make_keys(&u->items[i], targets);
        make_secrets(&u->items[i], targets);
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
    named_targets_done(&u->named);
    snapshot_unref(u->snapshot);
    free(u);
}

upstream *loop_snapshot_find(loop_snapshot *u, const config_provider *p) {
    return &u->items[p - loop_snapshot_config(u)->providers];
}
