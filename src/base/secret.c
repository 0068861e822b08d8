#include "base/secret.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct secret {
    atomic_uint refs;
    size_t len;
    char bytes[]; /* BEARER, then the secret, then a NUL */
};

static const char BEARER[] = "Bearer ";
enum { BEARER_LEN = sizeof BEARER - 1 };

secret *secret_new(span bytes) {
    secret *s = mem_alloc(sizeof *s + BEARER_LEN + bytes.len + 1);
    atomic_init(&s->refs, 1);
    s->len = bytes.len;
    memcpy(s->bytes, BEARER, BEARER_LEN);
    if (bytes.len) memcpy(s->bytes + BEARER_LEN, bytes.ptr, bytes.len);
    s->bytes[BEARER_LEN + bytes.len] = '\0';
    return s;
}

secret *secret_ref(secret *s) {
    if (s) atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void secret_unref(secret *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    mem_wipe(s->bytes, BEARER_LEN + s->len);
    free(s);
}

span secret_reveal(const secret *s) {
    return span_from(s->bytes + BEARER_LEN, s->len);
}

span secret_reveal_bearer(const secret *s) {
    return span_from(s->bytes, BEARER_LEN + s->len);
}

void secret_redact(const secret *s, buf *text) {
    enum { SHORTEST = 8 };
    if (!s || s->len < SHORTEST) return;
    span key = secret_reveal(s);
    size_t at = span_find_span(buf_span(text), 0, key);
    if (at == text->len) return;
    buf clean = BUF_EMPTY;
    size_t from = 0;
    while (at < text->len) {
        buf_add(&clean, span_slice(buf_span(text), from, at));
        buf_add_cstr(&clean, "[redacted]");
        from = at + key.len;
        at = span_find_span(buf_span(text), from, key);
    }
    buf_add(&clean, span_slice(buf_span(text), from, text->len));
    mem_wipe(text->ptr, text->len);
    buf_done(text);
    *text = clean;
}
