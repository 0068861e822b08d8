/* The provider table, and what all providers share. */
#include "provider/provider.h"

/* One declaration and one entry for each row of config/kinds.def. */
#define X(kind, functions, url, key_env) extern const provider_ops functions;
#include "config/kinds.def"
#undef X

static const struct {
    span kind;
    const provider_ops *ops;
} table[] = {
#define X(kind, functions, url, key_env) {SPAN(#kind), &functions},
#include "config/kinds.def"
#undef X
};

const provider_ops *provider_find(span kind) {
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (span_eq(kind, table[i].kind)) return table[i].ops;
    return NULL;
}

static bool in(span name, const span *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_ieq(name, names[i])) return true;
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
    if (http_header_is_hop(name, connection_value)) return false;
    if (in(name, never, ARRAY_LEN(never))) return false;
    for (size_t i = 0; i < ARRAY_LEN(never_prefix); i++)
        if (span_istarts(name, never_prefix[i])) return false;
    return true;
}

bool provider_header_back(span name, span connection_value) {
    static const span never[] = {
        SPAN("set-cookie"),
        SPAN("set-cookie2"),
        SPAN("content-length"),
        SPAN("date"),
        SPAN("server"),
        SPAN("x-request-id"),
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
    };
    static const span never_prefix[] = {SPAN("access-control-"), SPAN("cf-"), SPAN("x-weir-")};
    if (http_header_is_hop(name, connection_value)) return false;
    if (in(name, never, ARRAY_LEN(never))) return false;
    for (size_t i = 0; i < ARRAY_LEN(never_prefix); i++)
        if (span_istarts(name, never_prefix[i])) return false;
    return true;
}
