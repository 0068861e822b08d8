/* What one event or answer in OpenAI's form says, read without copying. */
#include "provider/openai.h"

#include <string.h>

enum { MEMBERS = 24 };

/* More than any call can use is no figure, and could not be added up. */
enum { TOKENS_MAX = 1000 * 1000 * 1000 };

static int64_t figure(json_value object, span key) {
    int64_t value = -1;
    if (!json_i64(json_get(object, key), &value) || value < 0 || value > TOKENS_MAX) return -1;
    return value;
}

static int64_t either(json_value object, span a, span b) {
    int64_t value = figure(object, a);
    return value >= 0 ? value : figure(object, b);
}

void openai_read_usage(json_value usage, token_usage *ret) {
    json_value in = json_get(usage, SPAN_OF("prompt_tokens_details"));
    if (in.type != JSON_OBJECT) in = json_get(usage, SPAN_OF("input_tokens_details"));
    json_value out = json_get(usage, SPAN_OF("completion_tokens_details"));
    if (out.type != JSON_OBJECT) out = json_get(usage, SPAN_OF("output_tokens_details"));
    *ret = (token_usage){
        .prompt = either(usage, SPAN_OF("prompt_tokens"), SPAN_OF("input_tokens")),
        .completion = either(usage, SPAN_OF("completion_tokens"), SPAN_OF("output_tokens")),
        .total = figure(usage, SPAN_OF("total_tokens")),
        .cached = figure(in, SPAN_OF("cached_tokens")),
        .reasoning = figure(out, SPAN_OF("reasoning_tokens")),
    };
    if (ret->total < 0 && ret->prompt >= 0)
        ret->total = ret->prompt + (ret->completion > 0 ? ret->completion : 0);
}

/* Empty strings, null, [] and {} show a user nothing. */
static bool shows(json_value v) {
    switch (v.type) {
    case JSON_STRING: return v.raw.len > 2;
    case JSON_ARRAY:
    case JSON_OBJECT: return json_count(v) > 0;
    case JSON_NONE:
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_TRUE:
    case JSON_NUMBER: return true;
    }
    return false;
}

/* `role` alone opens a message and shows nothing yet; every other member of a delta does. */
static bool delta_shows(json_value delta) {
    json_iter it = json_iter_of(delta);
    for (json_member m; json_next_member(&it, &m);)
        if (!span_eq(m.key, SPAN_OF("role")) && shows(m.value)) return true;
    return false;
}

static void read_choices(json_value choices, answer_facts *f) {
    json_iter it = json_iter_of(choices);
    for (json_value choice; json_next_element(&it, &choice);) {
        if (choice.type != JSON_OBJECT) continue;
        json_iter members = json_iter_of(choice);
        for (json_member m; json_next_member(&members, &m);) {
            if (span_eq(m.key, SPAN_OF("finish_reason"))) {
                if (m.value.type == JSON_STRING &&
                    shows(m.value)) { /* some servers write "" where OpenAI writes null */
                    f->finished++;
                    f->finish_reason = span_slice(m.value.raw, 1, m.value.raw.len - 1);
                }
            } else if (span_eq(m.key, SPAN_OF("delta")) || span_eq(m.key, SPAN_OF("message"))) {
                if (m.value.type == JSON_OBJECT && delta_shows(m.value)) f->has_content = true;
            } else if (span_eq(m.key, SPAN_OF("text"))) {
                if (shows(m.value)) f->has_content = true;
            }
        }
    }
}

static void read_response_event(span type, const json_member *members, size_t count,
                                answer_facts *f) {
    if (span_ends(type, SPAN_OF(".delta"))) {
        f->has_content = true;
        return;
    }
    bool completed = span_eq(type, SPAN_OF("response.completed"));
    bool incomplete = span_eq(type, SPAN_OF("response.incomplete"));
    bool failed = span_eq(type, SPAN_OF("response.failed"));
    if (span_eq(type, SPAN_OF("error"))) {
        f->is_error = true;
        f->error = (json_value){JSON_NONE, SPAN_EMPTY};
    }
    if (!completed && !incomplete && !failed) return;
    f->finished = 1;
    f->has_content = true;
    f->finish_reason = completed    ? SPAN_OF("stop")
                       : incomplete ? SPAN_OF("length")
                                    : SPAN_OF("error");
    json_value response = json_find(members, count, SPAN_OF("response"));
    f->failed = failed;
    if (failed) f->error = json_get(response, SPAN_OF("error"));
    json_value usage = json_get(response, SPAN_OF("usage"));
    if (usage.type == JSON_OBJECT) {
        f->has_usage = true;
        openai_read_usage(usage, &f->usage);
    }
}

void openai_read_facts(endpoint e, span data, bool chunk, answer_facts *ret) {
    *ret = (answer_facts){.usage = {-1, -1, -1, -1, -1, false}};
    /* Twice the same name is the provider's affair as long as it is JSON. */
    static const json_limits deep = {.depth = 512, .repeats = true};
    json_member members[MEMBERS];
    size_t count = 0;
    json_fault fault;
    if (!json_scan_object(data, &deep, members, MEMBERS, &count, &fault)) {
        ret->has_content = e == EP_OTHER;
        return;
    }
    if (count > MEMBERS) count = MEMBERS;
    ret->is_json = true;
    json_value choices = {JSON_NONE, SPAN_EMPTY};
    for (size_t i = 0; i < count; i++) {
        json_value v = members[i].value;
        span key = members[i].key;
        if (span_eq(key, SPAN_OF("choices"))) {
            choices = v;
        } else if (span_eq(key, SPAN_OF("usage"))) {
            if (v.type == JSON_OBJECT) {
                ret->has_usage = true;
                openai_read_usage(v, &ret->usage);
            }
        } else if (span_eq(key, SPAN_OF("error"))) {
            /* A response object carries `"error":null`; only a truthy one is an error. */
            if (v.type == JSON_OBJECT || (v.type == JSON_STRING && v.raw.len > 2)) {
                ret->is_error = true;
                ret->error = v;
            }
        } else if (e == EP_RESPONSES && chunk && span_eq(key, SPAN_OF("type")) &&
                   v.type == JSON_STRING) {
            read_response_event(span_slice(v.raw, 1, v.raw.len - 1), members, count, ret);
        }
    }
    if (choices.type == JSON_ARRAY) {
        read_choices(choices, ret);
        ret->is_usage_only = ret->has_usage && json_count(choices) == 0;
    } else if (!ret->is_error && (!chunk || e == EP_OTHER)) {
        /* embeddings, moderations, a response; and whatever weir does not know */
        ret->has_content = true;
    }
}
