#include "gateway/reply.h"

#include "base/clock.h"
#include "gateway/calls.h"
#include "gateway/cors.h"
#include "gateway/routes.h"
#include "gateway/worker.h"

#include <assert.h>
#include <string.h>

typedef struct reply_id {
    char text[ID_LEN + 1];
} reply_id;

static reply_id new_id(const request *q) {
    reply_id id;
    id_new(&q->w->loop.rng, clock_wall_us(), id.text);
    return id;
}

static void answer(const request *q, const reply_id *id, int status, const char *type, span body,
                   http_headers more) {
    assert(more.count <= REPLY_HEADERS_MAX);
    http_header headers[REPLY_HEADERS_MAX + CORS_HEADERS_MAX + 3];
    size_t n = 0;
    headers[n++] = (http_header){SPAN("x-request-id"), span_from(id->text, ID_LEN)};
    http_headers asked = http_request_head(q->http)->headers;
    span own = exchange_client_id(asked);
    if (own.len) headers[n++] = (http_header){SPAN("x-client-request-id"), own};
    if (type) headers[n++] = (http_header){SPAN("content-type"), span_cstr(type)};
    for (size_t i = 0; i < more.count; i++)
        headers[n++] = more.items[i];
    n += cors_headers(&worker_config(q->w)->cors, asked, headers + n);
    http_answer(q->http, status, (http_headers){headers, n}, body);
}

/* Pages that are asked for every few seconds: for who debugs. */
static void log_page(const request *q, const reply_id *id, int status) {
    if (!log_wants(q->w->env.log, LEVEL_DEBUG)) return;
    const http_head *head = http_request_head(q->http);
    char number[LOG_NUMBER_MAX];
    const log_field fields[] = {{.key = "request_id", .value = span_from(id->text, ID_LEN)},
                                {.key = "peer", .value = request_peer(q)},
                                {.key = "method", .value = head->method_text},
                                {.key = "path", .value = head->path},
                                log_number("status", (uint64_t)status, number)};
    log_event(q->w->env.log, LEVEL_DEBUG, "request_answered", SPAN_OF("A page was asked for."),
              fields, ARRAY_LEN(fields));
}

void reply(const request *q, int status, const char *type, span body, http_headers more) {
    if (!q->http) return;
    const reply_id id = new_id(q);
    log_page(q, &id, status);
    answer(q, &id, status, type, body, more);
}

void reply_json(const request *q, int status, span body) {
    reply(q, status, "application/json", body, (http_headers){0});
}

void reply_stream(const request *q) {
    const reply_id id = new_id(q);
    const http_headers asked = http_request_head(q->http)->headers;
    http_header headers[4 + CORS_HEADERS_MAX] = {
        {SPAN("x-request-id"), span_from(id.text, ID_LEN)},
        {SPAN("content-type"), SPAN("text/event-stream; charset=utf-8")},
        {SPAN("cache-control"), SPAN("no-cache")},
        {SPAN("x-accel-buffering"), SPAN("no")},
    };
    log_page(q, &id, 200);
    const size_t n = 4 + cors_headers(&worker_config(q->w)->cors, asked, headers + 4);
    http_answer_head(q->http, 200, (http_headers){headers, n});
}

static void tell(const request *q, const weir_error *e, const reply_id *id) {
    const http_refusal what = {.id = e->id,
                               .why = error_message(e),
                               .request_id = span_from(id->text, ID_LEN),
                               .peer = request_peer(q),
                               .head = http_request_head(q->http)};
    refusals_tell(&q->w->refusals, &what);
}

void reply_error_with(const request *q, const weir_error *e, http_headers more) {
    if (!q->http) return;
    if (q->row && q->row->call) {
        call_refuse(q, e, more);
        return;
    }
    arena a;
    arena_init(&a, 0);
    http_header headers[REPLY_HEADERS_MAX];
    size_t n = exchange_error_headers(e, &a, headers);
    for (size_t i = 0; i < more.count && n < REPLY_HEADERS_MAX; i++)
        headers[n++] = more.items[i];
    buf body = BUF_EMPTY;
    exchange_error_body(e, &body);
    const reply_id id = new_id(q);
    tell(q, e, &id); /* before the client can know */
    answer(q, &id, error_get(e->id)->status, "application/json", buf_span(&body),
           (http_headers){headers, n});
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
