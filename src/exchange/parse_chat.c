/* POST /chat: one message in, one text out. Its body is checked against chat.* of the configuration
 * and becomes a chat completion's. */
#include "exchange/parse_chat.h"

#include <string.h>

enum { MEMBERS = 16 };

typedef struct chat_request {
    span message; /* decoded, stripped */
    json_value max_tokens;
    json_value temperature;
    json_value model;
    bool stream;
} chat_request;

stage_result chat_check_message(exchange *x, json_value v, span *ret) {
    const config_chat *limits = &exchange_config(x)->chat;
    if (v.type == JSON_NONE)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "message", "'message' is missing.");
    if (v.type != JSON_STRING)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "message", "'message' must be a string.");
    span text = json_string(v, &x->arena);
    size_t chars = span_utf8_len(text);
    if (chars > limits->message_chars)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "message",
                               "'message' has %zu characters; at most %u are allowed.", chars,
                               limits->message_chars);
    text = span_strip(text);
    if (!text.len)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "message", "'message' cannot be empty.");
    *ret = text;
    return STAGE_NEXT;
}

stage_result chat_check_max_tokens(exchange *x, json_value v) {
    int64_t most = exchange_config(x)->chat.max_tokens_limit, value = 0;
    if (v.type == JSON_NONE || v.type == JSON_NULL) return STAGE_NEXT;
    if (v.type != JSON_NUMBER || !json_i64(v, &value))
        return exchange_refuse(x, ERR_UNPROCESSABLE, "max_tokens",
                               "'max_tokens' must be an integer.");
    if (value < 1 || value > most)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "max_tokens",
                               "'max_tokens' is %lld; it must be between 1 and %lld.",
                               (long long)value, (long long)most);
    return STAGE_NEXT;
}

stage_result chat_check_temperature(exchange *x, json_value v) {
    double most = exchange_config(x)->chat.temperature_limit, value = 0;
    if (v.type == JSON_NONE || v.type == JSON_NULL) return STAGE_NEXT;
    if (v.type != JSON_NUMBER || !json_double(v, &value))
        return exchange_refuse(x, ERR_UNPROCESSABLE, "temperature",
                               "'temperature' must be a number.");
    if (!(value >= 0 && value <= most))
        return exchange_refuse(x, ERR_UNPROCESSABLE, "temperature",
                               "'temperature' is %.*s; it must be between 0 and %g.",
                               SPAN_ARG(span_clip(v.raw, 40)), most);
    return STAGE_NEXT;
}

stage_result chat_check_model(exchange *x, json_value v) {
    if (v.type == JSON_NONE || v.type == JSON_NULL || v.type == JSON_STRING) return STAGE_NEXT;
    return exchange_refuse(x, ERR_UNPROCESSABLE, "model", "'model' must be a string.");
}

stage_result chat_check_flag(exchange *x, json_value v, const char *name) {
    if (v.type <= JSON_TRUE) return STAGE_NEXT; /* absent, null, false, true */
    return exchange_refuse(x, ERR_UNPROCESSABLE, name, "'%s' must be true or false.", name);
}

stage_result chat_check_names(exchange *x, const json_member *members, size_t count,
                              const span *known, size_t known_count, const char *path,
                              const char *fields) {
    for (size_t i = 0; i < count; i++) {
        const json_value key = json_member_name(&members[i]);
        bool found = false;
        for (size_t k = 0; k < known_count && !found; k++)
            found = json_is(key, known[k]);
        if (found) continue;
        span name = arena_dup(&x->arena, span_clip(json_string(key, &x->arena), 64));
        return exchange_refuse(x, ERR_UNPROCESSABLE, name.ptr,
                               "'%.*s' is not a field of %s; the fields are %s.", SPAN_ARG(name),
                               path, fields);
    }
    return STAGE_NEXT;
}

