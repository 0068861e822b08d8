#include "call/attempt_internal.h"

#include "base/clock.h"
#include "call/hint.h"
#include "call/redirect.h"

/* ---- the only ways out ---- */

static void close_reader(attempt *a) {
    if (!a->reading || a->telling) return;
    a->reading = false;
    attempt_close_reader(a);
}

void attempt_forget(attempt *a) {
    close_reader(a);
    attempt_drop_large(a);
}

static void release(attempt *a) {
    a->state = OVER;
    loop_timer_stop(a->spec.loop, &a->watch);
    attempt_pace_stop(a);
    attempt_forget(a);
    buf_done(&a->body);
    credential_unref(a->credential);
    a->credential = NULL;
    secret_set_unref(a->secrets);
    a->secrets = NULL;
}

void attempt_drop_connection(attempt *a) {
    http_call *http = a->http;
    a->http = NULL;
    if (!http) return;
    a->times = http_call_get_facts(http);
    http_call_cancel(http);
}

void attempt_fail_with(attempt *a, failure *f) {
    if (a->state == WHOLE) {
        attempt_end(a);
        return;
    }
    bool refused = f->error == ERR_PROVIDER_ERROR && a->status >= 400;
    f->status = refused ? a->status : error_get(f->error)->status;
    f->client_after_ms = -1;
    f->headers = a->crossing;
    f->request_id = a->request_id;
    f->hint = a->hint;
    attempt_drop_connection(a);
    /* It may have left on a pooled connection that was dead. */
    f->sent = a->times.sent_us && f->error != ERR_CONNECT_TIMEOUT;
    release(a);
    a->ops->on_fail(a->user, f);
}

void attempt_fail(attempt *a, failure_class class, error_id error, span text) {
    failure f = {.class = class, .error = error, .text = text};
    if (class == FAIL_OUR_LIMIT) f.shortage = SHORTAGE_ANSWER;
    if (!text.len) f.text = span_cstr(error_get(error)->sentence);
    attempt_fail_with(a, &f);
}

/* A plain body lives until the owner has heard of its end. */
void attempt_end(attempt *a) {
    if (a->state == WHOLE && attempt_tells_large(a)) return; /* and ends then */
    if (a->state == WHOLE) attempt_tell_gathered(a);
    if (a->state == OVER) return;
    attempt_drop_connection(a);
    a->state = OVER;
    loop_timer_stop(a->spec.loop, &a->watch);
    attempt_pace_stop(a);
    a->ops->on_end(a->user);
    release(a);
}

/* ---- callbacks of the HTTP client ---- */

static retry_hint read_hint(const http_head *head) {
    if (head->status != 429 && !hint_is_told(head->headers)) return (retry_hint){-1, -1};
    int64_t now_us = clock_wall_us();
    retry_hint hint = hint_read(head->headers, now_us);
    if (head->status == 429 && hint.after_ms < 0)
        hint.after_ms = hint_of_reset(head->headers, now_us);
    return hint;
}

static bool was_asked(const request_facts *f, const http_hops *named, span name) {
    return provider_header_out(name, named) && http_header_get(f->headers, name).ptr;
}

/* What the client asks for, whose copy he has told of, is as it was: that is the answer, without a
 * body. */
static bool is_unchanged(const attempt *a, const http_head *head) {
    const request_facts *f = a->spec.facts;
    if (head->status != 304 || f->endpoint != EP_OTHER) return false;
    if (!span_eq(f->method, SPAN_OF("GET")) && !span_eq(f->method, SPAN_OF("HEAD"))) return false;
    http_hops named;
    http_hops_of(f->headers, &named);
    return was_asked(f, &named, SPAN_OF("if-none-match")) ||
           was_asked(f, &named, SPAN_OF("if-modified-since"));
}

