#include "gateway/reply.h"

#include "base/clock.h"
#include "gateway/cors.h"
#include "gateway/routes.h"
#include "gateway/worker.h"

#include <assert.h>
#include <string.h>

static void answer(const request *q, span id, int status, const char *type, span body,
                   http_headers more) {
    assert(more.count <= REPLY_HEADERS_MAX);
    http_header headers[REPLY_HEADERS_MAX + CORS_HEADERS_MAX + 2];
    size_t n = 0;
    headers[n++] = (http_header){SPAN("x-request-id"), id};
    if (type) headers[n++] = (http_header){SPAN("content-type"), span_cstr(type)};
    for (size_t i = 0; i < more.count; i++)
        headers[n++] = more.items[i];
    n += cors_headers(&worker_config(q->w)->cors, http_request_head(q->http)->headers, headers + n);
    http_answer(q->http, status, (http_headers){headers, n}, body);
}

void reply(const request *q, int status, const char *type, span body, http_headers more) {
    if (!q->http) return;
    char id[ID_LEN + 1];
    id_new(&q->w->loop.rng, clock_wall_us(), id);
    answer(q, span_from(id, ID_LEN), status, type, body, more);
}

void reply_json(const request *q, int status, span body) {
    reply(q, status, "application/json", body, (http_headers){0});
}

void reply_count_error(worker *w, error_id id) {
    static const char *const faults[] = {"client", "provider", "weir"};
    char name[ERROR_NAME_MAX];
    span labels[] = {record_error_name(id, name), span_cstr(faults[error_get(id)->fault])};
    metric_add(metrics_series(w->env.metrics, METRIC_ERRORS, labels), 1);
}

/* A call that the door refuses is a call all the same: one line, one count. */
static void record_refusal(worker *w, call_record *record, const call_row *row,
                           const weir_error *e) {
    record->endpoint =
        row->form == &form_chat ? SPAN_OF("chat") : span_cstr(endpoint_get(row->endpoint)->name);
    record->status = error_get(e->id)->status;
    record->error = e->id;
    record->error_text = error_message(e);
    record->usage = (token_usage){-1, -1, -1, -1, -1, false};
    record->first_byte_us = record->first_token_us = record->own_us = record->total_us = -1;
    log_call(w->env.log, record);
    metrics_count_call(w->env.metrics, record);
}

void reply_error_with(const request *q, const weir_error *e, http_headers more) {
    if (!q->http) return;
    arena a;
    arena_init(&a, 0);
    http_header headers[REPLY_HEADERS_MAX];
    size_t n = exchange_error_headers(e, &a, headers);
    for (size_t i = 0; i < more.count && n < REPLY_HEADERS_MAX; i++)
        headers[n++] = more.items[i];
    buf body = BUF_EMPTY;
    exchange_error_body(e, &body);
    call_record record = {.started_wall_us = clock_wall_us(), .bytes_out = body.len};
    id_new(&q->w->loop.rng, record.started_wall_us, record.request_id);
    /* Counted before the client can know. */
    if (q->row && q->row->call)
        record_refusal(q->w, &record, q->row->call, e);
    else
        reply_count_error(q->w, e->id);
    answer(q, span_cstr(record.request_id), error_get(e->id)->status, "application/json",
           buf_span(&body), (http_headers){headers, n});
    buf_done(&body);
    arena_done(&a);
}

void reply_error_text(const request *q, error_id id, const char *fmt, ...) {
    arena a;
    arena_init(&a, 0);
    weir_error e = error_of(id);
    va_list args;
    va_start(args, fmt);
    e.message = arena_vprintf(&a, fmt, args);
    va_end(args);
    reply_error_with(q, &e, (http_headers){0});
    arena_done(&a);
}
