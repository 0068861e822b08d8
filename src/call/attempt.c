#include "call/attempt.h"

#include "base/clock.h"
#include "call/redirect.h"
#include "call/reset_hint.h"
#include "http/decode.h"

#include <string.h>

enum {
    REFUSAL_BYTES_MAX = 256 * 1024,
    /* After [DONE] the end of the body is usually there already, or comes in the next packet: worth
     * this short wait, since only then can the connection be used again. */
    DRAIN_MS = 5,
    /* What may follow a whole answer: its figures, which some providers count when all else is out,
     * and [DONE], which stands in one packet with what it follows. */
    FIGURES_MS = 2000,
    REST_MS = 100,
};

typedef enum attempt_state {
    SENT,    /* the head is awaited */
    ANSWER,  /* a 2xx head has come: its reader gets the body */
    WHOLE,   /* so is what follows an answer that is complete; nothing can spoil it any more */
    REFUSAL, /* the body of an error is gathered */
    DRAIN,   /* the answer is complete; the end of its body may still come */
    OVER,    /* the owner has been told, or has cancelled */
} attempt_state;

struct attempt {
    attempt_spec spec;
    const attempt_ops *ops;
    void *user;
    attempt_state state;
    http_call *http; /* NULL once it has ended */
    provider_request request;
    credential *credential; /* counted; NULL: none was sent */
    dialect dialect;
    timer watch; /* the first token's deadline, then that between events; in WHOLE and DRAIN, how
                    long the rest is waited for */
    int64_t event_ms; /* when the last event came */
    int status;
    retry_hint hint;
    http_headers crossing;
    span request_id;
    http_call_facts times;
    int64_t first_content_us;
    token_usage usage; /* as told last */
    reader reader;     /* from the 2xx head on */
    buf body;          /* REFUSAL */
    bool reading;      /* there is a reader */
    bool telling;      /* the owner is being told an event of it */
    bool spoken;       /* content has come, or the news that it is being worked on */
    bool flowing;      /* the answer has begun: the deadline between events runs */
    bool paused;
    bool unfinished; /* it ended without saying why */
};

static const config *config_of(const attempt *a) {
    return loop_snapshot_config(a->spec.snapshot);
}

static const config_timeouts *timeouts_of(const attempt *a) {
    return &a->spec.entry->timeouts;
}

static const secret *key_of(const attempt *a) {
    return credential_key(a->credential);
}

/* ---- the only ways out ---- */

/* Not from inside an event: whoever cancels there may still read it. */
static void close_reader(attempt *a) {
    if (!a->reading || a->telling) return;
    a->reading = false;
    reader_done(&a->reader);
}

static void release(attempt *a) {
    a->state = OVER;
    loop_timer_stop(a->spec.loop, &a->watch);
    close_reader(a);
    buf_done(&a->body);
    credential_unref(a->credential);
    a->credential = NULL;
}

static void drop_connection(attempt *a) {
    http_call *http = a->http;
    a->http = NULL;
    if (!http) return;
    a->times = http_call_get_facts(http);
    http_call_cancel(http);
}

static void end(attempt *a);
static void tell_gathered(attempt *a);

static void fail_with(attempt *a, failure *f) {
    if (a->state == WHOLE) {
        end(a);
        return;
    }
    bool refused = f->error == ERR_PROVIDER_ERROR && a->status >= 400;
    f->status = refused ? a->status : error_get(f->error)->status;
    f->client_after_ms = -1;
    f->headers = a->crossing;
    f->request_id = a->request_id;
    f->hint = a->hint;
    drop_connection(a);
    /* It may have left on a pooled connection that was dead. */
    f->sent = a->times.sent_us && f->error != ERR_CONNECT_TIMEOUT;
    release(a);
    a->ops->on_fail(a->user, f);
}

static void fail(attempt *a, failure_class class, error_id error, span text) {
    failure f = {.class = class, .error = error, .text = text};
    if (!text.len) f.text = span_cstr(error_get(error)->sentence);
    fail_with(a, &f);
}

static span without_key(const attempt *a, span value) {
    return secret_found(key_of(a), value) ? SPAN_EMPTY : arena_dup(a->spec.arena, value);
}

