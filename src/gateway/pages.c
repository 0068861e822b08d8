#include "gateway/pages.h"

#include "gateway/embedded.h"
#include "gateway/reply.h"
#include "gateway/vitals.h"
#include "gateway/worker.h"
#include "json/json.h"

static void put_status(json_writer *w, const char *status) {
    json_key(w, "status");
    json_put_string(w, span_cstr(status));
}

static void answer_status(const request *q, int code, const char *status) {
    http_header fresh = {SPAN("cache-control"), SPAN("no-store")};
    buf body = BUF_EMPTY;
    json_writer json = json_writer_of(&body);
    json_open_object(&json);
    put_status(&json, status);
    json_close_object(&json);
    reply(q, code, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

static void answer_live(request *q) {
    answer_status(q, 200, "alive");
}

static void answer_ready(request *q) {
    gateway_phase phase = atomic_load_explicit(&q->w->gateway->phase, memory_order_relaxed);
    answer_status(q, phase_ready(phase) ? 200 : 503, phase_name(phase));
}

static void answer_health(request *q) {
    gateway_phase phase = atomic_load_explicit(&q->w->gateway->phase, memory_order_relaxed);
    http_header fresh = {SPAN("cache-control"), SPAN("no-store")};
    buf body = BUF_EMPTY;
    json_writer json = json_writer_of(&body);
    json_open_object(&json);
    put_status(&json, phase_ready(phase) ? "healthy" : phase_name(phase));
    json_key(&json, "service");
    json_put_string(&json, SPAN_OF("weir"));
    json_key(&json, "version");
    json_put_string(&json, SPAN_OF(WEIR_VERSION));
    vitals_write(&json, q->w);
    json_close_object(&json);
    reply(q, phase_ready(phase) ? 200 : 503, "application/json", buf_span(&body),
          (http_headers){&fresh, 1});
    buf_done(&body);
}

static void answer_metrics(request *q) {
    span accept = http_header_get(http_request_head(q->http)->headers, SPAN_OF("accept"));
    bool open = metrics_wants_open(accept);
    buf body = BUF_EMPTY;
    worker_figures(q->w); /* the other workers' gauges are at most a second old */
    metrics_write(q->w->gateway->metrics, open, &body);
    reply(q, 200, metrics_content_type(open), buf_span(&body), (http_headers){0});
    buf_done(&body);
}

static void answer_openapi(request *q) {
    reply_json(q, 200, embedded_openapi);
}

/* The page runs its own script and style and nothing else, and talks to nobody but this server. */
static void answer_docs(request *q) {
    http_header safe[] = {
        {SPAN("content-security-policy"), embedded_docs_policy},
        {SPAN("x-content-type-options"), SPAN("nosniff")},
        {SPAN("referrer-policy"), SPAN("no-referrer")},
    };
    reply(q, 200, "text/html; charset=utf-8", embedded_docs, (http_headers){safe, ARRAY_LEN(safe)});
}

const request_ops page_live = REQUEST_AT_ONCE(answer_live);
const request_ops page_ready = REQUEST_AT_ONCE(answer_ready);
const request_ops page_health = REQUEST_AT_ONCE(answer_health);
const request_ops page_metrics = REQUEST_AT_ONCE(answer_metrics);
const request_ops page_openapi = REQUEST_AT_ONCE(answer_openapi);
const request_ops page_docs = REQUEST_AT_ONCE(answer_docs);
