#include "http/proxy.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_DEFAULT = 1080 /* curl's */ };

/* ---- host:port ---- */

/* "host", "host:port", "[::1]:port", or a bare IPv6 address. *ret_port is left alone without one.
 */
static bool read_authority(span s, span *ret_host, uint16_t *ret_port) {
    span host = s, rest = SPAN_EMPTY;
    if (span_starts(s, SPAN_OF("["))) {
        size_t end = span_find(s, 0, ']');
        if (end == s.len) return false;
        host = span_slice(s, 1, end);
        rest = span_slice(s, end + 1, s.len);
    } else {
        size_t colon = span_find(s, 0, ':');
        bool bare_ipv6 = span_find(s, colon + 1, ':') < s.len;
        if (!bare_ipv6) {
            host = span_slice(s, 0, colon);
            rest = span_slice(s, colon, s.len);
        }
    }
    if (!host.len) return false;
    if (rest.len) {
        uint64_t port;
        if (rest.ptr[0] != ':' || !span_u64(span_slice(rest, 1, rest.len), &port)) return false;
        if (port == 0 || port > UINT16_MAX) return false;
        *ret_port = (uint16_t)port;
    }
    *ret_host = host;
    return true;
}

/* ---- NO_PROXY ---- */

static span bare_host(span host) {
    if (span_starts(host, SPAN_OF("[")) && span_ends(host, SPAN_OF("]")))
        host = span_slice(host, 1, host.len - 1);
    if (span_ends(host, SPAN_OF("."))) host.len--;
    return host;
}

typedef struct address {
    unsigned char bytes[16];
    unsigned bits; /* 32 or 128; 0: it is a name */
} address;

static address address_of(span host) {
    char text[INET6_ADDRSTRLEN];
    address a = {.bits = 0};
    if (host.len >= sizeof text) return a;
    (void)snprintf(text, sizeof text, "%.*s", SPAN_ARG(host));
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        a.bits = 32;
    else if (inet_pton(AF_INET6, text, a.bytes) == 1)
        a.bits = 128;
    return a;
}

static bool same_network(const address *a, const address *b, unsigned bits) {
    if (!a->bits || a->bits != b->bits || bits > a->bits) return false;
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0) return false;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

/* address/bits */
static bool network_covers(span entry, size_t slash, const address *host) {
    uint64_t bits;
    address network = address_of(bare_host(span_slice(entry, 0, slash)));
    return span_u64(span_slice(entry, slash + 1, entry.len), &bits) && bits <= host->bits &&
           same_network(&network, host, (unsigned)bits);
}

static bool entry_covers(span entry, span host, uint16_t port) {
    if (span_eq(entry, SPAN_OF("*"))) return true;
    address host_address = address_of(host);
    size_t slash = span_find(entry, 0, '/');
    if (slash < entry.len) return network_covers(entry, slash, &host_address);
    span name = entry;
    uint16_t only = port;
    if (!read_authority(entry, &name, &only) || only != port) return false;
    if (host_address.bits) { /* it has no subdomains: 0.0.1 does not cover 127.0.0.1 */
        address named = address_of(name);
        return same_network(&named, &host_address, host_address.bits);
    }
    if (span_starts(name, SPAN_OF("."))) name = span_slice(name, 1, name.len);
    if (span_ends(name, SPAN_OF("."))) name.len--;
    if (!name.len || name.len > host.len) return false;
    if (!span_ieq(span_slice(host, host.len - name.len, host.len), name)) return false;
    if (name.len == host.len) return true;
    return host.ptr[host.len - name.len - 1] == '.';
}

bool http_proxy_excepts(span list, span host, uint16_t port) {
    host = bare_host(host);
    for (size_t at = 0, end; at < list.len; at = end + 1) {
        for (end = at; end < list.len && !strchr(", \t", list.ptr[end]);)
            end++;
        span entry = span_slice(list, at, end);
        if (entry.len && entry_covers(entry, host, port)) return true;
    }
    return false;
}

