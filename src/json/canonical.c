#include "json/canonical.h"

#include "base/mem.h"
#include "json/canonical_number.h"
#include "json/escape.h"
#include "json/token.h"

#include <stdlib.h>

/* A member as it was written: where in the output, and its name. */
typedef struct written {
    span key; /* between the quotes, as the document has it */
    size_t from, to;
} written;

enum { FEW = 24 };

typedef struct canon {
    buf *out;
    const char *end;  /* of the value */
    written *members; /* of the objects that are open, one above the other: few, or on the heap */
    size_t count, cap;
    buf digits;
    const span *without; /* of the outermost object */
    size_t without_count;
    bool inside;      /* that has begun */
    const char *hole; /* a string that comes out empty */
    written few[FEW];
} canon;

/* ---- strings ---- */

static bool is_hex_unit(const char *p, const char *end, unsigned *ret) {
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return false;
    unsigned unit = 0;
    for (int i = 2; i < 6; i++) {
        const char c = p[i];
        const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        unit = unit << 4 | ((unsigned)digit & 15u);
    }
    *ret = unit;
    return true;
}

/* An escape that no character stands for. */
static bool is_lone(const char *p, const char *end, unsigned *ret_unit) {
    unsigned low;
    if (!is_hex_unit(p, end, ret_unit) || (*ret_unit & 0xF800u) != 0xD800) return false;
    const bool high = *ret_unit < 0xDC00;
    return !(high && is_hex_unit(p + 6, end, &low) && (low & 0xFC00u) == 0xDC00);
}

/* RFC 8785 section 3.2.2.2. */
static void put_byte(char c, buf *out) {
    static const char shorts[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\') {
        buf_add_char(out, '\\');
        buf_add_char(out, c);
    } else if ((unsigned char)c >= 0x20) {
        buf_add_char(out, c);
    } else if ((size_t)c < sizeof shorts && shorts[(size_t)c]) {
        buf_add_char(out, '\\');
        buf_add_char(out, shorts[(size_t)c]);
    } else {
        static const char hex[] = "0123456789abcdef";
        const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4 & 15], hex[c & 15]};
        buf_add(out, span_from(escape, sizeof escape));
    }
}

static void put_lone(unsigned unit, buf *out) {
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {
        '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
    buf_add(out, span_from(escape, sizeof escape));
}

/* p is a backslash; returns the byte behind its escape. */
static const char *put_escape(const char *p, const char *end, buf *out) {
    unsigned unit;
    if (is_lone(p, end, &unit)) {
        put_lone(unit, out);
        return p + 6;
    }
    char one[4];
    const size_t n = json_unescape_one(&p, end, one);
    for (size_t i = 0; i < n; i++)
        put_byte(one[i], out);
    return p;
}

/* From a backslash on, of what begins before it: up to there it is in the output. */
static __attribute__((noinline)) const char *put_rest(const char *p, const char *end, buf *out) {
    while (p < end && *p != '"') {
        p = put_escape(p, end, out);
        const char *stop = json_skip_text(p, end);
        buf_add(out, span_from(p, (size_t)(stop - p)));
        p = stop;
    }
    buf_add_char(out, '"');
    return p < end ? p + 1 : end;
}

/* p is the opening quote; returns the byte behind the closing one. Most strings are looked at once,
 * and copied as they are. */
static inline const char *put_string(const char *p, const char *end, buf *out) {
    const char *stop = json_skip_text(p + 1, end);
    const bool plain = stop < end && *stop == '"';
    stop += plain;
    buf_add(out, span_from(p, (size_t)(stop - p)));
    return plain ? stop : put_rest(stop, end, out);
}

/* ---- objects ---- */

/* A unit of UTF-16 at a time, without making any: p moves behind what it takes. low: the second
 * half of a character beyond the first 65,536 is still to come. */
typedef struct units {
    const char *p, *end;
    unsigned low;
} units;

static bool next_unit(units *u, unsigned *ret) {
    if (u->low) {
        *ret = u->low;
        u->low = 0;
        return true;
    }
    if (u->p >= u->end) return false;
    if (is_lone(u->p, u->end, ret)) {
        u->p += 6;
        return true;
    }
    char one[4] = {0};
    const char *from = u->p;
    if (*u->p == '\\') (void)json_unescape_one(&u->p, u->end, one), from = one;
    const unsigned char *b = (const unsigned char *)from;
    const unsigned len = b[0] < 0x80 ? 1 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (from != one) {
        if ((size_t)(u->end - u->p) < len) return false;
        u->p += len;
    }
    static const unsigned char lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned code = b[0] & lead[len];
    for (unsigned i = 1; i < len; i++)
        code = code << 6 | (b[i] & 0x3Fu);
    if (code >= 0x10000) {
        u->low = 0xDC00 | ((code - 0x10000) & 0x3FF);
        code = 0xD800 | (code - 0x10000) >> 10;
    }
    *ret = code;
    return true;
}

static bool is_plain(char c) {
    return (unsigned char)c < 0x80 && c != '\\';
}

/* RFC 8785 section 3.2.3. */
static int compare(span a, span b) {
    /* Most names are plain, and differ soon. */
    const size_t most = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < most && is_plain(a.ptr[i]) && is_plain(b.ptr[i]); i++)
        if (a.ptr[i] != b.ptr[i]) return a.ptr[i] < b.ptr[i] ? -1 : 1;
    units x = {a.ptr, a.ptr + a.len, 0}, y = {b.ptr, b.ptr + b.len, 0};
    for (;;) {
        unsigned m, n;
        const bool more_x = next_unit(&x, &m), more_y = next_unit(&y, &n);
        if (!more_x || !more_y) return more_x - more_y;
        if (m != n) return m < n ? -1 : 1;
    }
}

