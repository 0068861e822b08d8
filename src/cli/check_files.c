#include "cli/check_files.h"

#include "base/clock.h"
#include "exchange/guard_part.h"
#include "gateway/token_keeper.h"
#include "http/tls.h"
#include "tools/registry.h"

#include <stdlib.h>

enum { DAY_S = 24 * 60 * 60 };

typedef struct checking {
    const config *config;
    int64_t now_s;
    arena arena;
    buf *problems, *warnings;
    size_t count; /* of problems */
} checking;

static const char *path_of(checking *k, span path) {
    return arena_dup(&k->arena, path).ptr;
}

/* name: the option's */
static void add_problem(checking *k, const void *field, span name, buf *why) {
    span text = arena_printf(&k->arena, "%.*s: %.*s", SPAN_ARG(name), SPAN_ARG(buf_span(why)));
    config_problem p = config_problem_at(k->config, field, text);
    config_problem_print(&p, k->problems);
    k->count++;
    buf_done(why);
}

/* ---- expiry ---- */

static span day_of(checking *k, int64_t wall_s) {
    char text[CLOCK_RFC3339_LEN + 1];
    clock_rfc3339(wall_s * 1000000, text);
    return arena_dup(&k->arena, span_from(text, sizeof "2026-11-28" - 1));
}

static void check_expiry(checking *k, const void *field, span name, span path, bool last) {
    int64_t ends_s;
    if (!tls_file_expires(path_of(k, path), last, &ends_s)) return;
    int64_t left_s = ends_s - k->now_s, days = left_s / DAY_S;
    if (left_s > (int64_t)CHECK_EXPIRY_DAYS * DAY_S) return;
    span day = day_of(k, ends_s), text;
    if (left_s <= 0)
        text = arena_printf(&k->arena, "%.*s: the certificate expired on %.*s", SPAN_ARG(name),
                            SPAN_ARG(day));
    else
        text = arena_printf(&k->arena, "%.*s: the certificate expires on %.*s, in %lld day%s",
                            SPAN_ARG(name), SPAN_ARG(day), (long long)days, days == 1 ? "" : "s");
    config_problem p = config_problem_at(k->config, field, text);
    config_warning_print(&p, k->warnings);
}

/* The key itself is as good as ever; it is refused from then on. */
static void check_client(checking *k, size_t i) {
    const config_client *c = &k->config->clients[i];
    if (!c->expires_us || c->expires_us / 1000000 > k->now_s) return;
    const span day = day_of(k, c->expires_us / 1000000);
    const span text = arena_printf(&k->arena, "clients[%zu].expires was %.*s: its key is refused",
                                   i, SPAN_ARG(day));
    config_problem p = config_problem_at(k->config, &c->expires_us, text);
    config_warning_print(&p, k->warnings);
}

/* ---- who has files ---- */

static void check_listener(checking *k, const config_listener *l) {
    buf why = BUF_EMPTY;
    span cert = arena_printf(&k->arena, "listen %.*s: tls.cert", SPAN_ARG(l->text));
    span key = arena_printf(&k->arena, "listen %.*s: tls.key", SPAN_ARG(l->text));
    tls_context *t = tls_server_new(path_of(k, l->tls_cert), path_of(k, l->tls_key), &why);
    if (t) {
        check_expiry(k, &l->tls_cert, cert, l->tls_cert, false);
        tls_context_unref(t);
        return;
    }
    bool of_key = span_starts(buf_span(&why), SPAN_OF("TLS key"));
    add_problem(k, of_key ? &l->tls_key : &l->tls_cert, of_key ? key : cert, &why);
}

/* Whom weir trusts where it connects by TLS: those of the file, else the system's. at: who that is,
 * where no file is named; name: the option's. */
static void check_authorities(checking *k, const span *ca_file, const void *at, span name) {
    buf why = BUF_EMPTY;
    tls_context *t = tls_client_new(*ca_file, &why);
    if (!t) {
        add_problem(k, ca_file->len ? ca_file : at, name, &why);
        return;
    }
    tls_context_unref(t);
    /* Of authorities one that is out of date does not matter beside others. */
    if (ca_file->len) check_expiry(k, ca_file, name, *ca_file, true);
}

