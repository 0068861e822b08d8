/* Which headers cross between clients and providers. docs/wire-contract.md names those that do not
 * to readers; its tables and these lists are held to each other by test_headers. */
#include "provider/provider.h"

/* Each call's headers are looked through: two bytes tell nearly all of them from the prefixes,
 * which are three bytes long at least. */
static bool prefixed(span name, const span *prefixes, size_t count) {
    if (name.len < 3) return false;
    const char first = (char)(name.ptr[0] | 0x20), third = (char)(name.ptr[2] | 0x20);
    for (size_t i = 0; i < count; i++)
        if (prefixes[i].ptr[0] == first && (prefixes[i].ptr[2] | 0x20) == third &&
            span_istarts(name, prefixes[i]))
            return true;
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

static bool held(span name, const http_hops *named) {
    return !is_unmistakable(name) || http_header_is_hop(name, named);
}

/* Credentials are weir's to set; the rest is between the client and weir, or names the client's
 * account, address or browser, which are none of the provider's business, or would have it take the
 * request for one of another path or method. "proxy" is a variable HTTP_PROXY, to some. */
static const http_names never_out[] = {
    [3] = HTTP_NAMES(SPAN("via")),
    [4] = HTTP_NAMES(SPAN("host")),
    [5] = HTTP_NAMES(SPAN("proxy")),
    [6] = HTTP_NAMES(SPAN("cookie"), SPAN("expect"), SPAN("origin")),
    [7] = HTTP_NAMES(SPAN("api-key"), SPAN("referer")),
    [9] = HTTP_NAMES(SPAN("x-api-key"), SPAN("forwarded"), SPAN("x-real-ip")),
    [10] = HTTP_NAMES(SPAN("user-agent")),
    [11] = HTTP_NAMES(SPAN("x-client-ip")),
    [12] = HTTP_NAMES(SPAN("x-request-id")),
    [13] = HTTP_NAMES(SPAN("authorization"), SPAN("x-rewrite-url"), SPAN("x-http-method")),
    [14] = HTTP_NAMES(SPAN("x-goog-api-key"), SPAN("content-length"), SPAN("true-client-ip"),
                      SPAN("openai-project"), SPAN("x-original-url")),
    [15] = HTTP_NAMES(SPAN("accept-encoding")),
    [16] = HTTP_NAMES(SPAN("content-encoding")),
    [17] = HTTP_NAMES(SPAN("x-method-override")),
    [19] = HTTP_NAMES(SPAN("openai-organization")),
    [22] = HTTP_NAMES(SPAN("x-http-method-override")),
};

bool provider_header_out(span name, const http_hops *named) {
    static const span never_prefix[] = {
        SPAN("x-stainless-"), SPAN("x-forwarded-"), SPAN("x-weir-"),
        SPAN("cf-"),          SPAN("sec-"),         SPAN("access-control-"),
    };
    return !http_names_have(never_out, ARRAY_LEN(never_out), name) && !held(name, named) &&
           !prefixed(name, never_prefix, ARRAY_LEN(never_prefix));
}

/* By which those who answer go: a provider's versions, betas and guardrails, and at gateways what
 * they choose a model by, or do with its answer. What names one request alone makes no other
 * answer. Sources: OpenAI's, Anthropic's, Groq's (compound's versions), Bedrock's, DashScope's and
 * Azure's (AI inference, machine learning) API references; LiteLLM's, Portkey's and Helicone's
 * directories of headers. */
bool provider_header_steers(span name, const http_hops *named) {
    static const span begins[] = {
        SPAN("openai-"),          SPAN("anthropic-"),   SPAN("groq-model-version"),
        SPAN("x-amzn-bedrock-"),  SPAN("x-dashscope-"), SPAN("azureml-model-deployment"),
        SPAN("extra-parameters"), SPAN("x-litellm-"),   SPAN("x-portkey-"),
        SPAN("helicone-"),
    };
    static const span ids[] = {SPAN("-trace-id"), SPAN("-span-id"), SPAN("-request-id"),
                               SPAN("-session-id"), SPAN("-call-id")};
    if (!prefixed(name, begins, ARRAY_LEN(begins))) return false;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (span_iends(name, ids[i])) return false;
    return provider_header_out(name, named);
}

/* What weir says for itself, what is between it and the provider's host, and what would let the
 * provider speak to a browser in the name of weir's own address. */
static const http_names never_back[] = {
    [3] = HTTP_NAMES(SPAN("via"), SPAN("nel")),
    [4] = HTTP_NAMES(SPAN("date"), SPAN("vary")),
    [6] = HTTP_NAMES(SPAN("server"), SPAN("digest")),
    [7] = HTTP_NAMES(SPAN("alt-svc"), SPAN("refresh")),
    [8] = HTTP_NAMES(SPAN("location")),
    [9] = HTTP_NAMES(SPAN("report-to")),
    [10] = HTTP_NAMES(SPAN("set-cookie")),
    [11] = HTTP_NAMES(SPAN("set-cookie2"), SPAN("retry-after"), SPAN("repr-digest"),
                      SPAN("content-md5")),
    [12] = HTTP_NAMES(SPAN("x-request-id"), SPAN("content-type")),
    [13] = HTTP_NAMES(SPAN("cache-control")),
    [14] = HTTP_NAMES(SPAN("content-length"), SPAN("x-should-retry"), SPAN("retry-after-ms"),
                      SPAN("openai-project"), SPAN("content-digest")),
    [16] = HTTP_NAMES(SPAN("content-location"), SPAN("content-encoding")),
    [17] = HTTP_NAMES(SPAN("x-accel-buffering")),
    [19] = HTTP_NAMES(SPAN("x-client-request-id"), SPAN("x-ms-retry-after-ms"),
                      SPAN("openai-organization"), SPAN("timing-allow-origin")),
    [25] = HTTP_NAMES(SPAN("strict-transport-security")),
};

bool provider_header_back(span name, const http_hops *named) {
    static const span never_prefix[] = {SPAN("access-control-"), SPAN("cross-origin-"), SPAN("cf-"),
                                        SPAN("x-weir-")};
    return !http_names_have(never_back, ARRAY_LEN(never_back), name) && !held(name, named) &&
           !prefixed(name, never_prefix, ARRAY_LEN(never_prefix));
}
