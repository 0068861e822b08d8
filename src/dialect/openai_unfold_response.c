/* A response, taken apart to the events of a stream: what the accumulators of the SDKs put together
 * again. Each text is told in one piece. */
#include "dialect/openai_turn.h"

#include "dialect/words.h"
#include "http/sse.h"

typedef struct unfolding {
    json_value response;
    uint64_t told; /* events so far, which are numbered */
    bool full;     /* what is written is more than `most` bytes */
    buf event;
    size_t most;
    buf *out;
} unfolding;

/* Where an event stands. content: of which part of the item; -1: of none. */
typedef struct place {
    json_value item_id;
    unsigned output;
    int content;
    const char *numbered; /* "content_index" or "summary_index" */
} place;

/* ---- events ---- */

static json_writer open_event(unfolding *u, const char *type) {
    buf_clear(&u->event);
    json_writer w = json_writer_of(&u->event);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, span_cstr(type));
    json_key(&w, "sequence_number");
    json_put_u64(&w, u->told++);
    return w;
}

static void close_event(unfolding *u, json_writer *w, const char *type) {
    json_close_object(w);
    sse_write(u->out, &(sse_event){.name = span_cstr(type), .data = buf_span(&u->event)});
    u->full = u->out->len > u->most;
}

static void put_place(json_writer *w, const place *at) {
    json_key(w, "item_id");
    if (at->item_id.type == JSON_STRING)
        json_put_raw(w, at->item_id.raw);
    else
        json_put_string(w, SPAN_OF(""));
    json_key(w, "output_index");
    json_put_u64(w, at->output);
    if (at->content < 0) return;
    json_key(w, at->numbered);
    json_put_i64(w, at->content);
}

/* An object with other values for some of its members. */
typedef struct swap {
    span name, by;
} swap;

static void put_swapped(json_writer *w, json_value object, const swap *swaps, size_t count) {
    json_open_object(w);
    json_iter it = json_iter_of(object);
    for (json_member m; json_next_member(&it, &m);) {
        span value = m.value.raw;
        for (size_t i = 0; i < count; i++)
            if (span_eq(m.key, swaps[i].name)) value = swaps[i].by;
        openai_put_member(w, m.key, value);
    }
    json_close_object(w);
}

/* ---- a text ---- */

/* How the pieces of a text are told: their event, and the member that holds all of it at the end.
 */
typedef struct text_row {
    span type; /* of the part or the item */
    span member;
    const char *piece, *whole;
    const char *whole_member;
    bool logprobs; /* told with it */
} text_row;

static const text_row part_rows[] = {
    {SPAN("output_text"), SPAN("text"), "response.output_text.delta", "response.output_text.done",
     "text", true},
    {SPAN("refusal"), SPAN("refusal"), "response.refusal.delta", "response.refusal.done", "refusal",
     false},
    {SPAN("reasoning_text"), SPAN("text"), "response.reasoning_text.delta",
     "response.reasoning_text.done", "text", false},
};

static const text_row summary_row = {SPAN("summary_text"),
                                     SPAN("text"),
                                     "response.reasoning_summary_text.delta",
                                     "response.reasoning_summary_text.done",
                                     "text",
                                     false};

static const text_row item_rows[] = {
    {SPAN("function_call"), SPAN("arguments"), "response.function_call_arguments.delta",
     "response.function_call_arguments.done", "arguments", false},
    {SPAN("mcp_call"), SPAN("arguments"), "response.mcp_call_arguments.delta",
     "response.mcp_call_arguments.done", "arguments", false},
    {SPAN("custom_tool_call"), SPAN("input"), "response.custom_tool_call_input.delta",
     "response.custom_tool_call_input.done", "input", false},
};

static const text_row *row_of(const text_row *rows, size_t count, json_value object) {
    json_value type = json_get(object, SPAN_OF("type"));
    for (size_t i = 0; i < count; i++)
        if (json_is(type, rows[i].type)) return &rows[i];
    return NULL;
}

static void tell_piece(unfolding *u, const place *at, const char *type, const char *member,
                       json_value text, json_value logprobs) {
    json_writer w = open_event(u, type);
    put_place(&w, at);
    json_key(&w, member);
    json_put_raw(&w, text.raw);
    if (logprobs.type != JSON_NONE) {
        json_key(&w, "logprobs");
        json_put_raw(&w, logprobs.raw);
    }
    close_event(u, &w, type);
}

static void tell_text(unfolding *u, const place *at, const text_row *row, json_value object) {
    json_value text = json_get(object, row->member), logprobs = {JSON_NONE, SPAN_EMPTY};
    if (text.type != JSON_STRING) return;
    if (row->logprobs) logprobs = json_get(object, SPAN_OF("logprobs"));
    if (row->logprobs && logprobs.type != JSON_ARRAY)
        logprobs = (json_value){JSON_ARRAY, SPAN_OF("[]")};
    if (openai_shows(text)) tell_piece(u, at, row->piece, "delta", text, logprobs);
    tell_piece(u, at, row->whole, row->whole_member, text, logprobs);
}

/* ---- parts of an item ---- */

static void tell_part_frame(unfolding *u, const place *at, const char *type, json_value part,
                            bool empty) {
    static const swap nothing[] = {{SPAN("text"), SPAN("\"\"")},
                                   {SPAN("refusal"), SPAN("\"\"")},
                                   {SPAN("annotations"), SPAN("[]")},
                                   {SPAN("logprobs"), SPAN("[]")}};
    json_writer w = open_event(u, type);
    put_place(&w, at);
    json_key(&w, "part");
    put_swapped(&w, part, nothing, empty ? ARRAY_LEN(nothing) : 0);
    close_event(u, &w, type);
}

