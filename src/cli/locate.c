#include "cli/locate.h"

#include "cli/cli.h"
#include "cli/configured.h"
#include "cli/connect.h"

static bool parse(span text, arena *a, config_url *ret) {
    const char *why;
    if (config_url_parse(text, a, ret, &why)) return true;
    cli_complain("%.*s cannot be asked: %s", SPAN_ARG(text), why);
    return false;
}

/* What stands for every address of the machine is asked at its own. */
static span host_to_ask(const config_listener *l) {
    if (span_eq(l->host, SPAN_OF("0.0.0.0"))) return SPAN_OF("127.0.0.1");
    if (span_eq(l->host, SPAN_OF("::"))) return SPAN_OF("::1");
    return l->host;
}

static const config_listener *pick(const config *c) {
    for (size_t i = 0; i < c->listener_count; i++) {
        const config_listener *l = &c->listeners[i];
        if (!l->tls_cert.len && (l->unix_path.len || l->port)) return l;
    }
    return NULL;
}

static bool ask_listener(const config *c, arena *a, config_url *ret) {
    const config_listener *l = pick(c);
    if (!l) {
        cli_complain("the configuration has no address that can be asked without a certificate; "
                     "--url https://NAME:PORT asks another");
        return false;
    }
    if (l->unix_path.len)
        return parse(arena_printf(a, "unix:%.*s", SPAN_ARG(l->unix_path)), a, ret);
    span host = host_to_ask(l);
    bool bracketed = span_find(host, 0, ':') < host.len;
    return parse(arena_printf(a, "http://%s%.*s%s:%u", bracketed ? "[" : "", SPAN_ARG(host),
                              bracketed ? "]" : "", l->port),
                 a, ret);
}

static bool ask_config(const char *path, arena *a, config_url *ret) {
    config *c = configured_load(path);
    bool ok = c && ask_listener(c, a, ret);
    if (!c) cli_complain("so it is not known where weir listens; --url says it");
    config_unref(c);
    return ok;
}

bool locate_weir(const char *url, const char *path, arena *a, config_url *ret) {
    if (url) return parse(span_cstr(url), a, ret);
    buf found = BUF_EMPTY;
    bool ok = true;
    if (!path && config_find(&found)) {
        path = buf_cstr(&found);
        ok = connect_may_read(path);
    }
    ok = ok && ask_config(path, a, ret);
    buf_done(&found);
    return ok;
}
