#include "batch/said.h"

const char *const said_names[SAID_COLUMNS] = {
    [SAID_CUSTOM_ID] = "custom_id",         [SAID_CONTENT] = "content",
    [SAID_FINISH_REASON] = "finish_reason", [SAID_MODEL] = "model",
    [SAID_PROMPT_TOKENS] = "prompt_tokens", [SAID_COMPLETION_TOKENS] = "completion_tokens",
    [SAID_TOTAL_TOKENS] = "total_tokens",   [SAID_COST] = "cost",
    [SAID_ERROR_CODE] = "error_code",       [SAID_ERROR_MESSAGE] = "error_message",
};

/* A text undone; null and what is not there: empty; anything else as it stands. */
static span text_of(json_value v, arena *a) {
    if (v.type == JSON_STRING) return json_string(v, a);
    return v.type == JSON_NONE || v.type == JSON_NULL ? SPAN_EMPTY : v.raw;
}

static span number_of(json_value object, const char *name, const char *other) {
    json_value v = json_get(object, span_cstr(name));
    if (v.type == JSON_NONE) v = json_get(object, span_cstr(other));
    return v.type == JSON_NUMBER ? v.raw : SPAN_EMPTY;
}

static json_value first_of(json_value array) {
    json_value first = {.type = JSON_NONE};
    json_iter it = json_iter_of(array);
    if (array.type == JSON_ARRAY) (void)json_next_element(&it, &first);
    return first;
}

/* ---- the content ---- */

/* Texts of pieces, [{"type":…,"text":…}, …], behind what there is. */
static void add_pieces(json_value pieces, arena *a, buf *out) {
    json_value piece;
    if (pieces.type != JSON_ARRAY) return;
    for (json_iter it = json_iter_of(pieces); json_next_element(&it, &piece);) {
        json_value text = json_get(piece, SPAN_OF("text"));
        if (text.type == JSON_NONE) text = json_get(piece, SPAN_OF("refusal"));
        if (text.type == JSON_STRING) buf_add(out, json_string(text, a));
    }
}

static span take(buf *text, arena *a) {
    span copy = text->len ? arena_dup(a, buf_span(text)) : SPAN_EMPTY;
    buf_done(text);
    return copy;
}

/* Of a chat completion, or of an older one. */
static span content_of_choice(json_value choice, arena *a) {
    json_value message = json_get(choice, SPAN_OF("message"));
    json_value content = json_get(message, SPAN_OF("content"));
    if (content.type == JSON_ARRAY) {
        buf text = BUF_EMPTY;
        add_pieces(content, a, &text);
        return take(&text, a);
    }
    span text = text_of(content, a);
    if (!text.len) text = text_of(json_get(message, SPAN_OF("refusal")), a);
    if (!text.len) text = text_of(json_get(message, SPAN_OF("tool_calls")), a);
    return text.len ? text : text_of(json_get(choice, SPAN_OF("text")), a);
}

/* Of a response: its messages; where it has none, what it does. */
static span content_of_output(json_value output, arena *a) {
    buf text = BUF_EMPTY;
    json_value item;
    for (json_iter it = json_iter_of(output); json_next_element(&it, &item);)
        if (json_is(json_get(item, SPAN_OF("type")), SPAN_OF("message")))
            add_pieces(json_get(item, SPAN_OF("content")), a, &text);
    span messages = take(&text, a);
    return messages.len ? messages : output.raw;
}

static span content_of(json_value body, arena *a) {
    json_value choice = first_of(json_get(body, SPAN_OF("choices")));
    json_value output = json_get(body, SPAN_OF("output"));
    if (choice.type == JSON_OBJECT) return content_of_choice(choice, a);
    if (output.type == JSON_ARRAY) return content_of_output(output, a);
    span data = text_of(json_get(body, SPAN_OF("data")), a); /* embeddings, moderations */
    return data.len ? data : text_of(json_get(body, SPAN_OF("results")), a);
}

/* ---- the parts ---- */

static void read_answer(json_value body, arena *a, said *ret) {
    json_value choice = first_of(json_get(body, SPAN_OF("choices")));
    json_value reason = json_get(choice, SPAN_OF("finish_reason"));
    json_value usage = json_get(body, SPAN_OF("usage"));
    if (reason.type != JSON_STRING) reason = json_get(body, SPAN_OF("status"));
    ret->cells[SAID_CONTENT] = content_of(body, a);
    ret->cells[SAID_FINISH_REASON] = text_of(reason, a);
    ret->cells[SAID_MODEL] = text_of(json_get(body, SPAN_OF("model")), a);
    ret->cells[SAID_PROMPT_TOKENS] = number_of(usage, "prompt_tokens", "input_tokens");
    ret->cells[SAID_COMPLETION_TOKENS] = number_of(usage, "completion_tokens", "output_tokens");
    ret->cells[SAID_TOTAL_TOKENS] = number_of(usage, "total_tokens", "total_tokens");
    ret->cells[SAID_COST] = number_of(usage, "cost", "cost");
}

/* {"code":…,"message":…}, or what a provider has in its place. */
static void read_error(json_value error, arena *a, said *ret) {
    span code = text_of(json_get(error, SPAN_OF("code")), a);
    span message = text_of(json_get(error, SPAN_OF("message")), a);
    if (!code.len) code = text_of(json_get(error, SPAN_OF("type")), a);
    ret->cells[SAID_ERROR_CODE] = code;
    ret->cells[SAID_ERROR_MESSAGE] = message.len ? message : text_of(error, a);
}

static void read_refusal(json_value body, int64_t status, arena *a, said *ret) {
    json_value error = json_get(body, SPAN_OF("error"));
    read_error(error.type == JSON_NONE ? body : error, a, ret);
    if (!ret->cells[SAID_ERROR_CODE].len)
        ret->cells[SAID_ERROR_CODE] = arena_printf(a, "http_%d", (int)status);
}

bool said_scan(span text, json_value *ret) {
    static const json_limits lenient = {.depth = 100000, .repeats = true};
    json_fault fault;
    return json_scan(text, &lenient, ret, &fault);
}

/* One with members of one name stands there as a text, since not everybody reads such JSON. */
static json_value body_of(json_value response, arena *a) {
    json_value body = json_get(response, SPAN_OF("body")), inner;
    if (body.type != JSON_STRING || !said_scan(json_string(body, a), &inner)) return body;
    return inner.type == JSON_OBJECT ? inner : body;
}

bool said_read(span result, arena *a, said *ret) {
    json_value root;
    int64_t status = 0;
    if (!said_scan(result, &root)) return false;
    json_value response = json_get(root, SPAN_OF("response"));
    json_value code = json_get(response, SPAN_OF("status_code"));
    json_value error = json_get(root, SPAN_OF("error"));
    if (response.type != JSON_OBJECT && error.type != JSON_OBJECT) return false;
    if (code.type == JSON_NUMBER && !json_i64(code, &status)) return false;
    *ret = (said){.failed = status < 200 || status > 299};
    ret->cells[SAID_CUSTOM_ID] = text_of(json_get(root, SPAN_OF("custom_id")), a);
    if (!ret->failed)
        read_answer(body_of(response, a), a, ret);
    else if (response.type == JSON_OBJECT)
        read_refusal(body_of(response, a), status, a, ret);
    else
        read_error(error, a, ret);
    return true;
}
