/* What an attempt makes of the answer that a 2xx head brings: events for its owner, and its end. */
#include "call/attempt_internal.h"

#include "http/decode.h"

enum {
    /* After [DONE] the end of the body is usually there already, or comes in the next packet: worth
     * this short wait, since only then can the connection be used again. */
    DRAIN_MS = 5,
    /* What may follow a whole answer: its figures, which some providers count when all else is out,
     * and [DONE], which stands in one packet with what it follows. */
    FIGURES_MS = 2000,
    REST_MS = 100,
};

static bool is_read(const attempt *a) {
    return a->state == ANSWER || a->state == WHOLE;
}

/* ---- its deadlines ---- */

/* It may be there, and be read. */
static void on_first_token_late(timer *t) {
    enum { LOOK_AGAIN_MS = 100 };
    attempt *a = CONTAINER_OF(t, attempt, watch);
    if (attempt_is_away(a))
        loop_timer_start(a->spec.loop, t, LOOK_AGAIN_MS);
    else
        attempt_fail_late(a, ERR_FIRST_TOKEN_TIMEOUT, "token", TIMEOUT_FIRST_TOKEN);
}

/* Comments and half lines are bytes, which the HTTP client's own deadline takes for life, but no
 * events. The timer is not restarted with every event: it looks, when it fires, how long it has
 * been. */
static void on_stall(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    int64_t most = attempt_timeouts(a)->between_events_ms;
    bool silenced = a->paused || attempt_is_away(a);
    int64_t silent = silenced ? 0 : a->spec.loop->now_ms - a->event_ms;
    if (silent < most) {
        loop_timer_start(a->spec.loop, t, most - silent);
        return;
    }
    attempt_fail_late(a, ERR_BETWEEN_EVENTS_TIMEOUT, "event", TIMEOUT_BETWEEN_EVENTS);
}

static void watch_events(attempt *a) {
    a->flowing = true;
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_stall);
    loop_timer_start(a->spec.loop, &a->watch, attempt_timeouts(a)->between_events_ms);
}

void attempt_await_token(attempt *a) {
    timer_init(&a->watch, on_first_token_late);
    if (a->spec.facts->stream)
        loop_timer_start(a->spec.loop, &a->watch, attempt_timeouts(a)->first_token_ms);
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

void attempt_watch_rest(attempt *a) {
    loop_timer_stop(a->spec.loop, &a->watch);
    timer_init(&a->watch, on_rest_late);
    loop_timer_start(a->spec.loop, &a->watch, figures_may_come(a) ? FIGURES_MS : REST_MS);
}

/* While weir itself does not read, nothing can come. */
static void on_rest_late(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, watch);
    if (a->paused || attempt_is_away(a))
        attempt_watch_rest(a);
    else
        attempt_end(a);
}

/* Of the two forms of streams that say why they end. */
static target_habit habit_of(const attempt *a) {
    return dialect_get(a->dialect)->end == ENDS_WITH_EVENT ? HABIT_CLOSES : HABIT_FINISHES;
}

/* The event was told: is all there that was asked for? What says more makes the rest be waited for
 * anew; of one that begins another choice it was not the end. */
static void look_for_end(attempt *a, const answer_event *e) {
    if (reader_flows(a->reader) && e->sorts & EVENT_FINISH)
        target_learn(a->spec.target, habit_of(a));
    bool says = e->sorts & EVENT_ANSWERS;
    bool whole = reader_is_whole(a->reader);
    if (whole && a->spec.facts->choices > a->spec.facts->prompts)
        target_learn(a->spec.target, HABIT_KNOWS_N);
    if (!whole) {
        if (a->state == WHOLE) watch_events(a);
        a->state = ANSWER;
    } else if (a->state == ANSWER || says || e->usage) {
        a->state = WHOLE;
        attempt_watch_rest(a);
    }
}

/* ---- events ---- */

/* An error where an answer should be: as if the provider had answered with that status. */
static void fail_by_event(attempt *a, const answer_event *e) {
    bool alone = e->sorts & EVENT_FAILED && e->error.type == JSON_OBJECT;
    if (a->state == WHOLE)
        attempt_end(a);
    else
        attempt_fail_refused(a, e->status, alone ? e->error.raw : e->data, false);
}

