/* The one retry loop.
 *
 *   begin ─▶ ask(target) ─▶ lane runs ─▶ first content: commit ─▶ hand over ─▶ on_end
 *              ▲                │ fails before that
 *              │                ▼
 *              └── wait ◀── decide ──▶ next target ──▶ ask …
 *                              └─────▶ give up: on_fail
 *
 * A lane is an attempt that is under way (lanes.c). There is one, or two while a hedge (hedge.c)
 * runs beside it.
 */
#include "call/internal.h"

#include "base/hash.h"

#include <string.h>

/* The configuration's word for the target: a client's must not make series. */
void call_count(call *c, metric_id id, const slot *s, const char *outcome) {
    if (!c->spec.metrics) return;
    const span labels[] = {s->target->name, span_cstr(outcome)};
    metric_add(metrics_series(c->spec.metrics, id, labels), 1);
}

/* ---- the only ways out ---- */

void call_release(call *c) {
    c->over = true;
    c->held = false;
    loop_timer_stop(c->spec.loop, &c->backoff);
    hedge_stop(c);
    loop_timer_stop(c->spec.loop, &c->total);
    for (int i = 0; i < c->lane_count; i++)
        lane_drop(c->lanes[i]);
    slots_done(&c->slots);
}

void call_give_up(call *c, failure f) {
    f.committed = c->winner != NULL;
    c->arrived_us = c->spec.loop->now_us;
    call_release(c);
    c->sink->on_fail(c->user, &f);
}

/* ---- asking ---- */

/* The target that may be asked now; slots.count when there is none. */
static size_t next_slot(const call *c) {
    return slots_next(&c->slots, call_now_ms(c));
}

/* Nobody was asked. */
static bool is_unasked(const failure *f) {
    return f->error == ERR_BREAKER_OPEN || f->error == ERR_PROVIDER_LIMITED || lane_is_full(f);
}

static void count_fallback(const call *c, size_t from, size_t to, failure_class why) {
    if (c->spec.metrics) {
        const span labels[] = {c->slots.items[to].target->name, c->slots.items[from].target->name,
                               span_cstr(failure_name(why))};
        metric_add(metrics_series(c->spec.metrics, METRIC_FALLBACKS, labels), 1);
    }
}

static void refuse_all(call *c);

/* Nobody has been asked. */
static void ask_first(call *c) {
    const size_t at = next_slot(c);
    if (at < c->slots.count)
        call_try(c, (entry){ENTRY_FIRST, at});
    else
        refuse_all(c);
}

/* Of targets, of which one that is full counts for nothing. */
static void count_entry(call *c, const entry *e, entry_end end) {
    slot *s = &c->slots.items[e->at];
    if (e->why == ENTRY_HEDGE) {
        hedge_entered(c, e, end);
        return;
    }
    if (end == ENTRY_FULL) return;
    if (e->why == ENTRY_FALLBACK) count_fallback(c, e->from, e->at, e->kept->class);
    if (e->why == ENTRY_FALLBACK || e->why == ENTRY_FIRST)
        target_count_call(s->payer, c->spec.client, call_now_ms(c));
    if (e->why != ENTRY_RETRY || end != ENTRY_BEGUN) return;
    /* A budget keeps an outage from being answered with more traffic; a limit is none, and what
     * weir was short of has made no traffic. */
    if (c->waited->class != FAIL_LIMIT && !c->waited->shortage && !is_unasked(c->waited))
        target_take_budget(s->payer, c->spec.client, call_now_ms(c));
    call_count(c, METRIC_RETRIES, s, "");
}

void call_entered(call *c, const entry *e, entry_end end, const failure *f) {
    count_entry(c, e, end);
    /* Only a slow one has a hedge: where none runs, one that waits at the gate is none. */
    if (e->why == ENTRY_AT_ONCE && end != ENTRY_BEGUN && !lanes_running(c)) hedge_stop(c);
    switch (entry_follow(e->why, end, lanes_taken(c))) {
    case NEXT_OTHER: ask_first(c); return;
    case NEXT_DECIDE: call_decide(c, e->at, f); return;
    case NEXT_REDECIDE: call_decide(c, e->from, e->kept); return;
    case NEXT_RUN:
    case NEXT_FORGET: return;
    }
}

