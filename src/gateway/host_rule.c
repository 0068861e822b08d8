#include "gateway/host_rule.h"

#include <arpa/inet.h>

static bool is_address(int family, span text) {
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (!text.len || text.len >= sizeof copy) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, &address) == 1;
}

static span without_port(span authority) {
    return span_slice(authority, 0, span_find(authority, 0, ':'));
}

/* "weir.test." is "weir.test". */
static span without_root(span name) {
    if (span_ends(name, SPAN_OF("."))) name.len--;
    return name;
}

/* name is something before zone: "." and a name, or nothing. */
static bool is_below(span name, span zone) {
    return name.len > zone.len && span_iends(name, zone);
}

static bool is_localhost(span name) {
    return span_ieq(name, SPAN_OF("localhost")) || is_below(name, SPAN_OF(".localhost"));
}

/* An entry of server.hosts: a name, a star in front of what may have anything below it, or a star
 * alone. */
static bool entry_covers(span entry, span name) {
    if (span_starts(entry, SPAN_OF("*")))
        return is_below(name, without_root(span_slice(entry, 1, entry.len)));
    return span_ieq(without_root(entry), name);
}

static bool is_configured(const config *c, span name) {
    for (size_t i = 0; i < c->server.host_count; i++)
        if (entry_covers(c->server.hosts[i], name)) return true;
    for (size_t i = 0; i < c->listener_count; i++)
        if (c->listeners[i].host.len && span_ieq(without_root(c->listeners[i].host), name))
            return true;
    return false;
}

bool host_rule_allows(const config *c, span host) {
    if (config_asks_keys(c) || !host.len) return true;
    if (host.ptr[0] == '[')
        return is_address(AF_INET6, span_slice(host, 1, span_find(host, 1, ']')));
    span named = without_port(host), name = without_root(named);
    return is_address(AF_INET, named) || is_localhost(name) || is_configured(c, name);
}