/* It says that it failed before anybody has seen anything of it: another may answer. */
static bool failed_unseen(const attempt *a, const answer_event *e) {
    return e->sorts & EVENT_FAILED && !a->spoken;
}

void attempt_take_event(attempt *a, const answer_event *e) {
    if (e->sorts & EVENT_ERROR || failed_unseen(a, e)) {
        fail_by_event(a, e);
        return;
    }
    if (!a->spoken && (e->kind == ANSWER_RAW || e->sorts & (EVENT_CONTENT | EVENT_BEGUN))) {
        a->spoken = true;
        a->first_content_us = a->spec.loop->now_us;
        if (e->kind == ANSWER_RAW) loop_timer_stop(a->spec.loop, &a->watch); /* it is no stream */
    }
    if (e->usage) {
        a->usage = *e->usage;
        if (reader_flows(a->reader)) target_learn(a->spec.target, HABIT_TELLS_USAGE);
    }
    a->event_ms = a->spec.loop->now_ms;
    bool flows = e->kind == ANSWER_STREAM && e->sorts & EVENT_ANSWERS;
    if (flows && !a->flowing) watch_events(a);
    a->telling = true;
    a->ops->on_event(a->user, e);
    a->telling = false;
    if (a->state == OVER)
        attempt_forget(a);
    else if (a->state == WHOLE || e->sorts & EVENT_FINISH)
        look_for_end(a, e);
}

/* Of events that are put together to a document: no more of them are waited for. */
void attempt_tell_gathered(attempt *a) {
    answer_event event;
    if (reader_tell_gathered(a->reader, &event)) attempt_take_event(a, &event);
}

/* ---- its end ---- */

static void on_drained(timer *t) {
    attempt_end(CONTAINER_OF(t, attempt, watch));
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
        attempt_fail(a, FAIL_CONNECTION, ERR_STREAM_CUT, SPAN_EMPTY);
        return;
    }
    a->unfinished = true;
    if (attempt_tells_large(a)) return;
    attempt_tell_gathered(a);
    if (!is_read(a)) return;
    if (a->http)
        drain(a);
    else
        attempt_end(a);
}

static void fail_no_answer(attempt *a) {
    attempt_fail(a, FAIL_MALFORMED, ERR_BAD_ANSWER, span_cstr(a->reader->no_answer));
}

static void fail_too_large(attempt *a) {
    const config_limits *limits = &attempt_config(a)->limits;
    if (a->reader->events.dead)
        attempt_fail(
            a, FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE,
            arena_printf(
                a->spec.arena,
                "An event of the provider's stream is larger than limits.event (%zu bytes).",
                limits->event_bytes));
    else
        attempt_fail(a, FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE,
                     arena_printf(a->spec.arena,
                                  "The provider's answer is larger than limits.answer (%zu bytes).",
                                  limits->answer_bytes));
}

/* The provider has done all that was asked of it. */
static void fail_no_room(attempt *a) {
    attempt_fail_short(a, SHORTAGE_ROOM, SPAN_OF("no room for its answer within limits.memory"));
}

/* ---- its bytes ---- */

/* A document has no first token: its head comes when it is whole. Events under the type of one are
 * late from the start all the same. */
static void look_what_comes(attempt *a) {
    if (!a->document || !reader_flows(a->reader)) return;
    a->document = false;
    if (a->flowing) return;
    int64_t left_ms = attempt_timeouts(a)->first_token_ms - (a->spec.loop->now_ms - a->began_ms);
    loop_timer_start(a->spec.loop, &a->watch, left_ms > 0 ? left_ms : 0);
}

