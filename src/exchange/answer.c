/* What the last filters share: headers, errors, back-pressure, the silence of a stream. */
#include "exchange/internal.h"

#include "exchange/words.h"
#include "json/json.h"

void exchange_error_body(const weir_error *e, buf *out) {
    const failure f = failure_of(e);
    failure_body(&f, out);
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

void exchange_failure_body(const exchange *x, buf *out) {
    failure_body(&x->failure, out);
}

static bool is_unreachable(failure_class f) {
    return f == FAIL_CONNECTION || f == FAIL_SILENT || f == FAIL_TLS;
}

static span sentence_for(const exchange *x) {
    const config_chat *say = &exchange_config(x)->chat;
    const failure *f = &x->failure;
    if (f->status == 429) return say->say_rate_limited;
    /* Whoever has read half an answer knows that there is a connection. */
    if (!f->committed && is_unreachable(f->class)) return say->say_unreachable;
    return f->status < 500 ? say->say_invalid : say->say_failed;
}

void exchange_sentence(const exchange *x, buf *out) {
    sentence_fill(sentence_for(x), x->failure.text, out);
}

void exchange_note_own(exchange *x) {
    int64_t now_us = loop_exact_us(x->env->loop);
    call_report r = x->call ? call_get_report(x->call) : (call_report){0};
    int64_t own = (r.first_sent_us ? r.first_sent_us : now_us) - x->request.started_us;
    if (r.arrived_us) own += now_us - r.arrived_us;
    x->record.own_us = own;
}

/* Milliseconds with three decimals. */
static span own_ms(exchange *x) {
    uint64_t us = x->record.own_us > 0 ? (uint64_t)x->record.own_us : 0;
    unsigned rest = (unsigned)(us % 1000);
    const char decimals[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                             (char)('0' + rest % 10)};
    const span parts[] = {arena_u64(&x->arena, us / 1000), span_from(decimals, sizeof decimals)};
    return arena_join(&x->arena, parts, ARRAY_LEN(parts));
}

size_t exchange_own_headers(exchange *x, http_header *h) {
    size_t n = 0;
    arena *a = &x->arena;
    h[n++] = (http_header){SPAN_OF("x-request-id"), span_cstr(x->record.request_id)};
    if (x->failure.error != ERR_NONE)
        n += retry_headers(x->failure.client_may_retry, x->failure.client_after_ms, a, h + n);
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

http_headers exchange_headers(exchange *x, http_headers crossing, span content_type) {
    http_header *h =
        arena_alloc(&x->arena, (EXCHANGE_HEADERS_MAX + 3 + crossing.count) * sizeof *h);
    size_t n = exchange_own_headers(x, h);
    if (content_type.len) h[n++] = (http_header){SPAN_OF("content-type"), content_type};
    if (span_starts(content_type, SPAN_OF("text/event-stream"))) {
        h[n++] = (http_header){SPAN_OF("cache-control"), SPAN_OF("no-cache")};
        h[n++] = (http_header){SPAN_OF("x-accel-buffering"), SPAN_OF("no")};
    }
    for (size_t i = 0; i < crossing.count; i++)
        if (http_header_is_safe(crossing.items[i].name, crossing.items[i].value))
            h[n++] = crossing.items[i];
    return (http_headers){h, n};
}

void exchange_answer(exchange *x, span body) {
    x->head_sent = true;
    x->record.bytes_out = body.len;
    exchange_note_own(x);
    span type = x->head.content_type.len ? x->head.content_type : SPAN_OF("application/json");
    http_headers headers = exchange_headers(x, x->head.headers, type);
    exchange_finish(x);
    x->door->answer(x->user, x->head.status, headers, body);
}

void exchange_answer_failure(exchange *x, span body) {
    buf made = BUF_EMPTY;
    if (!body.len) {
        exchange_failure_body(x, &made);
        body = buf_span(&made);
    }
    x->record.bytes_out = body.len;
    http_headers headers = exchange_headers(x, x->failure.headers, SPAN_OF("application/json"));
    exchange_finish(x);
    x->door->answer(x->user, x->failure.status, headers, body);
    buf_done(&made);
}

void exchange_piece(exchange *x, span piece) {
    x->record.bytes_out += piece.len;
    x->door->piece(x->user, piece);
    if (x->finished || x->paused || !x->call || !x->door->full(x->user)) return;
    x->paused = true;
    call_pause(x->call);
}

void exchange_drained(exchange *x) {
    if (!x->paused || x->finished) return;
    x->paused = false;
    call_resume(x->call);
}

void exchange_stream_head(exchange *x) {
    if (x->head_sent) return;
    x->head_sent = true;
    http_headers crossing = x->has_head ? x->head.headers : (http_headers){NULL, 0};
    int status = x->has_head ? x->head.status : 200;
    x->sent_status = status;
    x->door->head(x->user, status,
                  exchange_headers(x, crossing, SPAN_OF("text/event-stream; charset=utf-8")));
}

/* ---- the silence of a stream ---- */

static int64_t pause_ms(const keep_alive *k) {
    return exchange_config(k->x)->server.keep_alive_comment_ms;
}

/* The timer is not restarted with every event: it looks, when it fires, how long it has been. */
static void on_silence(timer *t) {
    keep_alive *k = CONTAINER_OF(t, keep_alive, timer);
    exchange *x = k->x;
    int64_t silent = x->env->loop->now_ms - k->last_ms;
    if (silent < pause_ms(k)) {
        loop_timer_start(x->env->loop, t, pause_ms(k) - silent);
        return;
    }
    /* On a path that is passed through nobody knows the answer's form before its head. */
    if (!x->paused && (x->head_sent || x->facts.endpoint != EP_OTHER)) {
        exchange_stream_head(x);
        buf_clear(&x->env->scratch);
        sse_write_comment(&x->env->scratch, SPAN_OF("keep-alive"));
        exchange_piece(x, buf_span(&x->env->scratch));
        k->last_ms = x->env->loop->now_ms;
    }
    loop_timer_start(x->env->loop, t, pause_ms(k));
}

void keep_alive_start(keep_alive *k, exchange *x) {
    k->x = x;
    k->last_ms = x->env->loop->now_ms;
    timer_init(&k->timer, on_silence);
    if (x->facts.stream && pause_ms(k) > 0) loop_timer_start(x->env->loop, &k->timer, pause_ms(k));
}

void keep_alive_stop(keep_alive *k) {
    loop_timer_stop(k->x->env->loop, &k->timer);
}