void call_try(call *c, entry e) {
    failure f;
    const lane_start_end end = lane_start(c, &e, &f);
    if (end != LANE_WAITS) call_entered(c, &e, (entry_end)end, &f);
}

static void ask_once_more(call *c) {
    slot *s = &c->slots.items[c->at];
    bool first = !s->tries; /* a limit was waited for before anything was asked */
    if (!c->rested) c->retries++;
    c->rested = false;
    s->spent = NULL;
    if (first) target_count_call(s->payer, c->spec.client, call_now_ms(c));
    call_try(c, (entry){first ? ENTRY_LATER : ENTRY_RETRY, c->at});
}

static void on_backoff(timer *t) {
    call *c = CONTAINER_OF(t, call, backoff);
    c->held = c->sink->on_wake && !c->sink->on_wake(c->user);
    if (!c->held) ask_once_more(c);
}

void call_go_on(call *c) {
    if (!c->held) return;
    c->held = false;
    ask_once_more(c);
}

/* ---- what follows a failure ---- */

/* A fallback that cannot take the request at all says nothing about why the call fails. */
static bool tells_nothing(const failure *f) {
    return f->class == FAIL_REQUEST || f->class == FAIL_KEY || f->class == FAIL_TARGET ||
           f->class == FAIL_TLS;
}

void call_note_last(call *c, const failure *kept) {
    if (!is_unasked(kept) && (!c->last || !tells_nothing(kept))) c->last = kept;
}

static void note_left(call *c, const failure *kept) {
    if (!c->kept) c->kept = kept;
    call_note_last(c, kept);
}

/* The last of a step: the call may be gone after it. */
static void tell_wait(call *c, const slot *s, const failure *why, int64_t wait_ms) {
    const call_wait w = {
        .wait_ms = wait_ms, .why = why, .target = s->name, .attempts = c->attempts};
    if (c->sink->on_wait) c->sink->on_wait(c->user, &w);
}

/* All that may be asked are being left alone. Who has time waits until one is tried again: that is
 * no retry, as nobody has been asked. */
static bool waits_for_breaker(call *c, const failure *f) {
    enum { PROBE_MS = 100 }; /* another call is the probe: so long until its end is looked for */
    slots_rest rest = slots_get_rest(&c->slots, call_now_ms(c));
    if (!c->spec.patient || rest.limited || lanes_taken(c)) return false;
    int64_t wait_ms = rest.wait_ms > PROBE_MS ? rest.wait_ms : PROBE_MS;
    if (call_now_ms(c) + wait_ms >= c->spec.deadline_ms) return false;
    c->at = rest.at;
    c->rested = true;
    c->waited = call_keep(c, f);
    loop_timer_start(c->spec.loop, &c->backoff, wait_ms);
    if (c->sink->on_rest) c->sink->on_rest(c->user);
    tell_wait(c, &c->slots.items[rest.at], c->waited, wait_ms);
    return true;
}

/* The next target in the place of one that has failed so. */
static void leave(call *c, size_t from, size_t to, const failure *kept) {
    note_left(c, kept);
    call_try(c, (entry){ENTRY_FALLBACK, to, .from = from, .kept = kept});
}

void call_decide(call *c, size_t at, const failure *f) {
    const config *conf = call_config(c);
    slot *s = &c->slots.items[at];
    size_t next = slots_other(&c->slots, call_now_ms(c));
    retry_facts facts = {
        .failure = f->class,
        .hint = f->hint,
        .retries_done = c->retries,
        .target_tries = s->tries,
        .sent = f->sent,
        .patient = c->spec.patient,
        .other_left = next < c->slots.count,
        .budget_left =
            (f->class == FAIL_LIMIT ||
             target_budget_left(s->payer, &conf->retry, c->spec.client, call_now_ms(c))) &&
            target_ready(s->state, &conf->breaker, c->spec.client, call_now_ms(c)),
        .left_ms = c->spec.deadline_ms - call_now_ms(c),
    };
    retry_plan plan;
    bool closed = f->error == ERR_BREAKER_OPEN && next_slot(c) == c->slots.count;
    if (closed && waits_for_breaker(c, f)) return;
    retry_verdict verdict = retry_decide(&conf->retry, &facts, rng_unit(&c->spec.loop->rng), &plan);
    trace_decided(c, s, f, verdict, &plan);
    switch (verdict) {
    case RETRY_WAIT:
        c->at = at;
        c->waited = call_keep(c, f);
        call_note_last(c, c->waited);
        loop_timer_start(c->spec.loop, &c->backoff, plan.wait_ms);
        if (c->sink->on_rest) c->sink->on_rest(c->user);
        tell_wait(c, s, c->waited, plan.wait_ms);
        return;
    case RETRY_NEXT: leave(c, at, next, call_keep(c, f)); return;
    case RETRY_STOP: break;
    }
    if (is_unasked(f) && c->waited) f = c->waited;
    failure last = c->kept && tells_nothing(f) ? *c->kept : *f;
    last.client_may_retry = plan.client_may_retry;
    last.client_after_ms = plan.client_after_ms;
    call_give_up(c, last);
}

