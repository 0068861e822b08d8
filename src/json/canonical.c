#include "json/canonical.h"

#include "base/mem.h"
#include "json/escape.h"
#include "json/token.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A member as it was written: where in the output, and its name. */
typedef struct written {
    span key; /* between the quotes, as the document has it */
    size_t from, to;
} written;

enum { FEW = 24 };

typedef struct canon {
    buf *out;
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

/* inner: what stands between the quotes. */
static void put_string(span inner, buf *out) {
    const char *p = inner.ptr, *end = inner.ptr + inner.len;
    buf_add_char(out, '"');
    while (p < end) {
        const char *stop = json_skip_text(p, end);
        buf_add(out, span_from(p, (size_t)(stop - p)));
        if ((p = stop) == end) break;
        unsigned unit;
        if (is_lone(p, end, &unit)) {
            put_lone(unit, out);
            p += 6;
            continue;
        }
        char one[4];
        const size_t n = json_unescape_one(&p, end, one);
        for (size_t i = 0; i < n; i++)
            put_byte(one[i], out);
    }
    buf_add_char(out, '"');
}

/* ---- numbers ---- */

/* 0.DIGITS times ten to the power of point; digits without zeros at either end. */
typedef struct decimal {
    bool negative;
    bool plain; /* an integer without fraction and exponent */
    buf *digits;
    int64_t point;
} decimal;

enum { EXPONENT_MAX = 100 * 1000 * 1000 };

/* false: an exponent beyond all reason. */
static bool read_decimal(span raw, decimal *d) {
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    bool fraction = false;
    d->plain = true;
    d->point = 0;
    if ((d->negative = p < end && *p == '-')) p++;
    for (; p < end && (*p == '.' || (*p >= '0' && *p <= '9')); p++) {
        if (*p == '.') {
            fraction = true;
            d->plain = false;
            continue;
        }
        if (*p == '0' && !d->digits->len) {
            if (fraction) d->point--;
            continue;
        }
        buf_add_char(d->digits, *p);
        if (!fraction) d->point++;
    }
    if (p < end) { /* e or E */
        d->plain = false;
        bool minus = false;
        int64_t exponent = 0;
        for (p++; p < end; p++) {
            if (*p == '-') minus = true;
            if (*p < '0' || *p > '9') continue;
            exponent = exponent * 10 + (*p - '0');
            if (exponent > EXPONENT_MAX) return false;
        }
        d->point += minus ? -exponent : exponent;
    }
    while (d->digits->len && d->digits->ptr[d->digits->len - 1] == '0')
        d->digits->len--;
    return true;
}

static void put_zeros(int64_t n, buf *out) {
    while (n-- > 0)
        buf_add_char(out, '0');
}

/* As ECMAScript writes numbers, of as many digits as there are. */
static void put_decimal(const decimal *d, buf *out) {
    const span digits = buf_span(d->digits);
    const int64_t k = (int64_t)digits.len, n = d->point;
    if (!k) {
        buf_add_char(out, '0');
        return;
    }
    if (d->negative) buf_add_char(out, '-');
    if (k <= n && n <= 21) {
        buf_add(out, digits);
        put_zeros(n - k, out);
    } else if (0 < n && n <= 21) {
        buf_add(out, span_slice(digits, 0, (size_t)n));
        buf_add_char(out, '.');
        buf_add(out, span_slice(digits, (size_t)n, digits.len));
    } else if (-6 < n && n <= 0) {
        buf_add(out, SPAN_OF("0."));
        put_zeros(-n, out);
        buf_add(out, digits);
    } else {
        buf_add_char(out, digits.ptr[0]);
        if (k > 1) buf_add_char(out, '.');
        buf_add(out, span_slice(digits, 1, digits.len));
        buf_add_char(out, 'e');
        if (n > 0) buf_add_char(out, '+');
        buf_add_i64(out, n - 1);
    }
}

/* As many digits as it takes to read the same double; false: it is none, or 0. */
static bool shorten(decimal *d) {
    char text[40];
    buf all = BUF_EMPTY;
    buf_addf(&all, "0.%.*se%lld", SPAN_ARG(buf_span(d->digits)), (long long)d->point);
    const double value = strtod(buf_cstr(&all), NULL);
    buf_done(&all);
    if (!isfinite(value) || value == 0) return false;
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) break;
    }
    buf_clear(d->digits);
    decimal again = {.digits = d->digits};
    const bool good = read_decimal(span_cstr(text), &again);
    d->point = again.point;
    return good;
}

