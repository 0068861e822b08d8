/* A run as the source of its exchange's answer: model calls, one after the other, each a step of
 * the exchange; what follows their answers; the end. */
#include "exchange/guard.h"
#include "exchange/mixed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "config/units.h"

/* ---- the end ---- */

static void stop_timers(functions_run *r) {
    loop_timer_stop(r->x->env->loop, &r->tell);
    loop_timer_stop(r->x->env->loop, &r->time);
}

static void forget_told(functions_run *r) {
    if (r->told) exchange_dialect(r->x)->turn->end(r->told);
    r->told = NULL;
}

/* What a step used, however it ended. */
static void count(functions_run *r, const exchange *child) {
    const call_record *c = exchange_record(child);
    run_count(&r->state, &c->usage, c->cost_nano);
    r->asked |= c->attempts > 0;
    r->x->record.usage = r->state.usage;
}

static void drop_child(functions_run *r) {
    exchange *child = r->child;
    r->child = NULL;
    if (!child) return;
    exchange_cancel(child);
    count(r, child);
}

static void over(functions_run *r) {
    r->over = true;
    stop_timers(r);
    forget_told(r);
    functions_drop_pause(r);
}

/* A step is gone before its exchange has told anybody why. */
static failure keep_failure(const failure *f, arena *a) {
    failure kept = *f;
    kept.text = arena_dup(a, f->text);
    kept.param = arena_dup(a, f->param);
    kept.code = arena_dup(a, f->code);
    kept.body = arena_dup(a, f->body);
    kept.request_id = arena_dup(a, f->request_id);
    kept.headers = exchange_headers_dup(a, f->headers);
    return kept;
}

static void fail(functions_run *r, const failure *f) {
    const failure kept = keep_failure(f, &r->x->arena); /* f may be gone with its step */
    over(r);
    exchange_take_failure(r->x, &kept);
}

static void fail_of(functions_run *r, error_id id) {
    const weir_error e = error_of(id);
    const failure f = failure_of(&e);
    fail(r, &f);
}

void functions_take_head(functions_run *r, answer_kind kind) {
    if (!r->x->has_head) exchange_take_head(r->x, &(answer_head){.kind = kind, .status = 200});
}

static void finish(functions_run *r, run_stop stop) {
    exchange *x = r->x;
    over(r);
    r->stop = stop;
    settle_reason(x, stop == RUN_ENDS ? r->said.finish_reason : span_cstr(run_stop_code(stop)));
    r->way->last(r);
    if (x->phase == PHASE_ANSWERING) exchange_take_end(x);
}

static span limit_text(const functions_run *r, run_stop stop, arena *a) {
    const config_functions *c = &exchange_config(r->x)->functions;
    buf out = BUF_EMPTY;
    switch (stop) {
    case RUN_MAX_TIME: unit_write_duration(c->max_time_ms, &out); break;
    case RUN_MAX_TOKENS: buf_add_u64(&out, c->max_tokens); break;
    case RUN_MAX_COST: unit_write_money(c->max_cost_nano, &out); break;
    case RUN_PAUSED: {
        char until[CLOCK_RFC3339_LEN + 1];
        clock_rfc3339(r->until_us, until);
        buf_add_cstr(&out, until);
        break;
    }
    default: buf_add_u64(&out, r->limits.max_steps); break;
    }
    span text = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return text;
}

span functions_stop_sentence(const functions_run *r, run_stop stop, arena *a) {
    return run_stop_sentence(stop, limit_text(r, stop, a), a);
}

/* ---- what the model has said ---- */

void functions_add_message(functions_run *r) {
    talk_add_said(&r->talk, &r->said, &r->turn);
}

static void note_said(functions_run *r) {
    const model_said *said = &r->said;
    enum { MODEL_NAME_MAX = 256 };
    exchange *x = r->x;
    if (said->words.len) {
        buf_clear(&r->words);
        buf_add(&r->words, said->words);
    } else if (!said->call_count) {
        buf_clear(&r->words); /* it answers, and says nothing */
    }
    if (said->model.len && !span_eq(said->model, r->model))
        r->model = arena_dup(&x->arena, span_clip(said->model, MODEL_NAME_MAX));
}

