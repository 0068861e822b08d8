/* The border at which a head comes in from a provider: behind it no field, by name or value, has a
 * secret. */
#include "call/attempt_internal.h"

static http_header without_secrets(const secret_set *secrets, http_header h, arena *a) {
    if (secret_set_found(secrets, h.name)) return (http_header){SPAN_EMPTY, SPAN_EMPTY};
    return (http_header){h.name, secret_set_without(secrets, h.value, a)};
}

static bool is_clean(const secret_set *secrets, http_headers h) {
    for (size_t i = 0; i < h.count; i++)
        if (secret_set_found(secrets, h.items[i].name) ||
            secret_set_found(secrets, h.items[i].value))
            return false;
    return true;
}

http_head attempt_clean_head(const attempt *a, const http_head *head) {
    const secret_set *secrets = attempt_secrets(a);
    http_head clean = *head;
    clean.reason = secret_set_without(secrets, head->reason, a->spec.arena);
    if (is_clean(secrets, head->headers)) return clean;
    size_t count = head->headers.count;
    http_header *fields = arena_alloc(a->spec.asking, count * sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = without_secrets(secrets, head->headers.items[i], a->spec.asking);
    clean.headers = (http_headers){fields, count};
    return clean;
}

/* What has lost a part says nothing that a client could use. */
span attempt_intact_value(const attempt *a, const http_head *head, const http_head *clean,
                          span name) {
    span as_sent = http_header_get(head->headers, name);
    span value = http_header_get(clean->headers, name);
    return as_sent.ptr == value.ptr ? arena_dup(a->spec.arena, value) : SPAN_EMPTY;
}

http_headers attempt_crossing(const attempt *a, const http_head *head, const http_head *clean) {
    arena *memory = a->spec.asking;
    http_hops named;
    http_hops_of(clean->headers, &named);
    size_t count = head->headers.count, n = 0;
    http_header *out = arena_alloc(memory, count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        http_header h = clean->headers.items[i];
        bool intact = h.name.len && h.value.ptr == head->headers.items[i].value.ptr;
        if (!intact || !provider_header_back(h.name, &named)) continue;
        out[n++] = (http_header){arena_dup(memory, h.name), arena_dup(memory, h.value)};
    }
    return (http_headers){out, n};
}