/* ---- the proxy's URL ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static void add_decoded(buf *out, span s) {
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        if (low >= 0) {
            buf_add_char(out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_add_char(out, s.ptr[i]);
        }
    }
}

static void wipe(buf *b) {
    if (b->ptr) mem_wipe(b->ptr, b->cap);
    buf_done(b);
}

/* RFC 7617: user and password, decoded, joined by a colon, in base 64. */
static secret *basic(span userinfo) {
    buf plain = BUF_EMPTY, value = BUF_EMPTY;
    size_t colon = span_find(userinfo, 0, ':');
    buf_reserve(&plain, userinfo.len + 1);
    add_decoded(&plain, span_slice(userinfo, 0, colon));
    buf_add_char(&plain, ':');
    add_decoded(&plain, span_slice(userinfo, colon + 1, userinfo.len));
    buf_reserve(&value, plain.len * 4 / 3 + 16);
    buf_add_cstr(&value, "Basic ");
    int n = EVP_EncodeBlock((unsigned char *)value.ptr + value.len, (unsigned char *)plain.ptr,
                            (int)plain.len);
    buf_grow(&value, (size_t)n);
    secret *s = secret_new(buf_span(&value));
    wipe(&plain);
    wipe(&value);
    return s;
}

static void unusable(http_proxy *p, const char *why, const char *what) {
    p->kind = PROXY_UNUSABLE;
    buf_addf(&p->why, "the proxy cannot be used: %s%s", why, what);
}

/* As messages call it; what stands there may be no scheme, but a part of a login. */
static const char *scheme_name(span scheme) {
    static const char *const known[] = {"https",  "socks",   "socks4", "socks4a",
                                        "socks5", "socks5h", "ftp",    "quic"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_ieq(scheme, span_cstr(known[i]))) return known[i];
    return "another scheme";
}

static void read_url(http_proxy *p, span url) {
    size_t scheme_end = span_find_span(url, 0, SPAN_OF("://"));
    if (scheme_end < url.len) {
        span scheme = span_slice(url, 0, scheme_end);
        if (!span_ieq(scheme, SPAN_OF("http"))) {
            unusable(p, "weir speaks to proxies by http:// alone, not by ", scheme_name(scheme));
            return;
        }
        url = span_slice(url, scheme_end + 3, url.len);
    }
    url = span_slice(url, 0, span_find(url, 0, '/'));
    size_t at = url.len;
    while (at > 0 && url.ptr[at - 1] != '@')
        at--;
    span host;
    p->port = PORT_DEFAULT;
    if (!read_authority(span_slice(url, at, url.len), &host, &p->port)) {
        unusable(p, "its URL names no valid host and port", "");
        return;
    }
    p->kind = PROXY_CONNECT;
    p->host = mem_strndup(host.ptr, host.len);
    if (at) p->authorization = basic(span_slice(url, 0, at - 1));
}

static const char *first_set(proxy_env *env, const char *const names[], size_t count) {
    const char *value = NULL;
    for (size_t i = 0; i < count && !value; i++)
        value = env(names[i]);
    return value;
}

static const char *of_environment(bool tls, span host, uint16_t port, proxy_env *env) {
    static const char *const for_tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const for_plain[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY"};
    span excepted = span_cstr(first_set(env, exceptions, ARRAY_LEN(exceptions)));
    if (http_proxy_excepts(excepted, host, port)) return NULL;
    return first_set(env, tls ? for_tls : for_plain, ARRAY_LEN(for_tls));
}

void http_proxy_choose(span option, bool tls, span host, uint16_t port, proxy_env *env,
                       http_proxy *ret) {
    *ret = (http_proxy){.kind = PROXY_NONE};
    if (span_ieq(option, SPAN_OF("none"))) return;
    span url = option.len ? option : span_cstr(of_environment(tls, host, port, env));
    if (url.len) read_url(ret, url);
}

void http_proxy_done(http_proxy *p) {
    free(p->host);
    secret_unref(p->authorization);
    buf_done(&p->why);
    *p = (http_proxy){0};
}
