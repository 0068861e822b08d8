#include "exchange/other_body.h"

/* ---- what its type says ---- */

static bool is_json_type(span type) {
    size_t to = 0;
    while (to < type.len && type.ptr[to] != ';' && type.ptr[to] != ' ' && type.ptr[to] != '\t')
        to++;
    type = span_slice(type, 0, to);
    return span_ieq(type, SPAN_OF("application/json")) || span_iends(type, SPAN_OF("+json"));
}

/* ---- what it begins as ---- */

/* A text in units of some bytes. */
typedef struct units {
    span bytes;
    unsigned size;
    bool big_endian;
} units;

static units units_of(span bytes, unsigned size, bool big_endian) {
    return (units){span_slice(bytes, 0, bytes.len - bytes.len % size), size, big_endian};
}

/* By its mark, or by where the zeros of its first characters stand. */
static units units_in(span body) {
    static const struct {
        span mark;
        unsigned size;
        bool big_endian;
    } marks[] = {{SPAN("\xFF\xFE\0\0"), 4, false},
                 {SPAN("\0\0\xFE\xFF"), 4, true},
                 {SPAN("\xFF\xFE"), 2, false},
                 {SPAN("\xFE\xFF"), 2, true}};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (span_starts(body, marks[i].mark))
            return units_of(span_slice(body, marks[i].mark.len, body.len), marks[i].size,
                            marks[i].big_endian);
    const char *p = body.ptr;
    if (body.len >= 4 && !p[0] && !p[1] && !p[2]) return units_of(body, 4, true);
    if (body.len >= 4 && !p[1] && !p[2] && !p[3]) return units_of(body, 4, false);
    if (body.len >= 2 && !p[0]) return units_of(body, 2, true);
    if (body.len >= 2 && !p[1]) return units_of(body, 2, false);
    return units_of(body, 1, false);
}

/* The character there; 0: one that JSON has only within strings, or none. */
static char unit_at(const units *u, size_t at) {
    if (at >= u->bytes.len) return 0;
    const char *p = u->bytes.ptr + at;
    char c = 0;
    for (unsigned i = 0; i < u->size; i++) {
        const bool low = i == (u->big_endian ? u->size - 1 : 0);
        if (low)
            c = p[i];
        else if (p[i])
            return 0;
    }
    return c;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_blanks(const units *u, size_t at) {
    while (is_blank(unit_at(u, at)))
        at += u->size;
    return at;
}

static char last_of(const units *u) {
    size_t end = u->bytes.len;
    while (end && is_blank(unit_at(u, end - u->size)))
        end -= u->size;
    return end ? unit_at(u, end - u->size) : 0;
}

other_body other_body_of(span type, span body) {
    if (!body.len) return OTHER_BODY_BYTES;
    if (!type.len || is_json_type(type)) return OTHER_BODY_TYPED;
    const span behind = json_behind_mark(body);
    const units u = units_in(behind);
    const size_t at = skip_blanks(&u, 0);
    const char first = unit_at(&u, at), next = unit_at(&u, skip_blanks(&u, at + u.size));
    const bool object = first == '{' && (next == '"' || next == '}');
    const bool list = first == '[' || first == '"';
    if (u.size == 1 && object) return OTHER_BODY_OBJECT;
    if (u.size == 1 && list) return behind.len < body.len ? OTHER_BODY_MARKED : OTHER_BODY_LIST;
    /* Nobody undoes the coding to see: of a list its end must fit. */
    if (u.size > 1 && (object || (list && last_of(&u) == (first == '[' ? ']' : '"'))))
        return OTHER_BODY_CODED;
    return OTHER_BODY_BYTES;
}

/* ---- what becomes of it ---- */

/* As far as it was read it is JSON, though none that weir takes: most readers do. */
static bool is_json_to_others(json_fault_kind k) {
    return k == JSON_OK || k == JSON_DUPLICATE || k == JSON_TOO_DEEP || k == JSON_TOO_MANY;
}

other_body_fate other_body_judge(other_body b, json_fault_kind fault, bool asked) {
    const other_body_fate unseen = asked ? OTHER_BODY_REFUSED : OTHER_BODY_PASSED;
    switch (b) {
    case OTHER_BODY_TYPED: return OTHER_BODY_READ;
    case OTHER_BODY_OBJECT: return fault == JSON_OK ? OTHER_BODY_READ : unseen;
    case OTHER_BODY_LIST:
        if (fault == JSON_OK) return OTHER_BODY_READ;
        return is_json_to_others(fault) ? unseen : OTHER_BODY_PASSED;
    case OTHER_BODY_MARKED: return is_json_to_others(fault) ? unseen : OTHER_BODY_PASSED;
    case OTHER_BODY_CODED: return unseen;
    case OTHER_BODY_BYTES: break;
    }
    return OTHER_BODY_PASSED;
}
