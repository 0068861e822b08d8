#include "json/json.h"

#include <string.h>

bool json_splice_add(json_splice *s, size_t from, size_t to, span by) {
    if (s->count == JSON_EDITS_MAX || from > to) return false;
    /* Behind every edit that ends at or before it: insertions at one place stay in the order in
     * which they were added, and stand before what replaces the bytes behind that place. */
    size_t i = 0;
    while (i < s->count && s->edits[i].to <= from)
        i++;
    if (i < s->count && s->edits[i].from < to) return false;
    memmove(s->edits + i + 1, s->edits + i, (s->count - i) * sizeof *s->edits);
    s->edits[i] = (json_edit){from, to, by};
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
    for (size_t i = 0; i < s->count; i++)
        if (s->edits[i].from == at && s->edits[i].to == at) return true;
    return false;
}

bool json_splice_member(json_splice *s, span doc, json_value object, span key, span by, arena *a) {
    size_t from;
    if (object.type != JSON_OBJECT || object.raw.len < 2) return false;
    if (!offset_in(doc, object.raw, &from)) return false;
    size_t close = from + object.raw.len - 1;
    json_iter it = json_iter_of(object);
    json_member first;
    bool comma = json_next_member(&it, &first) || inserted_at(s, close);
    buf quoted = BUF_EMPTY;
    json_write_string(&quoted, key);
    span parts[] = {comma ? SPAN_OF(",") : SPAN_EMPTY, buf_span(&quoted), SPAN_OF(":"), by};
    span text = arena_join(a, parts, ARRAY_LEN(parts));
    buf_done(&quoted);
    return json_splice_add(s, close, close, text);
}

size_t json_splice_pieces(const json_splice *s, span doc, span *pieces) {
    size_t count = 0, at = 0;
    for (size_t i = 0; i < s->count; i++) {
        span kept = span_slice(doc, at, s->edits[i].from);
        if (kept.len) pieces[count++] = kept;
        if (s->edits[i].by.len) pieces[count++] = s->edits[i].by;
        at = s->edits[i].to;
    }
    span kept = span_slice(doc, at, doc.len);
    if (kept.len) pieces[count++] = kept;
    return count;
}

size_t json_splice_len(const json_splice *s, span doc) {
    size_t len = doc.len;
    for (size_t i = 0; i < s->count; i++)
        len = len - (s->edits[i].to - s->edits[i].from) + s->edits[i].by.len;
    return len;
}