static stage_result read_chat(exchange *x, chat_request *ret) {
    json_member m[MEMBERS];
    size_t count = 0;
    json_fault fault;
    const json_limits limits = parse_limits(x);
    if (!json_scan_object(x->request->body, &limits, m, MEMBERS, &count, &fault))
        return parse_bad_json(x, x->request->body, &fault);
    static const span known[] = {SPAN("message"), SPAN("max_tokens"), SPAN("temperature"),
                                 SPAN("model"), SPAN("stream")};
    stage_result r =
        chat_check_names(x, m, count < MEMBERS ? count : MEMBERS, known, ARRAY_LEN(known), "/chat",
                         "message, max_tokens, temperature, model and stream");
    if (r != STAGE_NEXT) return r;
    ret->max_tokens = json_find(m, count, SPAN_OF("max_tokens"));
    ret->temperature = json_find(m, count, SPAN_OF("temperature"));
    ret->model = json_find(m, count, SPAN_OF("model"));
    json_value stream = json_find(m, count, SPAN_OF("stream"));
    ret->stream = stream.type == JSON_TRUE;
    if ((r = chat_check_flag(x, stream, "stream")) != STAGE_NEXT) return r;
    if ((r = chat_check_model(x, ret->model)) != STAGE_NEXT) return r;
    if ((r = chat_check_message(x, json_find(m, count, SPAN_OF("message")), &ret->message)) !=
        STAGE_NEXT)
        return r;
    if ((r = chat_check_max_tokens(x, ret->max_tokens)) != STAGE_NEXT) return r;
    return chat_check_temperature(x, ret->temperature);
}

void chat_put_message(json_writer *w, span role, span content) {
    json_open_object(w);
    json_key(w, "role");
    json_put_string(w, role);
    json_key(w, "content");
    json_put_string(w, content);
    json_close_object(w);
}

unsigned chat_own(json_value temperature) {
    return OWN_BOUND_NAME | (temperature.type == JSON_NUMBER ? 0 : OWN_TEMPERATURE);
}

/* Writes the body that goes on; where its parts stand is known without reading it again. */
static void write_completion(exchange *x, const chat_request *r) {
    request_facts *f = &x->facts;
    const config_chat *c = &exchange_config(x)->chat;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "model");
    size_t model_from = out.len;
    if (r->model.type == JSON_STRING)
        json_put_raw(&w, r->model.raw);
    else
        json_put_string(&w, c->model);
    size_t model_to = out.len;
    json_key(&w, "messages");
    json_open_array(&w);
    if (c->system.len) chat_put_message(&w, SPAN_OF("system"), c->system);
    chat_put_message(&w, SPAN_OF("user"), r->message);
    json_close_array(&w);
    json_key(&w, "max_tokens");
    if (r->max_tokens.type == JSON_NUMBER)
        json_put_raw(&w, r->max_tokens.raw);
    else
        json_put_i64(&w, c->max_tokens);
    json_key(&w, "temperature");
    if (r->temperature.type == JSON_NUMBER)
        json_put_raw(&w, r->temperature.raw);
    else
        json_put_double(&w, c->temperature);
    if (r->stream) {
        json_key(&w, "stream");
        json_put_bool(&w, true);
    }
    json_close_object(&w);
    f->body = arena_dup(&x->arena, buf_span(&out));
    f->root = (json_value){JSON_OBJECT, f->body};
    f->model = (json_value){JSON_STRING, span_slice(f->body, model_from, model_to)};
    f->stream = r->stream;
    f->bound_by_weir = r->max_tokens.type != JSON_NUMBER;
    f->own = chat_own(r->temperature);
    buf_done(&out);
}

stage_result parse_chat(exchange *x) {
    chat_request r = {0};
    stage_result result = read_chat(x, &r);
    if (result != STAGE_NEXT) return result;
    x->facts.path = SPAN_OF("/chat/completions");
    x->facts.query = SPAN_EMPTY;
    x->facts.endpoint = EP_CHAT_COMPLETIONS;
    write_completion(x, &r);
    return parse_model(x);
}
