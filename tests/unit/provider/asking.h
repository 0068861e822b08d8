/* Requests for OpenAI and its look-alikes, as provider/openai.c makes them of a client's. */
#ifndef WEIR_TEST_ASKING_H
#define WEIR_TEST_ASKING_H

#include "provider/openai.h"

static arena a;

static inline int setup(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

static inline request_facts facts_of(const char *body) {
    request_facts f = {.endpoint = EP_CHAT_COMPLETIONS,
                       .method = SPAN("POST"),
                       .path = SPAN("/chat/completions"),
                       .body = span_cstr(body),
                       .choices = 1};
    json_fault fault;
    assert_true(json_scan(f.body, NULL, &f.root, &fault));
    f.model = json_get(f.root, SPAN_OF("model"));
    if (f.model.type == JSON_STRING) f.model_name = json_string(f.model, &a);
    f.stream = json_get(f.root, SPAN_OF("stream")).type == JSON_TRUE;
    f.stream_options = json_get(f.root, SPAN_OF("stream_options"));
    f.include_usage = json_get(f.stream_options, SPAN_OF("include_usage"));
    f.usage_asked = f.include_usage.type == JSON_TRUE;
    return f;
}

static inline provider_request build(const config_provider *p, const request_facts *f,
                                     const char *model, secret *key) {
    provider_request r = {0};
    weir_error error;
    credential *c = key ? credential_new(key) : NULL;
    const provider_ask ask = {
        .provider = p, .facts = f, .model = span_cstr(model), .credential = c, .arena = &a};
    assert_true(provider_openai.build(&ask, &r, &error));
    credential_unref(c); /* the key lives on */
    return r;
}

static inline span body_of(const provider_request *r) {
    return arena_join(&a, r->pieces, r->piece_count);
}

static const config_provider openai = {
    .name = SPAN("openai"), .url = {.path = SPAN("/v1")}, .auth = AUTH_BEARER};

#endif
