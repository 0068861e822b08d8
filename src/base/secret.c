#include "base/secret.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct secret {
    atomic_uint refs;
    size_t len;
    size_t rare;  /* index of the byte that text has least: what is looked for first */
    char bytes[]; /* BEARER, then the secret, then a NUL */
};

static const char BEARER[] = "Bearer ";
enum { BEARER_LEN = sizeof BEARER - 1 };

/* From the most to the less common in JSON and English; what is not here is rarer. */
static const char common[] = " etaoinsrhldcu\"mfpgwyb:,vk-.0123456789{}[]_/jxqzTAISEC";

static size_t rarest(span bytes) {
    size_t best = 0, best_rank = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        const char *known = bytes.ptr[i] ? strchr(common, bytes.ptr[i]) : NULL;
        size_t rank = known ? (size_t)(known - common) + 1 : sizeof common;
        if (rank <= best_rank) continue;
        best = i;
        best_rank = rank;
    }
    return best;
}

secret *secret_new(span bytes) {
    secret *s = mem_alloc(sizeof *s + BEARER_LEN + bytes.len + 1);
    atomic_init(&s->refs, 1);
    s->len = bytes.len;
    s->rare = rarest(bytes);
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

/* One byte of text, with the needless escapes undone; moves on. No others: what is found must not
 * depend on what else stands in the text that is looked through at once. */
static unsigned next_byte(span text, size_t *at) {
    unsigned char byte = (unsigned char)text.ptr[(*at)++], code[2];
    if (byte != '\\' || *at >= text.len) return byte;
    if (text.ptr[*at] == '/') {
        (*at)++;
        return '/';
    }
    if (text.ptr[*at] != 'u' || !hex_decode(span_slice(text, *at + 1, *at + 5), code, 2))
        return byte;
    *at += 5;
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
    if (span_find(text, 0, '\\') == text.len) return false; /* most events have no escape at all */
    return span_find_span(text, 0, SPAN_OF("\\/")) < text.len ||
           span_find_span(text, 0, SPAN_OF("\\u00")) < text.len;
}

/* Every event of a stream is searched: memchr for a rare byte is several times as fast as memmem.
 */
static size_t find_plain(const secret *s, span text, size_t from) {
    span key = secret_reveal(s);
    for (size_t at = from + s->rare; at < text.len; at++) {
        at = span_find(text, at, key.ptr[s->rare]);
        if (at == text.len || text.len - (at - s->rare) < key.len) break;
        if (span_starts(span_slice(text, at - s->rare, text.len), key)) return at - s->rare;
    }
    return text.len;
}

/* Where it is next, and in how many bytes; text.len: nowhere. */
static size_t find(const secret *s, span text, size_t from, bool escaped, size_t *ret_len) {
    span key = secret_reveal(s);
    *ret_len = key.len;
    size_t plain = find_plain(s, text, from);
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
    if (!s || s->len < SHORTEST || text.len < s->len) return false; /* an escape shortens nothing */
    size_t len;
    return find(s, text, 0, has_needless_escapes(text), &len) < text.len;
}

enum { LONGEST_ESCAPE = 6 };

/* Whether the escape at `at` may go on behind the end of text. */
static bool is_cut_escape(span text, size_t at) {
    span rest = span_slice(text, at + 1, at + LONGEST_ESCAPE);
    if (!rest.len) return true;
    if (rest.ptr[0] != 'u' || rest.len == LONGEST_ESCAPE - 1) return false;
    for (size_t i = 1; i < rest.len; i++)
        if (!strchr("0123456789abcdefABCDEF", rest.ptr[i])) return false;
    return true;
}

/* Whether all of text from at on says a beginning of the key. */
static bool begins_at(span key, span text, size_t at) {
    for (size_t i = 0; i < key.len; i++) {
        if (at == text.len) return true;
        if (text.ptr[at] == '\\' && is_cut_escape(text, at)) return true;
        if (next_byte(text, &at) != (unsigned char)key.ptr[i]) return false;
    }
    return false;
}

size_t secret_begun(const secret *s, span text) {
    if (!s || s->len < SHORTEST) return 0;
    span key = secret_reveal(s);
    size_t most = key.len * LONGEST_ESCAPE;
    for (size_t at = text.len > most ? text.len - most : 0; at < text.len; at++) {
        if (text.ptr[at] != key.ptr[0] && text.ptr[at] != '\\') continue;
        if (begins_at(key, text, at)) return text.len - at;
    }
    return 0;
}

void secret_redact(const secret *s, buf *text) {
    span whole = buf_span(text);
    if (!secret_found(s, whole)) return;
    bool escaped = has_needless_escapes(whole);
    buf clean = BUF_EMPTY;
    size_t from = 0, len;
    for (size_t at; (at = find(s, whole, from, escaped, &len)) < whole.len; from = at + len) {
        buf_add(&clean, span_slice(whole, from, at));
        buf_add_cstr(&clean, "[redacted]");
    }
    buf_add(&clean, span_slice(whole, from, whole.len));
    mem_wipe(text->ptr, text->len);
    buf_done(text);
    *text = clean;
}
