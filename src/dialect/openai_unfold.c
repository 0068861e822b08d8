/* A chat completion or completion, taken apart to the chunks of a stream: for each choice one that
 * says all of it but its tool calls, one for each of these and one that ends it, then the usage.
 * Clients take a call for begun where a chunk has its name, and some read no other beside it. */
#include "dialect/openai_turn.h"

#include "dialect/words.h"
#include "http/sse.h"

/* What is taken apart, and what is being written. */
typedef struct unfolding {
    json_value document;
    bool is_chat;
    bool told; /* a chunk has been written */
    bool full; /* what is written is more than `most` bytes */
    buf begin; /* of every chunk: found once, since it may stand behind a thousand choices */
    buf chunk;
    size_t most;
    buf *out;
} unfolding;

static const json_value none = {JSON_NONE, {NULL, 0}};

static bool is_one_of(span key, const span *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(key, names[i])) return true;
    return false;
}

void openai_put_member(json_writer *w, span name, span value) {
    if (w->comma) buf_add_char(w->out, ',');
    buf_add_char(w->out, '"');
    buf_add(w->out, name); /* as it is written in the document */
    buf_add(w->out, SPAN_OF("\":"));
    w->comma = false;
    json_put_raw(w, value);
}

static void put_member(json_writer *w, span name, json_value value) {
    openai_put_member(w, name, value.raw);
}

/* ---- a chunk's own members ---- */

/* In every chunk; the others are told once, in the first. */
static bool is_repeated(span key) {
    static const span names[] = {SPAN("id"), SPAN("created"), SPAN("model"),
                                 SPAN("system_fingerprint"), SPAN("service_tier")};
    return is_one_of(key, names, ARRAY_LEN(names));
}

static bool has_a_place_of_its_own(span key) {
    static const span names[] = {SPAN("object"), SPAN("choices"), SPAN("usage")};
    return is_one_of(key, names, ARRAY_LEN(names));
}

static void write_begin(unfolding *u) {
    json_writer w = json_writer_of(&u->begin);
    json_open_object(&w);
    json_key(&w, "object");
    json_put_string(&w, u->is_chat ? SPAN_OF("chat.completion.chunk") : SPAN_OF("text_completion"));
    json_iter it = json_iter_of(u->document);
    for (json_member m; json_next_member(&it, &m);)
        if (is_repeated(m.key)) put_member(&w, m.key, m.value);
    json_key(&w, "choices");
    json_open_array(&w);
}

static json_writer open_chunk(unfolding *u) {
    buf_clear(&u->chunk);
    buf_add(&u->chunk, buf_span(&u->begin));
    return json_writer_of(&u->chunk);
}

static void close_chunk(unfolding *u, json_writer *w) {
    json_iter it = json_iter_of(u->document);
    for (json_member m; !u->told && json_next_member(&it, &m);)
        if (!is_repeated(m.key) && !has_a_place_of_its_own(m.key)) put_member(w, m.key, m.value);
    u->told = true;
    json_close_object(w);
    sse_write(u->out, &(sse_event){.data = buf_span(&u->chunk)});
    u->full = u->out->len > u->most;
}

/* ---- what a choice says ---- */

static void put_call(json_writer *w, json_value call, unsigned position) {
    json_open_object(w);
    if (json_get(call, SPAN_OF("index")).type == JSON_NONE) {
        json_key(w, "index");
        json_put_u64(w, position);
    }
    json_iter it = json_iter_of(call);
    for (json_member m; json_next_member(&it, &m);)
        put_member(w, m.key, m.value);
    json_close_object(w);
}

static bool has_calls(json_value message) {
    return json_get(message, SPAN_OF("tool_calls")).type == JSON_ARRAY;
}

/* All but a list of tool calls. */
static void put_words(json_writer *w, json_value message) {
    const bool has = has_calls(message);
    json_open_object(w);
    json_iter it = json_iter_of(message);
    for (json_member m; message.type == JSON_OBJECT && json_next_member(&it, &m);)
        if (!has || !span_eq(m.key, SPAN_OF("tool_calls"))) put_member(w, m.key, m.value);
    json_close_object(w);
}

static void put_or_null(json_writer *w, const char *name, json_value v) {
    json_key(w, name);
    if (v.type == JSON_NONE)
        json_put_null(w);
    else
        json_put_raw(w, v.raw);
}

typedef struct choice {
    json_value value, says, logprobs, finish;
    unsigned number;
} choice;