static int by_name(const void *a, const void *b) {
    return compare(((const written *)a)->key, ((const written *)b)->key);
}

/* Whether the outermost object is without it; an escape may hide any name. */
static bool is_left_out(const canon *c, span key) {
    for (size_t i = 0; i < c->without_count; i++) {
        const span name = c->without[i];
        if (key.len < name.len || (key.ptr[0] != name.ptr[0] && key.ptr[0] != '\\')) continue;
        if (json_text_eq(key, name)) return true;
    }
    return false;
}

static void note_member(canon *c, span key, size_t from) {
    if (c->count == c->cap) {
        written *before = c->members == c->few ? NULL : c->members;
        c->cap *= 2;
        c->members = mem_realloc(before, c->cap * sizeof *c->members);
        if (!before) memcpy(c->members, c->few, sizeof c->few);
    }
    c->members[c->count++] = (written){key, from, c->out->len};
}

static void sort_few(written *m, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const written one = m[i];
        size_t at = i;
        for (; at > 0 && compare(m[at - 1].key, one.key) > 0; at--)
            m[at] = m[at - 1];
        m[at] = one;
    }
}

/* The members from `base` on stand in the output from `from` on, a comma behind each. */
static void sort_members(canon *c, size_t base, size_t from) {
    written *m = c->members + base;
    const size_t n = c->count - base;
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = compare(m[i - 1].key, m[i].key) < 0;
    if (sorted) return;
    if (n <= FEW)
        sort_few(m, n);
    else
        qsort(m, n, sizeof *m, by_name);
    const size_t bytes = c->out->len - from;
    char *to = buf_reserve(c->out, bytes); /* behind all, for a moment */
    for (size_t i = 0; i < n; i++) {
        memcpy(to, c->out->ptr + m[i].from, m[i].to - m[i].from);
        to += m[i].to - m[i].from;
    }
    memcpy(c->out->ptr + from, c->out->ptr + c->out->len, bytes);
}

static const char *put_value(canon *c, const char *p);

/* p is the opening quote of its name; returns the byte behind its value, NULL where it ends before.
 */