static void on_head(void *user, const http_head *as_sent) {
    attempt *a = user;
    const http_head head = attempt_clean_head(a, as_sent);
    a->times = http_call_get_facts(a->http);
    a->status = head.status;
    a->hint = read_hint(&head);
    a->crossing = attempt_crossing(a, as_sent, &head);
    span id = attempt_intact_value(a, as_sent, &head, SPAN_OF("x-request-id"));
    if (span_is_utf8(id)) a->request_id = id;
    const bool unchanged = is_unchanged(a, &head);
    if (head.status >= 300 && head.status <= 399 && !unchanged) {
        span location = http_header_get(head.headers, SPAN_OF("location"));
        attempt_fail(a, FAIL_TARGET, ERR_REDIRECTED,
                     redirect_text(a->spec.upstream->provider->name, head.status, location.len > 0,
                                   a->spec.arena));
        return;
    }
    if (!unchanged && attempt_is_unreadable(a, &head)) return; /* of a coding of no body */
    if (unchanged || (head.status >= 200 && head.status <= 299)) {
        span type = attempt_intact_value(a, as_sent, &head, SPAN_OF("content-type"));
        attempt_open_reader(a, &head, type);
        return;
    }
    a->state = REFUSAL;
    loop_timer_stop(a->spec.loop, &a->watch);
    attempt_pace_refusal(a);
}

static void on_body(void *user, span piece) {
    attempt *a = user;
    switch (a->state) {
    case ANSWER:
    case WHOLE: attempt_take_answer(a, piece); break;
    case REFUSAL: attempt_take_refusal(a, piece); break;
    case SENT:
    case DRAIN:
    case TELLING:
    case OVER: break;
    }
}

static void on_end(void *user) {
    attempt *a = user;
    a->http = NULL;
    switch (a->state) {
    case ANSWER:
    case WHOLE: attempt_end_answer(a, NULL); break;
    case REFUSAL: attempt_fail_refused(a, a->status, buf_span(&a->body), false); break;
    case DRAIN: attempt_end(a); break;
    case SENT:
    case TELLING:
    case OVER: break;
    }
}

static void on_http_fail(void *user, const http_fail *http) {
    attempt *a = user;
    a->http = NULL;
    if (a->state == REFUSAL) /* its status alone says enough */
        attempt_fail_refused(a, a->status, buf_span(&a->body), true);
    else if (a->state == DRAIN)
        attempt_end(a);
    else if (attempt_is_away(a) || (a->state == ANSWER && http->kind == HTTP_FAIL_CUT))
        attempt_end_answer(a, http);
    else
        attempt_fail_http(a, http);
}

static void on_sent(void *user) {
    attempt *a = user;
    a->times = http_call_get_facts(a->http);
}

static const http_call_ops http_ops = {.on_sent = on_sent,
                                       .on_head = on_head,
                                       .on_body = on_body,
                                       .on_end = on_end,
                                       .on_fail = on_http_fail};

/* ---- the owner's side ---- */

static const struct {
    unsigned own;
    target_habit habit;
} refusals[] = {
    {OWN_USAGE, HABIT_NO_STREAM_OPTIONS},
    {OWN_BOUND_NAME, HABIT_NO_MAX_TOKENS},
    {OWN_TEMPERATURE, HABIT_NO_TEMPERATURE},
};

static unsigned without(const attempt *a) {
    unsigned all = a->spec.without;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (target_has(a->spec.target, refusals[i].habit)) all |= refusals[i].own;
    return all;
}

void attempt_learn_refused(attempt *a) {
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (a->spec.without & refusals[i].own) target_learn(a->spec.target, refusals[i].habit);
}

