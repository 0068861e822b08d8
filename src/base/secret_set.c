#include "base/secret_set.h"

#include "base/escapes.h"
#include "base/mem.h"
#include "base/needles.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct secret_set {
    atomic_uint refs;
    needles needles;   /* without their own backslashes */
    bool slashed;      /* one of them had any: then every backslash of a text counts */
    bool wide;         /* one of them has more than ASCII */
    bool begins[256];  /* by a byte of a text: one of them may begin with it */
    bool telling[256]; /* by the letter behind a backslash: what that says may be of a secret */
};

static_assert((int)SECRET_LEN_MIN == (int)NEEDLE_LEN_MIN,
              "what is looked for is as long as can be");

/* ---- what a text says ---- */

static void add_unit(buf *out, const escaped_unit *unit) {
    memcpy(buf_reserve(out, sizeof unit->bytes), unit->bytes, sizeof unit->bytes);
    buf_grow(out, unit->count);
}

/* Its escapes undone. */
static buf said_by(span text) {
    buf said = BUF_EMPTY;
    (void)buf_reserve(&said, text.len + sizeof((escaped_unit *)0)->bytes);
    for (size_t at = 0; at < text.len;) {
        escaped_unit unit = escaped_unit_at(text, at);
        add_unit(&said, &unit);
        at += unit.len;
    }
    return said;
}

static void wipe(buf *b) {
    if (b->len) mem_wipe(b->ptr, b->len);
    buf_done(b);
}

static bool says_secret_byte(const secret_set *s, escaped_unit unit) {
    return unit.count && needles_byte_in(s->needles.bytes, unit.bytes[0]);
}

/* What the letter behind a single backslash makes of the escape. */
static void note_escapes(secret_set *s) {
    static const char letters[] = "\"/bfnrt";
    for (size_t i = 0; letters[i]; i++) {
        const char escape[] = {'\\', letters[i]};
        unsigned char letter = (unsigned char)letters[i];
        s->telling[letter] = says_secret_byte(s, escaped_unit_at(span_from(escape, 2), 0));
    }
    s->telling['u'] = s->telling['\\'] = true;
    for (unsigned byte = 0x80; byte < 0x100; byte++)
        s->wide |= needles_byte_in(s->needles.bytes, (unsigned char)byte);
}

/* Of "\uXXXX" where no secret has more than ASCII. */
static bool is_foreign_code(const secret_set *s, span rest) {
    return !s->wide && rest.len >= 6 && rest.ptr[1] == 'u' &&
           (rest.ptr[2] != '0' || rest.ptr[3] != '0');
}

/* Whether text has an escape that may stand within a secret. Most events have none, and of the
 * others most have those alone that no secret has: a quote, a line's end, a letter of Chinese. */
static bool may_escape(const secret_set *s, span text) {
    for (size_t at = span_find(text, 0, '\\'); at < text.len; at = span_find(text, at, '\\')) {
        span rest = span_slice(text, at, text.len);
        if (s->slashed) return true;
        if (rest.len < 2) return false;
        if (!s->telling[(unsigned char)rest.ptr[1]] || is_foreign_code(s, rest)) {
            at += 2;
            continue;
        }
        escaped_unit unit = escaped_unit_at(text, at);
        if (says_secret_byte(s, unit)) return true;
        at += unit.len;
    }
    return false;
}

/* ---- its life ---- */

static bool is_long_enough(const secret *s) {
    return s && secret_reveal(s).len >= SECRET_LEN_MIN;
}

static void note_begins(secret_set *s) {
    for (unsigned byte = 0; byte < ARRAY_LEN(s->begins); byte++)
        s->begins[byte] = byte == '\\' || needles_byte_in(s->needles.begins, (unsigned char)byte);
}

secret_set *secret_set_new(secret *const *secrets, size_t count) {
    buf *said = mem_zalloc_array(count + 1, sizeof *said);
    span *items = mem_zalloc_array(count + 1, sizeof *items);
    secret_set *s = NULL;
    size_t n = 0;
    bool slashed = false;
    for (size_t i = 0; i < count; i++) {
        if (!is_long_enough(secrets[i])) continue;
        span bytes = secret_reveal(secrets[i]);
        said[n] = said_by(bytes);
        items[n] = buf_span(&said[n]);
        if (items[n].len < SECRET_LEN_MIN) {
            wipe(&said[n]);
            continue;
        }
        slashed |= span_find(bytes, 0, '\\') < bytes.len;
        n++;
    }
    if (n) {
        s = mem_zalloc(sizeof *s);
        atomic_init(&s->refs, 1);
        s->slashed = slashed;
        needles_init(&s->needles, items, n);
        note_begins(s);
        note_escapes(s);
    }
    while (n)
        wipe(&said[--n]);
    free(said);
    free(items);
    return s;
}

secret_set *secret_set_ref(secret_set *s) {
    if (s) atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void secret_set_unref(secret_set *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    needles_done(&s->needles);
    free(s);
}

/* ---- finding ---- */

bool secret_set_found(const secret_set *s, span text) {
    if (!s || text.len < s->needles.shortest) return false; /* an escape shortens nothing */
    size_t len;
    if (needles_find(&s->needles, text, 0, &len) < text.len) return true;
    if (!may_escape(s, text)) return false;
    buf said = said_by(text);
    bool found = needles_find(&s->needles, buf_span(&said), 0, &len) < said.len;
    wipe(&said);
    return found;
}

/* Part of a text that has to go. */
typedef struct hit {
    size_t from, to;
} hit;

typedef struct hits {
    hit *items;
    size_t count, cap;
} hits;

/* They come in their order, and may overlap: what repeats itself is one. */
static void add_hit(hits *h, size_t from, size_t to) {
    hit *last = h->count ? &h->items[h->count - 1] : NULL;
    if (last && from >= last->from && from < last->to) {
        if (to > last->to) last->to = to;
        return;
    }
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 8;
        h->items = mem_realloc(h->items, h->cap * sizeof *h->items);
    }
    h->items[h->count++] = (hit){from, to};
}

