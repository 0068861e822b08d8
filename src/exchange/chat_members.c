#include "exchange/chat_members.h"

#include "dialect/words.h"
#include "http/sse.h"

static void put_figure(json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value > 0 ? value : 0);
}

void chat_put_request_id(const exchange *x, json_writer *w) {
    json_key(w, "request_id");
    json_put_string(w, span_cstr(x->record.request_id));
}

/* Of an answer that did not end by itself: who reads it cannot tell that otherwise. */
static void put_reason(const exchange *x, json_writer *w) {
    static const span early[] = {SPAN("length"), SPAN("content_filter")};
    for (size_t i = 0; i < ARRAY_LEN(early); i++) {
        if (!span_eq(x->record.finish_reason, early[i])) continue;
        json_key(w, "finish_reason");
        json_put_string(w, early[i]);
    }
}

void chat_put_closing(exchange *x, span model, json_writer *w) {
    const token_usage used = settle_usage(x), *u = &used;
    json_key(w, "usage");
    json_open_object(w);
    put_figure(w, "prompt_tokens", u->prompt);
    put_figure(w, "completion_tokens", u->completion);
    put_figure(w, "total_tokens", u->total);
    if (u->estimated) {
        json_key(w, "estimated");
        json_put_bool(w, true);
    }
    json_close_object(w);
    json_key(w, "model");
    json_put_string(w, model.len ? model : x->facts.model_name);
    put_reason(x, w);
    chat_put_request_id(x, w);
}

/* ---- failure ---- */

static void put_sentence(json_writer *w, const exchange *x) {
    buf text = BUF_EMPTY;
    exchange_sentence(x, &text);
    json_put_string(w, buf_span(&text));
    buf_done(&text);
}

static void put_error(const exchange *x, json_writer *w) {
    const failure *f = &x->failure;
    const error_row *row = error_get(f->error);
    json_value provider = {JSON_NONE, SPAN_EMPTY};
    if (f->body.len) provider = json_get(answer_root(f->body), SPAN_OF("error"));
    json_value type = json_get(provider, SPAN_OF("type"));
    json_value code = json_get(provider, SPAN_OF("code"));
    json_open_object(w);
    json_key(w, "type");
    if (type.type == JSON_STRING)
        json_put_raw(w, type.raw);
    else
        json_put_string(w, span_cstr(row->type));
    json_key(w, "message");
    json_put_string(w, f->text);
    if (code.type == JSON_STRING || row->code[0]) {
        json_key(w, "code");
        if (code.type == JSON_STRING)
            json_put_raw(w, code.raw);
        else
            json_put_string(w, span_cstr(row->code));
    }
    if (f->param.len) {
        json_key(w, "field");
        json_put_string(w, f->param);
    }
    if (exchange_status_is_hidden(x)) {
        json_key(w, "status");
        json_put_i64(w, f->status);
    }
    json_close_object(w);
}

void chat_put_failure(const exchange *x, json_writer *w) {
    json_key(w, "success");
    json_put_bool(w, false);
    json_key(w, "response");
    put_sentence(w, x);
    json_key(w, "error");
    put_error(x, w);
}

span chat_framed(exchange *x, const buf *data) {
    buf_clear(&x->env->scratch);
    sse_write(&x->env->scratch, &(sse_event){.data = buf_span(data)});
    return buf_span(&x->env->scratch);
}
