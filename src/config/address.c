#include "config/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

bool address_is_loopback(span host) {
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (span_ieq(host, SPAN_OF("localhost"))) return true;
    if (host.len >= sizeof text) return false;
    if (host.len) memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, text, &v6) != 1) return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

static const char *parse_unix(span path, arena *a, config_listener *ret) {
    if (!span_starts(path, SPAN_OF("/")) || path.len < 2)
        return "the path of a Unix socket begins with a slash";
    if (path.len >= sizeof((struct sockaddr_un *)0)->sun_path)
        return "the path of a Unix socket may have 107 bytes";
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] < ' ') return "the path holds a control character";
    ret->unix_path = arena_dup(a, path);
    ret->loopback = true;
    return NULL;
}

static const char *check_host(span host, bool bracketed) {
    char text[256];
    struct in6_addr v6;
    if (host.len == 0)
        return "the address is missing (0.0.0.0 stands for every IPv4 address, [::] "
               "for every address)";
    if (host.len >= sizeof text) return "the address is too long";
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (bracketed) return inet_pton(AF_INET6, text, &v6) == 1 ? NULL : "this is no IPv6 address";
    if (strchr(text, ':')) return "an IPv6 address stands in brackets";
    size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
    return good == host.len ? NULL : "this is no address";
}

const char *address_parse(span text, arena *a, config_listener *ret) {
    if (span_starts(text, SPAN_OF("unix:"))) {
        const char *why = parse_unix(span_slice(text, 5, text.len), a, ret);
        if (!why) ret->text = arena_dup(a, text);
        return why;
    }
    if (span_find_span(text, 0, SPAN_OF("://")) < text.len)
        return "this is a URL, of which HOST:PORT alone is written";
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0) return "there is no port";
    span host = span_slice(text, 0, colon - 1), port = span_slice(text, colon, text.len);
    bool bracketed = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed) host = span_slice(host, 1, host.len - 1);
    uint64_t number;
    if (port.len > 5 || !span_u64(port, &number) || number > UINT16_MAX)
        return "the port is no number from 0 to 65535";
    const char *why = check_host(host, bracketed);
    if (why) return why;
    ret->text = arena_dup(a, text);
    ret->host = arena_dup(a, host);
    ret->port = (uint16_t)number;
    ret->loopback = address_is_loopback(host);
    return NULL;
}