/* ---- the clock over all attempts ---- */

/* The one lane there is, where nothing has left weir on it for a reason of weir's own. */
static const lane *lane_that_lacks(const call *c) {
    const lane *found = NULL;
    for (int i = 0; i < c->lane_count; i++) {
        const lane *l = c->lanes[i];
        if (!l->attempt) continue;
        if (found || !attempt_get_times(l->attempt).lacks) return NULL;
        found = l;
    }
    return found;
}

static void give_up_short(call *c, const lane *l, span limit) {
    failure f = attempt_short(l->attempt, attempt_get_times(l->attempt).lacks,
                              attempt_unsent_text(l->attempt, limit));
    f.client_may_retry = true;
    f.client_after_ms = RETRY_OWN_AFTER_MS;
    lane_report_shortage(l, &f);
    call_give_up(c, f);
}

static span total_text(const call *c) {
    if (c->spec.due) return SPAN_OF(CALL_OWN_TIME);
    return config_timeout_text(call_config(c), c->spec.model, NULL, TIMEOUT_TOTAL, c->spec.arena);
}

/* Who asks has run out of patience while a try was under way, which has not failed: what he hears
 * of is the try that has. It may be at it still. */
static void give_up_due(call *c) {
    failure f = *c->last;
    f.client_may_retry = false;
    f.client_after_ms = f.hint.after_ms;
    call_give_up(c, f);
}

/* It says nothing of the targets: it is the call's own, over all of them, and what a call asks may
 * take longer than that. Those that are silent have deadlines of theirs. */
static void on_total(timer *t) {
    call *c = CONTAINER_OF(t, call, total);
    if (c->winner && attempt_end_whole(c->winner->attempt)) return;
    weir_error e = error_of(ERR_TOTAL_TIMEOUT);
    span limit = total_text(c);
    if (c->last && !c->winner && (c->spec.due || !lanes_running(c))) {
        give_up_due(c);
        return;
    }
    const lane *unsent = lane_that_lacks(c);
    if (unsent) {
        give_up_short(c, unsent, limit);
        return;
    }
    e.message =
        arena_printf(c->spec.arena, "The call did not complete within %.*s.", SPAN_ARG(limit));
    failure f = failure_of(&e);
    f.class = FAIL_SILENT;
    f.client_may_retry = false;
    call_give_up(c, f);
}

/* ---- the owner's side ---- */

/* No target may be asked now. A limit's end may be waited for, like a hint of the provider,
 * if it is near; a breaker's probe by those who have time. */
static void refuse_all(call *c) {
    slots_rest rest = slots_get_rest(&c->slots, call_now_ms(c));
    bool waits = c->spec.patient || rest.wait_ms <= call_config(c)->retry.patience_ms;
    failure f = rest.limited ? lane_limited(rest.wait_ms) : lane_refused();
    if (rest.full) {
        f = *c->slots.items[rest.at].full;
        f.client_may_retry =
            f.client_after_ms >= 0 && f.client_after_ms <= RETRY_CLIENT_PATIENCE_MS;
        call_give_up(c, f);
        return;
    }
    if (rest.limited && waits) {
        call_decide(c, rest.at, &f);
        return;
    }
    if (waits_for_breaker(c, &f)) return;
    f.client_may_retry = rest.wait_ms <= RETRY_CLIENT_PATIENCE_MS;
    f.client_after_ms = rest.wait_ms > 0 ? rest.wait_ms : 0;
    call_give_up(c, f);
}

