#include "exchange/event_edits.h"

#include <string.h>

void event_edits_add(event_edits *k, answer_edit e) {
    if (k->count == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 8;
        answer_edit *more = arena_alloc(k->arena, k->cap * sizeof *more);
        if (k->count) memcpy(more, k->items, k->count * sizeof *more);
        k->items = more;
    }
    k->items[k->count++] = e;
}

static void drop_value(event_edits *k, json_value v) {
    if (json_is_empty(v)) return;
    event_edits_add(k,
                    (answer_edit){.bytes = v.raw,
                                  .json = v.type == JSON_ARRAY ? SPAN_OF("[]") : SPAN_OF("null")});
}

/* Whatever stands there, a model has written it for a tool. */
static bool is_argument(span key) {
    return span_eq(key, SPAN_OF("arguments")) || span_eq(key, SPAN_OF("input"));
}

/* Beside a text, or in what holds it. */
static void drop_within(event_edits *k, json_value v, unsigned depth) {
    enum { DEPTH_MAX = 8 };
    const bool object = v.type == JSON_OBJECT;
    if ((!object && v.type != JSON_ARRAY) || depth == DEPTH_MAX) return;
    json_iter it = json_iter_of(v);
    json_member m;
    json_value element;
    while (object ? json_next_member(&it, &m) : json_next_element(&it, &element)) {
        const json_value child = object ? m.value : element;
        const bool container = child.type == JSON_OBJECT || child.type == JSON_ARRAY;
        if (object && is_argument(m.key)) continue;
        if (object && container && span_eq(m.key, SPAN_OF("logprobs")))
            drop_value(k, child);
        else
            drop_within(k, child, depth + 1);
    }
}

void event_edits_drop_logprobs(event_edits *k, json_value v) {
    drop_within(k, v, 0);
}