/* A key's refusal, or its limit, says nothing about the request, whatever it quotes of it. */
static bool refuses_added(const attempt *a, failure_class class, span body) {
    if (class == FAIL_KEY || class == FAIL_LIMIT) return false;
    return a->spec.upstream->ops->refuses_added(&a->request, body);
}

/* Where a deadline passed that watches more than the connection. */
static void fail_late(attempt *a, error_id error, const char *what, config_timeout which) {
    const config_target *t = a->spec.entry;
    span limit = config_timeout_text(config_of(a), t->of, t->provider, which, a->spec.arena);
    fail(a, FAIL_SILENT, error,
         arena_printf(a->spec.arena, "No %s came from %.*s within %.*s.", what,
                      SPAN_ARG(t->provider->name), SPAN_ARG(limit)));
}

static void fail_refused(attempt *a, int status, span body) {
    refusal said = {0};
    a->status = status;
    dialect_get(a->dialect)->refuse(status, body, key_of(a), a->spec.arena, &said);
    failure f = {
        .class = said.class, .error = ERR_PROVIDER_ERROR, .text = said.message, .body = said.body};
    f.code = without_key(a, said.code);
    f.unasked = refuses_added(a, said.class, body);
    fail_with(a, &f);
}

/* A plain body lives until the owner has heard of its end. */
static void end(attempt *a) {
    if (a->state == WHOLE) tell_gathered(a);
    if (a->state == OVER) return;
    drop_connection(a);
    a->state = OVER;
    loop_timer_stop(a->spec.loop, &a->watch);
    a->ops->on_end(a->user);
    release(a);
}

/* ---- answers ---- */

/* Comments and half lines are bytes, which the HTTP client's own deadline takes for life, but no
 * events. The timer is not restarted with every event: it looks, when it fires, how long it has
 * been. */
static void on_stall(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    int64_t most = timeouts_of(a)->between_events_ms;
    int64_t silent = a->paused ? 0 : a->spec.loop->now_ms - a->event_ms;
    if (silent < most) {
        loop_timer_start(a->spec.loop, t, most - silent);
        return;
    }
    fail_late(a, ERR_BETWEEN_EVENTS_TIMEOUT, "event", TIMEOUT_BETWEEN_EVENTS);
}

static void watch_events(attempt *a) {
    a->flowing = true;
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_stall);
    loop_timer_start(a->spec.loop, &a->watch, timeouts_of(a)->between_events_ms);
}

/* An error where an answer should be: as if the provider had answered with that status. */
static void fail_by_event(attempt *a, const answer_event *e) {
    bool alone = e->sorts & EVENT_FAILED && e->error.type == JSON_OBJECT;
    if (a->state == WHOLE)
        end(a);
    else
        fail_refused(a, e->status, alone ? e->error.raw : e->data);
}

/* It says that it failed before anybody has seen anything of it: another may answer. */
static bool failed_unseen(const attempt *a, const answer_event *e) {
    return e->sorts & EVENT_FAILED && !a->spoken;
}

/* ---- the rest of an answer that is complete ---- */

static void on_rest_late(timer *t);

/* A chunk of its own that was asked for, and nothing was told so far. */
static bool figures_may_come(const attempt *a) {
    const token_usage *u = &a->usage;
    if (u->prompt >= 0 || u->completion >= 0 || u->total >= 0) return false;
    return dialect_get(a->dialect)->usage_chunk && a->spec.facts->stream &&
           (a->spec.facts->usage_asked || !target_has(a->spec.target, HABIT_NO_STREAM_OPTIONS));
}

static void watch_rest(attempt *a) {
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_rest_late);
    loop_timer_start(a->spec.loop, &a->watch, figures_may_come(a) ? FIGURES_MS : REST_MS);
}

/* While weir itself does not read, nothing can come. */
static void on_rest_late(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    if (a->paused)
        watch_rest(a);
    else
        end(a);
}

/* Of the two forms of streams that say why they end. */
static target_habit habit_of(const attempt *a) {
    return dialect_get(a->dialect)->end == ENDS_WITH_EVENT ? HABIT_CLOSES : HABIT_FINISHES;
}

/* The event was told: is all there that was asked for? What says more makes the rest be waited for
 * anew; of one that begins another choice it was not the end. */
