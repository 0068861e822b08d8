/* Events that no provider sent, as OpenAI would: where an answer is ended early, or breaks off. */
#include "dialect/openai.h"
#include "dialect/words.h"

/* ---- what all of them begin with ---- */

static void put_known(json_writer *w, const char *key, json_value v) {
    if (v.type == JSON_NONE) return;
    json_key(w, key);
    json_put_raw(w, v.raw);
}

static void put_text(json_writer *w, const char *key, span text) {
    json_key(w, key);
    json_put_string(w, text);
}

static void put_number(json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value);
}

static void open_chunk(json_writer *w, const answer_event *like, span object) {
    static const answer_envelope nothing = {{JSON_NONE}, {JSON_NONE}, {JSON_NONE}};
    const answer_envelope *envelope = like->envelope ? like->envelope : &nothing;
    json_open_object(w);
    put_known(w, "id", envelope->id);
    put_text(w, "object", object);
    put_known(w, "created", envelope->created);
    put_known(w, "model", envelope->model);
    json_key(w, "choices");
    json_open_array(w);
}

static void put_detail(json_writer *w, const char *object, const char *key, int64_t value) {
    if (value < 0) return;
    json_key(w, object);
    json_open_object(w);
    put_number(w, key, value);
    json_close_object(w);
}

static int64_t or_none(int64_t value) {
    return value > 0 ? value : 0;
}

/* ---- a choice ends ---- */

static const span chat_chunk = SPAN("chat.completion.chunk");
static const span text_chunk = SPAN("text_completion");

static void close_finished(json_writer *w, span reason) {
    put_text(w, "finish_reason", reason);
    json_close_object(w);
    json_close_array(w);
    json_close_object(w);
}

span openai_write_chat_finish(const answer_event *like, unsigned choice, span reason, buf *out) {
    json_writer w = json_writer_of(out);
    open_chunk(&w, like, chat_chunk);
    json_open_object(&w);
    put_number(&w, "index", choice);
    json_key(&w, "delta");
    json_open_object(&w);
    json_close_object(&w);
    close_finished(&w, reason);
    return SPAN_EMPTY;
}

span openai_write_text_finish(const answer_event *like, unsigned choice, span reason, buf *out) {
    json_writer w = json_writer_of(out);
    open_chunk(&w, like, text_chunk);
    json_open_object(&w);
    put_number(&w, "index", choice);
    put_text(&w, "text", SPAN_OF(""));
    close_finished(&w, reason);
    return SPAN_EMPTY;
}

/* Events are numbered; this one follows like. */
static void put_sequence(json_writer *w, const answer_event *like) {
    int64_t number = 0;
    json_value before = json_get(answer_root(like->data), SPAN_OF("sequence_number"));
    if (json_i64(before, &number) && number < INT64_MAX)
        put_number(w, "sequence_number", number + 1);
}

/* Its words for the reasons of a chat completion that are not its own. */
static span incomplete_reason(span reason) {
    return span_eq(reason, SPAN_OF("length")) ? SPAN_OF("max_output_tokens") : reason;
}

static void put_details(json_writer *w, span reason, bool whole) {
    json_key(w, "incomplete_details");
    if (whole) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    put_text(w, "reason", incomplete_reason(reason));
    json_close_object(w);
}

static void put_response_usage(json_writer *w, const token_usage *u) {
    if (!u || u->prompt < 0) return;
    json_key(w, "usage");
    json_open_object(w);
    put_number(w, "input_tokens", u->prompt);
    put_detail(w, "input_tokens_details", "cached_tokens", or_none(u->cached));
    put_number(w, "output_tokens", or_none(u->completion));
    put_detail(w, "output_tokens_details", "reasoning_tokens", or_none(u->reasoning));
    put_number(w, "total_tokens", or_none(u->total));
    json_close_object(w);
}

span openai_write_response_finish(const answer_event *like, unsigned choice, span reason,
                                  buf *out) {
    (void)choice; /* a response ends as a whole */
    static const span types[] = {SPAN("response.incomplete"), SPAN("response.completed")};
    bool whole = span_eq(reason, SPAN_OF("stop"));
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    put_text(&w, "type", types[whole]);
    put_sequence(&w, like);
    json_key(&w, "response");
    json_open_object(&w);
    if (like->envelope) put_known(&w, "id", like->envelope->id);
    put_text(&w, "object", SPAN_OF("response"));
    if (like->envelope) put_known(&w, "created_at", like->envelope->created);
    put_text(&w, "status", whole ? SPAN_OF("completed") : SPAN_OF("incomplete"));
    put_details(&w, reason, whole);
    if (like->envelope) put_known(&w, "model", like->envelope->model);
    json_key(&w, "output");
    json_open_array(&w);
    json_close_array(&w);
    put_response_usage(&w, like->usage);
    json_close_object(&w);
    json_close_object(&w);
    return types[whole];
}

span openai_write_no_finish(const answer_event *like, unsigned choice, span reason, buf *out) {
    (void)like, (void)choice, (void)reason, (void)out; /* it has no choices */
    return SPAN_EMPTY;
}

/* ---- usage ---- */

static span write_usage(const answer_event *like, span object, const token_usage *u, buf *out) {
    json_writer w = json_writer_of(out);
    open_chunk(&w, like, object);
    json_close_array(&w);
    json_key(&w, "usage");
    json_open_object(&w);
    put_number(&w, "prompt_tokens", or_none(u->prompt));
    put_number(&w, "completion_tokens", or_none(u->completion));
    put_number(&w, "total_tokens", or_none(u->total));
    put_detail(&w, "prompt_tokens_details", "cached_tokens", u->cached);
    put_detail(&w, "completion_tokens_details", "reasoning_tokens", u->reasoning);
    json_close_object(&w);
    json_close_object(&w);
    return SPAN_EMPTY;
}

span openai_write_chat_usage(const answer_event *like, const token_usage *usage, buf *out) {
    return write_usage(like, chat_chunk, usage, out);
}

span openai_write_text_usage(const answer_event *like, const token_usage *usage, buf *out) {
    return write_usage(like, text_chunk, usage, out);
}

span openai_write_no_usage(const answer_event *like, const token_usage *usage, buf *out) {
    (void)like, (void)usage, (void)out; /* told with the last event, or never streamed */
    return SPAN_EMPTY;
}

/* ---- errors ---- */

/* The official SDKs raise on a truthy `error` member. */
span openai_write_error(span body, buf *out) {
    json_write_line(out, body);
    return SPAN_EMPTY;
}

/* Clients of /v1/responses know an event named error with the fields at the top. */
span openai_write_response_error(span body, buf *out) {
    static const char *const fields[] = {"code", "message", "param"};
    json_value error = json_get(answer_root(body), SPAN_OF("error"));
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    put_text(&w, "type", SPAN_OF("error"));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_value v = json_get(error, span_cstr(fields[i]));
        json_key(&w, fields[i]);
        if (v.type == JSON_NONE)
            json_put_null(&w);
        else
            json_put_raw(&w, v.raw);
    }
    json_key(&w, "error");
    json_put_raw(&w, error.raw);
    json_close_object(&w);
    return SPAN_OF("error");
}
