/* A run as the source of its exchange's answer: model calls, one after the other, each a step of
 * the exchange; what follows their answers; the end. */
#include "exchange/functions.h"
#include "exchange/guard.h"

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

/* The last words as a chat completion's event, as a provider would tell them. */
static void take_words(functions_run *r) {
    exchange *x = r->x;
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":"
                        "{\"role\":\"assistant\",\"content\":");
    size_t from = text.len;
    json_write_string(&text, buf_span(&r->words));
    size_t to = text.len;
    buf_add_cstr(&text, "},\"finish_reason\":\"stop\"}]}");
    span data =
        arena_dup(&x->arena, buf_span(&text)); /* a plain answer's bytes live until its end */
    buf_done(&text);
    const answer_part words = {.kind = PART_TEXT,
                               .value = {JSON_STRING, span_slice(data, from, to)}};
    exchange_take_event(x, &(answer_event){.kind = ANSWER_PLAIN,
                                           .sorts = EVENT_CONTENT | EVENT_FULL | EVENT_FINISH,
                                           .is_json = true,
                                           .data = data,
                                           .parts = &words,
                                           .part_count = 1});
}

static void take_head(functions_run *r, answer_kind kind) {
    if (!r->x->has_head) exchange_take_head(r->x, &(answer_head){.kind = kind, .status = 200});
}

static void finish(functions_run *r, run_stop stop) {
    exchange *x = r->x;
    const bool stream = x->facts.stream;
    over(r);
    r->stop = stop;
    settle_reason(x, stop == RUN_ENDS ? r->said.finish_reason : span_cstr(run_stop_code(stop)));
    take_head(r, stream ? ANSWER_STREAM : ANSWER_PLAIN);
    if (!stream && x->phase == PHASE_ANSWERING) take_words(r);
    if (x->phase == PHASE_ANSWERING) exchange_take_end(x);
}

static span limit_text(const functions_run *r, arena *a) {
    const config_functions *c = &exchange_config(r->x)->functions;
    buf out = BUF_EMPTY;
    switch (r->stop) {
    case RUN_MAX_TIME: unit_write_duration(c->max_time_ms, &out); break;
    case RUN_MAX_TOKENS: buf_add_u64(&out, c->max_tokens); break;
    case RUN_MAX_COST: unit_write_money(c->max_cost_nano, &out); break;
    default: buf_add_u64(&out, r->limits.max_steps); break;
    }
    span text = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return text;
}

span functions_stop_sentence(const functions_run *r, arena *a) {
    return run_stop_sentence(r->stop, limit_text(r, a), a);
}

/* ---- what the model has said ---- */

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

static void take_answer(functions_run *r, span completion) {
    arena_reset(&r->turn, 0);
    model_said_read(arena_dup(&r->turn, completion), &r->turn, &r->said);
    r->state.answers++;
    note_said(r);
    run_stop next = run_after_answer(&r->limits, &r->state, r->said.call_count);
    if (next != RUN_GOES_ON) {
        finish(r, next);
        return;
    }
    talk_add_said(&r->talk, &r->said, &r->turn);
    functions_call_tools(r);
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
    take_head(user, ANSWER_STREAM);
}

static bool is_word(const answer_part *p) {
    return p->choice == 0 && (p->kind == PART_TEXT || p->kind == PART_REFUSAL);
}

/* What the client is to read of it: not that a choice ends, as another answer may follow. */
static void pass_words(functions_run *r, const answer_event *event) {
    exchange *x = r->x;
    answer_part *parts = arena_alloc(&x->env->event_arena, event->part_count * sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < event->part_count; i++)
        if (is_word(&event->parts[i])) parts[count++] = event->parts[i];
    if (!count) return;
    exchange_take_event(x, &(answer_event){.kind = ANSWER_STREAM,
                                           .sorts = EVENT_CONTENT | (event->sorts & EVENT_FULL),
                                           .is_json = event->is_json,
                                           .data = event->data,
                                           .parts = parts,
                                           .part_count = count,
                                           .envelope = event->envelope,
                                           .large = event->large});
}

