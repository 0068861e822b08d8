#include "call/attempt.h"

#include "base/clock.h"

#include <string.h>

enum {
    REFUSAL_BYTES_MAX = 256 * 1024,
    /* After [DONE] the end of the body is usually there already, or comes in the next packet: worth
     * this short wait, since only then can the connection be used again. */
    DRAIN_MS = 5,
};

typedef enum attempt_state {
    SENT,    /* the head is awaited */
    STREAM,  /* events are read */
    PLAIN,   /* a whole body is gathered */
    RAW,     /* pieces pass through */
    REFUSAL, /* the body of an error is gathered */
    DRAIN,   /* the end marker has come; the end of the body may still */
    OVER,    /* the owner has been told, or has cancelled */
} attempt_state;

struct attempt {
    attempt_spec spec;
    const attempt_ops *ops;
    void *user;
    attempt_state state;
    http_call *http; /* NULL once it has ended */
    provider_request request;
    const secret *key;
    timer watch; /* the first token's deadline, then that between events; in DRAIN, how long the
                    body's end is waited for */
    int64_t event_ms; /* when the last event came */
    int status;
    retry_hint hint;
    http_headers crossing;
    span request_id;
    http_call_facts times;
    sse_reader reader;
    buf body;
    buf clean;         /* an event or a body without the key that its provider has put in */
    unsigned finished; /* choices that were told finished */
    unsigned skipped;
    bool done_seen;      /* the end marker has come: what follows is passed over */
    bool ended_by_event; /* a response's last event has come */
    bool spoken;         /* content has come */
    bool flowing;        /* the first token has come: the deadline between events runs */
    bool paused;
};

static const config *config_of(const attempt *a) {
    return loop_snapshot_config(a->spec.snapshot);
}

/* ---- the only ways out ---- */

static void release(attempt *a) {
    a->state = OVER;
    loop_timer_stop(a->spec.loop, &a->watch);
    sse_reader_done(&a->reader);
    buf_done(&a->body);
    buf_done(&a->clean);
}

static void drop_connection(attempt *a) {
    http_call *http = a->http;
    a->http = NULL;
    if (!http) return;
    a->times = http_call_get_facts(http);
    http_call_cancel(http);
}

static void fail_with(attempt *a, failure *f) {
    bool refused = f->error == ERR_PROVIDER_ERROR && a->status >= 400;
    f->status = refused ? a->status : error_get(f->error)->status;
    f->client_after_ms = -1;
    f->headers = a->crossing;
    f->request_id = a->request_id;
    f->hint = a->hint;
    drop_connection(a);
    release(a);
    a->ops->on_fail(a->user, f);
}

static void fail(attempt *a, failure_class class, error_id error, span text) {
    failure f = {.class = class, .error = error, .text = text};
    if (!text.len) f.text = span_cstr(error_get(error)->sentence);
    fail_with(a, &f);
}

static void fail_refused(attempt *a, span body) {
    provider_refusal refusal = {0};
    a->spec.upstream->ops->refuse(a->status, a->crossing, body, a->key, a->spec.arena, &refusal);
    failure f = {.class = refusal.class,
                 .error = ERR_PROVIDER_ERROR,
                 .text = refusal.message,
                 .body = refusal.body};
    fail_with(a, &f);
}

/* A plain body lives until the owner has heard of its end. */
static void end(attempt *a) {
    drop_connection(a);
    buf body = a->body, clean = a->clean;
    a->body = a->clean = BUF_EMPTY;
    release(a);
    a->ops->on_end(a->user);
    buf_done(&body);
    buf_done(&clean);
}

/* A provider's key reaches no client, also where an answer holds it. Lives until the next. */
static span without_key(attempt *a, span text) {
    if (!secret_found(a->key, text)) return text;
    buf_clear(&a->clean);
    buf_add(&a->clean, text);
    secret_redact(a->key, &a->clean);
    return buf_span(&a->clean);
}