/* The first step runs from the wheel only where it may end the call at once, so that call_start()
 * never calls back before it returns. */
static void on_refused_start(timer *t) {
    call *c = CONTAINER_OF(t, call, backoff);
    timer_init(&c->backoff, on_backoff);
    ask_first(c); /* one may have been full for no longer */
}

static void on_failed_start(timer *t) {
    call *c = CONTAINER_OF(t, call, backoff);
    timer_init(&c->backoff, on_backoff);
    call_try(c, (entry){ENTRY_AT_ONCE, c->at});
}

static void start_first(call *c) {
    failure f;
    entry e = {ENTRY_FIRST, 0};
    lane_start_end end = LANE_FULL;
    while (end == LANE_FULL && (e.at = next_slot(c)) < c->slots.count)
        end = lane_start(c, &e, &f);
    if (end == LANE_WAITS) return;
    if (end != LANE_FULL) {
        c->at = e.at;
        count_entry(c, &e, (entry_end)end);
    }
    if (end == LANE_BEGUN) return;
    timer_init(&c->backoff, end == LANE_FULL ? on_refused_start : on_failed_start);
    loop_timer_start(c->spec.loop, &c->backoff, 0);
}

call *call_start(const call_spec *spec, const call_sink *sink, void *user) {
    call *c = arena_zalloc(spec->arena, sizeof *c);
    c->spec = *spec;
    c->sink = sink;
    c->user = user;
    timer_init(&c->backoff, on_backoff);
    hedge_init(c);
    timer_init(&c->total, on_total);
    c->slots = slots_lay(spec->model, spec->snapshot, spec->facts, spec->made_at, spec->client,
                         &spec->loop->rng, call_now_ms(c), spec->arena);
    loop_timer_start(spec->loop, &c->total, spec->deadline_ms - call_now_ms(c));
    start_first(c);
    return c;
}

void call_cancel(call *c) {
    if (!c->over) call_release(c);
}

bool call_drop_request(call *c) {
    return c->winner && c->winner->attempt && attempt_drop_request(c->winner->attempt);
}

affinity_place call_place(const call *c) {
    const lane *l = c->winner;
    if (!l) return (affinity_place){0, 0};
    const slot *s = &c->slots.items[l->at];
    return (affinity_place){.provider = hash_span(s->target->provider->name),
                            .key = key_id(s->upstream->keys[l->key].state)};
}

bool call_tells_usage(const call *c) {
    return c->winner && target_has(c->slots.items[c->winner->at].state, HABIT_TELLS_USAGE);
}

bool call_ids_repeat(const call *c) {
    return c->winner && c->slots.items[c->winner->at].target->provider->ids == COMPLETION_IDS_OWN;
}

void call_pause(call *c) {
    c->paused = true;
    if (c->winner && c->winner->attempt) attempt_pause(c->winner->attempt);
}

void call_resume(call *c) {
    c->paused = false;
    if (c->winner && c->winner->attempt) attempt_resume(c->winner->attempt);
}

call_report call_get_report(const call *c) {
    const slot *s = c->attempts ? &c->slots.items[c->at] : NULL;
    call_report r = {
        .target = s ? s->name : SPAN_EMPTY,
        .target_label = s ? s->target->name : SPAN_EMPTY,
        .attempts = c->attempts,
        .hedges = c->hedges,
        .tries = c->tries,
        .answered = c->winner ? (int)c->winner->try : -1,
        .skipped = c->skipped,
        .unfinished = c->unfinished,
        .first_sent_us = c->first_sent_us,
        .head_us = c->head_us,
        .arrived_us = c->arrived_us
    };
    for (int i = 0; i < c->lane_count; i++) {
        const lane *l = c->lanes[i];
        if (!l->attempt) continue;
        attempt_facts facts = attempt_get_facts(l->attempt);
        r.skipped += facts.skipped;
        r.first_sent_us = call_earlier(r.first_sent_us, lane_left_us(l));
        if (facts.head_us && !r.head_us) r.head_us = facts.head_us;
    }
    return r;
}