static void look_for_end(attempt *a, const answer_event *e) {
    if (reader_flows(&a->reader) && e->sorts & EVENT_FINISH)
        target_learn(a->spec.target, habit_of(a));
    bool says = e->sorts & EVENT_ANSWERS;
    if (!reader_is_whole(&a->reader)) {
        if (a->state == WHOLE) watch_events(a);
        a->state = ANSWER;
    } else if (a->state == ANSWER || says || e->usage) {
        a->state = WHOLE;
        watch_rest(a);
    }
}

static bool is_read(const attempt *a) {
    return a->state == ANSWER || a->state == WHOLE;
}

static void take_event(attempt *a, const answer_event *e) {
    if (e->sorts & EVENT_ERROR || failed_unseen(a, e)) {
        fail_by_event(a, e);
        return;
    }
    if (!a->spoken && (e->kind == ANSWER_RAW || e->sorts & (EVENT_CONTENT | EVENT_BEGUN))) {
        a->spoken = true;
        a->first_content_us = a->spec.loop->now_us;
    }
    if (e->usage) {
        a->usage = *e->usage;
        if (reader_flows(&a->reader)) target_learn(a->spec.target, HABIT_TELLS_USAGE);
    }
    a->event_ms = a->spec.loop->now_ms;
    bool flows = e->kind == ANSWER_STREAM && e->sorts & EVENT_ANSWERS;
    if (flows && !a->flowing) watch_events(a);
    a->telling = true;
    a->ops->on_event(a->user, e);
    a->telling = false;
    if (a->state == OVER)
        close_reader(a);
    else if (a->state == WHOLE || e->sorts & EVENT_FINISH)
        look_for_end(a, e);
}

/* Of events that are put together to a document: no more of them are waited for. */
static void tell_gathered(attempt *a) {
    answer_event event;
    if (reader_tell_gathered(&a->reader, &event)) take_event(a, &event);
}

static void on_drained(timer *t) {
    end(CONTAINER_OF(t, attempt, watch));
}

/* [DONE] is the end, even where the provider forgets to end the body. */
static void drain(attempt *a) {
    a->state = DRAIN;
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_drained);
    loop_timer_start(a->spec.loop, &a->watch, DRAIN_MS);
}

/* Its mark has come, and not what should have come before. A target that is known to say why it
 * ends was interrupted; of any other this is how it ends. */
static void end_unfinished(attempt *a) {
    if (target_has(a->spec.target, habit_of(a))) {
        fail(a, FAIL_CONNECTION, ERR_STREAM_CUT, SPAN_EMPTY);
        return;
    }
    a->unfinished = true;
    tell_gathered(a);
    if (!is_read(a)) return;
    if (a->http)
        drain(a);
    else
        end(a);
}

static void fail_no_answer(attempt *a) {
    fail(a, FAIL_MALFORMED, ERR_BAD_ANSWER, span_cstr(a->reader.no_answer));
}

static void fail_too_large(attempt *a) {
    const config_limits *limits = &config_of(a)->limits;
    if (a->reader.events.dead)
        fail(a, FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE,
             arena_printf(
                 a->spec.arena,
                 "An event of the provider's stream is larger than limits.event (%zu bytes).",
                 limits->event_bytes));
    else
        fail(a, FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE,
             arena_printf(a->spec.arena,
                          "The provider's answer is larger than limits.answer (%zu bytes).",
                          limits->answer_bytes));
}

/* Of events that are put together to a document, which are not told one by one. */
static void look_for_gathered_end(attempt *a) {
    bool whole = reader_is_whole(&a->reader);
    if (whole == (a->state == WHOLE)) return;
    a->state = whole ? WHOLE : ANSWER;
    if (whole)
        watch_rest(a);
    else
        loop_timer_stop(a->spec.loop, &a->watch);
}

static void take_answer(attempt *a, span piece) {
    answer_event event;
    reader_result got = READER_MORE;
    while (is_read(a) && (got = reader_next(&a->reader, &piece, &event)) == READER_EVENT)
        take_event(a, &event);
    if (!is_read(a)) return;
    if (got == READER_TOO_LARGE)
        fail_too_large(a);
    else if (got == READER_BAD)
        fail_no_answer(a);
    else if (got == READER_UNFINISHED)
        end_unfinished(a);
    else if (got == READER_END)
        drain(a);
    else if (a->reader.kind == ANSWER_PLAIN)
        look_for_gathered_end(a);
}

