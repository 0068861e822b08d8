#include "guard/lane.h"

/* What is written in a code, as it is looked at. A unit depends on the bytes from its place on, and
 * on whether a group of the same run stands before it; so where a text is cut does not matter.
 *
 * Source: RFC 3986 section 2.1 (percent); RFC 4648 sections 4 and 5 (base64, both alphabets), RFC
 * 2045 section 6.8 (lines). */

enum {
    GROUP = 4,      /* characters of base64 that are three bytes */
    LINE_ENDS = 2,  /* characters that part two lines of it */
    UNIT_MAX = 200, /* bytes of raw that are one unit: a longer one is none */
    NEITHER = -1,
};

static int value_of(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : NEITHER;
}

static int hex_of(unsigned char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
    return NEITHER;
}

/* The character at `at`, of a text that ends where w->raw does. false: more must come. */
static bool next(const work *w, size_t at, guard_unit *ret) {
    *ret = (guard_unit){0};
    if (at >= w->raw.len) return w->end;
    *ret = guard_unit_at(w->raw, at, w->l->form.json, w->end);
    return !ret->cut;
}

static unsigned char byte_of(const guard_unit *u) {
    return u->count == 1 ? u->bytes[0] : 0;
}

/* So many bytes of raw are those. */
static void put(work *w, size_t len, const unsigned char *bytes, unsigned count, bool coded,
                buf *norm) {
    guard_lane *l = w->l;
    if (len != 1 || count != 1 || coded)
        lane_add_unit(l, (lane_unit){l->seen, l->read, (uint8_t)count, (uint8_t)len, coded});
    buf_add(norm, span_from((const char *)bytes, count));
    l->read += len;
    l->seen += count;
}

/* ---- percent escapes ---- */

static bool take_percent(work *w, size_t at, buf *norm) {
    guard_unit unit, high, low;
    if (!next(w, at, &unit)) return false;
    if (byte_of(&unit) != '%') {
        put(w, unit.len, unit.bytes, unit.count, false, norm);
        return true;
    }
    if (!next(w, at + unit.len, &high)) return false;
    const int first = high.len ? hex_of(byte_of(&high)) : NEITHER;
    if (first >= 0 && !next(w, at + unit.len + high.len, &low)) return false;
    const int second = first >= 0 && low.len ? hex_of(byte_of(&low)) : NEITHER;
    if (second < 0) {
        put(w, unit.len, unit.bytes, unit.count, false, norm);
        return true;
    }
    const unsigned char said = (unsigned char)(first << 4 | second);
    put(w, unit.len + high.len + low.len, &said, 1, true, norm);
    return true;
}

/* ---- base64 ---- */

/* Characters of one group, and what stands between them. */
typedef struct group {
    unsigned count;
    unsigned bits;
    size_t len; /* of raw, up to the last of them */
} group;

/* false: more must come. */
static bool read_group(const work *w, size_t at, group *g) {
    unsigned ends = 0;
    size_t len = 0;
    *g = (group){0};
    while (g->count < GROUP) {
        guard_unit u;
        if (!next(w, at + len, &u)) return false;
        const unsigned char c = byte_of(&u);
        const bool line_end = c == '\n' || c == '\r';
        if (!u.len || len + u.len > UNIT_MAX || (line_end && ++ends > LINE_ENDS)) return true;
        if (!line_end && value_of(c) < 0) return true;
        len += u.len;
        if (line_end) continue;
        g->bits = g->bits << 6 | (unsigned)value_of(c);
        g->count++;
        g->len = len;
        ends = 0;
    }
    return true;
}

/* What is no base64 parts what is. */
static void put_apart(work *w, size_t len, buf *norm) {
    static const unsigned char apart = 0;
    put(w, len, &apart, 1, false, norm);
    w->l->in_run = false;
}

/* Between two groups a line may end. false: what follows them will tell. */
static bool ends_line(const work *w, size_t at, size_t *ret_len) {
    *ret_len = 0;
    for (unsigned ends = 0; ends <= LINE_ENDS; ends++) {
        guard_unit u;
        if (!next(w, at + *ret_len, &u)) return false;
        const unsigned char c = byte_of(&u);
        if (c != '\n' && c != '\r') {
            if (!u.len || value_of(c) < 0) *ret_len = 0;
            return true;
        }
        *ret_len += u.len;
    }
    *ret_len = 0;
    return true;
}

static bool take_base64(work *w, size_t at, buf *norm) {
    group g;
    guard_unit u;
    size_t line_end = 0;
    if (w->l->in_run && !ends_line(w, at, &line_end)) return false;
    if (line_end) {
        put(w, line_end, NULL, 0, true, norm);
        return true;
    }
    if (!read_group(w, at, &g)) return false;
    if (g.count < 2) {
        if (!next(w, at, &u)) return false;
        put_apart(w, u.len, norm);
        return true;
    }
    const unsigned bits = g.bits << 6 * (GROUP - g.count), count = g.count - 1;
    const unsigned char bytes[] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
                                   (unsigned char)bits};
    put(w, g.len, bytes, count, true, norm);
    w->l->in_run = g.count == GROUP;
    return true;
}

/* ---- either ---- */

bool lane_take_coded(work *w, size_t at, buf *norm) {
    guard_lane *l = w->l;
    if (l->form.code == GUARD_CODE_BASE64) return take_base64(w, at, norm);
    const size_t plain = lane_coded_run(l, w->raw, at);
    if (!plain) return take_percent(w, at, norm);
    buf_add(norm, span_slice(w->raw, at, at + plain));
    l->read += plain;
    l->seen += plain;
    return true;
}

size_t lane_plain_run(const guard_lane *l, span text, size_t at) {
    if (l->form.code == GUARD_CODE_BASE64) return 0;
    const size_t plain = guard_plain_run(text, at, l->form.json);
    if (l->form.code != GUARD_CODE_PERCENT) return plain;
    return span_find(span_slice(text, at, at + plain), 0, '%');
}

size_t lane_coded_run(const guard_lane *l, span text, size_t at) {
    return lane_plain_run(l, span_slice(text, 0, at + LANE_STRIDE), at);
}

bool lane_is_coded(const work *w, size_t from, size_t to) {
    const guard_lane *l = w->l;
    const uint64_t first = w->base + (from > GUARD_NEAR_MAX ? from - GUARD_NEAR_MAX : 0);
    const lane_unit *u = lane_unit_before(l, w->base + to);
    for (; u && u->norm + u->count > first; u = u > l->units ? u - 1 : NULL)
        if (u->coded) return true;
    return false;
}
