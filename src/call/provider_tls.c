#include "call/provider_tls.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* What is made: an array by index in config->providers, each counted; NULL for plain HTTP. */

static void free_contexts(void *made, const config *c) {
    tls_context **contexts = made;
    for (size_t i = 0; i < c->provider_count; i++)
        tls_context_unref(contexts[i]);
    free(contexts);
}

/* The context of an earlier provider that trusts the same, or a new one. */
static tls_context *context_for(const config *c, size_t index, tls_context **before, buf *ret_why) {
    span ca_file = c->providers[index].ca_file;
    for (size_t i = 0; i < index; i++)
        if (before[i] && span_eq(c->providers[i].ca_file, ca_file))
            return tls_context_ref(before[i]);
    return tls_client_new(ca_file, ret_why);
}

static void *make_contexts(const config *c, buf *ret_why) {
    tls_context **contexts = mem_zalloc_array(c->provider_count, sizeof(tls_context *));
    for (size_t i = 0; i < c->provider_count; i++) {
        if (!c->providers[i].url.tls) continue;
        contexts[i] = context_for(c, i, contexts, ret_why);
        if (contexts[i]) continue;
        free_contexts(contexts, c);
        return NULL;
    }
    return contexts;
}

const snapshot_part provider_tls_part = {"provider TLS", make_contexts, free_contexts};

tls_context *snapshot_provider_tls(const snapshot *s, size_t index) {
    tls_context *const *contexts = snapshot_made(s, &provider_tls_part);
    assert(contexts && index < s->config->provider_count);
    return contexts[index];
}
