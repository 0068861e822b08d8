#include "exchange/words.h"

/* A stream's chunks may be of any choice; a plain answer whose choices are not numbered as they
 * should be still has a first. */
static json_value first_choice(json_value choices, bool is_delta) {
    json_iter it = json_iter_of(choices);
    json_value first = {JSON_NONE, SPAN_EMPTY};
    for (json_value choice; json_next_element(&it, &choice);) {
        int64_t at = 0;
        if (!json_i64(json_get(choice, SPAN_OF("index")), &at) || at == 0) return choice;
        if (first.type == JSON_NONE && !is_delta) first = choice;
    }
    return first;
}

json_value choice_text(span document, bool is_delta) {
    json_value root = answer_root(document);
    json_value choice = first_choice(json_get(root, SPAN_OF("choices")), is_delta);
    json_value message = json_get(choice, is_delta ? SPAN_OF("delta") : SPAN_OF("message"));
    if (message.type != JSON_OBJECT) { /* a completion has no message around its text */
        json_value text = json_get(choice, SPAN_OF("text"));
        return text.type == JSON_STRING ? text : (json_value){JSON_NONE, SPAN_EMPTY};
    }
    json_value text = json_get(message, SPAN_OF("content"));
    if (text.type != JSON_STRING) text = json_get(message, SPAN_OF("refusal"));
    return text.type == JSON_STRING ? text : (json_value){JSON_NONE, SPAN_EMPTY};
}

/* ---- a response: {"output":[{"type":"message","content":[{"type":"output_text","text"}]}]} ----
 */

static json_value part_text(json_value part) {
    json_value type = json_get(part, SPAN_OF("type"));
    if (json_is(type, SPAN_OF("output_text"))) return json_get(part, SPAN_OF("text"));
    if (json_is(type, SPAN_OF("refusal"))) return json_get(part, SPAN_OF("refusal"));
    return (json_value){JSON_NONE, SPAN_EMPTY};
}

static bool response_text(json_value output, arena *a, span *ret) {
    buf all = BUF_EMPTY;
    bool any = false;
    json_iter items = json_iter_of(output);
    for (json_value item; json_next_element(&items, &item);) {
        json_iter parts = json_iter_of(json_get(item, SPAN_OF("content")));
        for (json_value part; json_next_element(&parts, &part);) {
            json_value text = part_text(part);
            if (text.type != JSON_STRING) continue;
            any = true;
            buf_add(&all, json_string(text, a));
        }
    }
    if (any) *ret = arena_dup(a, buf_span(&all));
    buf_done(&all);
    return any;
}

static json_value response_delta(json_value event) {
    json_value type = json_get(event, SPAN_OF("type"));
    bool text = json_is(type, SPAN_OF("response.output_text.delta")) ||
                json_is(type, SPAN_OF("response.refusal.delta"));
    return text ? json_get(event, SPAN_OF("delta")) : (json_value){JSON_NONE, SPAN_EMPTY};
}

bool answer_text(span document, bool is_delta, arena *a, span *ret) {
    json_value root = answer_root(document);
    json_value text = choice_text(document, is_delta);
    if (text.type == JSON_NONE && is_delta) text = response_delta(root);
    if (text.type == JSON_NONE && !is_delta)
        return response_text(json_get(root, SPAN_OF("output")), a, ret);
    if (text.type != JSON_STRING) return false;
    *ret = json_string(text, a);
    return true;
}
