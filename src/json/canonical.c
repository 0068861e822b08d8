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

/* What a document has in its one spelling already is copied as it stands, and in one piece as far
 * as that goes: most documents have it but for the order of members. */
typedef struct canon {
    buf *out;
    const char *run;  /* from here to where it is read belongs behind the output */
    const char *end;  /* of the value */
    written *members; /* of the objects that are open, one above the other: few, or on the heap */
    size_t count, cap;
    buf digits;
    const span *without; /* of the outermost object */
    size_t without_count;
    json_sought *sought; /* NULL: nothing */
    uint64_t kinds;      /* of its members that are left out or sought */
    bool inside;         /* that has begun */
    const char *hole;    /* a string that comes out empty */
    written few[FEW];
} canon;

static inline void put_run(canon *c, const char *p) {
    buf_add(c->out, span_from(c->run, (size_t)(p - c->run)));
    c->run = p;
}

/* As long as the output is with all before p. */
static inline size_t length_at(const canon *c, const char *p) {
    return c->out->len + (size_t)(p - c->run);
}

/* As json_next_byte(), without the blanks. */
static inline char next_byte(canon *c, const char **p) {
    if (*p < c->end && (unsigned char)**p > ' ') return **p;
    put_run(c, *p);
    *p = c->run = json_skip_blanks(*p, c->end);
    return *p < c->end ? **p : '\0';
}

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

/* From a backslash on. */
static __attribute__((noinline)) const char *put_rest(canon *c, const char *p) {
    while (p < c->end && *p != '"') {
        put_run(c, p);
        c->run = put_escape(p, c->end, c->out);
        p = json_skip_text(c->run, c->end);
    }
    return p < c->end ? p + 1 : c->end;
}

