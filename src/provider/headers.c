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

bool provider_header_out(span name, span connection_value) {
    /* Credentials are weir's to set; the rest is between the client and weir, or names the client's
     * account, address or browser, which are none of the provider's business. */
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
    };
    static const span never_prefix[] = {
        SPAN("x-stainless-"), SPAN("x-forwarded-"), SPAN("x-weir-"),
        SPAN("cf-"),          SPAN("sec-"),         SPAN("access-control-"),
    };
    return !http_header_is_hop(name, connection_value) && !listed(name, never, ARRAY_LEN(never)) &&
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
    return !http_header_is_hop(name, connection_value) && !listed(name, never, ARRAY_LEN(never)) &&
           !prefixed(name, never_prefix, ARRAY_LEN(never_prefix));
}
