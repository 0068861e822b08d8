/* What a client asks of POST /chat/functions. Its members are checked as /chat's are; the request
 * of the model calls is written when the run begins, from the client's own bytes. */
#include "exchange/functions.h"
#include "exchange/parse_chat.h"

enum { MEMBERS = 16, NAMES_MAX = 1024 };

enum member {
    MESSAGE,
    MESSAGES,
    TOOLS,
    MAX_STEPS,
    STREAM,
    MODEL,
    MAX_TOKENS,
    TEMPERATURE,
    PARALLEL,
    USER,
    KNOWN
};

static const span known[KNOWN] = {
    [MESSAGE] = SPAN("message"),
    [MESSAGES] = SPAN("messages"),
    [TOOLS] = SPAN("tools"),
    [MAX_STEPS] = SPAN("max_steps"),
    [STREAM] = SPAN("stream"),
    [MODEL] = SPAN("model"),
    [MAX_TOKENS] = SPAN("max_tokens"),
    [TEMPERATURE] = SPAN("temperature"),
    [PARALLEL] = SPAN("parallel_tool_calls"),
    [USER] = SPAN("user"),
};

static bool is_there(json_value v) {
    return v.type != JSON_NONE && v.type != JSON_NULL;
}

static stage_result refuse(exchange *x, const char *param, const char *sentence) {
    return exchange_refuse(x, ERR_UNPROCESSABLE, param, "%s", sentence);
}

/* ---- checks ---- */

static stage_result check_messages(exchange *x, json_value messages) {
    unsigned most = exchange_config(x)->limits.messages;
    size_t n = 0;
    if (messages.type != JSON_ARRAY) return refuse(x, "messages", "'messages' must be an array.");
    json_iter it = json_iter_of(messages);
    for (json_value m; json_next_element(&it, &m); n++) {
        if (m.type == JSON_OBJECT && json_get(m, SPAN_OF("role")).type == JSON_STRING) continue;
        return exchange_refuse(x, ERR_UNPROCESSABLE, "messages",
                               "'messages[%zu]' must be an object with a role.", n);
    }
    if (!n) return refuse(x, "messages", "'messages' is empty; it must have at least one item.");
    if (n > most)
        return exchange_refuse(
            x, ERR_UNPROCESSABLE, "messages",
            "'messages' has %zu items; at most %u are allowed (limits.messages).", n, most);
    return STAGE_NEXT;
}

static stage_result check_said(exchange *x, const json_value v[KNOWN], functions_ask *ask) {
    bool one = is_there(v[MESSAGE]), many = is_there(v[MESSAGES]);
    if (one && many)
        return refuse(x, "messages",
                      "'message' and 'messages' are both there; one of them is enough.");
    if (many) return check_messages(x, v[MESSAGES]);
    return chat_check_message(x, v[MESSAGE], &ask->message);
}

static stage_result check_tools(exchange *x, json_value tools) {
    size_t n = 0;
    if (!is_there(tools)) return STAGE_NEXT;
    if (tools.type != JSON_ARRAY)
        return refuse(x, "tools", "'tools' must be an array of names of tools.");
    json_iter it = json_iter_of(tools);
    for (json_value name; json_next_element(&it, &name); n++) {
        if (name.type == JSON_STRING) continue;
        return exchange_refuse(x, ERR_UNPROCESSABLE, "tools",
                               "'tools[%zu]' must be a string, the name of a tool.", n);
    }
    if (n > NAMES_MAX)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "tools",
                               "'tools' has %zu items; at most %d are allowed.", n, NAMES_MAX);
    return STAGE_NEXT;
}

static stage_result check_max_steps(exchange *x, json_value v, unsigned *ret) {
    int64_t most = exchange_config(x)->functions.max_steps, value = most;
    if (is_there(v) && (v.type != JSON_NUMBER || !json_i64(v, &value)))
        return refuse(x, "max_steps", "'max_steps' must be an integer.");
    if (value < 1 || value > most)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "max_steps",
                               "'max_steps' is %lld; it must be between 1 and %lld "
                               "(functions.max_steps).",
                               (long long)value, (long long)most);
    *ret = (unsigned)value;
    return STAGE_NEXT;
}

static stage_result check_user(exchange *x, json_value v) {
    return !is_there(v) || v.type == JSON_STRING ? STAGE_NEXT
                                                 : refuse(x, "user", "'user' must be a string.");
}

/* All that is asked, or the refusal of the first member that is not as it should be. */
static stage_result check(exchange *x, const json_value v[KNOWN], functions_ask *ret) {
    stage_result r;
    *ret = (functions_ask){.messages = v[MESSAGES],
                           .tools = v[TOOLS],
                           .model = v[MODEL],
                           .max_tokens = v[MAX_TOKENS],
                           .temperature = v[TEMPERATURE],
                           .user = v[USER],
                           .parallel = v[PARALLEL],
                           .stream = v[STREAM].type == JSON_TRUE};
    if ((r = chat_check_flag(x, v[STREAM], "stream")) != STAGE_NEXT) return r;
    if ((r = chat_check_model(x, v[MODEL])) != STAGE_NEXT) return r;
    if ((r = check_said(x, v, ret)) != STAGE_NEXT) return r;
    if ((r = check_tools(x, v[TOOLS])) != STAGE_NEXT) return r;
    if ((r = check_max_steps(x, v[MAX_STEPS], &ret->max_steps)) != STAGE_NEXT) return r;
    if ((r = chat_check_max_tokens(x, v[MAX_TOKENS])) != STAGE_NEXT) return r;
    if ((r = chat_check_temperature(x, v[TEMPERATURE])) != STAGE_NEXT) return r;
    if ((r = chat_check_flag(x, v[PARALLEL], "parallel_tool_calls")) != STAGE_NEXT) return r;
    return check_user(x, v[USER]);
}

