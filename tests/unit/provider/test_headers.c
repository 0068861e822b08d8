/* Which headers cross between clients and providers. The names stand here a second time on purpose:
 * one that is lost from headers.c, or from the page that promises it, turns a test red. */
#include "unit.h"

#include "provider/provider.h"

#include <ctype.h>

typedef bool (*crosses)(span name, const http_hops *named);

static const http_hops nothing;

/* As the page spells them: a star at the end stands for any ending. */
static const span held_from_providers[] = {
    SPAN("authorization"),
    SPAN("api-key"),
    SPAN("x-api-key"),
    SPAN("x-goog-api-key"),
    SPAN("openai-organization"),
    SPAN("openai-project"),
    SPAN("cookie"),
    SPAN("origin"),
    SPAN("referer"),
    SPAN("user-agent"),
    SPAN("sec-*"),
    SPAN("access-control-*"),
    SPAN("forwarded"),
    SPAN("x-forwarded-*"),
    SPAN("x-real-ip"),
    SPAN("x-client-ip"),
    SPAN("true-client-ip"),
    SPAN("via"),
    SPAN("cf-*"),
    SPAN("host"),
    SPAN("content-length"),
    SPAN("content-encoding"),
    SPAN("expect"),
    SPAN("accept-encoding"),
    SPAN("x-request-id"),
    SPAN("x-weir-*"),
    SPAN("x-stainless-*"),
    SPAN("x-original-url"),
    SPAN("x-rewrite-url"),
    SPAN("x-http-method"),
    SPAN("x-http-method-override"),
    SPAN("x-method-override"),
    SPAN("proxy"),
};

static const span held_from_clients[] = {
    SPAN("x-client-request-id"),
    SPAN("set-cookie"),
    SPAN("set-cookie2"),
    SPAN("access-control-*"),
    SPAN("cross-origin-*"),
    SPAN("timing-allow-origin"),
    SPAN("vary"),
    SPAN("location"),
    SPAN("content-location"),
    SPAN("refresh"),
    SPAN("content-encoding"),
    SPAN("content-digest"),
    SPAN("repr-digest"),
    SPAN("digest"),
    SPAN("content-md5"),
    SPAN("server"),
    SPAN("via"),
    SPAN("alt-svc"),
    SPAN("strict-transport-security"),
    SPAN("nel"),
    SPAN("report-to"),
    SPAN("cf-*"),
    SPAN("openai-organization"),
    SPAN("openai-project"),
    SPAN("content-type"),
    SPAN("content-length"),
    SPAN("date"),
    SPAN("cache-control"),
    SPAN("x-accel-buffering"),
    SPAN("x-request-id"),
    SPAN("x-weir-*"),
    SPAN("x-should-retry"),
    SPAN("retry-after"),
    SPAN("retry-after-ms"),
    SPAN("x-ms-retry-after-ms"),
};

static const span hop_by_hop[] = {
    SPAN("connection"), SPAN("keep-alive"),        SPAN("proxy-*"), SPAN("te"),
    SPAN("trailer"),    SPAN("transfer-encoding"), SPAN("upgrade"),
};

static const struct {
    crosses crosses;
    const char *heading; /* of its table on the page */
    const span *held;
    size_t held_count;
} ways[] = {
    {provider_header_out, "\n| not to a provider |", held_from_providers,
     ARRAY_LEN(held_from_providers)},
    {provider_header_back, "\n| not to a client |", held_from_clients,
     ARRAY_LEN(held_from_clients)},
};

/* The name with something in the star's place, as people and as proxies write it. */
static void assert_held(crosses may_cross, span name) {
    char written[2][64];
    bool star = span_ends(name, SPAN_OF("*"));
    size_t len = star ? name.len - 1 : name.len;
    for (size_t i = 0; i < len; i++) {
        written[0][i] = name.ptr[i];
        written[1][i] = (char)toupper((unsigned char)name.ptr[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        if (star) written[i][len] = 'a';
        span header = span_from(written[i], len + star);
        if (may_cross(header, &nothing)) fail_msg("%.*s crosses", SPAN_ARG(header));
    }
}

static void what_is_named_does_not_cross(void **state) {
    (void)state;
    for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
        for (size_t i = 0; i < ways[w].held_count; i++)
            assert_held(ways[w].crosses, ways[w].held[i]);
        for (size_t i = 0; i < ARRAY_LEN(hop_by_hop); i++)
            assert_held(ways[w].crosses, hop_by_hop[i]);
    }
}

static void what_the_connection_names_does_not_cross(void **state) {
    (void)state;
    const http_header connection = {SPAN("Connection"), SPAN("close ,X-Hop, x-other")};
    http_hops names;
    http_hops_of((http_headers){&connection, 1}, &names);
    for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
        assert_false(ways[w].crosses(SPAN_OF("x-hop"), &names));
        assert_false(ways[w].crosses(SPAN_OF("X-Other"), &names));
        assert_true(ways[w].crosses(SPAN_OF("x-hop"), &nothing));
        assert_true(ways[w].crosses(SPAN_OF("x-ho"), &names));
        assert_true(ways[w].crosses(SPAN_OF("x-hop-2"), &names));
    }
}

/* Each name that is held, with other signs in its hyphens' places, and names that are none of them.
 */