static const char *put_member(canon *c, const char *p, bool outermost) {
    const size_t begins = c->out->len;
    const char *name = p + 1;
    p = put_string(p, c->end, c->out);
    const span key = span_from(name, p > name ? (size_t)(p - name - 1) : 0);
    if (json_next_byte(&p, c->end) != ':') return NULL;
    p++;
    buf_add_char(c->out, ':');
    (void)json_next_byte(&p, c->end);
    p = put_value(c, p);
    if (outermost && is_left_out(c, key)) {
        c->out->len = begins;
        return p;
    }
    buf_add_char(c->out, ',');
    note_member(c, key, begins);
    return p;
}

/* p: behind a child; to the next one. NULL: there is none, *ret_end is behind the bracket. */
static inline const char *next_child(canon *c, const char *p, const char **ret_end) {
    char next = json_next_byte(&p, c->end);
    if (next == ',') {
        p++;
        (void)json_next_byte(&p, c->end);
        return p;
    }
    *ret_end = p < c->end ? p + 1 : p;
    return NULL;
}

/* p is the opening bracket; the first child, or NULL as above. */
static inline const char *first_child(canon *c, const char *p, char close, const char **ret_end) {
    p++;
    if (json_next_byte(&p, c->end) != close && p < c->end) return p;
    *ret_end = p < c->end ? p + 1 : p;
    return NULL;
}

static const char *put_object(canon *c, const char *p) {
    const bool outermost = !c->inside;
    const size_t base = c->count;
    const char *behind = c->end;
    c->inside = true;
    buf_add_char(c->out, '{');
    const size_t from = c->out->len;
    for (p = first_child(c, p, '}', &behind); p && p < c->end && *p == '"';
         p = next_child(c, p, &behind))
        if (!(p = put_member(c, p, outermost))) break;
    if (c->count > base) {
        sort_members(c, base, from);
        c->out->len--;
    }
    c->count = base;
    buf_add_char(c->out, '}');
    return behind;
}

static const char *put_array(canon *c, const char *p) {
    const char *behind = c->end;
    buf_add_char(c->out, '[');
    p = first_child(c, p, ']', &behind);
    for (bool any = false; p && p < c->end; p = next_child(c, p, &behind), any = true) {
        if (any) buf_add_char(c->out, ',');
        p = put_value(c, p);
    }
    buf_add_char(c->out, ']');
    return behind;
}

static const char *put_text(canon *c, const char *p) {
    const size_t from = c->out->len;
    const char *behind = put_string(p, c->end, c->out);
    if (p == c->hole) {
        c->out->len = from;
        buf_add(c->out, SPAN_OF("\"\""));
    }
    return behind;
}

/* Returns the byte behind it; moves on by one at least. */
static const char *put_value(canon *c, const char *p) {
    const char *behind = p;
    if (p >= c->end) return c->end;
    const json_type type = json_type_of(*p);
    switch (type) {
    case JSON_OBJECT: return put_object(c, p);
    case JSON_ARRAY: return put_array(c, p);
    case JSON_STRING: return put_text(c, p);
    default: break;
    }
    do
        behind++;
    while (behind < c->end && *behind != ',' && *behind != ']' && *behind != '}' &&
           (unsigned char)*behind > ' ');
    const span raw = span_from(p, (size_t)(behind - p));
    if (type == JSON_NUMBER)
        canonical_number(raw, &c->digits, c->out);
    else
        buf_add(c->out, raw);
    return behind;
}

void json_write_canonical(json_value value, const span *without, size_t without_count, buf *out) {
    json_write_canonical_but(value, without, without_count, NULL, out);
}

void json_write_canonical_but(json_value value, const span *without, size_t without_count,
                              const char *hole, buf *out) {
    canon c; /* few is not to be cleared */
    c.out = out;
    c.end = value.raw.ptr + value.raw.len;
    c.without = without;
    c.without_count = without_count;
    c.inside = false;
    c.hole = hole;
    c.count = 0;
    c.digits = BUF_EMPTY;
    c.members = c.few;
    c.cap = FEW;
    (void)buf_reserve(out, value.raw.len);
    (void)put_value(&c, value.raw.ptr);
    buf_done(&c.digits);
    if (c.members != c.few) free(c.members);
}
