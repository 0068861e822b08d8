/* URLs as the configuration takes them: a strict subset of RFC 3986, so that what is sent to is
 * what was read. */
#include "config/config.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

enum { HOST_MAX = 253, URL_MAX = 2048 };

static bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool fail(const char *why, const char **ret_why) {
    *ret_why = why;
    return false;
}

static bool printable(span text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7F) return false;
    return true;
}

/* An IPv6 address without its brackets, or a name or IPv4 address. */
static bool good_host(span host, bool bracketed) {
    if (host.len == 0 || host.len > HOST_MAX) return false;
    if (bracketed) {
        char text[INET6_ADDRSTRLEN];
        struct in6_addr address;
        if (host.len >= sizeof text) return false;
        memcpy(text, host.ptr, host.len);
        text[host.len] = '\0';
        return inet_pton(AF_INET6, text, &address) == 1;
    }
    for (size_t i = 0; i < host.len; i++)
        if (!is_alnum(host.ptr[i]) && !strchr("-._", host.ptr[i])) return false;
    return host.ptr[0] != '.' && host.ptr[0] != '-';
}

static bool good_path(span path) {
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '%' && !(i + 2 < path.len && is_hex(path.ptr[i + 1]) && is_hex(path.ptr[i + 2])))
            return false;
        if (!is_alnum(c) && !strchr("/-._~%!$&'()*+,;=:@", c)) return false;
    }
    /* Segments that mean another place would be resolved by some readers and not by others. */
    span rest = path, part;
    while (span_cut(&rest, '/', &part))
        if (span_eq(part, SPAN_OF(".")) || span_eq(part, SPAN_OF(".."))) return false;
    return true;
}

COLD static bool read_port(span text, uint16_t *ret) {
    uint64_t port;
    if (text.len > 5 || !span_u64(text, &port) || port == 0 || port > UINT16_MAX) return false;
    *ret = (uint16_t)port;
    return true;
}

static span without_end_slashes(span path) {
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

static bool parse_unix(span text, arena *a, config_url *ret, const char **ret_why) {
    span path = span_slice(text, 5, text.len), http_path = SPAN_EMPTY;
    size_t colon = span_find(path, 0, ':');
    if (colon < path.len) {
        http_path = span_slice(path, colon + 1, path.len);
        path = span_slice(path, 0, colon);
        if (!span_starts(http_path, SPAN_OF("/")) || !good_path(http_path))
            return fail(
                "the path after the socket must begin with a slash and hold only characters "
                "that need no escape",
                ret_why);
        http_path = without_end_slashes(http_path);
    }
    if (!span_starts(path, SPAN_OF("/")) || path.len < 2)
        return fail("the path of a Unix socket must begin with a slash", ret_why);
    if (path.len >= sizeof((struct sockaddr_un *)0)->sun_path)
        return fail("the path of a Unix socket may have 107 bytes", ret_why);
    *ret = (config_url){.host = SPAN_OF("localhost"), .authority = SPAN_OF("localhost")};
    ret->unix_path = arena_dup(a, path);
    ret->path = arena_dup(a, http_path);
    ret->text = http_path.len
                    ? arena_printf(a, "unix:%.*s:%.*s", SPAN_ARG(path), SPAN_ARG(http_path))
                    : arena_printf(a, "unix:%.*s", SPAN_ARG(path));
    return true;
}

/* "host", "host:8080", "[::1]", "[::1]:8080". */
static bool split_authority(span authority, span *ret_host, span *ret_port, bool *ret_bracketed) {
    *ret_bracketed = span_starts(authority, SPAN_OF("["));
    size_t end = *ret_bracketed ? span_find(authority, 0, ']') : span_find(authority, 0, ':');
    if (*ret_bracketed && end == authority.len) return false;
    *ret_host = span_slice(authority, *ret_bracketed, end);
    span rest = span_slice(authority, end + *ret_bracketed, authority.len);
    *ret_port = SPAN_EMPTY;
    if (rest.len == 0) return true;
    if (rest.ptr[0] != ':' || rest.len < 2) return false;
    *ret_port = span_slice(rest, 1, rest.len);
    return true;
}

static span lower_dup(arena *a, span s) {
    char *copy = arena_alloc(a, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] | 0x20 : s.ptr[i]);
    copy[s.len] = '\0';
    return span_from(copy, s.len);
}

static void fill(arena *a, bool tls, span host, bool bracketed, uint16_t port, span path,
                 config_url *ret) {
    config_url url = {.tls = tls, .port = port};
    url.host = lower_dup(a, host);
    url.path = arena_dup(a, path);
    const char *open = bracketed ? "[" : "", *close = bracketed ? "]" : "";
    if (port == (tls ? 443 : 80))
        url.authority = arena_printf(a, "%s%.*s%s", open, SPAN_ARG(url.host), close);
    else
        url.authority = arena_printf(a, "%s%.*s%s:%u", open, SPAN_ARG(url.host), close, port);
    url.text = arena_printf(a, "http%s://%.*s%.*s", tls ? "s" : "", SPAN_ARG(url.authority),
                            SPAN_ARG(url.path));
    *ret = url;
}

bool config_url_parse(span text, arena *a, config_url *ret, const char **ret_why) {
    if (text.len > URL_MAX) return fail("a URL may have 2048 bytes", ret_why);
    if (!printable(text))
        return fail("a URL holds no spaces, control characters or letters beyond ASCII", ret_why);
    if (span_starts(text, SPAN_OF("unix:"))) return parse_unix(text, a, ret, ret_why);
    bool tls = span_istarts(text, SPAN_OF("https://"));
    if (!tls && !span_istarts(text, SPAN_OF("http://")))
        return fail("a URL begins with https://, http:// or unix:/", ret_why);
    span rest = span_slice(text, tls ? 8 : 7, text.len);
    if (span_find(rest, 0, '?') < rest.len || span_find(rest, 0, '#') < rest.len)
        return fail("a base URL has no query and no fragment", ret_why);
    size_t slash = span_find(rest, 0, '/');
    span authority = span_slice(rest, 0, slash), path = span_slice(rest, slash, rest.len);
    if (span_find(authority, 0, '@') < authority.len)
        return fail("a URL must not hold a user name or password", ret_why);
    span host, port_text;
    bool bracketed;
    uint16_t port = tls ? 443 : 80;
    if (!split_authority(authority, &host, &port_text, &bracketed) || !good_host(host, bracketed))
        return fail("the host is no name, IPv4 address or IPv6 address in brackets", ret_why);
    if (port_text.len && !read_port(port_text, &port))
        return fail("the port is no number from 1 to 65535", ret_why);
    if (!good_path(path))
        return fail("the path holds characters that need an escape, or . or .. as a part", ret_why);
    fill(a, tls, host, bracketed, port, without_end_slashes(path), ret);
    return true;
}

const char *config_url_call(const config_url *url) {
    static const char *const ends[] = {"/chat/completions", "/completions", "/embeddings",
                                       "/responses",        "/moderations", "/models"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(url->path, span_cstr(ends[i]))) return ends[i];
    return NULL;
}