static void tell_annotations(unfolding *u, const place *at, json_value part) {
    static const char type[] = "response.output_text.annotation.added";
    json_value annotations = json_get(part, SPAN_OF("annotations")), annotation;
    if (annotations.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(annotations);
    for (unsigned i = 0; !u->full && json_next_element(&it, &annotation); i++) {
        json_writer w = open_event(u, type);
        put_place(&w, at);
        json_key(&w, "annotation_index");
        json_put_u64(&w, i);
        json_key(&w, "annotation");
        json_put_raw(&w, annotation.raw);
        close_event(u, &w, type);
    }
}

static void tell_content(unfolding *u, place at, json_value item) {
    json_value content = json_get(item, SPAN_OF("content")), part;
    if (content.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(content);
    at.numbered = "content_index";
    for (at.content = 0; !u->full && json_next_element(&it, &part); at.content++) {
        if (part.type != JSON_OBJECT) continue;
        const text_row *row = row_of(part_rows, ARRAY_LEN(part_rows), part);
        tell_part_frame(u, &at, "response.content_part.added", part, row != NULL);
        if (row) tell_text(u, &at, row, part);
        if (row) tell_annotations(u, &at, part);
        tell_part_frame(u, &at, "response.content_part.done", part, false);
    }
}

static void tell_summary(unfolding *u, place at, json_value item) {
    json_value summary = json_get(item, SPAN_OF("summary")), part;
    if (summary.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(summary);
    at.numbered = "summary_index";
    for (at.content = 0; !u->full && json_next_element(&it, &part); at.content++) {
        if (part.type != JSON_OBJECT) continue;
        tell_part_frame(u, &at, "response.reasoning_summary_part.added", part, true);
        tell_text(u, &at, &summary_row, part);
        tell_part_frame(u, &at, "response.reasoning_summary_part.done", part, false);
    }
}

/* ---- items ---- */

static void tell_item_frame(unfolding *u, unsigned output, const char *type, json_value item,
                            const swap *swaps, size_t count) {
    json_writer w = open_event(u, type);
    json_key(&w, "output_index");
    json_put_u64(&w, output);
    json_key(&w, "item");
    put_swapped(&w, item, swaps, count);
    close_event(u, &w, type);
}

/* What its own events tell is not there yet. */
static void tell_item(unfolding *u, unsigned output, json_value item) {
    static const swap begun[] = {{SPAN("status"), SPAN("\"in_progress\"")},
                                 {SPAN("content"), SPAN("[]")},
                                 {SPAN("summary"), SPAN("[]")},
                                 {SPAN("arguments"), SPAN("\"\"")},
                                 {SPAN("input"), SPAN("\"\"")}};
    json_value type = json_get(item, SPAN_OF("type"));
    const text_row *row = row_of(item_rows, ARRAY_LEN(item_rows), item);
    bool parts = json_is(type, SPAN_OF("message")) || json_is(type, SPAN_OF("reasoning"));
    const place at = {.item_id = json_get(item, SPAN_OF("id")), .output = output, .content = -1};
    tell_item_frame(u, output, "response.output_item.added", item, begun,
                    row || parts ? ARRAY_LEN(begun) : 1);
    if (row) tell_text(u, &at, row, item);
    if (parts) tell_summary(u, at, item);
    if (parts) tell_content(u, at, item);
    tell_item_frame(u, output, "response.output_item.done", item, NULL, 0);
}

/* ---- the response ---- */

static void tell_response(unfolding *u, const char *type, const swap *swaps, size_t count) {
    json_writer w = open_event(u, type);
    json_key(&w, "response");
    put_swapped(&w, u->response, swaps, count);
    close_event(u, &w, type);
}

static const char *last_type(const unfolding *u, json_value status) {
    bool failed = openai_shows(json_get(u->response, SPAN_OF("error")));
    if (failed || json_is(status, SPAN_OF("failed"))) return "response.failed";
    if (json_is(status, SPAN_OF("incomplete")) || json_is(status, SPAN_OF("cancelled")))
        return "response.incomplete";
    return "response.completed";
}

static void tell_all(unfolding *u, json_value status) {
    static const swap begun[] = {{SPAN("status"), SPAN("\"in_progress\"")},
                                 {SPAN("output"), SPAN("[]")},
                                 {SPAN("usage"), SPAN("null")},
                                 {SPAN("error"), SPAN("null")},
                                 {SPAN("incomplete_details"), SPAN("null")},
                                 {SPAN("completed_at"), SPAN("null")}};
    tell_response(u, "response.created", begun, ARRAY_LEN(begun));
    tell_response(u, "response.in_progress", begun, ARRAY_LEN(begun));
    json_iter it = json_iter_of(json_get(u->response, SPAN_OF("output")));
    json_value item;
    for (unsigned i = 0; !u->full && json_next_element(&it, &item); i++)
        if (item.type == JSON_OBJECT) tell_item(u, i, item);
    tell_response(u, last_type(u, status), NULL, 0);
}

/* One that is worked on behind the scenes has no more to say here. */
bool openai_unfold_response(span document, size_t most, buf *out) {
    unfolding u = {.response = answer_root(document), .most = most, .out = out};
    json_value status = json_get(u.response, SPAN_OF("status"));
    if (json_is(status, SPAN_OF("queued")) || json_is(status, SPAN_OF("in_progress")))
        tell_response(&u, "response.created", NULL, 0);
    else
        tell_all(&u, status);
    buf_done(&u.event);
    return !u.full;
}