static choice choice_of(const unfolding *u, json_value value, unsigned position) {
    choice c = {.value = value,
                .says = json_get(value, u->is_chat ? SPAN_OF("message") : SPAN_OF("text")),
                .logprobs = json_get(value, SPAN_OF("logprobs")),
                .finish = json_get(value, SPAN_OF("finish_reason")),
                .number = openai_index(json_get(value, SPAN_OF("index")), position)};
    if (u->is_chat && c.says.type == JSON_NONE) c.says = json_get(value, SPAN_OF("delta"));
    return c;
}

static void open_choice(json_writer *w, const choice *c) {
    json_open_object(w);
    json_key(w, "index");
    json_put_u64(w, c->number);
}

static void close_choice(unfolding *u, json_writer *w) {
    json_close_object(w);
    json_close_array(w);
    close_chunk(u, w);
}

static void end_piece(unfolding *u, json_writer *w, json_value logprobs) {
    put_or_null(w, "logprobs", logprobs);
    json_key(w, "finish_reason");
    json_put_null(w);
    close_choice(u, w);
}

/* Those of a stream are numbered. */
static void say_call(unfolding *u, const choice *c, json_value call, unsigned position) {
    json_writer w = open_chunk(u);
    open_choice(&w, c);
    json_key(&w, "delta");
    json_open_object(&w);
    json_key(&w, "tool_calls");
    json_open_array(&w);
    if (call.type == JSON_OBJECT)
        put_call(&w, call, position);
    else
        json_put_raw(&w, call.raw);
    json_close_array(&w);
    json_close_object(&w);
    end_piece(u, &w, none);
}

static void say_calls(unfolding *u, const choice *c) {
    if (!has_calls(c->says)) return;
    json_iter it = json_iter_of(json_get(c->says, SPAN_OF("tool_calls")));
    json_value call;
    for (unsigned i = 0; !u->full && json_next_element(&it, &call); i++)
        say_call(u, c, call, i);
}

static void say(unfolding *u, const choice *c) {
    json_writer w = open_chunk(u);
    open_choice(&w, c);
    if (u->is_chat) {
        json_key(&w, "delta");
        put_words(&w, c->says);
    } else {
        put_or_null(&w, "text", c->says);
    }
    end_piece(u, &w, c->logprobs);
    if (u->is_chat) say_calls(u, c);
}

/* With it what else the choice tells. */
static void finish(unfolding *u, const choice *c) {
    static const span told[] = {SPAN("index"), SPAN("message"),  SPAN("delta"),
                                SPAN("text"),  SPAN("logprobs"), SPAN("finish_reason")};
    json_writer w = open_chunk(u);
    open_choice(&w, c);
    json_key(&w, u->is_chat ? "delta" : "text");
    json_put_raw(&w, u->is_chat ? SPAN_OF("{}") : SPAN_OF("\"\""));
    put_or_null(&w, "logprobs", none);
    json_iter it = json_iter_of(c->value);
    for (json_member m; json_next_member(&it, &m);)
        if (!is_one_of(m.key, told, ARRAY_LEN(told))) put_member(&w, m.key, m.value);
    put_or_null(&w, "finish_reason", c->finish);
    close_choice(u, &w);
}

/* ---- the whole ---- */

static void tell_usage(unfolding *u) {
    json_value usage = json_get(u->document, SPAN_OF("usage"));
    if (usage.type != JSON_OBJECT) return;
    json_writer w = open_chunk(u);
    json_close_array(&w);
    put_member(&w, SPAN_OF("usage"), usage);
    close_chunk(u, &w);
}

static bool unfold(span document, bool is_chat, size_t most, buf *out) {
    unfolding u = {.document = answer_root(document), .is_chat = is_chat, .most = most, .out = out};
    json_iter it = json_iter_of(json_get(u.document, SPAN_OF("choices")));
    json_value value;
    write_begin(&u);
    for (unsigned i = 0; !u.full && json_next_element(&it, &value); i++) {
        if (value.type != JSON_OBJECT) continue;
        const choice c = choice_of(&u, value, i);
        say(&u, &c);
        if (!u.full) finish(&u, &c);
    }
    if (!u.full) tell_usage(&u);
    buf_done(&u.begin);
    buf_done(&u.chunk);
    return !u.full;
}

bool openai_unfold_completion(span document, size_t most, buf *out) {
    return unfold(document, true, most, out);
}

bool openai_unfold_text_completion(span document, size_t most, buf *out) {
    return unfold(document, false, most, out);
}
