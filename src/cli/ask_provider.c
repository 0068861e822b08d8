#include "cli/ask_provider.h"

#include "base/clock.h"
#include "provider/provider.h"

enum { ASK_MS = 10 * 1000 };

size_t ask_provider_keys(const config_provider *p) {
    return p->auth == AUTH_NONE || !p->key_count ? 1 : p->key_count;
}

static credential *credential_of(const config_provider *p, size_t key) {
    return p->auth == AUTH_NONE || key >= p->key_count ? NULL : credential_new(p->keys[key]);
}

void ask_provider_models(const config_provider *p, size_t key, fetched *ret) {
    const request_facts facts = {
        .endpoint = EP_OTHER, .method = SPAN("GET"), .path = SPAN("/models")};
    arena a;
    arena_init(&a, 0);
    credential *with = credential_of(p, key);
    const provider_ask ask = {.provider = p,
                              .facts = &facts,
                              .credential = with,
                              .wall_us = clock_wall_us(),
                              .arena = &a};
    provider_request request = {0};
    weir_error error;
    *ret = (fetched){0};
    if (provider_find(p->kind)->build(&ask, &request, &error)) {
        const fetch_spec spec = {.url = &p->url,
                                 .path = request.path,
                                 .headers = request.headers,
                                 .ca_file = p->ca_file,
                                 .proxy = p->proxy,
                                 .timeout_ms = ASK_MS};
        fetch(&spec, ret);
    } else {
        buf_add(&ret->why, error_message(&error));
    }
    credential_unref(with);
    arena_wipe(&a); /* it held the key */
    arena_done(&a);
}