/* ---- the row ---- */

static void note(exchange *x, const functions_ask *ask) {
    request_facts *f = &x->facts;
    f->path = SPAN_OF("/chat/completions");
    f->query = SPAN_EMPTY;
    f->endpoint = EP_CHAT_COMPLETIONS;
    f->stream = ask->stream;
    f->bound_by_weir = ask->max_tokens.type != JSON_NUMBER;
    f->own = chat_own(ask->temperature);
    f->model = ask->model;
    if (ask->user.type == JSON_STRING && !x->record.user.len)
        x->record.user = span_clip(json_string(ask->user, &x->arena), RECORD_USER_MAX);
    if (f->model.type == JSON_STRING) return;
    buf name = BUF_EMPTY;
    json_write_string(&name, exchange_config(x)->chat.model);
    f->model = (json_value){JSON_STRING, arena_dup(&x->arena, buf_span(&name))};
    buf_done(&name);
}

stage_result parse_functions(exchange *x) {
    json_member m[MEMBERS];
    size_t count = 0;
    json_fault fault;
    functions_ask ask;
    json_value v[KNOWN];
    const json_limits limits = parse_limits(x);
    span body = x->request->body;
    if (!json_scan_object(body, &limits, m, MEMBERS, &count, &fault))
        return parse_bad_json(x, body, &fault);
    stage_result r = chat_check_names(
        x, m, count < MEMBERS ? count : MEMBERS, known, KNOWN, "/chat/functions",
        "message, messages, tools, max_steps, stream, model, max_tokens, temperature, "
        "parallel_tool_calls and user");
    if (r != STAGE_NEXT) return r;
    size_t from = span_find(body, 0, '{');
    x->facts.root = (json_value){JSON_OBJECT, span_trim(span_slice(body, from, body.len))};
    for (size_t i = 0; i < KNOWN; i++)
        v[i] = json_find(m, count, known[i]);
    if ((r = check(x, v, &ask)) != STAGE_NEXT) return r;
    note(x, &ask);
    return parse_model(x);
}

void functions_ask_again(exchange *x, functions_ask *ret) {
    json_value v[KNOWN];
    json_get_each(x->facts.root, known, KNOWN, v);
    (void)check(x, v, ret);
}

/* ---- the model call's request ---- */

static bool begins_with_system(json_value messages) {
    json_value first;
    json_iter it = json_iter_of(messages);
    if (!json_next_element(&it, &first)) return false;
    json_value role = json_get(first, SPAN_OF("role"));
    return json_is(role, SPAN_OF("system")) || json_is(role, SPAN_OF("developer"));
}

/* The configured system prompt goes first, unless the client has one of its own. */
static void write_messages(const config_chat *c, const functions_ask *ask, buf *out) {
    json_writer w = json_writer_of(out);
    bool many = !ask->message.len;
    if (c->system.len && !(many && begins_with_system(ask->messages)))
        chat_put_message(&w, SPAN_OF("system"), c->system);
    if (many)
        json_put_raw(&w, span_trim(span_slice(ask->messages.raw, 1, ask->messages.raw.len - 1)));
    else
        chat_put_message(&w, SPAN_OF("user"), ask->message);
}

static void put_given(json_writer *w, const char *key, json_value v) {
    if (!is_there(v)) return;
    json_key(w, key);
    json_put_raw(w, v.raw);
}

void functions_ask_write(const exchange *x, const functions_ask *ask, const offer *o, buf *ret_head,
                         buf *ret_messages) {
    const config_chat *c = &exchange_config(x)->chat;
    json_writer w = json_writer_of(ret_head);
    json_open_object(&w);
    json_key(&w, "model");
    json_put_raw(&w, x->facts.model.raw);
    json_key(&w, "max_tokens");
    if (ask->max_tokens.type == JSON_NUMBER)
        json_put_raw(&w, ask->max_tokens.raw);
    else
        json_put_i64(&w, c->max_tokens);
    json_key(&w, "temperature");
    if (ask->temperature.type == JSON_NUMBER)
        json_put_raw(&w, ask->temperature.raw);
    else
        json_put_double(&w, c->temperature);
    put_given(&w, "user", ask->user);
    if (o->count) {
        put_given(&w, "parallel_tool_calls", ask->parallel);
        json_key(&w, "tools");
        offer_write(o, &w);
    }
    if (ask->stream) {
        json_key(&w, "stream");
        json_put_bool(&w, true);
    }
    write_messages(c, ask, ret_messages);
}
