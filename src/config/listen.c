/* listen: where weir can be reached. */
#include "config/address.h"
#include "config/problems.h"
#include "config/reader.h"
#include "config/shown.h"
#include "config/write.h"

#include <string.h>

enum { LISTENERS_MAX = 64 };

COLD static bool read_address(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    config_listener *listener = field;
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    const char *why = address_parse(text, r->arena, listener);
    if (!why) return true;
    span said = reader_said(r, node, "another text");
    reader_problem(r, node, "%.*s is %.*s: %s; expected %s", SPAN_ARG(name), SPAN_ARG(said), why,
                   o->type->expected);
    return false;
}
COLD static void write_address(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(((const config_listener *)field)->text, out);
}
const option_type type_address = {
    "address", "an address with a port such as 127.0.0.1:8080, [::1]:8080 or unix:/run/weir.sock",
    read_address, write_address, TELLS_TEXT};

COLD static bool read_listener(reader *r, span name, const yaml_node *node,
                               config_listener *listener) {
    if (node->kind != YAML_MAP) {
        if (!read_address(r, option_find(&scope_listener, SPAN_OF("address")), name, node,
                          listener))
            return false;
        reader_origin(r, listener, node);
        reader_written(r, NULL, listener, node);
        return true;
    }
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
    if (!reader_scope(r, &scope_listener, prefix, node, listener)) return false;
    reader_origin(r, listener, node);
    reader_written(r, NULL, listener, node);
    if (!listener->tls_cert.len == !listener->tls_key.len) return true;
    reader_problem(r, node, "%.*s.tls has no %s; expected both cert and key", SPAN_ARG(name),
                   listener->tls_cert.len ? "key" : "cert");
    return false;
}

const yaml_node *listen_address(const yaml_node *listener) {
    return listener->kind == YAML_MAP ? yaml_get(listener, SPAN_OF("address")) : listener;
}

static bool same_place(const config_listener *a, const config_listener *b) {
    if (a->unix_path.len || b->unix_path.len) return span_eq(a->unix_path, b->unix_path);
    return a->port == b->port && a->port != 0 && span_ieq(a->host, b->host);
}

COLD static bool read_listen(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    (void)field;
    bool list = node->kind == YAML_LIST;
    size_t count = list ? node->count : 1;
    if (yaml_is_null(node)) return reader_expected(r, o, name, node);
    if (count == 0 || count > LISTENERS_MAX) {
        reader_problem(r, node, "%.*s has %zu listeners; allowed 1 to %d", SPAN_ARG(name), count,
                       LISTENERS_MAX);
        return false;
    }
    config_listener *listeners = arena_zalloc(r->arena, count * sizeof *listeners);
    size_t n = 0;
    bool ok = true;
    for (const yaml_node *item = list ? node->first : node; item && n < count; item = item->next) {
        span at = list ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n) : name;
        if (!read_listener(r, at, item, &listeners[n++])) {
            ok = false;
            continue;
        }
        for (size_t i = 0; i + 1 < n; i++) {
            if (!same_place(&listeners[i], &listeners[n - 1])) continue;
            span said = reader_number(r, listen_address(item), "the same place");
            reader_problem(r, item, "%.*s is %.*s, like %.*s[%zu]", SPAN_ARG(at), SPAN_ARG(said),
                           SPAN_ARG(name), i);
            ok = false;
        }
    }
    if (!ok) return false;
    r->config->listeners = listeners;
    r->config->listener_count = n;
    return true;
}
const option_type type_listen = {"listeners", "an address with a port, unix:/path, or a list",
                                 read_listen, NULL, TELLS_PARTS};

bool config_set_listen(config *c, span address, const char *from, config_problems *problems) {
    config_listener *listener = arena_zalloc(&c->arena, sizeof *listener);
    const char *why = address_parse(arena_dup(&c->arena, address), &c->arena, listener);
    if (why) {
        span said = shown_may(address) ? address : SPAN_OF("the address");
        problems_add(problems, span_cstr(from), SPAN_EMPTY, 0, 0, "%.*s: %s; expected %s",
                     SPAN_ARG(said), why, type_address.expected);
        return false;
    }
    if (!listener->loopback && !config_asks_keys(c) && !c->server.open) {
        problems_add(problems, span_cstr(from), SPAN_EMPTY, 0, 0,
                     "%.*s can be reached by other machines, but there are no clients; add clients "
                     "with their keys, or set server.open: true to serve anyone",
                     SPAN_ARG(address));
        return false;
    }
    c->listeners = listener;
    c->listener_count = 1;
    return true;
}