static void what_could_be_taken_for_another_does_not_cross(void **state) {
    (void)state;
    static const char signs[] = "_.!#$%&'*+^`|~";
    static const char *const others[] = {
        "x_forwarded_for",   "content_length", "X_Api_Key", "x-forwarded_for",
        "HTTP_HOST",         "_host",          "host_",     "x_",
        "transfer_encoding", "x_trace",        "x.trace",   "x-a~b"};
    for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            assert_held(ways[w].crosses, span_cstr(others[i]));
        for (size_t i = 0; i < ways[w].held_count * strlen(signs); i++) {
            span name = ways[w].held[i / strlen(signs)];
            char written[64];
            for (size_t k = 0; k < name.len; k++)
                written[k] = name.ptr[k] == '-' ? signs[i % strlen(signs)] : name.ptr[k];
            assert_held(ways[w].crosses, span_from(written, name.len));
        }
    }
}

static void everything_else_crosses(void **state) {
    (void)state;
    static const span both[] = {
        SPAN("accept"),
        SPAN("accept-language"),
        SPAN("idempotency-key"),
        SPAN("openai-beta"),
        SPAN("openai-version"),
        SPAN("anthropic-version"),
        SPAN("x-ratelimit-foo"),
        SPAN("traceparent"),
        SPAN("x-my-own"),
        SPAN("content-language"),
        SPAN("etag"),
        SPAN("link"),
        SPAN("x-api-keys"),
        SPAN("x-request-ids"),
        SPAN("viaduct"),
        SPAN("x-cookie"),
        SPAN("x-forwarded"),
        SPAN("x-weir"),
        SPAN("cf"),
        SPAN("my-cf-ray"),
        SPAN("access-control"),
        SPAN("X-Az09-Zz"),
        SPAN("x--"),
        SPAN("a"),
    };
    static const span out[] = {SPAN("content-type"), SPAN("cache-control"),  SPAN("retry-after"),
                               SPAN("date"),         SPAN("x-should-retry"), SPAN("x-http-methods"),
                               SPAN("proxys")};
    static const span back[] = {SPAN("openai-processing-ms"),
                                SPAN("x-ratelimit-remaining-tokens"),
                                SPAN("x-ratelimit-reset-requests"),
                                SPAN("content-disposition"),
                                SPAN("x-stainless-a"),
                                SPAN("warning")};
    static const http_hops close = {.names = {SPAN("close")}, .count = 1};
    for (size_t w = 0; w < ARRAY_LEN(ways); w++)
        for (size_t i = 0; i < ARRAY_LEN(both); i++)
            if (!ways[w].crosses(both[i], &close)) fail_msg("%.*s is held", SPAN_ARG(both[i]));
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        assert_true(provider_header_out(out[i], &nothing));
    for (size_t i = 0; i < ARRAY_LEN(back); i++)
        assert_true(provider_header_back(back[i], &nothing));
}

static bool on_list(const span *names, size_t count, span name) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(names[i], name)) return true;
    return false;
}

/* What stands on the page from heading to the next empty line. */
static span passage(span page, const char *heading) {
    size_t from = span_find_span(page, 0, span_cstr(heading));
    if (from == page.len) fail_msg("the page has no '%s'", heading);
    return span_slice(page, from, span_find_span(page, from, SPAN_OF("\n\n")));
}

/* Each `name` there is on the list, and there are as many. */
static void assert_names(span text, const span *names, size_t count) {
    size_t found = 0;
    span between, name;
    while (span_cut(&text, '`', &between) && span_cut(&text, '`', &name)) {
        if (!on_list(names, count, name)) fail_msg("only the page has %.*s", SPAN_ARG(name));
        found++;
    }
    assert_int_equal(found, count);
}

static void the_page_names_the_same(void **state) {
    (void)state;
    char path[4096];
    buf page = unit_read(unit_source("docs/wire-contract.md", path));
    for (size_t w = 0; w < ARRAY_LEN(ways); w++)
        assert_names(passage(buf_span(&page), ways[w].heading), ways[w].held, ways[w].held_count);
    assert_names(passage(buf_span(&page), "\nHop-by-hop"), hop_by_hop, ARRAY_LEN(hop_by_hop));
    buf_done(&page);
}

static void which_answers_depend_on(void **state) {
    (void)state;
    static const struct {
        span name;
        bool steers;
    } rows[] = {
        {SPAN("OpenAI-Beta"), true},
        {SPAN("openai-organization"), false}, /* does not cross */
        {SPAN("OpenAI-Project"), false},
        {SPAN("anthropic-version"), true},
        {SPAN("x-portkey-virtual-key"), true},
        {SPAN("x-portkey-trace-id"), false},
        {SPAN("Helicone-Request-Id"), false},
        {SPAN("helicone-session-id"), false},
        {SPAN("x-litellm-call-id"), false},
        {SPAN("x-litellm-tags"), true},
        {SPAN("x-litellm-own"), false}, /* the connection names it */
        {SPAN("X-Amzn-Bedrock-GuardrailIdentifier"), true},
        {SPAN("x-amzn-trace-id"), false},
        {SPAN("extra-parameters"), true},
        {SPAN("accept"), false},
        {SPAN("traceparent"), false},
        {SPAN("x-variant"), false},
    };
    http_hops named;
    static const http_header connection = {SPAN("connection"), SPAN("X-LiteLLM-Own")};
    http_hops_of((http_headers){&connection, 1}, &named);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (provider_header_steers(rows[i].name, &named) != rows[i].steers)
            fail_msg("%.*s", SPAN_ARG(rows[i].name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_does_not_cross),
        cmocka_unit_test(what_the_connection_names_does_not_cross),
        cmocka_unit_test(what_could_be_taken_for_another_does_not_cross),
        cmocka_unit_test(everything_else_crosses),
        cmocka_unit_test(the_page_names_the_same),
        cmocka_unit_test(which_answers_depend_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
