#include "mcp/mirrored.h"

#include "json/canonical.h"

/* ---- values that a header cannot carry ---- */

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 section 4, with its padding, and nothing in the bits that the padding leaves over. */
static bool decode_base64(span text, arena *a, span *ret) {
    if (text.len % 4) return false;
    size_t digits = text.len;
    while (digits && text.len - digits < 2 && text.ptr[digits - 1] == '=')
        digits--;
    char *out = arena_alloc(a, text.len / 4 * 3 + 1);
    size_t len = 0;
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < digits; i++) {
        const int digit = digit_of(text.ptr[i]);
        if (digit < 0) return false;
        bits = (bits << 6 | (unsigned)digit) & 0xFFFFu;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out[len++] = (char)(bits >> have & 0xFFu);
    }
    if (bits & ((1u << have) - 1)) return false;
    *ret = span_from(out, len);
    return true;
}

bool mirrored_value(span header, arena *a, span *ret) {
    static const span before = SPAN("=?base64?"), after = SPAN("?=");
    *ret = header;
    if (header.len < before.len + after.len || !span_starts(header, before) ||
        !span_ends(header, after))
        return true;
    return decode_base64(span_slice(header, before.len, header.len - after.len), a, ret) &&
           span_is_utf8(*ret);
}

/* ---- marked arguments ---- */

enum { MARKS_DEPTH = 16 };

typedef struct marks {
    http_headers headers;
    arena *arena;
    span why; /* what does not fit; empty: nothing yet */
} marks;

/* 42.0 is 42. Integers are compared by all of their digits, of which a double holds some 15. */
static bool is_same_number(json_value body, span header) {
    json_value other;
    json_fault fault;
    buf a = BUF_EMPTY, b = BUF_EMPTY;
    if (!json_scan(header, NULL, &other, &fault) || other.type != JSON_NUMBER) return false;
    json_write_canonical(body, NULL, 0, &a);
    json_write_canonical(other, NULL, 0, &b);
    const bool same = span_eq(buf_span(&a), buf_span(&b));
    buf_done(&a);
    buf_done(&b);
    return same;
}

static bool says(json_value body, span header, arena *a) {
    switch (body.type) {
    case JSON_STRING: return span_eq(json_string(body, a), header);
    case JSON_TRUE: return span_eq(header, SPAN_OF("true"));
    case JSON_FALSE: return span_eq(header, SPAN_OF("false"));
    case JSON_NUMBER: return is_same_number(body, header);
    default: return false;
    }
}

static void compare(marks *m, span mark, json_value body) {
    const span name = arena_join(m->arena, (span[]){SPAN_OF("Mcp-Param-"), mark}, 2);
    const size_t count = http_header_count(m->headers, name);
    span value;
    const bool in_body = body.type != JSON_NONE && body.type != JSON_NULL;
    if (!in_body && !count) return;
    const bool legible =
        count == 1 && mirrored_value(http_header_get(m->headers, name), m->arena, &value);
    if (in_body && legible && says(body, value, m->arena)) return;
    m->why = arena_printf(m->arena, "Header mismatch: %.*s %s.", SPAN_ARG(span_clip(name, 100)),
                          !count      ? "is missing, and the arguments have a value for it"
                          : count > 1 ? "comes more than once"
                          : !in_body  ? "is there, and the arguments have no value for it"
                          : !legible  ? "is not encoded as it should be"
                                      : "does not say what the arguments say");
}

/* Only what is reached through properties alone can be marked. */
static void walk(marks *m, json_value schema, json_value body, unsigned depth) {
    json_iter it = json_iter_of(json_get(schema, SPAN_OF("properties")));
    if (json_get(schema, SPAN_OF("properties")).type != JSON_OBJECT || depth > MARKS_DEPTH) return;
    for (json_member p; !m->why.len && json_next_member(&it, &p);) {
        const span name = json_string(json_member_name(&p), m->arena);
        const json_value value = json_get(body, name);
        const json_value mark = json_get(p.value, SPAN_OF("x-mcp-header"));
        if (mark.type == JSON_STRING) compare(m, json_string(mark, m->arena), value);
        walk(m, p.value, value, depth + 1);
    }
}

bool mirrored_arguments(span schema, json_value arguments, http_headers h, arena *a,
                        span *ret_why) {
    static const span word = SPAN("\"x-mcp-header\"");
    json_value root;
    json_fault fault;
    marks m = {.headers = h, .arena = a};
    if (span_find_span(schema, 0, word) == schema.len) return true; /* most mark nothing */
    if (!json_scan(schema, NULL, &root, &fault)) return true;
    walk(&m, root, arguments, 0);
    *ret_why = m.why;
    return !m.why.len;
}
