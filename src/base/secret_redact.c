#include "base/secret_hits.h"

#include "base/escapes.h"
#include "base/mem.h"

#include <stdlib.h>

void secret_hits_add(secret_hits *h, size_t from, size_t to) {
    secret_hit *last = h->count ? &h->items[h->count - 1] : NULL;
    if (last && from < last->to) {
        if (to > last->to) last->to = to;
        return;
    }
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 8;
        h->items = mem_realloc(h->items, h->cap * sizeof *h->items);
    }
    h->items[h->count++] = (secret_hit){from, to};
}

/* As they stand. One may overlap another, so the next is looked for from the next byte on. An
 * escape whose second half would begin one ("\n" and "nsecret…") goes as a whole. */
static void find_plain(secret_hits *h, const secret_set *s, span text) {
    size_t len = 0;
    for (size_t at = 0; (at = needles_find(&s->needles, text, at, &len)) < text.len; at++)
        secret_hits_add(h, escaped_unit_begin(text, at), at + len);
}

static void find_escaped(secret_hits *h, const secret_set *s, span text) {
    for (size_t at = 0; at < text.len; at++) {
        if (!secret_may_begin(s, text.ptr[at])) continue;
        secret_match m = secret_match_at(s, text, at);
        if (m.end) secret_hits_add(h, escaped_unit_begin(text, at), m.end);
    }
}

void secret_hits_find(secret_hits *h, const secret_set *s, span text) {
    if (!secret_may_be_in(s, text)) return;
    if (secret_may_be_escaped(s, text))
        find_escaped(h, s, text);
    else
        find_plain(h, s, text);
}

void secret_hits_write(const secret_hits *h, bool first_told, span text, buf *ret) {
    size_t told = 0;
    for (size_t i = 0; i < h->count; i++) {
        buf_add(ret, span_slice(text, told, h->items[i].from));
        if (i || !first_told) buf_add_cstr(ret, "[redacted]");
        told = h->items[i].to;
    }
    buf_add(ret, span_slice(text, told, text.len));
}

void secret_hits_done(secret_hits *h) {
    free(h->items);
}

bool secret_set_redact(const secret_set *s, span text, buf *ret) {
    if (!secret_may_be_in(s, text)) return false;
    secret_hits h = {0};
    secret_hits_find(&h, s, text);
    if (h.count) secret_hits_write(&h, false, text, ret);
    secret_hits_done(&h);
    return h.count > 0;
}

span secret_set_without(const secret_set *s, span text, arena *a) {
    buf clean = BUF_EMPTY;
    if (!secret_set_redact(s, text, &clean)) return text;
    span copy = arena_dup(a, buf_span(&clean));
    buf_done(&clean);
    return copy;
}
