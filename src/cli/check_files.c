#include "cli/check_files.h"

#include "base/clock.h"
#include "exchange/guard_part.h"
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

static void check_provider(checking *k, const config_provider *p) {
    buf why = BUF_EMPTY;
    span name = arena_printf(&k->arena, "providers.%.*s.ca_file", SPAN_ARG(p->name));
    tls_context *t = tls_client_new(p->ca_file, &why);
    if (!t) {
        add_problem(k, p->ca_file.len ? (const void *)&p->ca_file : p, name, &why);
        return;
    }
    tls_context_unref(t);
    /* Of authorities one that is out of date does not matter beside others. */
    if (p->ca_file.len) check_expiry(k, &p->ca_file, name, p->ca_file, true);
}

static void check_tool(checking *k, size_t entry) {
    buf why = BUF_EMPTY;
    const void *at;
    if (!tool_config_check(k->config, entry, &at, &why)) {
        config_problem p = config_problem_at(k->config, at, buf_span(&why));
        config_problem_print(&p, k->problems);
        k->count++;
    }
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
    for (size_t i = 0; i < c->provider_count; i++)
        if (c->providers[i].url.tls) check_provider(&k, &c->providers[i]);
    for (size_t i = 0; i < c->tool_count; i++)
        check_tool(&k, i);
    for (size_t i = 0; i < c->client_count; i++)
        check_client(&k, i);
    guard_check(c, on_guard_fault, &k);
    arena_done(&k.arena);
    return k.count;
}
