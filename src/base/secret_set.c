#include "base/secret_set.h"

#include "base/escapes.h"
#include "base/mem.h"
#include "base/secret_match.h"

#include <assert.h>
#include <stdlib.h>

static_assert((int)SECRET_LEN_MIN == (int)NEEDLE_LEN_MIN,
              "what is looked for is as long as can be");

/* ---- what a text says ---- */

static void add_unit(buf *out, const escaped_unit *unit) {
    memcpy(buf_reserve(out, sizeof unit->bytes), unit->bytes, sizeof unit->bytes);
    buf_grow(out, unit->count);
}

/* Its escapes undone; all its backslashes count. */
static buf said_by(span text) {
    buf said = BUF_EMPTY;
    (void)buf_reserve(&said, text.len + sizeof((escaped_unit *)0)->bytes);
    for (size_t at = 0; at < text.len;) {
        escaped_unit unit = escaped_unit_at(text, at, text.len);
        add_unit(&said, &unit);
        at += unit.len;
    }
    return said;
}

static void wipe(buf *b) {
    if (b->len) mem_wipe(b->ptr, b->len);
    buf_done(b);
}

/* Of a backslash and one byte; the code of "\\u" and more backslashes are looked at each time. */
static void note_escapes(secret_set *s) {
    for (unsigned byte = 0; byte < ARRAY_LEN(s->telling); byte++) {
        const char escape[] = {'\\', (char)byte};
        escaped_unit unit = escaped_unit_at(span_from(escape, 2), 0, ESCAPE_RUN_MAX);
        unsigned char said = unit.count ? unit.bytes[0] : (unsigned char)byte;
        s->telling[byte] = needles_byte_in(s->needles.bytes, said);
    }
    s->telling['u'] = s->telling['\\'] = true;
}

/* The longest run of backslashes in it. */
static size_t run_in(span bytes) {
    size_t longest = 0, n = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        n = bytes.ptr[i] == '\\' ? n + 1 : 0;
        if (n > longest) longest = n;
    }
    return longest;
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
    size_t run = 0; /* each backslash of a secret is as many as stand before any other byte */
    for (size_t i = 0; i < count; i++) {
        if (!is_long_enough(secrets[i])) continue;
        span bytes = secret_reveal(secrets[i]);
        said[n] = said_by(bytes);
        items[n] = buf_span(&said[n]);
        if (items[n].len < SECRET_LEN_MIN) {
            wipe(&said[n]);
            continue;
        }
        if (run_in(bytes) > run) run = run_in(bytes);
        n++;
    }
    if (n) {
        s = mem_zalloc(sizeof *s);
        atomic_init(&s->refs, 1);
        s->run = ESCAPE_RUN_MAX * (run + 1);
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

bool secret_set_shows(const secret_set *s, span begin, span end) {
    for (size_t i = 0; s && i < s->needles.count; i++) {
        span item = s->needles.items[i];
        if (item.len > begin.len + end.len && span_starts(item, begin) && span_ends(item, end))
            return true;
    }
    return false;
}