static answer_event event_of(answer_kind kind, const answer_facts *f, span name, span data) {
    unsigned sorts = (f->has_content ? EVENT_CONTENT : 0) | (f->finished ? EVENT_FINISH : 0) |
                     (f->is_usage_only ? EVENT_USAGE : 0) | (f->is_error ? EVENT_ERROR : 0) |
                     (f->failed ? EVENT_FAILED : 0) | (kind == ANSWER_PLAIN ? EVENT_FULL : 0);
    return (answer_event){.kind = kind,
                          .sorts = sorts,
                          .is_json = f->is_json,
                          .name = name,
                          .data = data,
                          .usage = f->has_usage ? &f->usage : NULL,
                          .finish_reason = f->finish_reason,
                          .error = f->error};
}

/* ---- streams ---- */

/* clean: the body itself ended as its framing says. */
static bool complete(const attempt *a, bool clean) {
    if (a->done_seen || a->ended_by_event) return true;
    if (a->spec.facts->endpoint == EP_OTHER) return clean;
    /* Some servers leave the marker out: every choice having its finish_reason will do. */
    return a->spec.facts->endpoint != EP_RESPONSES && a->finished >= a->spec.facts->choices;
}

/* An error event where an answer should be: as if the provider had answered with that status. */
static void fail_by_event(attempt *a, const sse_event *event, const answer_facts *facts) {
    int64_t status = 0;
    if (!json_i64(json_get(facts->error, SPAN_OF("code")), &status) &&
        !json_i64(json_get(facts->error, SPAN_OF("status")), &status))
        status = 0;
    a->status = status >= 400 && status <= 599 ? (int)status : 502;
    fail_refused(a, event->data);
}

/* Comments and half lines are bytes, which the HTTP client's own deadline takes for life, but no
 * events. The timer is not restarted with every event: it looks, when it fires, how long it has
 * been. */
static void on_stall(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    int64_t most = config_of(a)->timeouts.between_events_ms;
    int64_t silent = a->paused ? 0 : a->spec.loop->now_ms - a->event_ms;
    if (silent < most) {
        loop_timer_start(a->spec.loop, t, most - silent);
        return;
    }
    fail(a, FAIL_SILENT, ERR_BETWEEN_EVENTS_TIMEOUT,
         arena_printf(a->spec.arena,
                      "No event came from %.*s within timeouts.between_events (%lld ms).",
                      SPAN_ARG(a->spec.upstream->provider->name), (long long)most));
}

static void watch_events(attempt *a) {
    a->flowing = true;
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_stall);
    loop_timer_start(a->spec.loop, &a->watch, config_of(a)->timeouts.between_events_ms);
}

static void take_event(attempt *a, const sse_event *raw) {
    if (a->done_seen) return;
    const char *done = a->spec.upstream->ops->done;
    if (done && a->spec.facts->endpoint != EP_OTHER && span_eq(raw->data, span_cstr(done))) {
        a->done_seen = true;
        return;
    }
    sse_event event;
    answer_facts facts;
    if (!a->spec.upstream->ops->event(a->spec.facts, raw, a->spec.arena, &event, &facts)) return;
    if (!facts.is_json && a->spec.facts->endpoint != EP_OTHER) {
        a->skipped++;
        return;
    }
    if (facts.is_error) {
        fail_by_event(a, &event, &facts);
        return;
    }
    if (facts.failed && !a->spoken) { /* nobody has seen anything of it: another may answer */
        a->status = 502;
        fail_refused(a, facts.error.type == JSON_OBJECT ? facts.error.raw : event.data);
        return;
    }
    a->spoken |= facts.has_content;
    a->finished += facts.finished;
    if (a->spec.facts->endpoint == EP_RESPONSES && facts.finished) a->ended_by_event = true;
    a->event_ms = a->spec.loop->now_ms;
    if ((facts.has_content || facts.finished) && !a->flowing) watch_events(a);
    const answer_event out =
        event_of(ANSWER_STREAM, &facts, event.name, without_key(a, event.data));
    a->ops->on_event(a->user, &out);
}