static void hear_event(void *user, const answer_event *event) {
    functions_run *r = user;
    const turn_ops *turn = exchange_dialect(r->x)->turn;
    if (event->kind != ANSWER_STREAM) return;
    if (!r->told) r->told = turn->begin(exchange_config(r->x)->limits.answer_bytes);
    if (event->is_json && !(event->sorts & (EVENT_ERROR | EVENT_FAILED)))
        (void)turn->take(r->told, event); /* more than is kept: seen at the end */
    if (event->sorts & EVENT_CONTENT && event->part_count) pass_words(r, event);
}

static void hear_end(void *user) {
    functions_run *r = user;
    exchange *child = r->child;
    buf completion = BUF_EMPTY;
    r->child = NULL;
    count(r, child);
    bool whole = r->told && exchange_dialect(r->x)->turn->write(r->told, &completion);
    forget_told(r);
    if (whole)
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

static void ask_model(functions_run *r) {
    exchange *x = r->x;
    bool last = r->offer.count && run_is_last(&r->limits, &r->state);
    const exchange_request q = {.form = &form_direct,
                                .endpoint = EP_CHAT_COMPLETIONS,
                                .method = SPAN_OF("POST"),
                                .path = SPAN_OF("/chat/completions"),
                                .headers = x->request.headers,
                                .body = talk_body(&r->talk, last),
                                .peer = x->request.peer,
                                .started_us = x->env->loop->now_us,
                                .parent = x,
                                .label = SPAN_OF("chat.functions.step")};
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
    r->state.steps++;
    ask_model(r);
}

/* Behind what out holds. */
static void add_guarded(const functions_run *r, span json, buf *out) {
    if (r->guard)
        guard_steps_write(r->guard, json, out);
    else
        buf_add(out, json);
}

void functions_write_steps(const functions_run *r, json_writer *w) {
    buf steps = BUF_EMPTY, told = BUF_EMPTY;
    json_writer own = json_writer_of(&steps);
    talk_write_steps(&r->talk, &own);
    add_guarded(r, buf_span(&steps), &told);
    json_put_raw(w, buf_span(&told));
    buf_done(&steps);
    buf_done(&told);
}

void functions_tell_step(functions_run *r, const functions_call *c) {
    exchange *x = r->x;
    if (!x->facts.stream) return;
    buf step = BUF_EMPTY, data = BUF_EMPTY;
    json_writer w = json_writer_of(&step);
    talk_write_step(&w, c->said, &c->result);
    add_guarded(r, buf_span(&step), &data);
    buf_done(&step);
    take_head(r, ANSWER_STREAM);
    exchange_take_event(x, &(answer_event){.kind = ANSWER_STREAM,
                                           .is_json = true,
                                           .name = FUNCTIONS_STEP,
                                           .data = buf_span(&data)});
    buf_done(&data);
}

static void on_time(timer *t) {
    functions_run *r = CONTAINER_OF(t, functions_run, time);
    drop_child(r);
    functions_stop_tools(r, SPAN_OF("the time of the run was over"));
    if (!r->over) finish(r, RUN_MAX_TIME);
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
    r->state = run_nothing;
    x->record.usage = r->state.usage;
    timer_init(&r->tell, on_tell);
    timer_init(&r->time, on_time);
    exchange_feed_from(x, &r->source);
    exchange_watch_deadline(x);
    loop_timer_start(x->env->loop, &r->time, r->due_ms - x->env->loop->now_ms);
    ask_model(r);
}

void functions_done(functions_run *r) {
    over(r);
    functions_forget_tools(r);
    arena_done(&r->turn);
    talk_done(&r->talk);
    buf_done(&r->words);
    guard_of_run_done(r->guard);
    tool_list_unref(r->list);
    r->list = NULL;
}
