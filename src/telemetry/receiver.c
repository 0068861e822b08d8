#include "telemetry/receiver.h"

#include "base/mem.h"
#include "call/tls_part.h"
#include "config/address.h"
#include "provider/secrets.h"

#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS = 2 }; /* one for each signal */

const char *telemetry_signal_name(telemetry_signal s) {
    static const char *const names[] = {[SIGNAL_TRACES] = "traces", [SIGNAL_METRICS] = "metrics"};
    return names[s];
}

/* ---- TLS ---- */

static void *make_tls(const config *c, buf *ret_why) {
    const config_telemetry *t = &c->telemetry;
    return tls_part_make(t->on && t->endpoint.tls, t->ca_file, ret_why);
}

const snapshot_part telemetry_tls_part = {"telemetry TLS", make_tls, tls_part_free};

/* ---- what describes the process ---- */

static bool is_told(const config_telemetry *t, const char *name) {
    for (size_t i = 0; i < t->resource_count; i++)
        if (span_eq(t->resource[i].name, span_cstr(name))) return true;
    return false;
}

static span host_name(arena *a) {
    char text[256] = "";
    if (gethostname(text, sizeof text - 1)) return SPAN_EMPTY;
    return arena_dup(a, span_cstr(text));
}

/* What the configuration says goes before what weir knows, but for the service's name, which is an
 * option of its own. */
static void describe(receiver *r, span instance) {
    static const char *const own_names[] = {"service.name", "service.version",
                                            "service.instance.id", "host.name"};
    const config_telemetry *t = r->config;
    const span own[] = {t->service, SPAN(WEIR_VERSION), instance, host_name(&r->arena)};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (i == 0 || !is_told(t, own_names[i])) otlp_add_text(&r->resource, own_names[i], own[i]);
    if (!is_told(t, "process.pid")) otlp_add_integer(&r->resource, "process.pid", getpid());
    for (size_t i = 0; i < t->resource_count; i++)
        if (!span_eq(t->resource[i].name, SPAN_OF("service.name")))
            otlp_add_text(&r->resource, t->resource[i].name.ptr, t->resource[i].value);
}

/* ---- life ---- */

/* As of a provider that is sent the same. */
static secret_set *make_secrets(const receiver *r) {
    const config_provider like = {.headers = r->config->headers,
                                  .header_count = r->config->header_count};
    secret_list all = {0};
    provider_secrets(&like, http_origin_proxy_login(r->origin), &all);
    secret_set *set = secret_set_new(all.items, all.count);
    secret_list_done(&all);
    return set;
}

/* No proxy stands between a process and its own machine. */
static bool is_here(const config_url *url) {
    return address_is_loopback(url->host) || span_ieq(url->host, SPAN_OF("localhost"));
}

static span path_to(receiver *r, span end) {
    span base = r->config->endpoint.path;
    if (span_ends(base, SPAN_OF("/"))) base.len--;
    return arena_join(&r->arena, (span[]){base, end}, 2);
}

receiver *receiver_new(http_client *client, snapshot *s, span instance) {
    receiver *r = mem_zalloc(sizeof *r);
    r->refs = 1;
    r->snapshot = snapshot_ref(s);
    r->config = &s->config->telemetry;
    r->client = client;
    arena_init(&r->arena, 0);
    const config_url *url = &r->config->endpoint;
    const http_origin_spec spec = {.host = url->host,
                                   .port = url->port,
                                   .authority = url->authority,
                                   .unix_path = url->unix_path,
                                   .tls = snapshot_tls(s, &telemetry_tls_part),
                                   .proxy = is_here(url) ? SPAN_OF("none") : SPAN_EMPTY,
                                   .max_connections = CONNECTIONS};
    r->origin = http_client_origin(client, &spec);
    r->secrets = make_secrets(r);
    r->paths[SIGNAL_TRACES] = path_to(r, SPAN_OF("/v1/traces"));
    r->paths[SIGNAL_METRICS] = path_to(r, SPAN_OF("/v1/metrics"));
    describe(r, instance);
    return r;
}

receiver *receiver_ref(receiver *r) {
    r->refs++;
    return r;
}

void receiver_unref(receiver *r) {
    if (!r || --r->refs) return;
    http_origin_unref(r->origin);
    secret_set_unref(r->secrets);
    snapshot_unref(r->snapshot);
    arena_done(&r->arena);
    free(r);
}

/* The types stand alone: some receivers refuse one with parameters. */
http_headers receiver_headers(const receiver *r, config_telemetry_protocol p, bool gzip, arena *a) {
    const config_telemetry *t = r->config;
    http_header *h = arena_alloc(a, (t->header_count + 4) * sizeof *h);
    size_t n = 0;
    span type =
        p == TELEMETRY_JSON ? SPAN_OF("application/json") : SPAN_OF("application/x-protobuf");
    bool agent = false;
    h[n++] = (http_header){SPAN_OF("content-type"), type};
    h[n++] = (http_header){SPAN_OF("accept-encoding"), SPAN_OF("identity")};
    if (gzip) h[n++] = (http_header){SPAN_OF("content-encoding"), SPAN_OF("gzip")};
    for (size_t i = 0; i < t->header_count; i++) {
        if (span_ieq(t->headers[i].name, SPAN_OF("content-encoding"))) continue;
        agent |= span_ieq(t->headers[i].name, SPAN_OF("user-agent"));
        h[n++] = (http_header){t->headers[i].name, t->headers[i].value};
    }
    if (!agent) h[n++] = (http_header){SPAN_OF("user-agent"), SPAN_OF("weir/" WEIR_VERSION)};
    return (http_headers){h, n};
}
