#include "gateway/listener_tls.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* What is made: an array by index in config->listeners; NULL for plain ones. */

static void free_contexts(void *made, const config *c) {
    tls_context **contexts = made;
    for (size_t i = 0; i < c->listener_count; i++)
        tls_context_unref(contexts[i]);
    free(contexts);
}

static tls_context *context_new(const config_listener *l, buf *ret_why) {
    char *cert = mem_strndup(l->tls_cert.ptr, l->tls_cert.len);
    char *key = mem_strndup(l->tls_key.ptr, l->tls_key.len);
    tls_context *context = tls_server_new(cert, key, ret_why);
    free(cert);
    free(key);
    return context;
}

static void *make_contexts(const config *c, buf *ret_why) {
    tls_context **contexts = mem_zalloc_array(c->listener_count, sizeof(tls_context *));
    for (size_t i = 0; i < c->listener_count; i++) {
        if (!c->listeners[i].tls_cert.len) continue;
        contexts[i] = context_new(&c->listeners[i], ret_why);
        if (contexts[i]) continue;
        free_contexts(contexts, c);
        return NULL;
    }
    return contexts;
}

const snapshot_part listener_tls_part = {"listener TLS", make_contexts, free_contexts};

tls_context *snapshot_listener_tls(const snapshot *s, size_t index) {
    tls_context *const *contexts = snapshot_made(s, &listener_tls_part);
    assert(contexts && index < s->config->listener_count);
    return contexts[index];
}