static void fail_http(attempt *a, const http_fail *http);

/* The body is over; cut: before its end. */
static void end_answer(attempt *a, const http_fail *cut) {
    answer_event event;
    reader_result got = READER_END;
    while (is_read(a) && (got = reader_end(&a->reader, !cut, &event)) == READER_EVENT)
        take_event(a, &event);
    if (!is_read(a)) return;
    if (got == READER_END)
        end(a);
    else if (got == READER_UNFINISHED)
        end_unfinished(a);
    else if (got == READER_BAD)
        fail_no_answer(a);
    else if (got == READER_TOO_LARGE)
        fail_too_large(a);
    else if (cut)
        fail_http(a, cut);
    else
        fail(a, FAIL_CONNECTION, ERR_STREAM_CUT, SPAN_EMPTY);
}

static void on_first_token_late(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    fail_late(a, ERR_FIRST_TOKEN_TIMEOUT, "token", TIMEOUT_FIRST_TOKEN);
}

/* ---- refusals ---- */

static void take_refusal(attempt *a, span piece) {
    size_t room = REFUSAL_BYTES_MAX - a->body.len;
    if (piece.len <= room)
        buf_add(&a->body, piece);
    else
        fail_refused(a, a->status, buf_span(&a->body)); /* what is there says enough */
}

/* ---- callbacks of the HTTP client ---- */

static http_headers keep_crossing(attempt *a, http_headers in) {
    span connection = http_header_list(in, SPAN_OF("connection"), a->spec.arena);
    http_header *out = arena_alloc(a->spec.arena, in.count * sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < in.count; i++) {
        if (!provider_header_back(in.items[i].name, connection) ||
            secret_found(key_of(a), in.items[i].value))
            continue;
        out[n++] = (http_header){arena_dup(a->spec.arena, in.items[i].name),
                                 arena_dup(a->spec.arena, in.items[i].value)};
    }
    return (http_headers){out, n};
}

/* What may be shown of a header that no one has looked at. */
static span shown(span value) {
    enum { LONGEST = 40 };
    value = span_clip(value, LONGEST);
    return span_is_utf8(value) ? value : SPAN_OF("?");
}

/* The client of HTTP undoes the codings that it knows. Of an error in another one the status alone
 * says enough. */
static bool is_unreadable(attempt *a, const http_head *head) {
    if (http_coding_of(head->headers) != HTTP_CODING_UNKNOWN) return false;
    span encoding = http_header_list(head->headers, SPAN_OF("content-encoding"), a->spec.arena);
    if (head->status >= 400)
        fail_refused(a, head->status, SPAN_EMPTY);
    else
        fail(a, FAIL_TARGET, ERR_BAD_ENCODING,
             arena_printf(
                 a->spec.arena,
                 "The provider sent its answer with Content-Encoding: %.*s; of " HTTP_CODINGS
                 " one is understood.",
                 SPAN_ARG(shown(encoding))));
    return true;
}

static void open_reader(attempt *a, const http_head *head) {
    span content_type = http_header_get(head->headers, SPAN_OF("content-type"));
    const config_limits *limits = &config_of(a)->limits;
    const reader_spec spec = {.dialect = a->dialect,
                              .asked = a->spec.facts->stream ? ASKED_STREAM : ASKED_DOCUMENT,
                              .want = a->spec.want,
                              .prompts = a->spec.facts->prompts,
                              .choices = a->spec.facts->choices,
                              .background = a->spec.facts->background,
                              .event_bytes = limits->event_bytes,
                              .answer_bytes = limits->answer_bytes,
                              .usage_added = a->request.adds_usage,
                              .key = key_of(a)};
    /* Refused with what weir adds, taken without: that is known from now on. */
    if (a->spec.bare) target_learn(a->spec.target, HABIT_NO_STREAM_OPTIONS);
    bool coded = http_coding_of(head->headers) != HTTP_CODING_NONE;
    reader_init(&a->reader, &spec, content_type, coded ? -1 : head->content_length);
    a->reading = true;
    a->state = ANSWER;
    if (!reader_flows(&a->reader)) loop_timer_stop(a->spec.loop, &a->watch);
    span told_type = reader_content_type(&a->reader, content_type);
    const answer_head out = {.kind = a->reader.kind,
                             .status = head->status,
                             .headers = a->crossing,
                             .content_type = without_key(a, told_type),
                             .request_id = a->request_id};
    a->ops->on_head(a->user, &out);
}

