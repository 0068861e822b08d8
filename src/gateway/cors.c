#include "gateway/cors.h"

/* What a page may read beside the few headers that Fetch lets through by itself: all of
 * docs/wire-contract.md's table, what clients know of their limits, and the session of /mcp. */
#define EXPOSED                                                                                    \
    "x-request-id, x-client-request-id, x-weir-target, x-weir-attempts, x-weir-overhead-ms, "      \
    "x-weir-cost, x-weir-cache, x-weir-cache-similarity, age, x-weir-provider-request-id, "        \
    "x-weir-steps, x-weir-stopped, x-should-retry, retry-after-ms, retry-after, "                  \
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, "                                 \
    "x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "         \
    "x-ratelimit-reset-tokens, x-weir-budget-limit, x-weir-budget-remaining, "                     \
    "x-weir-budget-reset, "                                                                        \
    "mcp-session-id"

static bool any_origin(const config_cors *c) {
    return c->origin_count == 1 && span_eq(c->origins[0], SPAN_OF("*"));
}

bool cors_allows(const config_cors *c, span origin) {
    if (!origin.len) return false;
    if (any_origin(c)) return true;
    for (size_t i = 0; i < c->origin_count; i++)
        if (span_ieq(c->origins[i], origin)) return true; /* scheme and host know no case */
    return false;
}

static bool is_own(span origin, span host) {
    span scheme =
        span_istarts(origin, SPAN_OF("https://")) ? SPAN_OF("https://") : SPAN_OF("http://");
    return host.len && span_istarts(origin, scheme) &&
           span_ieq(span_slice(origin, scheme.len, origin.len), host);
}

/* Browsers send one line of each; whatever adds another is no reason to believe that. */
bool cors_refuses(const config_cors *c, http_headers request, span host) {
    if (any_origin(c)) return false;
    bool named = false, foreign_site = false;
    for (size_t i = 0; i < request.count; i++) {
        const http_header *h = &request.items[i];
        if (span_ieq(h->name, SPAN_OF("origin")) && h->value.len) {
            named = true;
            if (!is_own(h->value, host) && !cors_allows(c, h->value)) return true;
        } else if (span_ieq(h->name, SPAN_OF("sec-fetch-site"))) {
            foreign_site |= span_ieq(h->value, SPAN_OF("cross-site")) ||
                            span_ieq(h->value, SPAN_OF("same-site"));
        }
    }
    return foreign_site && !named;
}

size_t cors_headers(const config_cors *c, http_headers request, http_header *ret) {
    if (!c->origin_count) return 0;
    size_t n = 0;
    bool any = any_origin(c);
    span origin = http_header_get(request, SPAN_OF("origin"));
    /* Said also to those who came without an origin, or a cache would hand their answer on. */
    if (!any) ret[n++] = (http_header){SPAN("vary"), SPAN("Origin")};
    if (!cors_allows(c, origin)) return n;
    ret[n++] = (http_header){SPAN("access-control-allow-origin"), any ? SPAN_OF("*") : origin};
    if (c->credentials && !any)
        ret[n++] = (http_header){SPAN("access-control-allow-credentials"), SPAN("true")};
    ret[n++] = (http_header){SPAN("access-control-expose-headers"), SPAN(EXPOSED)};
    return n;
}

size_t cors_preflight_headers(const config_cors *c, http_headers request, span methods, arena *a,
                              http_header *ret) {
    if (!cors_allows(c, http_header_get(request, SPAN_OF("origin")))) return 0;
    size_t n = 0;
    ret[n++] = (http_header){SPAN("access-control-allow-methods"), methods};
    span asked = http_header_get(request, SPAN_OF("access-control-request-headers"));
    if (asked.len) ret[n++] = (http_header){SPAN("access-control-allow-headers"), asked};
    if (c->max_age_ms > 0)
        ret[n++] = (http_header){SPAN("access-control-max-age"),
                                 arena_printf(a, "%lld", (long long)(c->max_age_ms / 1000))};
    return n;
}
