#include "base/masked.h"

/* ---- masks ---- */

enum { WEIGHT_MIN = 3 };

static const struct {
    span text;
    unsigned weight;
} units[] = {
    {SPAN("*"), 2},
    {SPAN("."), 1},
    {SPAN("\xE2\x80\xA6"), 3}, /* an ellipsis */
    {SPAN("\xE2\x80\xA2"), 3}, /* a bullet */
    {SPAN("\\u2026"), 3},
    {SPAN("\\u2022"), 3},
};

/* Where the mask at `at` ends; at: there is none. */
static size_t mask_end(span text, size_t at) {
    unsigned weight = 0;
    size_t end = at;
    for (size_t i = 0; i < ARRAY_LEN(units);) {
        if (span_starts(span_slice(text, end, text.len), units[i].text)) {
            end += units[i].text.len;
            if (weight < WEIGHT_MIN) weight += units[i].weight;
            i = 0;
        } else {
            i++;
        }
    }
    return weight < WEIGHT_MIN ? at : end;
}

static bool may_begin_mask(char c) {
    return c == '*' || c == '.' || c == '\xE2' || c == '\\';
}

/* ---- what is shown around them ---- */

static bool is_key_byte(char c) {
    char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* What JSON's escape before it says is no part of it. */
static size_t behind_escape(span text, size_t from, size_t to) {
    if (!from || from == to || text.ptr[from - 1] != '\\') return from;
    size_t len = text.ptr[from] == 'u' ? 5 : 1;
    return to - from < len ? to : from + len;
}

static size_t shown_from(span text, size_t least, size_t to) {
    size_t from = to;
    while (from > least && is_key_byte(text.ptr[from - 1]))
        from--;
    return behind_escape(text, from, to);
}

static size_t shown_to(span text, size_t from) {
    while (from < text.len && is_key_byte(text.ptr[from]))
        from++;
    return from;
}

span masked_without(const secret_set *s, span text, arena *a) {
    if (!s) return text;
    buf clean = BUF_EMPTY;
    size_t told = 0;
    for (size_t at = 0; at < text.len;) {
        size_t end = may_begin_mask(text.ptr[at]) ? mask_end(text, at) : at;
        if (end == at) {
            at++;
            continue;
        }
        size_t from = shown_from(text, told, at), to = shown_to(text, end);
        span before = span_slice(text, from, at), behind = span_slice(text, end, to);
        at = end;
        if (before.len + behind.len < SHOWN_MIN || !secret_set_shows(s, before, behind)) continue;
        buf_add(&clean, span_slice(text, told, from));
        buf_add_cstr(&clean, "[redacted]");
        told = at = to;
    }
    if (!told) return text;
    buf_add(&clean, span_slice(text, told, text.len));
    span copy = arena_dup(a, buf_span(&clean));
    buf_done(&clean);
    return copy;
}