/* [DONE] is the end, even where the provider forgets to end the body. */
static void on_drained(timer *t) {
    end(CONTAINER_OF(t, attempt, watch));
}

static void drain(attempt *a) {
    a->state = DRAIN;
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_drained);
    loop_timer_start(a->spec.loop, &a->watch, DRAIN_MS);
}

static void take_stream(attempt *a, span piece) {
    sse_event event;
    sse_result result = SSE_MORE;
    while (a->state == STREAM && (result = sse_read(&a->reader, &piece, &event)) == SSE_EVENT)
        take_event(a, &event);
    if (a->state == STREAM && result == SSE_TOO_LARGE)
        fail(a, FAIL_MALFORMED, ERR_ANSWER_TOO_LARGE,
             arena_printf(
                 a->spec.arena,
                 "An event of the provider's stream is larger than limits.event (%zu bytes).",
                 config_of(a)->limits.event_bytes));
    else if (a->state == STREAM && a->done_seen)
        drain(a);
}

static void end_stream(attempt *a) {
    sse_event event;
    while (a->state == STREAM && sse_read_end(&a->reader, &event) == SSE_EVENT)
        take_event(a, &event);
    if (a->state != STREAM) return;
    if (complete(a, true))
        end(a);
    else
        fail(a, FAIL_CONNECTION, ERR_STREAM_CUT, SPAN_EMPTY);
}

static void on_first_token_late(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    fail(a, FAIL_SILENT, ERR_FIRST_TOKEN_TIMEOUT,
         arena_printf(a->spec.arena,
                      "No token came from %.*s within timeouts.first_token (%lld ms).",
                      SPAN_ARG(a->spec.upstream->provider->name),
                      (long long)config_of(a)->timeouts.first_token_ms));
}

/* ---- whole bodies ---- */

static void take_whole(attempt *a, span piece, size_t most) {
    if (a->body.len + piece.len <= most) {
        buf_add(&a->body, piece);
        return;
    }
    if (a->state == REFUSAL) { /* what is there says enough */
        fail_refused(a, buf_span(&a->body));
        return;
    }
    fail(a, FAIL_TARGET, ERR_ANSWER_TOO_LARGE,
         arena_printf(a->spec.arena,
                      "The provider's answer is larger than limits.answer (%zu bytes).", most));
}

static void end_plain(attempt *a) {
    span body;
    answer_facts facts;
    bool any = a->spec.facts->endpoint == EP_OTHER;
    if (!a->spec.upstream->ops->plain(a->spec.facts, buf_span(&a->body), a->spec.arena, &body,
                                      &facts)) {
        if (!any) {
            fail(a, FAIL_MALFORMED, ERR_BAD_ANSWER,
                 SPAN_OF("The provider's answer is not valid JSON."));
            return;
        }
        body = buf_span(&a->body);
    }
    if (facts.is_error && !any && a->spec.facts->endpoint != EP_RESPONSES) {
        sse_event event = {.data = body};
        fail_by_event(a, &event, &facts);
        return;
    }
    const answer_event out = event_of(ANSWER_PLAIN, &facts, SPAN_EMPTY, without_key(a, body));
    a->ops->on_event(a->user, &out);
    if (a->state == PLAIN) end(a);
}

/* ---- callbacks of the HTTP client ---- */

static bool is_type(span content_type, span wanted) {
    span rest = content_type, media;
    return span_cut(&rest, ';', &media) && span_ieq(span_trim(media), wanted);
}

static bool is_json_type(span content_type) {
    span rest = content_type, media;
    if (!span_cut(&rest, ';', &media)) return true; /* none given */
    media = span_trim(media);
    return media.len == 0 || span_ieq(media, SPAN_OF("application/json")) ||
           span_ends(media, SPAN_OF("+json"));
}