static retry_hint read_hint(const http_head *head) {
    int64_t now_us = clock_wall_us();
    retry_hint hint = retry_hint_read(head->headers, now_us);
    if (head->status == 429 && hint.after_ms < 0)
        hint.after_ms = reset_hint_read(head->headers, now_us);
    return hint;
}

static void on_head(void *user, const http_head *head) {
    attempt *a = user;
    a->times = http_call_get_facts(a->http);
    a->status = head->status;
    a->hint = read_hint(head);
    a->crossing = keep_crossing(a, head->headers);
    span id = http_header_get(head->headers, SPAN_OF("x-request-id"));
    if (span_is_utf8(id)) a->request_id = without_key(a, id);
    if (head->status >= 300 && head->status <= 399) {
        span location = http_header_get(head->headers, SPAN_OF("location"));
        fail(
            a, FAIL_TARGET, ERR_REDIRECTED,
            redirect_text(a->spec.upstream->provider->name, head->status, location, a->spec.arena));
        return;
    }
    if (is_unreadable(a, head)) return;
    if (head->status >= 200 && head->status <= 299) {
        open_reader(a, head);
        return;
    }
    a->state = REFUSAL;
    loop_timer_stop(a->spec.loop, &a->watch);
}

static void on_body(void *user, span piece) {
    attempt *a = user;
    switch (a->state) {
    case ANSWER:
    case WHOLE: take_answer(a, piece); break;
    case REFUSAL: take_refusal(a, piece); break;
    case SENT:
    case DRAIN:
    case OVER: break;
    }
}

static void on_end(void *user) {
    attempt *a = user;
    a->http = NULL;
    switch (a->state) {
    case ANSWER:
    case WHOLE: end_answer(a, NULL); break;
    case REFUSAL: fail_refused(a, a->status, buf_span(&a->body)); break;
    case DRAIN: end(a); break;
    case SENT:
    case OVER: break;
    }
}

/* What a failure of the HTTP client means, by its kind, and which deadline it is; TIMEOUT_TOTAL,
 * which the client does not know: none. */
static const struct {
    failure_class class;
    error_id error;
    config_timeout timeout;
} http_failures[] = {
    [HTTP_FAIL_CONNECT] = {FAIL_CONNECTION, ERR_CONNECT_FAILED, TIMEOUT_TOTAL},
    [HTTP_FAIL_TLS] = {FAIL_TLS, ERR_TLS_FAILED, TIMEOUT_TOTAL},
    [HTTP_FAIL_CONNECT_TIMEOUT] = {FAIL_SILENT, ERR_CONNECT_TIMEOUT, TIMEOUT_CONNECT},
    [HTTP_FAIL_FIRST_BYTE_TIMEOUT] = {FAIL_SILENT, ERR_FIRST_BYTE_TIMEOUT, TIMEOUT_FIRST_BYTE},
    [HTTP_FAIL_IDLE_TIMEOUT] = {FAIL_SILENT, ERR_BETWEEN_EVENTS_TIMEOUT, TIMEOUT_BETWEEN_EVENTS},
    [HTTP_FAIL_RESET] = {FAIL_CONNECTION, ERR_CONNECTION_LOST, TIMEOUT_TOTAL},
    [HTTP_FAIL_CUT] = {FAIL_CONNECTION, ERR_CONNECTION_LOST, TIMEOUT_TOTAL},
    [HTTP_FAIL_MALFORMED] = {FAIL_MALFORMED, ERR_BAD_ANSWER, TIMEOUT_TOTAL},
    [HTTP_FAIL_DENSE] = {FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE, TIMEOUT_TOTAL},
    [HTTP_FAIL_POOL_FULL] = {FAIL_OVERLOAD, ERR_CONNECT_TIMEOUT, TIMEOUT_CONNECT},
};

