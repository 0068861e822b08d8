/* Why a choice ends, in words that every client knows: some (async-openai, pydantic-ai, semantic-
 * kernel) refuse an answer with any other. */
#include "dialect/openai.h"

typedef enum finish_word { STOP, LENGTH, TOOL_CALLS, CONTENT_FILTER, FAILED } finish_word;

static const span words[] = {[STOP] = SPAN("stop"),
                             [LENGTH] = SPAN("length"),
                             [TOOL_CALLS] = SPAN("tool_calls"),
                             [CONTENT_FILTER] = SPAN("content_filter"),
                             [FAILED] = SPAN("error")};

static const struct {
    span native;
    finish_word means;
} rows[] = {
#define X(word, meaning) {SPAN(word), meaning},
#include "dialect/finish_reasons.def"
#undef X
};

/* Completions know no calls of tools. */
static bool has_tools(dialect d) {
    return d != DIALECT_OPENAI_COMPLETIONS;
}

bool openai_knows_finish(dialect d, span word) {
    switch (word.len) {
    case 4: return span_eq(word, SPAN_OF("stop"));
    case 6: return span_eq(word, SPAN_OF("length"));
    case 10: return has_tools(d) && span_eq(word, SPAN_OF("tool_calls"));
    case 13: return has_tools(d) && span_eq(word, SPAN_OF("function_call"));
    case 14: return span_eq(word, SPAN_OF("content_filter"));
    default: return false;
    }
}

bool openai_is_no_finish(span word) {
    return !word.len || span_ieq(word, SPAN_OF("null"));
}

static finish_word meaning(dialect d, span native) {
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!span_ieq(rows[i].native, native)) continue;
        return rows[i].means == TOOL_CALLS && !has_tools(d) ? STOP : rows[i].means;
    }
    return STOP;
}

/* What has been written of a document so far. */
typedef struct respelling {
    dialect dialect;
    span data;
    size_t from;      /* of data: what is not written yet */
    span failed;      /* the word that says so */
    json_value error; /* what a choice tells of it; NONE: nothing */
    buf *out;
} respelling;

/* A choice that has the provider's own word beside the other already (OpenRouter's) keeps it. */
static void respell_choice(respelling *s, json_value choice) {
    json_value error = json_get(choice, SPAN_OF("error"));
    if (s->error.type == JSON_NONE && openai_fails_choice(error)) s->error = error;
    json_value reason = json_get(choice, SPAN_OF("finish_reason"));
    if (reason.type != JSON_STRING) return;
    span native = span_slice(reason.raw, 1, reason.raw.len - 1);
    if (openai_knows_finish(s->dialect, native)) return;
    size_t at = (size_t)(reason.raw.ptr - s->data.ptr);
    buf_add(s->out, span_slice(s->data, s->from, at));
    s->from = at + reason.raw.len;
    if (openai_is_no_finish(native)) {
        buf_add(s->out, SPAN_OF("null"));
        return;
    }
    finish_word word = meaning(s->dialect, native);
    if (word == FAILED) s->failed = native;
    json_write_string(s->out, words[word]);
    if (json_get(choice, SPAN_OF("native_finish_reason")).type != JSON_NONE) return;
    buf_add(s->out, SPAN_OF(",\"native_finish_reason\":"));
    buf_add(s->out, reason.raw);
}

/* Half an answer for a whole one is what nobody wants: an error, whatever came with it. */
static void write_failed(const respelling *s, buf *out) {
    const span native = s->failed;
    if (s->error.type != JSON_NONE) {
        buf_add(out, SPAN_OF("{\"error\":"));
        buf_add(out, s->error.raw);
        buf_add_char(out, '}');
        return;
    }
    buf text = BUF_EMPTY;
    buf_addf(&text, "The provider broke its answer off (finish_reason: %.*s).", SPAN_ARG(native));
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "error");
    json_open_object(&w);
    json_key(&w, "message");
    json_put_string(&w, buf_span(&text));
    json_key(&w, "type");
    json_put_string(&w, SPAN_OF("server_error"));
    json_key(&w, "param");
    json_put_null(&w);
    json_key(&w, "code");
    json_put_string(&w, native);
    json_close_object(&w);
    json_close_object(&w);
    buf_done(&text);
}

/* An empty list in the place of null, or of nothing. */
static void write_no_choices(span data, json_value null, buf *out) {
    const bool there = null.type != JSON_NONE;
    size_t at = data.len;
    while (!there && data.ptr[--at] != '}')
        ;
    if (there) at = (size_t)(null.raw.ptr - data.ptr);
    buf_add(out, span_slice(data, 0, at));
    buf_add(out, there ? SPAN_OF("[]") : SPAN_OF(",\"choices\":[]"));
    buf_add(out, span_slice(data, at + null.raw.len, data.len));
}

void openai_respell(dialect d, span data, json_value choices, buf *out) {
    if (choices.type != JSON_ARRAY) {
        write_no_choices(data, choices, out);
        return;
    }
    respelling s = {.dialect = d, .data = data, .out = out};
    json_iter it = json_iter_of(choices);
    for (json_value choice; json_next_element(&it, &choice);)
        if (choice.type == JSON_OBJECT) respell_choice(&s, choice);
    buf_add(out, span_slice(data, s.from, data.len));
    if (!s.failed.len && s.error.type == JSON_NONE) return;
    buf_clear(out);
    write_failed(&s, out);
}