/* p is the opening quote; returns the byte behind the closing one. */
static inline const char *put_string(canon *c, const char *p) {
    const char *stop = json_skip_text(p + 1, c->end);
    return stop < c->end && *stop == '"' ? stop + 1 : put_rest(c, stop);
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

/* Most names are plain, and differ soon. */
static __attribute__((noinline)) int compare_rest(span a, span b) {
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

/* RFC 8785 section 3.2.3. */
static inline int compare(span a, span b) {
    const bool first = a.len && b.len && is_plain(*a.ptr) && is_plain(*b.ptr);
    if (first && *a.ptr != *b.ptr) return *a.ptr < *b.ptr ? -1 : 1;
    return compare_rest(a, b);
}

static int by_name(const void *a, const void *b) {
    return compare(((const written *)a)->key, ((const written *)b)->key);
}

/* Of a name without escapes, in 64 kinds. */
static inline unsigned kind_of(span name) {
    return (name.len ? (unsigned char)name.ptr[0] * 5u + (unsigned)name.len : 0) & 63u;
}

static uint64_t kinds_of(const span *names, size_t count) {
    uint64_t kinds = 0;
    for (size_t i = 0; i < count; i++)
        kinds |= UINT64_C(1) << kind_of(names[i]);
    return kinds;
}

/* An escape may hide any name. */
static bool is_name(span key, bool plain, span name) {
    if (!plain) return json_text_eq(key, name);
    return key.len == name.len && *key.ptr == *name.ptr && span_eq(key, name);
}

/* Whether the outermost object is without it. */
static bool is_left_out(const canon *c, span key, bool plain) {
    for (size_t i = 0; i < c->without_count; i++)
        if (is_name(key, plain, c->without[i])) return true;
    return false;
}

static void note_sought(json_sought *s, span key, bool plain, span value) {
    for (size_t i = 0; i < s->count; i++)
        if (is_name(key, plain, s->names[i]) && s->values[i].type == JSON_NONE)
            s->values[i] = (json_value){json_type_of(value.ptr[0]), value};
}

static void note_member(canon *c, span key, size_t from, size_t to) {
    if (c->count == c->cap) {
        written *before = c->members == c->few ? NULL : c->members;
        c->cap *= 2;
        c->members = mem_realloc(before, c->cap * sizeof *c->members);
        if (!before) memcpy(c->members, c->few, sizeof c->few);
    }
    c->members[c->count++] = (written){key, from, to};
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

/* p: behind the members from `base` on, which stand one behind the other with a comma between
 * them. */
static void sort_members(canon *c, size_t base, const char *p) {
    written *m = c->members + base;
    const size_t n = c->count - base;
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = compare(m[i - 1].key, m[i].key) < 0;
    if (sorted) return;
    put_run(c, p);
    const size_t from = m[0].from, bytes = c->out->len - from;
    if (n <= FEW)
        sort_few(m, n);
    else
        qsort(m, n, sizeof *m, by_name);
    char *to = buf_reserve(c->out, bytes + 1); /* behind all, for a moment */
    for (size_t i = 0; i < n; i++) {
        memcpy(to, c->out->ptr + m[i].from, m[i].to - m[i].from);
        to += m[i].to - m[i].from;
        *to++ = ',';
    }
    memcpy(c->out->ptr + from, c->out->ptr + c->out->len, bytes);
}

static const char *put_other(canon *c, const char *p);

/* Returns the byte behind it; moves on by one at least. */
static inline const char *put_value(canon *c, const char *p) {
    if (p >= c->end) return c->end;
    return *p == '"' && p != c->hole ? put_string(c, p) : put_other(c, p);
}

/* The output ends with `len` bytes of it; what is read goes on at p. */
static void cut_back(canon *c, size_t len, const char *p) {
    if (len > c->out->len) put_run(c, c->run + (len - c->out->len));
    c->out->len = len;
    c->run = p;
}

/* p is the opening quote of its name; returns the byte behind its value, NULL where it ends before.
 * *ret_cut: it is not in the output. */
static inline const char *put_member(canon *c, const char *p, bool outermost, bool *ret_cut) {
    const size_t from = length_at(c, p);
    const char *name = p + 1;
    const char *stop = json_skip_text(name, c->end);
    const bool plain = stop < c->end && *stop == '"';
    p = plain ? stop + 1 : put_rest(c, stop);
    const span key = span_from(name, p > name ? (size_t)(p - name - 1) : 0);
    if (next_byte(c, &p) != ':') return NULL;
    p++;
    (void)next_byte(c, &p);
    const char *value = p;
    p = put_value(c, p);
    *ret_cut = false;
    if (outermost && (!plain || c->kinds >> kind_of(key) & 1)) {
        if (c->sought && value < p)
            note_sought(c->sought, key, plain, span_from(value, (size_t)(p - value)));
        *ret_cut = is_left_out(c, key, plain);
    }
    if (*ret_cut)
        cut_back(c, from, p);
    else
        note_member(c, key, from, length_at(c, p));
    return p;
}

static const char *put_object(canon *c, const char *p) {
    const bool outermost = !c->inside;
    const size_t base = c->count, from = length_at(c, p) + 1;
    bool cut = false;
    c->inside = true;
    p++;
    for (char next = next_byte(c, &p); next == '"';) {
        if (!(p = put_member(c, p, outermost, &cut))) return c->run = c->end;
        if (next_byte(c, &p) != ',') break;
        p++;
        if (cut) c->run = p;
        next = next_byte(c, &p);
    }
    if (cut) cut_back(c, c->count > base ? c->members[c->count - 1].to : from, p);
    if (c->count > base + 1) sort_members(c, base, p);
    c->count = base;
    return p < c->end ? p + 1 : p;
}

static const char *put_array(canon *c, const char *p) {
    p++;
    if (c->sought) c->sought->arrays++;
    for (char next = next_byte(c, &p); next != ']' && p < c->end;) {
        p = put_value(c, p);
        if (next_byte(c, &p) != ',') break;
        p++;
        next = next_byte(c, &p);
    }
    return p < c->end ? p + 1 : p;
}

static const char *put_hole(canon *c, const char *p) {
    put_run(c, p);
    const size_t from = c->out->len;
    p = put_string(c, p);
    cut_back(c, from, p);
    buf_add(c->out, SPAN_OF("\"\""));
    return p;
}

/* What is no string, or the hole. */
static const char *put_other(canon *c, const char *p) {
    const char *behind = p;
    switch (*p) {
    case '{': return put_object(c, p);
    case '[': return put_array(c, p);
    case '"': return put_hole(c, p);
    default: break;
    }
    do
        behind++;
    while (behind < c->end && *behind != ',' && *behind != ']' && *behind != '}' &&
           (unsigned char)*behind > ' ');
    const span raw = span_from(p, (size_t)(behind - p));
    if (json_type_of(*p) != JSON_NUMBER || canonical_number_is(raw)) return behind;
    put_run(c, p);
    canonical_number(raw, &c->digits, c->out);
    return c->run = behind;
}

void json_write_canonical(json_value value, const span *without, size_t without_count, buf *out) {
    json_write_canonical_but(value, without, without_count, NULL, NULL, out);
}

static void begin_search(json_sought *s) {
    s->arrays = 0;
    for (size_t i = 0; i < s->count; i++)
        s->values[i] = (json_value){JSON_NONE, SPAN_EMPTY};
}

void json_write_canonical_but(json_value value, const span *without, size_t without_count,
                              const char *hole, json_sought *sought, buf *out) {
    canon c; /* few is not to be cleared */
    c.out = out;
    c.run = value.raw.ptr;
    c.end = value.raw.ptr + value.raw.len;
    c.without = without;
    c.without_count = without_count;
    c.sought = sought;
    c.kinds = kinds_of(without, without_count);
    if (sought) {
        begin_search(sought);
        c.kinds |= kinds_of(sought->names, sought->count);
    }
    c.inside = false;
    c.hole = hole;
    c.count = 0;
    c.digits = BUF_EMPTY;
    c.members = c.few;
    c.cap = FEW;
    (void)buf_reserve(out, value.raw.len);
    put_run(&c, put_value(&c, value.raw.ptr));
    buf_done(&c.digits);
    if (c.members != c.few) free(c.members);
}
