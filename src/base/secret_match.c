#include "base/secret_match.h"

#include "base/escapes.h"

/* Whether one of them is longer than what was taken. */
static bool goes_on(needle_range range, bool whole) {
    return !whole || range.to - range.from > 1;
}

/* A unit says more than one byte only of a character beyond ASCII: a secret that ends within one
 * ends with it. */
secret_match secret_match_at(const secret_set *s, span text, size_t at) {
    secret_match m = {.range = needles_all(&s->needles)};
    needle_range range = m.range;
    bool whole = false;
    for (size_t i = at; i < text.len;) {
        escaped_unit unit = escaped_unit_at(text, i, s->run);
        if (unit.cut && !m.open && goes_on(range, whole)) {
            m.open = true;
            m.range = range;
        }
        if (i == at && !unit.count) return m; /* it does not begin with backslashes */
        i += unit.len;
        for (unsigned k = 0; k < unit.count; k++) {
            if (!needles_take(&s->needles, &range, unit.bytes[k], &whole)) return m;
            if (whole) m.end = i;
        }
    }
    if (m.open) return m;
    m.range = range;
    m.open = goes_on(range, whole);
    return m;
}

/* Most events have none, and of the others most have those alone that no secret has: a quote, a
 * line's end, a letter of Chinese. */
bool secret_may_be_escaped(const secret_set *s, span text) {
    for (size_t at = span_find(text, 0, '\\'); at < text.len; at = span_find(text, at, '\\')) {
        if (at + 1 == text.len) return false;
        unsigned char next = (unsigned char)text.ptr[at + 1];
        if (!s->telling[next]) {
            at += 2;
            continue;
        }
        escaped_unit unit = escaped_unit_at(text, at, s->run);
        at += unit.len;
        if (!unit.count && at == text.len) return false;
        next = unit.count ? unit.bytes[0] : (unsigned char)text.ptr[at];
        if (needles_byte_in(s->needles.bytes, next)) return true;
    }
    return false;
}

bool secret_may_be_in(const secret_set *s, span text) {
    size_t unused;
    if (!s || text.len < s->needles.shortest) return false; /* an escape shortens nothing */
    return needles_find(&s->needles, text, 0, &unused) < text.len || secret_may_be_escaped(s, text);
}

/* The first place from `at` on where one may begin, or text.len. */
static size_t next_begin(const secret_set *s, span text, size_t at) {
    while (at < text.len && !s->begins[(unsigned char)text.ptr[at]])
        at++;
    return at;
}

bool secret_set_found(const secret_set *s, span text) {
    if (!secret_may_be_in(s, text)) return false;
    for (size_t at = 0; (at = next_begin(s, text, at)) < text.len; at++)
        if (secret_match_at(s, text, at).end) return true;
    return false;
}

/* ---- what may become one ---- */

/* From where on text can be of one secret that is not all there. */
static size_t open_from(const secret_set *s, span text) {
    const needles *n = &s->needles;
    if (text.len < n->longest) return 0;
    size_t most = n->longest * ESCAPE_LEN_MAX(s->run);
    size_t from = text.len > most ? text.len - most : 0;
    return span_find(text, from, '\\') < text.len ? from : text.len - (n->longest - 1);
}

/* What is held begins with a whole escape: what goes out before it ends with none that is half. */
size_t secret_set_begun(const secret_set *s, span text) {
    if (!s) return 0;
    for (size_t at = open_from(s, text); (at = next_begin(s, text, at)) < text.len; at++)
        if (secret_match_at(s, text, at).open) return text.len - escaped_unit_begin(text, at);
    return 0;
}

static bool is_part(const secret_set *s, needle_range range) {
    if (range.depth < SECRET_PART_MIN) return false;
    for (size_t i = range.from; i < range.to; i++)
        if (s->needles.items[i].len <= 3 * range.depth) return true;
    return false;
}

size_t secret_part_at(const secret_set *s, span text) {
    if (text.len < SECRET_PART_MIN) return text.len;
    for (size_t at = open_from(s, text); (at = next_begin(s, text, at)) < text.len; at++) {
        secret_match m = secret_match_at(s, text, at);
        if (m.open && is_part(s, m.range)) return at;
    }
    return text.len;
}

bool secret_set_nearly(const secret_set *s, span text) {
    return s && secret_part_at(s, text) < text.len;
}
