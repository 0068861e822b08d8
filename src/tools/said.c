#include "tools/said.h"

#include "dialect/words.h"

/* Of arguments: what a schema describes is far below. */
static const json_limits argument_limits = {.depth = 64, .members = 4096};

bool model_said_is_object(span text) {
    json_value root;
    json_fault fault;
    return json_scan(text, &argument_limits, &root, &fault) && root.type == JSON_OBJECT;
}

static span text_of(json_value v, arena *a) {
    return v.type == JSON_STRING ? json_string(v, a) : SPAN_EMPTY;
}

/* ---- words ---- */

/* Parts as those of a request: what has a text says it. */
static span parts_text(json_value parts, arena *a) {
    buf all = BUF_EMPTY;
    json_iter it = json_iter_of(parts);
    for (json_value part; json_next_element(&it, &part);)
        buf_add(&all, text_of(json_get(part, SPAN_OF("text")), a));
    span text = arena_dup(a, buf_span(&all));
    buf_done(&all);
    return text;
}

static span words_of(json_value content, json_value refusal, arena *a) {
    span text = content.type == JSON_ARRAY ? parts_text(content, a) : text_of(content, a);
    return text.len ? text : text_of(refusal, a);
}

/* ---- calls ---- */

/* Members of a call, and of what it calls: {function: {…}}, {custom: {…}}; some leave the object
 * out. */
enum { ID, FUNCTION, CUSTOM, NAME, ARGUMENTS, INPUT, CALL_ID, OF_CALL };
static const span of_call[OF_CALL] = {
    [ID] = SPAN("id"),           [FUNCTION] = SPAN("function"),   [CUSTOM] = SPAN("custom"),
    [NAME] = SPAN("name"),       [ARGUMENTS] = SPAN("arguments"), [INPUT] = SPAN("input"),
    [CALL_ID] = SPAN("call_id"),
};

static void read_facts(json_value call, json_value ret[OF_CALL]) {
    json_get_each(call, of_call, OF_CALL, ret);
    const json_value facts = ret[FUNCTION].type == JSON_OBJECT ? ret[FUNCTION] : ret[CUSTOM];
    if (facts.type == JSON_OBJECT) json_get_each(facts, of_call + NAME, CALL_ID - NAME, ret + NAME);
}

static void read_call(json_value source, json_value call, arena *a, said_call *ret) {
    json_value of[OF_CALL];
    read_facts(call, of);
    const json_value arguments = of[ARGUMENTS].type == JSON_NONE ? of[INPUT] : of[ARGUMENTS];
    bool written = arguments.type != JSON_NONE && arguments.type != JSON_NULL;
    span text = arguments.type == JSON_STRING ? span_strip(json_string(arguments, a))
                : written                     ? arguments.raw
                                              : SPAN_EMPTY;
    if (!text.len) text = SPAN_OF("{}");
    *ret = (said_call){.id = source.type == JSON_NONE ? SPAN_EMPTY : text_of(of[ID], a),
                       .name = text_of(of[NAME], a),
                       .arguments = text,
                       .is_object = model_said_is_object(text),
                       .source = source};
}

static void read_calls(json_value calls, arena *a, model_said *ret) {
    size_t count = calls.type == JSON_ARRAY ? json_count(calls) : 0;
    size_t most = count < SAID_CALLS_MAX ? count : SAID_CALLS_MAX;
    if (!count) return;
    ret->calls = arena_alloc(a, most * sizeof *ret->calls);
    json_iter it = json_iter_of(calls);
    for (json_value call; json_next_element(&it, &call);) {
        if (call.type != JSON_OBJECT) continue;
        if (ret->call_count == most)
            ret->more_calls++;
        else
            read_call(call, call, a, &ret->calls[ret->call_count++]);
    }
}

static void read_older_call(json_value call, arena *a, model_said *ret) {
    if (ret->call_count || call.type != JSON_OBJECT) return;
    ret->calls = arena_alloc(a, sizeof *ret->calls);
    read_call((json_value){JSON_NONE, SPAN_EMPTY}, call, a, &ret->calls[ret->call_count++]);
}