/* As they stand. One may overlap another, so the next is looked for from the next byte on. An
 * escape whose second half would begin one ("\n" and "nsecret…") goes as a whole. */
static void find_plain(const secret_set *s, span text, hits *h) {
    size_t len = 0;
    for (size_t at = 0; (at = needles_find(&s->needles, text, at, &len)) < text.len; at++)
        add_hit(h, escaped_unit_begin(text, at), at + len);
}

/* A walk through a text and, beside it, what it says. */
typedef struct walk {
    span text;
    size_t at, said;
} walk;

/* To the unit that has the byte `said`; what only backslashes say lies behind. */
static escaped_unit walk_to(walk *w, size_t said) {
    for (;;) {
        escaped_unit unit = escaped_unit_at(w->text, w->at);
        if (said < w->said + unit.count) return unit;
        w->at += unit.len;
        w->said += unit.count;
    }
}

static void find_escaped(const secret_set *s, span text, hits *h) {
    buf said = said_by(text);
    walk first = {.text = text}, last = {.text = text};
    size_t len = 0;
    for (size_t at = 0; (at = needles_find(&s->needles, buf_span(&said), at, &len)) < said.len;
         at++) {
        (void)walk_to(&first, at);
        if (last.at < first.at) last = first;
        escaped_unit end = walk_to(&last, at + len - 1);
        add_hit(h, first.at, last.at + end.len);
    }
    wipe(&said);
}

static int by_place(const void *a, const void *b) {
    const hit *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void write_around(span text, hits *h, buf *ret) {
    size_t told = 0;
    qsort(h->items, h->count, sizeof *h->items, by_place);
    for (size_t i = 0; i < h->count;) {
        hit whole = h->items[i];
        for (i++; i < h->count && h->items[i].from < whole.to; i++)
            if (h->items[i].to > whole.to) whole.to = h->items[i].to;
        buf_add(ret, span_slice(text, told, whole.from));
        buf_add_cstr(ret, "[redacted]");
        told = whole.to;
    }
    buf_add(ret, span_slice(text, told, text.len));
}

bool secret_set_redact(const secret_set *s, span text, buf *ret) {
    if (!s || text.len < s->needles.shortest) return false;
    hits h = {0};
    find_plain(s, text, &h);
    if (may_escape(s, text)) find_escaped(s, text, &h);
    if (h.count) write_around(text, &h, ret);
    free(h.items);
    return h.count > 0;
}

span secret_set_without(const secret_set *s, span text, arena *a) {
    buf clean = BUF_EMPTY;
    if (!secret_set_redact(s, text, &clean)) return text;
    span copy = arena_dup(a, buf_span(&clean));
    buf_done(&clean);
    return copy;
}

/* ---- what may become one ---- */

/* Whether all of text from at on says a beginning of one, and then of which, and how much. */
static bool begins_at(const secret_set *s, span text, size_t at, needle_range *ret) {
    needle_range range = needles_all(&s->needles);
    bool whole = false;
    while (at < text.len && !escaped_unit_is_cut(text, at)) {
        escaped_unit unit = escaped_unit_at(text, at);
        for (unsigned i = 0; i < unit.count; i++)
            if (!needles_take(&s->needles, &range, unit.bytes[i], &whole)) return false;
        at += unit.len;
    }
    *ret = range;
    return at < text.len || !whole || range.to - range.from > 1;
}

static span last_bytes(span text, size_t most) {
    return span_slice(text, text.len > most ? text.len - most : 0, text.len);
}

/* Of text, what can be of one secret that is not all there. */
static span open_end(const secret_set *s, span text) {
    const needles *n = &s->needles;
    if (text.len < n->longest) return text;
    span end = last_bytes(text, n->longest * ESCAPE_LEN_MAX);
    bool escapes = span_find(end, 0, '\\') < end.len;
    return escapes ? end : last_bytes(text, n->longest - 1);
}

static bool may_begin(const secret_set *s, char byte) {
    return s->begins[(unsigned char)byte];
}

size_t secret_set_begun(const secret_set *s, span text) {
    if (!s) return 0;
    span end = open_end(s, text);
    needle_range unused;
    for (size_t at = 0; at < end.len; at++)
        if (may_begin(s, end.ptr[at]) && begins_at(s, end, at, &unused)) return end.len - at;
    return 0;
}

static bool is_part(const secret_set *s, needle_range range) {
    if (range.depth < SECRET_PART_MIN) return false;
    for (size_t i = range.from; i < range.to; i++)
        if (s->needles.items[i].len <= 3 * range.depth) return true;
    return false;
}

bool secret_set_nearly(const secret_set *s, span text) {
    if (!s || text.len < SECRET_PART_MIN) return false;
    span end = open_end(s, text);
    needle_range range;
    for (size_t at = 0; at < end.len; at++)
        if (may_begin(s, end.ptr[at]) && begins_at(s, end, at, &range) && is_part(s, range))
            return true;
    return false;
}