static bool is_short_integer(span raw) {
    enum { SHORT = 15 };
    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] < '0' || raw.ptr[i] > '9') return false;
    return raw.len <= SHORT;
}

static void put_number(canon *c, span raw) {
    enum { EXACT_DIGITS = 15 }; /* of which any two doubles differ */
    if (is_short_integer(raw)) {
        buf_add(c->out, raw);
        return;
    }
    buf_clear(&c->digits);
    decimal d = {.digits = &c->digits};
    if (!read_decimal(raw, &d)) {
        buf_add(c->out, raw);
        return;
    }
    const int64_t k = (int64_t)c->digits.len;
    const bool whole = d.point >= k; /* an integer: digit by digit */
    if (!whole && k > EXACT_DIGITS && !shorten(&d)) {
        buf_add(c->out, raw);
        return;
    }
    put_decimal(&d, c->out);
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

static void put_value(canon *c, json_cursor *at);

static bool is_left_out(const canon *c, span key, bool outermost) {
    const json_value name = {JSON_STRING, span_from(key.ptr - 1, key.len + 2)};
    for (size_t i = 0; outermost && i < c->without_count; i++)
        if (json_is(name, c->without[i])) return true;
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

static void put_object(canon *c, json_cursor *at) {
    const bool outermost = !c->inside;
    const size_t base = c->count;
    c->inside = true;
    buf_add_char(c->out, '{');
    const size_t from = c->out->len;
    json_cursor_enter(at);
    for (span key; json_cursor_member(at, &key);) {
        if (is_left_out(c, key, outermost)) {
            (void)json_cursor_take(at);
            continue;
        }
        const size_t begins = c->out->len;
        put_string(key, c->out);
        buf_add_char(c->out, ':');
        put_value(c, at);
        buf_add_char(c->out, ',');
        note_member(c, key, begins);
    }
    if (c->count > base) {
        sort_members(c, base, from);
        c->out->len--;
    }
    c->count = base;
    buf_add_char(c->out, '}');
}

static void put_array(canon *c, json_cursor *at) {
    bool any = false;
    buf_add_char(c->out, '[');
    json_cursor_enter(at);
    for (; json_cursor_element(at); any = true) {
        if (any) buf_add_char(c->out, ',');
        put_value(c, at);
    }
    buf_add_char(c->out, ']');
}

static void put_value(canon *c, json_cursor *at) {
    json_value v;
    switch (json_cursor_type(at)) {
    case JSON_OBJECT: put_object(c, at); return;
    case JSON_ARRAY: put_array(c, at); return;
    case JSON_STRING:
        v = json_cursor_take(at);
        put_string(span_slice(v.raw, 1, v.raw.ptr == c->hole ? 1 : v.raw.len - 1), c->out);
        return;
    case JSON_NUMBER: put_number(c, json_cursor_take(at).raw); return;
    default: buf_add(c->out, json_cursor_take(at).raw); return;
    }
}

void json_write_canonical(json_value value, const span *without, size_t without_count, buf *out) {
    json_write_canonical_but(value, without, without_count, NULL, out);
}

void json_write_canonical_but(json_value value, const span *without, size_t without_count,
                              const char *hole, buf *out) {
    canon c; /* few is not to be cleared */
    c.out = out;
    c.without = without;
    c.without_count = without_count;
    c.inside = false;
    c.hole = hole;
    c.count = 0;
    c.digits = BUF_EMPTY;
    c.members = c.few;
    c.cap = FEW;
    json_cursor at = {value.raw.ptr, value.raw.ptr + value.raw.len};
    (void)buf_reserve(out, value.raw.len);
    put_value(&c, &at);
    buf_done(&c.digits);
    if (c.members != c.few) free(c.members);
}