/* Each level is gone through once: an answer may be long. */
static void read_message(json_value message, arena *a, model_said *ret) {
    enum { CONTENT, REFUSAL, CALLS, OLDER, KNOWN };
    static const span names[KNOWN] = {[CONTENT] = SPAN("content"),
                                      [REFUSAL] = SPAN("refusal"),
                                      [CALLS] = SPAN("tool_calls"),
                                      [OLDER] = SPAN("function_call")};
    json_value v[KNOWN];
    json_get_each(message, names, KNOWN, v);
    ret->message = message;
    ret->words = words_of(v[CONTENT], v[REFUSAL], a);
    read_calls(v[CALLS], a, ret);
    read_older_call(v[OLDER], a, ret);
}

static void read_choice(json_value choice, arena *a, model_said *ret) {
    enum { MESSAGE, REASON, KNOWN };
    static const span names[KNOWN] = {
        [MESSAGE] = SPAN("message"), [REASON] = SPAN("finish_reason")};
    json_value v[KNOWN];
    json_get_each(choice, names, KNOWN, v);
    ret->finish_reason = text_of(v[REASON], a);
    read_message(v[MESSAGE], a, ret);
}

void model_said_read(span completion, arena *a, model_said *ret) {
    *ret = (model_said){.message = {JSON_NONE, SPAN_EMPTY}};
    bool read = false;
    json_cursor c = json_cursor_of(answer_root(completion));
    for (span key; json_cursor_member(&c, &key);) {
        if (span_eq(key, SPAN_OF("choices")) && json_cursor_type(&c) == JSON_ARRAY && !read) {
            json_value choice, choices = json_cursor_take(&c);
            json_iter it = json_iter_of(choices);
            if (json_next_element(&it, &choice)) read_choice(choice, a, ret);
            read = true;
        } else if (span_eq(key, SPAN_OF("model"))) {
            ret->model = text_of(json_cursor_take(&c), a);
        } else {
            (void)json_cursor_take(&c);
        }
        if (read && ret->model.len) return;
    }
}

/* ---- a response ---- */

static bool is_of_type(json_value item, span type) {
    return json_is(json_get(item, SPAN_OF("type")), type);
}

static bool is_item_call(json_value item) {
    return is_of_type(item, SPAN_OF("function_call")) ||
           is_of_type(item, SPAN_OF("custom_tool_call"));
}

/* Its id is another, by which a result names it. */
static void read_item_call(json_value item, arena *a, said_call *ret) {
    read_call(item, item, a, ret);
    ret->id = text_of(json_get(item, of_call[CALL_ID]), a);
}

void model_said_read_response(span response, arena *a, model_said *ret) {
    *ret = (model_said){.message = {JSON_NONE, SPAN_EMPTY}};
    json_value root = answer_root(response), output = json_get(root, SPAN_OF("output")), item;
    buf words = BUF_EMPTY;
    ret->model = text_of(json_get(root, SPAN_OF("model")), a);
    ret->finish_reason = text_of(json_get(root, SPAN_OF("status")), a);
    if (output.type != JSON_ARRAY) return;
    ret->message = output;
    const size_t count = json_count(output);
    ret->calls =
        arena_alloc(a, (count < SAID_CALLS_MAX ? count : SAID_CALLS_MAX) * sizeof *ret->calls + 1);
    for (json_iter it = json_iter_of(output); json_next_element(&it, &item);) {
        if (is_of_type(item, SPAN_OF("message")))
            buf_add(&words, words_of(json_get(item, SPAN_OF("content")),
                                     json_get(item, SPAN_OF("refusal")), a));
        else if (is_item_call(item) && ret->call_count < SAID_CALLS_MAX)
            read_item_call(item, a, &ret->calls[ret->call_count++]);
        else if (is_item_call(item))
            ret->more_calls++;
    }
    ret->words = arena_dup(a, buf_span(&words));
    buf_done(&words);
}