/* Marks the calls of the client's tools. */
static size_t mark_handed(const functions_run *r) {
    size_t n = 0;
    for (size_t i = 0; r->mixed && i < r->said.call_count; i++) {
        said_call *c = &r->said.calls[i];
        c->handed = mixed_is_clients(r->mixed, c->name);
        n += c->handed;
    }
    return n;
}

/* The calls of the client's tools go out in any case: where weir may make none any more, those of
 * its own get that for an answer. */
static void take_answer(functions_run *r, span completion) {
    arena_reset(&r->turn, 0);
    r->answer = arena_dup(&r->turn, completion);
    r->way->read(r->answer, &r->turn, &r->said);
    r->handed = mark_handed(r);
    r->state.answers++;
    note_said(r);
    const size_t own = r->said.call_count - r->handed;
    const run_stop next = run_after_answer(&r->limits, &r->state, own);
    if (next != RUN_GOES_ON && !(own && r->handed)) {
        if (r->handed && r->state.steps) r->way->add_said(r);
        finish(r, next);
        return;
    }
    r->way->add_said(r);
    if (next == RUN_GOES_ON)
        functions_call_tools(r);
    else
        functions_refuse_tools(r, functions_stop_sentence(r, next, &r->turn));
}

/* ---- the door of a model call ---- */

static void hear_answer(void *user, int status, http_headers headers, span body) {
    functions_run *r = user;
    exchange *child = r->child;
    (void)status, (void)headers;
    if (r->starting) {
        r->refused = true;
        return;
    }
    r->child = NULL;
    count(r, child);
    if (exchange_error(child) == ERR_NONE)
        take_answer(r, body);
    else
        fail(r, &child->failure);
}

static void hear_head(void *user, int status, http_headers headers) {
    (void)status, (void)headers;
    functions_take_head(user, ANSWER_STREAM);
}

static void hear_event(void *user, const answer_event *event) {
    functions_run *r = user;
    const turn_ops *turn = exchange_dialect(r->x)->turn;
    if (event->kind != ANSWER_STREAM) return;
    if (!r->told) r->told = turn->begin(exchange_config(r->x)->limits.answer_bytes);
    if (event->is_json && !(event->sorts & (EVENT_ERROR | EVENT_FAILED)))
        (void)turn->take(r->told, event); /* more than is kept: seen at the end */
    r->way->event(r, event);
}

/* In the provider's own words, which have gone out. */
static void end_failed(functions_run *r) {
    over(r);
    if (r->x->phase == PHASE_ANSWERING) exchange_take_end(r->x);
}

static void hear_end(void *user) {
    functions_run *r = user;
    exchange *child = r->child;
    buf completion = BUF_EMPTY;
    r->child = NULL;
    count(r, child);
    bool whole = r->told && exchange_dialect(r->x)->turn->write(r->told, &completion);
    forget_told(r);
    if (r->mixed && r->mixed->failed)
        end_failed(r);
    else if (whole)
        take_answer(r, buf_span(&completion));
    else
        fail_of(r, ERR_ANSWER_TOO_LARGE);
    buf_done(&completion);
}

static void hear_abort(void *user) {
    functions_run *r = user;
    exchange *child = r->child;
    r->child = NULL;
    count(r, child);
    fail(r, &child->failure);
}

static bool hear_full(void *user) {
    const functions_run *r = user;
    return r->paused;
}

/* Its last word came before; or it was cancelled. */
static void hear_done(void *user) {
    (void)user;
}

static const exchange_door model_door = {.answer = hear_answer,
                                         .head = hear_head,
                                         .event = hear_event,
                                         .end = hear_end,
                                         .abort = hear_abort,
                                         .full = hear_full,
                                         .done = hear_done};

static span end_of_request(const functions_run *r) {
    if (r->offer.count && run_is_last(&r->limits, &r->state)) return r->last;
    return r->state.steps ? r->usual : r->first;
}

