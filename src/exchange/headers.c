/* The headers of what weir answers, and what they tell: whose answer it was, weir's own share of
 * the time, when to come back. */
#include "exchange/internal.h"

void exchange_error_body(const weir_error *e, buf *out) {
    const failure f = failure_of(e);
    failure_body(&f, out);
}

/* Source: platform.openai.com/docs/api-reference/debugging-requests. */
static bool is_id(span text) {
    enum { ID_BYTES_MAX = 512 };
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return text.len > 0 && text.len <= ID_BYTES_MAX;
}

span exchange_client_id(http_headers headers) {
    span id = http_header_get(headers, SPAN_OF("x-client-request-id"));
    if (!id.ptr) id = http_header_get(headers, SPAN_OF("x-request-id"));
    return is_id(id) ? id : SPAN_EMPTY;
}

static size_t retry_headers(bool may_retry, int64_t after_ms, arena *a, http_header *h) {
    size_t n = 0;
    h[n++] =
        (http_header){SPAN_OF("x-should-retry"), may_retry ? SPAN_OF("true") : SPAN_OF("false")};
    if (after_ms < 0) return n;
    h[n++] = (http_header){SPAN_OF("retry-after-ms"), arena_u64(a, (uint64_t)after_ms)};
    /* Whole seconds, rounded up: a client that comes a little late is served, one too early is not.
     */
    h[n++] = (http_header){SPAN_OF("retry-after"), arena_u64(a, ((uint64_t)after_ms + 999) / 1000)};
    return n;
}

size_t exchange_error_headers(const weir_error *e, arena *a, http_header *ret) {
    return retry_headers(error_get(e->id)->should_retry, e->retry_after_ms, a, ret);
}

void exchange_note_own(exchange *x) {
    int64_t now_us = loop_exact_us(x->env->loop);
    call_report r = x->call ? call_get_report(x->call) : (call_report){0};
    int64_t own = (r.first_sent_us ? r.first_sent_us : now_us) - x->started_us;
    if (r.arrived_us) own += now_us - r.arrived_us;
    x->record.own_us = own - x->queued_us;
}

/* Milliseconds with three decimals. */
static span own_ms(exchange *x) {
    uint64_t us = x->record.own_us > 0 ? (uint64_t)x->record.own_us : 0;
    unsigned rest = (unsigned)(us % 1000);
    const char decimals[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                             (char)('0' + rest % 10)};
    arena *a = &x->env->event_arena;
    const span parts[] = {arena_u64(a, us / 1000), span_from(decimals, sizeof decimals)};
    return arena_join(a, parts, ARRAY_LEN(parts));
}

size_t exchange_own_headers(exchange *x, http_header *h) {
    size_t n = 0;
    arena *a = &x->env->event_arena;
    h[n++] = (http_header){SPAN_OF("x-request-id"), span_cstr(x->record.request_id)};
    if (x->record.client_request_id.len)
        h[n++] = (http_header){SPAN_OF("x-client-request-id"), x->record.client_request_id};
    if (x->failure.error != ERR_NONE)
        n += retry_headers(x->failure.client_may_retry, x->failure.client_after_ms, a, h + n);
    for (size_t i = 0; i < x->more_headers.count; i++)
        h[n++] = x->more_headers.items[i];
    if (x->record.cache.len) {
        h[n++] = (http_header){SPAN_OF("x-weir-cache"), x->record.cache};
        if (x->age_s >= 0 && x->given)
            h[n++] = (http_header){SPAN_OF("age"), arena_u64(a, (uint64_t)x->age_s)};
        if (x->record.similarity > 0)
            h[n++] = (http_header){SPAN_OF("x-weir-cache-similarity"),
                                   arena_printf(a, "%.4f", x->record.similarity)};
    }
    if (!x->call) return n;
    if (x->record.own_us < 0) exchange_note_own(x);
    if (x->has_head || x->failure.class != FAIL_NONE) {
        call_report r = call_get_report(x->call);
        if (r.target.len) h[n++] = (http_header){SPAN_OF("x-weir-target"), r.target};
        h[n++] = (http_header){SPAN_OF("x-weir-attempts"), arena_u64(a, r.attempts)};
        if (x->record.provider_request_id.len)
            h[n++] =
                (http_header){SPAN_OF("x-weir-provider-request-id"), x->record.provider_request_id};
    }
    h[n++] = (http_header){SPAN_OF("x-weir-overhead-ms"), own_ms(x)};
    return n;
}

static bool is_of_limits(const http_header *h) {
    return span_istarts(h->name, SPAN_OF("x-ratelimit-"));
}

static bool tells_limits(const exchange *x) {
    for (size_t i = 0; i < x->more_headers.count; i++)
        if (is_of_limits(&x->more_headers.items[i])) return true;
    return false;
}

/* What the provider allows weir does not tell a client whom weir itself allows less. */
static bool crosses(const exchange *x, const http_header *h) {
    if (is_of_limits(h) && tells_limits(x)) return false;
    return http_header_is_safe(h->name, h->value);
}

http_headers exchange_headers(exchange *x, http_headers crossing, span content_type) {
    http_header *h =
        arena_alloc(&x->env->event_arena, (EXCHANGE_HEADERS_MAX + 3 + crossing.count) * sizeof *h);
    size_t n = exchange_own_headers(x, h);
    if (content_type.len) h[n++] = (http_header){SPAN_OF("content-type"), content_type};
    if (span_starts(content_type, SPAN_OF("text/event-stream"))) {
        h[n++] = (http_header){SPAN_OF("cache-control"), SPAN_OF("no-cache")};
        h[n++] = (http_header){SPAN_OF("x-accel-buffering"), SPAN_OF("no")};
    }
    for (size_t i = 0; i < crossing.count; i++)
        if (crosses(x, &crossing.items[i])) h[n++] = crossing.items[i];
    return (http_headers){h, n};
}