static bool build(attempt *a, provider_request *ret, failure *ret_failure) {
    a->credential = credential_ref(a->spec.credential);
    provider_ask ask = {.provider = a->spec.upstream->provider,
                        .facts = a->spec.facts,
                        .model = a->spec.model,
                        .credential = a->credential,
                        .without = without(a),
                        .wall_us = clock_wall_us(),
                        .arena = a->spec.asking};
    weir_error error;
    char traceparent[TRACEPARENT_LEN + 1];
    if (a->spec.trace) {
        trace_write_parent(a->spec.trace, a->spec.span_id, traceparent);
        ask.traceparent = arena_dup(a->spec.asking, span_from(traceparent, TRACEPARENT_LEN));
        ask.tracestate = a->spec.trace->state;
    }
    if (a->spec.upstream->ops->build(&ask, ret, &error)) return true;
    credential_unref(a->credential);
    error.message = arena_dup(a->spec.arena, error.message);
    *ret_failure = failure_of(&error);
    ret_failure->class = FAIL_TARGET;
    return false;
}

attempt *attempt_start(const attempt_spec *spec, const attempt_ops *ops, void *user,
                       failure *ret_failure) {
    attempt *a = arena_zalloc(spec->arena, sizeof *a);
    a->spec = *spec;
    a->ops = ops;
    a->user = user;
    a->began_ms = spec->loop->now_ms;
    a->hint = (retry_hint){-1, -1};
    a->usage = token_usage_unknown;
    a->dialect = spec->upstream->ops->speaks(spec->facts->endpoint);
    provider_request request = {0};
    if (!build(a, &request, ret_failure)) return NULL;
    a->own = request.own;
    a->secrets = secret_set_ref(spec->upstream->secrets);
    const config_timeouts *t = attempt_timeouts(a);
    http_call_spec http = {
        .method = request.method,
        .path = request.path,
        .headers = request.headers,
        .body = request.pieces,
        .body_count = request.piece_count,
        .holder = a->spec.holder,
        .connect_ms = t->connect_ms,
        .first_byte_ms = t->first_byte_ms,
        .idle_ms = t->between_events_ms,
    };
    a->http = http_client_send(spec->snapshot->client, spec->upstream->origin, &http, &http_ops, a);
    attempt_await_token(a);
    return a;
}

void attempt_cancel(attempt *a) {
    if (a->state == OVER) return;
    attempt_drop_connection(a);
    release(a);
}

bool attempt_end_whole(attempt *a) {
    if (a->state == TELLING) return true;
    if (a->state != WHOLE && a->state != DRAIN) return false;
    if (attempt_is_away(a) && a->reader->kind == ANSWER_PLAIN) return false;
    attempt_end(a);
    return true;
}

bool attempt_drop_request(attempt *a) {
    if (a->http && !http_call_drop_request(a->http)) return false;
    a->crossing = (http_headers){NULL, 0};
    return true;
}

void attempt_pause(attempt *a) {
    if (a->paused || a->state == OVER) return;
    a->paused = true;
    if (a->http) http_call_pause(a->http);
}

void attempt_resume(attempt *a) {
    if (!a->paused) return;
    a->paused = false;
    a->event_ms = a->spec.loop->now_ms;
    if (a->state == WHOLE) attempt_watch_rest(a);
    if (a->http && !attempt_is_away(a)) http_call_resume(a->http);
    attempt_rested(a);
}

http_call_facts attempt_get_times(const attempt *a) {
    if (a->http) return http_call_get_facts(a->http);
    http_call_facts times = a->times;
    times.lacks = SHORTAGE_NONE;
    return times;
}

attempt_facts attempt_get_facts(const attempt *a) {
    const http_call_facts times = attempt_get_times(a);
    token_usage usage = a->usage;
    if (a->reader) usage.service = a->reader->usage.service; /* told beside no usage, too */
    return (attempt_facts){.lacks = times.lacks,
                           .placed_us = times.placed_us,
                           .sent_us = times.sent_us,
                           .head_us = times.head_us,
                           .first_content_us = a->first_content_us,
                           .status = a->status,
                           .skipped = a->reader ? a->reader->skipped : 0,
                           .unfinished = a->unfinished,
                           .request_id = a->request_id,
                           .usage = usage};
}
