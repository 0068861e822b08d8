#include "base/secret.h"

#include "base/hash.h"
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

/* ---- finding it ---- */

/* One byte of text, with JSON's escapes undone; moves on. */
static unsigned next_byte(span text, size_t *at) {
    unsigned char byte = (unsigned char)text.ptr[(*at)++], code[2];
    if (byte != '\\' || *at >= text.len) return byte;
    byte = (unsigned char)text.ptr[(*at)++];
    if (byte != 'u' || !hex_decode(span_slice(text, *at, *at + 4), code, 2)) return byte;
    *at += 4;
    return (unsigned)code[0] << 8 | code[1];
}

/* How many bytes of text, from at on, say the key; 0: others do. */
static size_t said_at(span key, span text, size_t at) {
    size_t from = at;
    for (size_t i = 0; i < key.len; i++)
        if (at >= text.len || next_byte(text, &at) != (unsigned char)key.ptr[i]) return 0;
    return at - from;
}

/* The bytes of a key that serializers escape although they need not. */
static bool has_needless_escapes(span text) {
    return span_find_span(text, 0, SPAN_OF("\\/")) < text.len ||
           span_find_span(text, 0, SPAN_OF("\\u00")) < text.len;
}

/* Where it is next, and in how many bytes; text.len: nowhere. */
static size_t find(span key, span text, size_t from, bool escaped, size_t *ret_len) {
    *ret_len = key.len;
    size_t plain = span_find_span(text, from, key);
    if (!escaped) return plain;
    for (size_t at = from; at < plain; at++) {
        if (text.ptr[at] != key.ptr[0] && text.ptr[at] != '\\') continue;
        *ret_len = said_at(key, text, at);
        if (*ret_len) return at;
    }
    *ret_len = key.len;
    return plain;
}

enum { SHORTEST = 8 };

bool secret_found(const secret *s, span text) {
    if (!s || s->len < SHORTEST) return false;
    size_t len;
    return find(secret_reveal(s), text, 0, has_needless_escapes(text), &len) < text.len;
}

void secret_redact(const secret *s, buf *text) {
    span whole = buf_span(text);
    if (!secret_found(s, whole)) return;
    span key = secret_reveal(s);
    bool escaped = has_needless_escapes(whole);
    buf clean = BUF_EMPTY;
    size_t from = 0, len;
    for (size_t at; (at = find(key, whole, from, escaped, &len)) < whole.len; from = at + len) {
        buf_add(&clean, span_slice(whole, from, at));
        buf_add_cstr(&clean, "[redacted]");
    }
    buf_add(&clean, span_slice(whole, from, whole.len));
    mem_wipe(text->ptr, text->len);
    buf_done(text);
    *text = clean;
}