static void ask_model(functions_run *r) {
    exchange *x = r->x;
    const exchange_request q = {.form = &form_direct,
                                .endpoint = x->facts.endpoint,
                                .method = SPAN_OF("POST"),
                                .path = x->facts.path,
                                .query = x->facts.query,
                                .headers = x->request->headers,
                                .body = talk_body(&r->talk, end_of_request(r)),
                                .model = x->request->model,
                                .peer = x->request->peer,
                                .started_us = x->env->loop->now_us,
                                .parent = x,
                                .label = r->way->step_label};
    r->starting = true;
    r->refused = false;
    exchange *child = exchange_start(x->env, &q, &model_door, r);
    r->starting = false;
    if (!r->refused) {
        r->child = child;
        return;
    }
    r->refusal = keep_failure(&child->failure, &x->arena);
    loop_timer_start(x->env->loop, &r->tell, 0);
}

static void on_tell(timer *t) {
    functions_run *r = CONTAINER_OF(t, functions_run, tell);
    fail(r, &r->refusal);
}

/* ---- tools ---- */

void functions_answered(functions_run *r) {
    timer_init(&r->tell, on_tell);
    r->resume = NULL; /* what was said, was said of these calls */
    r->state.steps++;
    if (r->handed)
        finish(r, RUN_ENDS);
    else
        ask_model(r);
}

void functions_paused(functions_run *r) {
    finish(r, RUN_PAUSED);
}

void functions_fail(functions_run *r, error_id id, const char *message) {
    weir_error e = error_of(id);
    if (message) e.message = span_cstr(message);
    const failure f = failure_of(&e);
    fail(r, &f);
}

/* Its calls are there already, and a source says nothing from inside what starts it. */
static void on_go_on(timer *t) {
    functions_call_tools(CONTAINER_OF(t, functions_run, tell));
}

static void on_time(timer *t) {
    functions_run *r = CONTAINER_OF(t, functions_run, time);
    drop_child(r);
    bool hands = r->call_count && r->handed; /* what is the client's is not weir's to stop */
    functions_stop_tools(r, SPAN_OF("the time of the run was over"));
    if (!r->over) finish(r, hands ? RUN_ENDS : RUN_MAX_TIME);
}

/* ---- the source ---- */

static functions_run *run_of(answer_source *s) {
    return CONTAINER_OF(s, functions_run, source);
}

static void on_pause(answer_source *s) {
    run_of(s)->paused = true;
}

static void on_resume(answer_source *s) {
    functions_run *r = run_of(s);
    r->paused = false;
    if (r->child) exchange_room(r->child);
}

static void on_cancel(answer_source *s) {
    functions_run *r = run_of(s);
    over(r);
    drop_child(r);
    functions_forget_tools(r);
}

static const answer_source_ops source_ops = {
    .pause = on_pause, .resume = on_resume, .cancel = on_cancel};

void functions_begin(functions_run *r) {
    exchange *x = r->x;
    const int64_t most_ms = exchange_config(x)->functions.max_time_ms;
    r->source.ops = &source_ops;
    r->due_ms = x->began_ms + most_ms;
    if (!r->resume) r->state = run_nothing;
    x->record.usage = r->state.usage;
    timer_init(&r->tell, r->resume ? on_go_on : on_tell);
    timer_init(&r->time, on_time);
    exchange_feed_from(x, &r->source);
    exchange_watch_deadline(x);
    loop_timer_start(x->env->loop, &r->time, r->due_ms - x->env->loop->now_ms);
    if (r->resume)
        loop_timer_start(x->env->loop, &r->tell, 0);
    else
        ask_model(r);
}

void functions_done(functions_run *r) {
    over(r);
    functions_forget_tools(r);
    arena_done(&r->turn);
    talk_done(&r->talk);
    buf_done(&r->words);
    guard_of_run_done(r->guard);
    if (r->mixed) mixed_done(r->mixed);
    tool_list_unref(r->list);
    r->list = NULL;
}