static http_headers keep_crossing(attempt *a, http_headers in) {
    span connection = http_header_get(in, SPAN_OF("connection"));
    http_header *out = arena_alloc(a->spec.arena, (in.count ? in.count : 1) * sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < in.count; i++) {
        if (!provider_header_back(in.items[i].name, connection) ||
            secret_found(a->key, in.items[i].value))
            continue;
        out[n++] = (http_header){arena_dup(a->spec.arena, in.items[i].name),
                                 arena_dup(a->spec.arena, in.items[i].value)};
    }
    return (http_headers){out, n};
}

static attempt_state state_for(const attempt *a, const http_head *head, span content_type) {
    if (head->status < 200 || head->status > 299) return REFUSAL;
    if (is_type(content_type, SPAN_OF("text/event-stream"))) return STREAM;
    if (a->spec.facts->endpoint == EP_OTHER && !is_json_type(content_type)) return RAW;
    return PLAIN;
}

static void on_head(void *user, const http_head *head) {
    attempt *a = user;
    a->times = http_call_get_facts(a->http);
    a->status = head->status;
    a->hint = retry_hint_read(head->headers, clock_wall_us());
    a->crossing = keep_crossing(a, head->headers);
    span id = http_header_get(head->headers, SPAN_OF("x-request-id"));
    if (!secret_found(a->key, id) && span_is_utf8(id)) a->request_id = arena_dup(a->spec.arena, id);
    span encoding = http_header_get(head->headers, SPAN_OF("content-encoding"));
    if (encoding.len && !span_ieq(encoding, SPAN_OF("identity"))) {
        fail(a, FAIL_TARGET, ERR_BAD_ENCODING,
             arena_printf(
                 a->spec.arena,
                 "The provider sent its answer with Content-Encoding: %.*s although weir asks "
                 "for none.",
                 (int)(encoding.len > 40 ? 40 : encoding.len), encoding.ptr));
        return;
    }
    span content_type = http_header_get(head->headers, SPAN_OF("content-type"));
    a->state = state_for(a, head, content_type);
    if (a->state == PLAIN && head->content_length > 0 &&
        (uint64_t)head->content_length <= config_of(a)->limits.answer_bytes)
        (void)buf_reserve(&a->body, (size_t)head->content_length);
    if (a->state != STREAM) loop_timer_stop(a->spec.loop, &a->watch);
    if (a->state == REFUSAL) return;
    answer_head out = {
        .kind = a->state == STREAM ? ANSWER_STREAM
                : a->state == RAW  ? ANSWER_RAW
                                   : ANSWER_PLAIN,
        .status = head->status,
        .headers = a->crossing,
        .content_type = arena_dup(a->spec.arena, content_type),
        .request_id = a->request_id,
    };
    a->ops->on_head(a->user, &out);
}

static void on_body(void *user, span piece) {
    attempt *a = user;
    switch (a->state) {
    case STREAM: take_stream(a, piece); break;
    case PLAIN: take_whole(a, piece, config_of(a)->limits.answer_bytes); break;
    case REFUSAL: take_whole(a, piece, REFUSAL_BYTES_MAX); break;
    case RAW: a->ops->on_event(a->user, &(answer_event){.kind = ANSWER_RAW, .data = piece}); break;
    case SENT:
    case DRAIN:
    case OVER: break;
    }
}

static void on_end(void *user) {
    attempt *a = user;
    a->http = NULL;
    switch (a->state) {
    case STREAM: end_stream(a); break;
    case PLAIN: end_plain(a); break;
    case REFUSAL: fail_refused(a, buf_span(&a->body)); break;
    case RAW:
    case DRAIN: end(a); break;
    case SENT:
    case OVER: break;
    }
}

