#include "dialect/failure.h"

#include "dialect/words.h"
#include "json/json.h"

bool failure_counts(failure_class f) {
    switch (f) {
    case FAIL_CONNECTION:
    case FAIL_SILENT:
    case FAIL_MALFORMED:
    case FAIL_OVERLOAD:
    case FAIL_TLS: return true;
    case FAIL_NONE:
    case FAIL_LIMIT:
    case FAIL_KEY:
    case FAIL_CONTEXT_LENGTH:
    case FAIL_CONTENT_POLICY:
    case FAIL_TARGET:
    case FAIL_REQUEST:
    case FAIL_OUR_LIMIT:
    case FAIL_OUR_SHORTAGE:
    case FAIL_OUR_WAY:
    case FAIL_GONE: return false;
    }
    return false;
}

const char *failure_name(failure_class f) {
    static const char *const names[] = {
        [FAIL_NONE] = "ok",
        [FAIL_CONNECTION] = "connection",
        [FAIL_SILENT] = "silent",
        [FAIL_MALFORMED] = "malformed",
        [FAIL_OVERLOAD] = "overload",
        [FAIL_LIMIT] = "limit",
        [FAIL_KEY] = "key",
        [FAIL_CONTEXT_LENGTH] = "context_length",
        [FAIL_CONTENT_POLICY] = "content_policy",
        [FAIL_TARGET] = "target",
        [FAIL_REQUEST] = "request",
        [FAIL_OUR_LIMIT] = "our_limit",
        [FAIL_OUR_SHORTAGE] = "our_shortage",
        [FAIL_OUR_WAY] = "our_way",
        [FAIL_TLS] = "tls",
        [FAIL_GONE] = "cancelled",
    };
    return names[f];
}

failure failure_of(const weir_error *e) {
    const error_row *row = error_get(e->id);
    return (failure){.error = e->id,
                     .status = row->status,
                     .text = error_message(e),
                     .param = e->param,
                     .hint = {-1, -1},
                     .client_may_retry = row->should_retry,
                     .client_after_ms = e->retry_after_ms};
}

size_t failure_cut_marks(span text) {
    static const span marks[] = {SPAN(FAILURE_BETWEEN), SPAN(FAILURE_MORE)};
    span rest = text;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (!span_ends(rest, marks[i])) continue;
        rest.len -= marks[i].len;
        i = SIZE_MAX; /* from the first again */
    }
    return text.len - rest.len;
}

static void put_text(json_writer *w, const char *key, span text) {
    json_key(w, key);
    if (text.len)
        json_put_string(w, text);
    else
        json_put_null(w);
}

void failure_body(const failure *f, buf *out) {
    if (f->body.len) {
        buf_add(out, f->body);
        return;
    }
    const error_row *row = error_get(f->error);
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "error");
    json_open_object(&w);
    json_key(&w, "message");
    json_put_string(&w, f->text);
    json_key(&w, "type");
    json_put_string(&w, span_cstr(row->type));
    put_text(&w, "param", f->param);
    put_text(&w, "code", span_cstr(row->code));
    json_close_object(&w);
    json_close_object(&w);
}

/* A message that says the status is as it should be. */
static void put_told_message(json_writer *w, json_value message, const failure *f) {
    buf text = BUF_EMPTY, said = BUF_EMPTY;
    bool any = message.type == JSON_STRING && message.raw.len > strlen("\"\"");
    if (any)
        buf_add(&text, span_slice(message.raw, 0, message.raw.len - 1));
    else
        json_write_string(&text, f->text);
    if (!any) text.len--;
    buf_addf(&said, "status %d", f->status);
    if (span_find_span(buf_span(&text), 0, buf_span(&said)) == text.len)
        buf_addf(&text, " (%.*s)", SPAN_ARG(buf_span(&said)));
    buf_add_char(&text, '"');
    json_key(w, "message");
    json_put_raw(w, buf_span(&text));
    buf_done(&text);
    buf_done(&said);
}

static void put_told_code(json_writer *w, json_value code, int status) {
    buf number = BUF_EMPTY;
    json_key(w, "code");
    if (code.type == JSON_NONE || code.type == JSON_NULL) {
        buf_addf(&number, "%d", status);
        json_put_string(w, buf_span(&number));
    } else {
        json_put_raw(w, code.raw);
    }
    buf_done(&number);
}

static void put_other_members(json_writer *w, json_value error) {
    static const span told[] = {SPAN("message"), SPAN("code"), SPAN("status")};
    json_iter it = json_iter_of(error);
    for (json_member m; json_next_member(&it, &m);) {
        bool is_told = false;
        for (size_t i = 0; i < ARRAY_LEN(told); i++)
            is_told |= span_eq(m.key, told[i]);
        if (!is_told) json_put_member(w, &m);
    }
}

void failure_body_told(const failure *f, buf *out) {
    buf body = BUF_EMPTY;
    failure_body(f, &body);
    json_value error = json_get(answer_root(buf_span(&body)), SPAN_OF("error"));
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "error");
    json_open_object(&w);
    put_told_message(&w, json_get(error, SPAN_OF("message")), f);
    put_other_members(&w, error);
    put_told_code(&w, json_get(error, SPAN_OF("code")), f->status);
    json_key(&w, "status");
    json_put_i64(&w, f->status);
    json_close_object(&w);
    json_close_object(&w);
    buf_done(&body);
}