void attempt_open_reader(attempt *a, const http_head *head, span told_type) {
    const bool bare = head->status == 304; /* its type and length are those of what does not come */
    span content_type = bare ? SPAN_EMPTY : http_header_get(head->headers, SPAN_OF("content-type"));
    const config_limits *limits = &attempt_config(a)->limits;
    const request_facts *facts = a->spec.facts;
    bool knows_n = target_has(a->spec.target, HABIT_KNOWS_N);
    const reader_spec spec = {.dialect = a->dialect,
                              .asked = facts->stream ? ASKED_STREAM : ASKED_DOCUMENT,
                              .want = a->spec.want,
                              .fewest = knows_n ? facts->choices : facts->prompts,
                              .choices = facts->choices,
                              .background = facts->background,
                              .event_bytes = limits->event_bytes,
                              .answer_bytes = limits->answer_bytes,
                              .usage_added = a->own & OWN_USAGE,
                              .asks_no_model = facts->asks_no_model,
                              .secrets = attempt_secrets(a),
                              .memory = &a->spec.loop->memory,
                              .holder = a->spec.holder};
    attempt_learn_refused(a);
    bool coded = http_coding_of(head->headers) != HTTP_CODING_NONE;
    a->reader = arena_alloc(a->spec.arena, sizeof *a->reader);
    reader_init(a->reader, &spec, content_type, coded || bare ? -1 : head->content_length);
    a->reading = true;
    a->state = ANSWER;
    a->document = !reader_flows(a->reader);
    if (a->document) loop_timer_stop(a->spec.loop, &a->watch);
    bool keeps_type = reader_content_type(a->reader, content_type).len > 0;
    const answer_head out = {.kind = a->reader->kind,
                             .status = head->status,
                             .headers = a->crossing,
                             .content_type = keeps_type ? told_type : SPAN_EMPTY,
                             .request_id = a->request_id};
    a->ops->on_head(a->user, &out);
}

/* Of events that are put together to a document, which are not told one by one. */
static void look_for_gathered_end(attempt *a) {
    bool whole = reader_is_whole(a->reader);
    if (whole == (a->state == WHOLE)) return;
    a->state = whole ? WHOLE : ANSWER;
    if (whole)
        attempt_watch_rest(a);
    else
        loop_timer_stop(a->spec.loop, &a->watch);
}

void attempt_took(attempt *a, reader_result got) {
    look_what_comes(a);
    if (got == READER_TOO_LARGE)
        fail_too_large(a);
    else if (got == READER_NO_ROOM)
        fail_no_room(a);
    else if (got == READER_BAD)
        fail_no_answer(a);
    else if (got == READER_UNFINISHED)
        end_unfinished(a);
    else if (got == READER_END)
        drain(a);
    else if (a->reader->kind == ANSWER_PLAIN)
        look_for_gathered_end(a);
}

void attempt_take_answer(attempt *a, span piece) {
    answer_event event;
    reader_result got = READER_MORE;
    if (a->reader->comes == ANSWER_PLAIN) attempt_pace_document(a, piece);
    if (attempt_takes_large(a, piece)) return;
    while (is_read(a) && (got = reader_next(a->reader, &piece, &event)) == READER_EVENT)
        attempt_take_event(a, &event);
    if (!is_read(a)) return;
    attempt_took(a, got);
    if (is_read(a)) attempt_look_for_large(a);
}

/* No event is left. */
static void end_with(attempt *a, reader_result got, const http_fail *cut) {
    if (got == READER_END)
        attempt_end(a);
    else if (got == READER_UNFINISHED)
        end_unfinished(a);
    else if (got == READER_BAD)
        fail_no_answer(a);
    else if (got == READER_TOO_LARGE)
        fail_too_large(a);
    else if (got == READER_NO_ROOM)
        fail_no_room(a);
    else if (cut)
        attempt_fail_http(a, cut);
    else
        attempt_fail(a, FAIL_CONNECTION, ERR_STREAM_CUT, SPAN_EMPTY);
}

void attempt_end_from(attempt *a, reader_result got, answer_event *event, const http_fail *cut) {
    for (unsigned told = 1; got == READER_EVENT; told++) {
        attempt_take_event(a, event);
        if (!is_read(a) || attempt_rests(a, told) || attempt_ends_large(a, cut)) return;
        got = reader_end(a->reader, !cut, event);
    }
    end_with(a, got, cut);
}

void attempt_end_answer(attempt *a, const http_fail *cut) {
    answer_event event;
    attempt_pace_stop(a); /* all has come */
    if (!attempt_ends_large(a, cut))
        attempt_end_from(a, reader_end(a->reader, !cut, &event), &event, cut);
}
