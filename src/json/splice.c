#include "json/json.h"

#include <string.h>

void json_splice_init(json_splice *s, arena *a) {
    s->arena = a;
    s->many = NULL;
    s->count = 0;
    s->cap = JSON_EDITS_INLINE;
}

static const json_edit *edits_of(const json_splice *s) {
    return s->many ? s->many : s->few;
}

/* The edits, with room for one more. */
static json_edit *make_room(json_splice *s) {
    if (s->count == s->cap) {
        json_edit *grown = arena_alloc(s->arena, 2 * s->cap * sizeof *grown);
        memcpy(grown, edits_of(s), s->count * sizeof *grown);
        s->many = grown;
        s->cap *= 2;
    }
    return s->many ? s->many : s->few;
}

/* How many edits end at or before that place. */
static size_t edits_before(const json_splice *s, size_t at) {
    const json_edit *edits = edits_of(s);
    size_t i = s->count;
    while (i > 0 && edits[i - 1].to > at)
        i--;
    return i;
}

bool json_splice_add(json_splice *s, size_t from, size_t to, span by) {
    if (from > to) return false;
    size_t i = edits_before(s, from);
    if (i < s->count && edits_of(s)[i].from < to) return false;
    json_edit *edits = make_room(s);
    memmove(edits + i + 1, edits + i, (s->count - i) * sizeof *edits);
    edits[i] = (json_edit){from, to, by};
    s->count++;
    return true;
}

/* Where part begins in doc; false when it is no part of it. */
static bool offset_in(span doc, span part, size_t *ret_from) {
    if (part.ptr < doc.ptr || part.ptr > doc.ptr + doc.len) return false;
    size_t from = (size_t)(part.ptr - doc.ptr);
    if (part.len > doc.len - from) return false;
    *ret_from = from;
    return true;
}

bool json_splice_value(json_splice *s, span doc, json_value value, span by) {
    size_t from;
    if (!offset_in(doc, value.raw, &from)) return false;
    return json_splice_add(s, from, from + value.raw.len, by);
}

/* true when a member was put in at this place before. */
static bool inserted_at(const json_splice *s, size_t at) {
    size_t i = edits_before(s, at);
    return i > 0 && edits_of(s)[i - 1].from == at; /* so it replaces nothing */
}

bool json_splice_member(json_splice *s, span doc, json_value object, span key, span by) {
    size_t from;
    if (object.type != JSON_OBJECT || object.raw.len < 2) return false;
    if (!offset_in(doc, object.raw, &from)) return false;
    size_t close = from + object.raw.len - 1;
    bool comma = !json_is_empty(object) || inserted_at(s, close);
    buf quoted = BUF_EMPTY;
    json_write_string(&quoted, key);
    span parts[] = {comma ? SPAN_OF(",") : SPAN_EMPTY, buf_span(&quoted), SPAN_OF(":"), by};
    span text = arena_join(s->arena, parts, ARRAY_LEN(parts));
    buf_done(&quoted);
    return json_splice_add(s, close, close, text);
}

const span *json_splice_pieces(const json_splice *s, span doc, size_t *ret_count) {
    const json_edit *edits = edits_of(s);
    span *pieces = arena_alloc(s->arena, (2 * s->count + 1) * sizeof *pieces);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < s->count; i++) {
        span kept = span_slice(doc, at, edits[i].from);
        if (kept.len) pieces[count++] = kept;
        if (edits[i].by.len) pieces[count++] = edits[i].by;
        at = edits[i].to;
    }
    span kept = span_slice(doc, at, doc.len);
    if (kept.len) pieces[count++] = kept;
    *ret_count = count;
    return pieces;
}

size_t json_splice_len(const json_splice *s, span doc) {
    const json_edit *edits = edits_of(s);
    size_t len = doc.len;
    for (size_t i = 0; i < s->count; i++)
        len = len - (edits[i].to - edits[i].from) + edits[i].by.len;
    return len;
}