/* What a failure of the HTTP client means, by its kind. */
static const struct {
    failure_class class;
    error_id error;
} http_failures[] = {
    [HTTP_FAIL_CONNECT] = {FAIL_CONNECTION, ERR_CONNECT_FAILED},
    [HTTP_FAIL_TLS] = {FAIL_TLS, ERR_TLS_FAILED},
    [HTTP_FAIL_CONNECT_TIMEOUT] = {FAIL_SILENT, ERR_CONNECT_TIMEOUT},
    [HTTP_FAIL_FIRST_BYTE_TIMEOUT] = {FAIL_SILENT, ERR_FIRST_BYTE_TIMEOUT},
    [HTTP_FAIL_IDLE_TIMEOUT] = {FAIL_SILENT, ERR_BETWEEN_EVENTS_TIMEOUT},
    [HTTP_FAIL_RESET] = {FAIL_CONNECTION, ERR_CONNECTION_LOST},
    [HTTP_FAIL_CUT] = {FAIL_CONNECTION, ERR_CONNECTION_LOST},
    [HTTP_FAIL_MALFORMED] = {FAIL_MALFORMED, ERR_BAD_ANSWER},
    [HTTP_FAIL_POOL_FULL] = {FAIL_OVERLOAD, ERR_CONNECT_TIMEOUT},
};

static void on_http_fail(void *user, const http_fail *http) {
    attempt *a = user;
    a->http = NULL;
    if (a->state == REFUSAL && a->status) { /* its status alone says enough */
        fail_refused(a, buf_span(&a->body));
        return;
    }
    /* A stream whose last event has come is whole, however its connection ends. */
    if (a->state == DRAIN ||
        (a->state == STREAM && http->kind == HTTP_FAIL_CUT && complete(a, false))) {
        end(a);
        return;
    }
    error_id error = http_failures[http->kind].error;
    if (a->state == STREAM && http->kind == HTTP_FAIL_CUT) error = ERR_STREAM_CUT;
    span text = arena_printf(a->spec.arena, "%s (%.*s: %s)", error_get(error)->sentence,
                             SPAN_ARG(a->spec.upstream->provider->name), http->text);
    fail(a, http_failures[http->kind].class, error, text);
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_http_fail};

/* ---- the owner's side ---- */

attempt *attempt_start(const attempt_spec *spec, const attempt_ops *ops, void *user,
                       failure *ret_failure) {
    attempt *a = arena_zalloc(spec->arena, sizeof *a);
    a->spec = *spec;
    a->ops = ops;
    a->user = user;
    a->hint = (retry_hint){-1, -1};
    a->key = upstream_key(spec->upstream);
    const config *c = config_of(a);
    weir_error error;
    if (!spec->upstream->ops->build(spec->upstream->provider, spec->facts, spec->model, a->key,
                                    spec->arena, &a->request, &error)) {
        *ret_failure = failure_of(&error);
        ret_failure->class = FAIL_TARGET;
        return NULL;
    }
    sse_reader_init(&a->reader, c->limits.event_bytes);
    timer_init(&a->watch, on_first_token_late);
    http_call_spec http = {
        .method = a->request.method,
        .path = a->request.path,
        .headers = a->request.headers,
        .body = a->request.pieces,
        .body_count = a->request.piece_count,
        .connect_ms = c->timeouts.connect_ms,
        .first_byte_ms = c->timeouts.first_byte_ms,
        .idle_ms = c->timeouts.between_events_ms,
    };
    a->http = http_client_send(spec->snapshot->client, spec->upstream->origin, &http, &http_ops, a);
    if (spec->facts->stream) loop_timer_start(spec->loop, &a->watch, c->timeouts.first_token_ms);
    return a;
}

void attempt_cancel(attempt *a) {
    if (a->state == OVER) return;
    drop_connection(a);
    release(a);
}

void attempt_pause(attempt *a) {
    if (a->paused || !a->http) return;
    a->paused = true;
    http_call_pause(a->http);
}

void attempt_resume(attempt *a) {
    if (!a->paused) return;
    a->paused = false;
    a->event_ms = a->spec.loop->now_ms;
    if (a->http) http_call_resume(a->http);
}

static http_call_facts times(const attempt *a) {
    return a->http ? http_call_get_facts(a->http) : a->times;
}

int64_t attempt_sent_us(const attempt *a) {
    return times(a).sent_us;
}

int64_t attempt_head_us(const attempt *a) {
    return times(a).head_us;
}

unsigned attempt_skipped(const attempt *a) {
    return a->skipped;
}