static void check_providers(checking *k) {
    const config *c = k->config;
    for (size_t i = 0; i < c->provider_count; i++) {
        const config_provider *p = &c->providers[i];
        if (!p->url.tls) continue;
        check_authorities(k, &p->ca_file, p,
                          arena_printf(&k->arena, "providers.%.*s.ca_file", SPAN_ARG(p->name)));
    }
}

static void check_webhooks(checking *k) {
    const config_alerts *a = &k->config->alerts;
    for (size_t i = 0; a->on && i < a->webhook_count; i++) {
        const config_webhook *hook = &a->webhooks[i];
        if (!hook->url.tls) continue;
        check_authorities(k, &hook->ca_file, hook,
                          arena_printf(&k->arena, "alerts.webhooks[%zu].ca_file", i));
    }
}

/* Of each there is one. A store that is the server of `shared` trusts whom that trusts. */
static void check_receivers(checking *k) {
    const config *c = k->config;
    const config_webhook *approval = &c->functions.approval.webhook;
    const config_redis *store = &c->cache.store;
    const bool as_shared = c->cache.store_of_shared && store->ca_file.ptr == c->shared.ca_file.ptr;
    const struct {
        bool tls;
        const span *ca_file;
        const void *at;
        span name;
    } rows[] = {
        {approval->url.tls, &approval->ca_file, &approval->url, SPAN("functions.approval.ca_file")},
        {c->telemetry.on && c->telemetry.endpoint.tls, &c->telemetry.ca_file,
         &c->telemetry.endpoint, SPAN("telemetry.ca_file")},
        {c->shared.on && c->shared.tls, &c->shared.ca_file, &c->shared, SPAN("shared.ca_file")},
        {store->on && store->tls && !as_shared, &store->ca_file, store,
         SPAN("cache.store.ca_file")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].tls) check_authorities(k, rows[i].ca_file, rows[i].at, rows[i].name);
}

/* What is wrong says itself whose it is. */
static void add_sentence(checking *k, const void *field, const buf *text) {
    config_problem p = config_problem_at(k->config, field, buf_span(text));
    config_problem_print(&p, k->problems);
    k->count++;
}

static void check_tokens(checking *k) {
    const config_jwt *o = &k->config->jwt;
    buf why = BUF_EMPTY;
    const void *at;
    if (!token_keys_fit(k->config, &at, &why))
        add_sentence(k, at, &why);
    else if (o->on && o->url.tls && o->ca_file.len)
        check_expiry(k, &o->ca_file, SPAN_OF("auth.jwt.ca_file"), o->ca_file, true);
    buf_done(&why);
}

static void check_tool(checking *k, size_t entry) {
    buf why = BUF_EMPTY;
    const void *at;
    if (!tool_config_check(k->config, entry, &at, &why)) add_sentence(k, at, &why);
    buf_done(&why);
}

/* ---- what stands in no file, and is compiled before it is used ---- */

static void on_guard_fault(void *ctx, const void *field, span text) {
    checking *k = ctx;
    config_problem p = config_problem_at(k->config, field, text);
    config_problem_print(&p, k->problems);
    k->count++;
}

size_t check_files(const config *c, int64_t wall_us, buf *problems, buf *warnings) {
    checking k = {
        .config = c, .now_s = wall_us / 1000000, .problems = problems, .warnings = warnings};
    arena_init(&k.arena, 0);
    for (size_t i = 0; i < c->listener_count; i++)
        if (c->listeners[i].tls_cert.len) check_listener(&k, &c->listeners[i]);
    check_providers(&k);
    check_webhooks(&k);
    check_receivers(&k);
    check_tokens(&k);
    for (size_t i = 0; i < c->tool_count; i++)
        check_tool(&k, i);
    for (size_t i = 0; i < c->client_count; i++)
        check_client(&k, i);
    guard_check(c, on_guard_fault, &k);
    arena_done(&k.arena);
    return k.count;
}
