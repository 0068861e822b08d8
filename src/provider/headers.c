/* Which headers cross between clients and providers. docs/wire-contract.md names those that do not
 * to readers; its tables and these lists are held to each other by test_headers. */
#include "provider/provider.h"

static bool listed(span name, const span *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_ieq(name, names[i])) return true;
    return false;
}

static bool prefixed(span name, const span *prefixes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_istarts(name, prefixes[i])) return true;
    return false;
}

/* Servers that hand fields on as variables (CGI, WSGI, PHP) make one name of X-Real-Ip and
 * X_Real_Ip, some also of X.Real.Ip: a field that is held back would cross in disguise. Names that
 * nobody folds have letters, digits and hyphens alone; fields that matter have no others. */
static bool is_unmistakable(span name) {
    static const bool plain[256] = {
        ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true};
    for (size_t i = 0; i < name.len; i++)
        if (!plain[(unsigned char)name.ptr[i]]) return false;
    return true;
}

static bool held(span name, span connection_value) {
    return !is_unmistakable(name) || http_header_is_hop(name, connection_value);
}

bool provider_header_out(span name, span connection_value) {
    /* Credentials are weir's to set; the rest is between the client and weir, or names the client's
     * account, address or browser, which are none of the provider's business, or would have it
     * take the request for one of another path or method. */
    static const span never[] = {
        SPAN("authorization"),
        SPAN("api-key"),
        SPAN("x-api-key"),
        SPAN("x-goog-api-key"),
        SPAN("cookie"),
        SPAN("host"),
        SPAN("content-length"),
        SPAN("content-encoding"),
        SPAN("expect"),
        SPAN("accept-encoding"),
        SPAN("user-agent"),
        SPAN("forwarded"),
        SPAN("x-real-ip"),
        SPAN("via"),
        SPAN("origin"),
        SPAN("referer"),
        SPAN("true-client-ip"),
        SPAN("x-client-ip"),
        SPAN("openai-organization"),
        SPAN("openai-project"),
        SPAN("x-request-id"),
        SPAN("x-original-url"),
        SPAN("x-rewrite-url"),
        SPAN("x-http-method"),
        SPAN("x-http-method-override"),
        SPAN("x-method-override"),
        SPAN("proxy"), /* a variable HTTP_PROXY, to some */
    };
    static const span never_prefix[] = {
        SPAN("x-stainless-"), SPAN("x-forwarded-"), SPAN("x-weir-"),
        SPAN("cf-"),          SPAN("sec-"),         SPAN("access-control-"),
    };
    return !held(name, connection_value) && !listed(name, never, ARRAY_LEN(never)) &&
           !prefixed(name, never_prefix, ARRAY_LEN(never_prefix));
}

bool provider_header_back(span name, span connection_value) {
    /* What weir says for itself, what is between it and the provider's host, and what would let the
     * provider speak to a browser in the name of weir's own address. */
    static const span never[] = {
        SPAN("set-cookie"),
        SPAN("set-cookie2"),
        SPAN("content-length"),
        SPAN("date"),
        SPAN("server"),
        SPAN("x-request-id"),
        SPAN("x-client-request-id"),
        SPAN("x-should-retry"),
        SPAN("retry-after"),
        SPAN("retry-after-ms"),
        SPAN("x-ms-retry-after-ms"),
        SPAN("strict-transport-security"),
        SPAN("alt-svc"),
        SPAN("openai-organization"),
        SPAN("openai-project"),
        SPAN("via"),
        SPAN("content-type"),
        SPAN("cache-control"),
        SPAN("x-accel-buffering"),
        SPAN("nel"),
        SPAN("report-to"),
        SPAN("vary"),
        SPAN("timing-allow-origin"),
        SPAN("location"),
        SPAN("content-location"),
        SPAN("refresh"),
        SPAN("content-encoding"),
        SPAN("content-digest"),
        SPAN("repr-digest"),
        SPAN("digest"),
        SPAN("content-md5"),
    };
    static const span never_prefix[] = {SPAN("access-control-"), SPAN("cross-origin-"), SPAN("cf-"),
                                        SPAN("x-weir-")};
    return !held(name, connection_value) && !listed(name, never, ARRAY_LEN(never)) &&
           !prefixed(name, never_prefix, ARRAY_LEN(never_prefix));
}
