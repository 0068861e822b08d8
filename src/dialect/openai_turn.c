/* Which form is turned how, and responses put together: their last event holds all of it. */
#include "dialect/openai_turn.h"

#include "base/mem.h"
#include "dialect/words.h"

#include <limits.h>
#include <stdlib.h>

/* ---- responses ---- */

/* An item that was told: of items. */
typedef struct told_item {
    unsigned index; /* its place in the output */
    size_t from, len;
} told_item;

typedef struct response {
    size_t most;
    buf whole; /* the response object of its last event */
    buf items; /* and what was told of its output, one behind the other: some leave it out there */
    told_item *told;
    size_t count, cap;
} response;

static response *response_of(assembly *a) {
    return (response *)a;
}

static assembly *begin_response(size_t most) {
    response *r = mem_zalloc(sizeof *r);
    r->most = most;
    return (assembly *)r;
}

static void end_response(assembly *a) {
    if (!a) return;
    buf_done(&response_of(a)->whole);
    buf_done(&response_of(a)->items);
    free(response_of(a)->told);
    free(a);
}

static size_t bytes_of_response(const assembly *a) {
    const response *r = (const response *)a;
    return r->whole.cap + r->items.cap + r->cap * sizeof *r->told;
}

static void note_item(response *r, json_value item, unsigned index) {
    enum { FIRST_ITEMS = 8 };
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : FIRST_ITEMS;
        r->told = mem_realloc(r->told, r->cap * sizeof *r->told);
    }
    r->told[r->count++] = (told_item){index, r->items.len, item.raw.len};
    buf_add(&r->items, item.raw);
}

/* Items may be done in another order than they stand in; of one place they stay as they came. */
static int by_index(const void *a, const void *b) {
    const told_item *x = a, *y = b;
    if (x->index != y->index) return x->index < y->index ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static bool take_event(assembly *a, const answer_event *e) {
    response *r = response_of(a);
    json_value root = answer_root(e->data);
    json_value item = {JSON_NONE, SPAN_EMPTY};
    if (e->sorts & EVENT_CLOSE) {
        json_value whole = json_get(root, SPAN_OF("response"));
        buf_clear(&r->whole);
        if (whole.type == JSON_OBJECT) buf_add(&r->whole, whole.raw);
    } else if (json_is(json_get(root, SPAN_OF("type")), SPAN_OF("response.output_item.done"))) {
        item = json_get(root, SPAN_OF("item"));
    }
    if (item.type == JSON_OBJECT)
        note_item(r, item, openai_index(json_get(root, SPAN_OF("output_index")), UINT_MAX));
    return r->whole.len + r->items.len + r->count * sizeof *r->told <= r->most;
}

/* Not there, null, or without an item. */
static bool is_left_out(json_value output) {
    return output.type <= JSON_NULL || (output.type == JSON_ARRAY && json_is_empty(output));
}

static span list_of_items(response *r, arena *a) {
    buf all = BUF_EMPTY;
    qsort(r->told, r->count, sizeof *r->told, by_index);
    buf_add_char(&all, '[');
    for (size_t i = 0; i < r->count; i++) {
        if (i) buf_add_char(&all, ',');
        buf_add(&all,
                span_slice(buf_span(&r->items), r->told[i].from, r->told[i].from + r->told[i].len));
    }
    buf_add_char(&all, ']');
    const span items = arena_dup(a, buf_span(&all));
    buf_done(&all);
    return items;
}

static void write_with_items(response *r, json_value root, json_value output, buf *out) {
    json_splice s;
    size_t count;
    arena a;
    arena_init(&a, 0);
    json_splice_init(&s, &a);
    const span by = list_of_items(r, &a);
    if (output.type)
        (void)!json_splice_value(&s, root.raw, output, by);
    else
        (void)!json_splice_member(&s, root.raw, root, SPAN_OF("output"), by);
    const span *pieces = json_splice_pieces(&s, root.raw, &count);
    for (size_t i = 0; i < count; i++)
        buf_add(out, pieces[i]);
    arena_done(&a);
}

static bool write_response(assembly *a, buf *out) {
    response *r = response_of(a);
    if (!r->whole.len) return false;
    const json_value root = answer_root(buf_span(&r->whole));
    const json_value output = json_get(root, SPAN_OF("output"));
    if (r->items.len && is_left_out(output))
        write_with_items(r, root, output, out);
    else
        buf_add(out, root.raw);
    return true;
}

/* ---- the rows ---- */

const turn_ops openai_turn_chat = {.begin = openai_begin_completion,
                                   .end = openai_end_completion,
                                   .bytes = openai_completion_bytes,
                                   .take = openai_take_chunk,
                                   .write = openai_write_completion,
                                   .unfold = openai_unfold_completion};

const turn_ops openai_turn_text = {.begin = openai_begin_completion,
                                   .end = openai_end_completion,
                                   .bytes = openai_completion_bytes,
                                   .take = openai_take_chunk,
                                   .write = openai_write_text_completion,
                                   .unfold = openai_unfold_text_completion};

const turn_ops openai_turn_response = {.begin = begin_response,
                                       .end = end_response,
                                       .bytes = bytes_of_response,
                                       .take = take_event,
                                       .write = write_response,
                                       .unfold = openai_unfold_response};
