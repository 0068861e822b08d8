/* Which form is turned how, and responses put together: their last event holds all of it. */
#include "dialect/openai_turn.h"

#include "base/mem.h"
#include "dialect/words.h"

#include <stdlib.h>

/* ---- responses ---- */

typedef struct response {
    size_t most;
    buf whole; /* the response object of its last event */
    buf items; /* and what was told of its output: some leave it out there */
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
    free(a);
}

static size_t bytes_of_response(const assembly *a) {
    const response *r = (const response *)a;
    return r->whole.cap + r->items.cap;
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
    if (item.type == JSON_OBJECT) {
        if (r->items.len) buf_add_char(&r->items, ',');
        buf_add(&r->items, item.raw);
    }
    return r->whole.len + r->items.len <= r->most;
}

/* Not there, null, or without an item. */
static bool is_left_out(json_value output) {
    return output.type <= JSON_NULL || (output.type == JSON_ARRAY && json_is_empty(output));
}

static void write_with_items(json_value root, json_value output, span items, buf *out) {
    const span parts[] = {SPAN("["), items, SPAN("]")};
    json_splice s;
    size_t count;
    arena a;
    arena_init(&a, 0);
    json_splice_init(&s, &a);
    const span by = arena_join(&a, parts, ARRAY_LEN(parts));
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
    const response *r = response_of(a);
    if (!r->whole.len) return false;
    const json_value root = answer_root(buf_span(&r->whole));
    const json_value output = json_get(root, SPAN_OF("output"));
    if (r->items.len && is_left_out(output))
        write_with_items(root, output, buf_span(&r->items), out);
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