/* ", as providers.local.timeouts.first_byte says"; empty where it is no deadline. */
static span whose_word(const attempt *a, config_timeout which) {
    const config_target *t = a->spec.entry;
    if (which == TIMEOUT_TOTAL) return SPAN_EMPTY;
    span name = config_timeout_name(t->of, t->provider, which, a->spec.arena);
    return arena_printf(a->spec.arena, ", as %.*s says", SPAN_ARG(name));
}

static void fail_http(attempt *a, const http_fail *http) {
    error_id error = http_failures[http->kind].error;
    bool streams = a->state == ANSWER && a->reader.kind == ANSWER_STREAM;
    if (streams && http->kind == HTTP_FAIL_CUT) error = ERR_STREAM_CUT;
    span whose = whose_word(a, http_failures[http->kind].timeout);
    span text =
        arena_printf(a->spec.arena, "%s (%.*s: %s%.*s)", error_get(error)->sentence,
                     SPAN_ARG(a->spec.upstream->provider->name), http->text, SPAN_ARG(whose));
    fail(a, http_failures[http->kind].class, error, text);
}

static void on_http_fail(void *user, const http_fail *http) {
    attempt *a = user;
    a->http = NULL;
    if (a->state == REFUSAL) /* its status alone says enough */
        fail_refused(a, a->status, buf_span(&a->body));
    else if (a->state == DRAIN)
        end(a);
    else if (a->state == ANSWER && http->kind == HTTP_FAIL_CUT)
        end_answer(a, http);
    else
        fail_http(a, http);
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

static bool build(attempt *a, failure *ret_failure) {
    a->credential = credential_ref(a->spec.credential);
    const provider_ask ask = {.provider = a->spec.upstream->provider,
                              .facts = a->spec.facts,
                              .model = a->spec.model,
                              .credential = a->credential,
                              .bare = a->spec.bare ||
                                      target_has(a->spec.target, HABIT_NO_STREAM_OPTIONS),
                              .wall_us = clock_wall_us(),
                              .arena = a->spec.arena};
    weir_error error;
    if (a->spec.upstream->ops->build(&ask, &a->request, &error)) return true;
    credential_unref(a->credential);
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
    a->hint = (retry_hint){-1, -1};
    a->usage = (token_usage){-1, -1, -1, -1, -1, false};
    a->dialect = spec->upstream->ops->speaks(spec->facts->endpoint);
    if (!build(a, ret_failure)) return NULL;
    const config_timeouts *t = timeouts_of(a);
    timer_init(&a->watch, on_first_token_late);
    http_call_spec http = {
        .method = a->request.method,
        .path = a->request.path,
        .headers = a->request.headers,
        .body = a->request.pieces,
        .body_count = a->request.piece_count,
        .connect_ms = t->connect_ms,
        .first_byte_ms = t->first_byte_ms,
        .idle_ms = t->between_events_ms,
    };
    a->http = http_client_send(spec->snapshot->client, spec->upstream->origin, &http, &http_ops, a);
    if (spec->facts->stream) loop_timer_start(spec->loop, &a->watch, t->first_token_ms);
    return a;
}

void attempt_cancel(attempt *a) {
    if (a->state == OVER) return;
    drop_connection(a);
    release(a);
}

bool attempt_end_whole(attempt *a) {
    if (a->state != WHOLE && a->state != DRAIN) return false;
    end(a);
    return true;
}

bool attempt_drop_request(attempt *a) {
    return !a->http || http_call_drop_request(a->http);
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
    if (a->state == WHOLE) watch_rest(a);
    if (a->http) http_call_resume(a->http);
}

attempt_facts attempt_get_facts(const attempt *a) {
    http_call_facts times = a->http ? http_call_get_facts(a->http) : a->times;
    return (attempt_facts){.sent_us = times.sent_us,
                           .head_us = times.head_us,
                           .first_content_us = a->first_content_us,
                           .status = a->status,
                           .skipped = a->reader.skipped,
                           .unfinished = a->unfinished,
                           .request_id = a->request_id,
                           .usage = a->usage};
}
