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

bool secret_eq(const secret *a, const secret *b) {
    if (!a || !b) return a == b;
    return span_eq_secret(secret_reveal(a), secret_reveal(b));
}

span secret_reveal_bearer(const secret *s) {
    return span_from(s->bytes, BEARER_LEN + s->len);
}
