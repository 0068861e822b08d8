#include "dialect/failure.h"

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
