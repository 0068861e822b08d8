#include "cli/chat_report.h"

#include "cli/chat_filter.h"
#include "json/json.h"

static void add_name(const char *name, buf *out) {
    chat_filter_text(span_cstr(name), out);
}

/* A provider's words: on a line of their own, however many they are. */
static void add_sentence(const char *text, buf *out) {
    enum { SHOWN_MAX = 1000 };
    buf safe = BUF_EMPTY; /* whole sequences go, before an excerpt leaves a part of one */
    chat_filter_text(span_cstr(text), &safe);
    buf_add_excerpt(out, buf_span(&safe), SHOWN_MAX);
    buf_done(&safe);
}

void chat_report_tokens(const weir_result *r, buf *out) {
    if (r->prompt_tokens < 0 || r->completion_tokens < 0) {
        buf_add_cstr(out, "tokens unknown");
        return;
    }
    buf_addf(out, "%s%lld + %lld tokens", r->tokens_estimated ? "about " : "",
             (long long)r->prompt_tokens, (long long)r->completion_tokens);
}

static void add_tokens(const weir_result *r, buf *out) {
    chat_report_tokens(r, out);
    if (r->cached_tokens > 0) buf_addf(out, ", %lld cached", (long long)r->cached_tokens);
    if (r->reasoning_tokens > 0) buf_addf(out, ", %lld reasoning", (long long)r->reasoning_tokens);
}

/* The target's name mostly ends with the model's. */
static void add_who(const weir_result *r, buf *out) {
    bool told = r->model && r->target && span_ends(span_cstr(r->target), span_cstr(r->model));
    if (r->model && !told) {
        buf_add_cstr(out, ", ");
        add_name(r->model, out);
    }
    if (r->target) {
        buf_add_cstr(out, r->model && !told ? " by " : ", ");
        add_name(r->target, out);
    }
}

void chat_report_usage(const weir_result *r, buf *out) {
    add_tokens(r, out);
    buf_addf(out, ", %.1f s", r->response_seconds);
    if (r->first_token_seconds >= 0)
        buf_addf(out, ", first token after %.1f s", r->first_token_seconds);
    add_who(r, out);
    if (r->attempts > 1) buf_addf(out, ", %u attempts", r->attempts);
}

static const char *reason_of(const weir_wait *w) {
    switch (w->code) {
    case WEIR_RATE_LIMITED: return "rate limited";
    case WEIR_UNREACHABLE: return "no connection";
    case WEIR_TIMEOUT: return "no answer in time";
    default: return "the provider failed";
    }
}

/* Whole seconds, never fewer than it is. */
void chat_report_wait(const weir_wait *w, buf *out) {
    long long seconds = (w->wait_ms + 999) / 1000;
    buf_addf(out, "%s, again in ", reason_of(w));
    if (seconds < 60)
        buf_addf(out, "%lld s", seconds);
    else
        buf_addf(out, "%lld min %lld s", seconds / 60, seconds % 60);
}

const char *chat_report_remark(const weir_result *r) {
    span reason = span_cstr(r->finish_reason);
    if (span_eq(reason, SPAN_OF("length")))
        return "the answer stops here because it has reached its limit of tokens";
    if (span_eq(reason, SPAN_OF("content_filter")))
        return "the answer stops here because the provider's filter has cut it";
    if (span_eq(reason, SPAN_OF("tool_calls")))
        return "the model wants to call a tool, and there is none";
    if (span_eq(reason, SPAN_OF("unfinished")))
        return "the provider does not say why the answer stops here";
    return r->text && r->text_len ? NULL : "the answer is empty";
}

void chat_report_failure(const weir_result *r, buf *out) {
    add_sentence(r->safe_text, out);
    buf_add_cstr(out, "\nreason: ");
    add_sentence(r->error_message ? r->error_message : "it is not known", out);
    buf_addf(out, " (%s", weir_code_name(r->code));
    if (r->status) buf_addf(out, ", HTTP status %d", r->status);
    if (r->target) {
        buf_add_cstr(out, ", from ");
        add_name(r->target, out);
    }
    if (r->attempts > 1) buf_addf(out, ", %u attempts", r->attempts);
    buf_addf(out, ", request %s)", r->request_id);
}

/* ---- JSON ---- */

static void put_string(json_writer *w, const char *key, const char *value) {
    json_key(w, key);
    if (value)
        json_put_string(w, span_cstr(value));
    else
        json_put_null(w);
}

static void put_count(json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    if (value >= 0)
        json_put_i64(w, value);
    else
        json_put_null(w);
}

static void put_usage(json_writer *w, const weir_result *r) {
    json_key(w, "usage");
    json_open_object(w);
    put_count(w, "prompt_tokens", r->prompt_tokens);
    put_count(w, "completion_tokens", r->completion_tokens);
    put_count(w, "total_tokens", r->total_tokens);
    put_count(w, "cached_tokens", r->cached_tokens);
    put_count(w, "reasoning_tokens", r->reasoning_tokens);
    json_key(w, "estimated");
    json_put_bool(w, r->tokens_estimated);
    json_close_object(w);
}

static void put_error(json_writer *w, const weir_result *r) {
    json_key(w, "error");
    if (r->code == WEIR_OK) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    put_string(w, "kind", weir_code_name(r->code));
    put_string(w, "message", r->error_message);
    put_string(w, "type", r->error_type);
    put_string(w, "code", r->error_code);
    put_string(w, "param", r->error_param);
    put_count(w, "status", r->status ? r->status : -1);
    put_count(w, "retry_after_ms", r->retry_after_ms);
    json_close_object(w);
}

void chat_report_json(const weir_result *r, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "text");
    if (r->text)
        json_put_string(&w, span_from(r->text, r->text_len));
    else
        json_put_null(&w);
    put_string(&w, "model", r->model);
    put_string(&w, "target", r->target);
    put_string(&w, "finish_reason", r->finish_reason);
    put_usage(&w, r);
    json_key(&w, "seconds");
    json_put_fixed(&w, r->response_seconds, 6);
    json_key(&w, "first_token_seconds");
    if (r->first_token_seconds >= 0)
        json_put_fixed(&w, r->first_token_seconds, 6);
    else
        json_put_null(&w);
    json_key(&w, "attempts");
    json_put_u64(&w, r->attempts);
    put_string(&w, "request_id", r->request_id);
    put_string(&w, "provider_request_id", r->provider_request_id);
    put_error(&w, r);
    json_close_object(&w);
}

/* ---- all calls ---- */

void chat_report_summary(const weir_summary *s, buf *out) {
    buf_addf(out, "%llu call%s", (unsigned long long)s->total_calls,
             s->total_calls == 1 ? "" : "s");
    unsigned long long stopped = s->cancelled_calls, failed = s->failed_calls - stopped;
    if (stopped) buf_addf(out, ", %llu of them stopped", stopped);
    if (failed) buf_addf(out, ", %llu of them failed", failed);
    buf_addf(out, ", %s%lld + %lld tokens", s->estimated_tokens ? "about " : "",
             (long long)s->prompt_tokens, (long long)s->completion_tokens);
    if (s->successful_calls) buf_addf(out, ", %.1f s on average", s->average_response_time);
    if (s->retries) buf_addf(out, ", retries: %llu", (unsigned long long)s->retries);
    if (s->models_used_count) buf_add_cstr(out, ", models: ");
    for (size_t i = 0; i < s->models_used_count; i++) {
        if (i) buf_add_cstr(out, ", ");
        add_name(s->models_used[i], out);
    }
}
