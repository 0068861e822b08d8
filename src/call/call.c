/* The one retry loop.
 *
 *   begin ─▶ ask(target) ─▶ lane runs ─▶ first content: commit ─▶ hand over ─▶ on_end
 *              ▲                │ fails before that
 *              │                ▼
 *              └── wait ◀── decide ──▶ next target ──▶ ask …
 *                              └─────▶ give up: on_fail
 *
 * A lane is an attempt that is under way. There is one, or two while a hedge runs beside it.
 */
#include "call/call.h"

#include "call/slots.h"

#include <string.h>

enum { LANES = 2 };

typedef struct lane {
    call *call;
    attempt *attempt; /* NULL: the lane is free */
    size_t at;        /* index into call->slots.items */
    bool hedge;
    bool probe; /* this attempt is the breaker's probe */
    int64_t began_ms, began_us;
    bool has_head;
    answer_head head;
    answer_queue held; /* what it has said before its first content */
} lane;

struct call {
    call_spec spec;
    const call_sink *sink;
    void *user;
    slots slots;
    size_t at; /* the slot asked last */
    lane lanes[LANES];
    lane *winner; /* content has been handed over from this lane */
    timer backoff;
    timer hedge;
    timer total;
    int64_t deadline_ms;
    unsigned attempts;
    unsigned retries;
    unsigned hedges;
    unsigned skipped;
    int64_t first_sent_us;
    int64_t head_us;
    int64_t arrived_us;
    bool paused;
    bool over;
    failure kept;   /* why the first target was left; FAIL_NONE: it was not */
    failure waited; /* what the last backoff followed */
};

static const config *config_of(const call *c) {
    return loop_snapshot_config(c->spec.snapshot);
}

static int64_t now_ms(const call *c) {
    return c->spec.loop->now_ms;
}

/* The configuration's word for the target: a client's must not make series. */
static void count(call *c, metric_id id, const slot *s, const char *outcome) {
    if (!c->spec.metrics) return;
    const span labels[] = {s->target->name, span_cstr(outcome)};
    metric_add(metrics_series(c->spec.metrics, id, labels), 1);
}

static unsigned lanes_running(const call *c) {
    unsigned n = 0;
    for (int i = 0; i < LANES; i++)
        n += c->lanes[i].attempt != NULL;
    return n;
}

/* ---- the only ways out ---- */

/* When the attempt left weir: what is before its request is out is the way to the provider. */
static int64_t lane_left_us(const lane *l) {
    int64_t sent_us = attempt_sent_us(l->attempt);
    return sent_us ? sent_us : l->began_us;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a && a < b ? a : b;
}

static void lane_clear(lane *l) {
    attempt *a = l->attempt;
    answer_queue_done(&l->held);
    if (!a) return;
    call *c = l->call;
    c->first_sent_us = earlier(c->first_sent_us, lane_left_us(l));
    l->attempt = NULL;
    if (attempt_head_us(a)) c->head_us = attempt_head_us(a);
    c->skipped += attempt_skipped(a);
}

/* Stops a lane whose answer is not wanted any more: that tells nothing about its target. */
static void lane_drop(lane *l, const char *outcome) {
    if (!l->attempt) return;
    call *c = l->call;
    slot *s = &c->slots.items[l->at];
    attempt_cancel(l->attempt);
    lane_clear(l);
    target_abandon(s->state, l->probe);
    count(c, METRIC_ATTEMPTS, s, outcome);
    if (l->hedge && c->winner != l) count(c, METRIC_HEDGES, s, "lost");
}

static void release(call *c) {
    c->over = true;
    loop_timer_stop(c->spec.loop, &c->backoff);
    loop_timer_stop(c->spec.loop, &c->hedge);
    loop_timer_stop(c->spec.loop, &c->total);
    for (int i = 0; i < LANES; i++)
        lane_drop(&c->lanes[i], "cancelled");
}

static void give_up(call *c, failure f) {
    f.committed = c->winner != NULL;
    c->arrived_us = c->spec.loop->now_us;
    release(c);
    c->sink->on_fail(c->user, &f);
}

/* ---- what is known of targets ---- */

static void log_breaker(call *c, const slot *s, breaker_state state) {
    const log_field fields[] = {{"target", s->name}};
    bool closed = state == BREAKER_CLOSED;
    log_event(c->spec.log, closed ? LEVEL_INFO : LEVEL_WARN,
              closed ? "breaker_closed" : "breaker_opened",
              closed ? SPAN_OF("The target answers again.")
                     : SPAN_OF("The target fails too often; it is given a rest."),
              fields, ARRAY_LEN(fields));
}

static void report(lane *l, bool failed, int64_t first_content_ms) {
    call *c = l->call;
    slot *s = &c->slots.items[l->at];
    bool changed = false;
    breaker_state state = target_report(s->state, &config_of(c)->breaker, failed, l->probe,
                                        first_content_ms, now_ms(c), &changed);
    l->probe = false;
    if (changed) log_breaker(c, s, state);
}

/* The next target that may be asked now; slots.count when there is none. */
static size_t next_slot(const call *c, size_t from) {
    return slots_next(&c->slots, from, now_ms(c));
}

/* ---- asking ---- */

static const attempt_ops lane_ops;
static void decide(call *c, size_t at, const failure *f);
static void arm_hedge(call *c);

static lane *free_lane(call *c) {
    for (int i = 0; i < LANES; i++)
        if (!c->lanes[i].attempt) return &c->lanes[i];
    return NULL;
}

static failure breaker_open(void) {
    const weir_error e = error_of(ERR_BREAKER_OPEN);
    failure f = failure_of(&e);
    f.class = FAIL_OVERLOAD;
    return f;
}

/* Starts an attempt at a slot. false, with *ret_failure, when that is not possible. */
static bool ask(call *c, size_t at, bool hedge, failure *ret_failure) {
    slot *s = &c->slots.items[at];
    lane *l = free_lane(c);
    bool probe = false;
    if (!l || !target_admit(s->state, &config_of(c)->breaker, now_ms(c), &probe)) {
        *ret_failure = breaker_open();
        return false;
    }
    *l = (lane){.call = c, .at = at, .hedge = hedge, .probe = probe, .began_ms = now_ms(c)};
    l->began_us = loop_exact_us(c->spec.loop);
    answer_queue_init(&l->held);
    const attempt_spec spec = {.loop = c->spec.loop,
                               .snapshot = c->spec.snapshot,
                               .upstream = s->upstream,
                               .facts = c->spec.facts,
                               .model = s->model,
                               .arena = c->spec.arena};
    l->attempt = attempt_start(&spec, &lane_ops, l, ret_failure);
    if (!l->attempt) {
        target_abandon(s->state, probe);
        return false;
    }
    c->at = at;
    c->attempts++;
    s->tries++;
    if (hedge) return true;
    c->head_us = 0;
    arm_hedge(c);
    return true;
}

/* A first try at a slot, or at the next one that can be asked; else the call ends. */
static void ask_first(call *c, size_t at) {
    failure f;
    target_count_call(c->slots.items[at].state, now_ms(c));
    if (!ask(c, at, false, &f)) decide(c, at, &f);
}

static void on_backoff(timer *t) {
    call *c = CONTAINER_OF(t, call, backoff);
    failure f;
    c->retries++;
    if (!ask(c, c->at, false, &f)) {
        decide(c, c->at, &f);
        return;
    }
    target_take_budget(c->slots.items[c->at].state, now_ms(c));
    count(c, METRIC_RETRIES, &c->slots.items[c->at], "");
}

/* ---- what follows a failure ---- */

static void fall_back(call *c, size_t to) {
    count(c, METRIC_FALLBACKS, &c->slots.items[to], "");
    ask_first(c, to);
}

/* A fallback that cannot take the request at all says nothing about why the call fails. */
static bool tells_nothing(const failure *f) {
    return f->class == FAIL_REQUEST || f->class == FAIL_TARGET || f->class == FAIL_TLS;
}

static void decide(call *c, size_t at, const failure *f) {
    const config *conf = config_of(c);
    slot *s = &c->slots.items[at];
    size_t next = next_slot(c, (c->at > at ? c->at : at) + 1);
    retry_facts facts = {
        .failure = f->class,
        .hint = f->hint,
        .retries_done = c->retries,
        .target_tries = s->tries,
        .other_left = next < c->slots.count,
        .budget_left = target_budget_left(s->state, &conf->retry, now_ms(c)) &&
                       target_ready(s->state, &conf->breaker, now_ms(c)),
        .left_ms = c->deadline_ms - now_ms(c),
    };
    retry_plan plan;
    switch (retry_decide(&conf->retry, &facts, rng_unit(&c->spec.loop->rng), &plan)) {
    case RETRY_WAIT:
        c->at = at;
        c->waited = *f;
        loop_timer_start(c->spec.loop, &c->backoff, plan.wait_ms);
        return;
    case RETRY_NEXT:
        if (c->kept.class == FAIL_NONE) c->kept = *f;
        fall_back(c, next);
        return;
    case RETRY_STOP: break;
    }
    if (f->error == ERR_BREAKER_OPEN && c->waited.class != FAIL_NONE) f = &c->waited;
    bool use_kept = c->kept.class != FAIL_NONE && tells_nothing(f);
    failure last = use_kept ? c->kept : *f;
    last.client_may_retry = plan.client_may_retry;
    last.client_after_ms = plan.client_after_ms;
    give_up(c, last);
}

/* ---- handing one lane's answer over ---- */

/* From here on this lane's answer is the call's: the others stop. */
static void commit(lane *l) {
    call *c = l->call;
    if (c->winner) return;
    c->winner = l;
    c->at = l->at;
    loop_timer_stop(c->spec.loop, &c->hedge);
    loop_timer_stop(c->spec.loop, &c->backoff);
    for (int i = 0; i < LANES; i++) {
        lane *other = &c->lanes[i];
        if (other != l) lane_drop(other, "cancelled");
    }
    if (l->hedge) count(c, METRIC_HEDGES, &c->slots.items[l->at], "won");
    report(l, false, now_ms(c) - l->began_ms);
    c->arrived_us = c->spec.loop->now_us;
    if (attempt_head_us(l->attempt)) c->head_us = attempt_head_us(l->attempt);
    if (c->paused) attempt_pause(l->attempt);
    if (l->has_head) c->sink->on_head(c->user, &l->head);
    for (answer_event *e; !c->over && (e = answer_queue_take(&l->held));) {
        c->sink->on_event(c->user, e);
        answer_free(e);
    }
}

static void lane_head(void *user, const answer_head *head) {
    lane *l = user;
    l->has_head = true;
    l->head = *head;
    if (head->kind == ANSWER_RAW) commit(l);
}

/* Content, or what ends an answer; or more than is held for one that says nothing. */
static bool speaks(const lane *l, const answer_event *event) {
    return event->kind != ANSWER_STREAM || event->sorts & (EVENT_CONTENT | EVENT_FINISH) ||
           l->held.bytes >= config_of(l->call)->limits.event_bytes;
}

static void lane_event(void *user, const answer_event *event) {
    lane *l = user;
    call *c = l->call;
    if (!c->winner) {
        if (!speaks(l, event)) {
            answer_queue_add(&l->held, event);
            return;
        }
        commit(l);
    }
    if (!c->over) c->sink->on_event(c->user, event);
}

static void lane_end(void *user) {
    lane *l = user;
    call *c = l->call;
    commit(l); /* an answer without any content is an answer */
    if (c->over) return;
    count(c, METRIC_ATTEMPTS, &c->slots.items[l->at], "ok");
    lane_clear(l);
    release(c);
    c->sink->on_end(c->user);
}

/* Whether this failure ends the call although another lane runs: the first target's word that the
 * request may not be answered holds for the other, which was asked only because it was slow. */
static bool forbids(const call *c, const lane *l, const failure *f) {
    return !l->hedge && f->class == FAIL_CONTENT_POLICY && !config_of(c)->retry.content_policy_next;
}

static void tell_refused(call *c, const failure *f) {
    bool load = f->status == 429 || f->status == 503 || f->status == 529;
    if (load && f->error == ERR_PROVIDER_ERROR && c->sink->on_refused)
        c->sink->on_refused(c->user, f->status, f->hint.after_ms);
}

static void lane_fail(void *user, const failure *f) {
    lane *l = user;
    call *c = l->call;
    size_t at = l->at;
    bool won = c->winner == l;
    count(c, METRIC_ATTEMPTS, &c->slots.items[at], failure_name(f->class));
    if (l->hedge && !won) count(c, METRIC_HEDGES, &c->slots.items[at], "lost");
    if (failure_counts(f->class))
        report(l, true, -1);
    else
        target_abandon(c->slots.items[at].state, l->probe);
    lane_clear(l);
    tell_refused(c, f);
    if (c->over) return;
    if (won) {
        failure broken = *f;
        broken.client_may_retry = true; /* the same question may well be answered whole */
        give_up(c, broken);
        return;
    }
    loop_timer_stop(c->spec.loop, &c->hedge);
    if (lanes_running(c) && !forbids(c, l, f)) { /* the other lane may still answer */
        if (!l->hedge && c->kept.class == FAIL_NONE) c->kept = *f;
        return;
    }
    decide(c, at, f);
}

static const attempt_ops lane_ops = {
    .on_head = lane_head, .on_event = lane_event, .on_end = lane_end, .on_fail = lane_fail};

/* ---- the two clocks over all attempts ---- */

static void on_total(timer *t) {
    call *c = CONTAINER_OF(t, call, total);
    weir_error e = error_of(ERR_TOTAL_TIMEOUT);
    e.message =
        arena_printf(c->spec.arena, "The call did not complete within timeouts.total (%lld ms).",
                     (long long)config_of(c)->timeouts.total_ms);
    failure f = failure_of(&e);
    f.class = FAIL_SILENT;
    f.client_may_retry = false;
    /* A stream that flows is none of its target's faults. */
    for (int i = 0; i < LANES; i++)
        if (c->lanes[i].attempt && !c->winner) report(&c->lanes[i], true, -1);
    give_up(c, f);
}

/* No content yet: the next target is started beside the slow one. */
static void on_hedge(timer *t) {
    call *c = CONTAINER_OF(t, call, hedge);
    size_t slow = c->at, next = next_slot(c, slow + 1);
    if (lanes_running(c) != 1 || next == c->slots.count) return;
    if (!target_take_hedge(c->slots.items[slow].state, &config_of(c)->hedge, now_ms(c))) return;
    failure unused;
    if (!ask(c, next, true, &unused)) {
        target_return_hedge(c->slots.items[slow].state, now_ms(c));
        return;
    }
    target_take_budget(c->slots.items[next].state, now_ms(c));
    c->hedges++;
}

/* Measured from the attempt that the hedge would stand beside. */
static void arm_hedge(call *c) {
    const config_hedge *policy = &config_of(c)->hedge;
    if (!policy->on || c->at + 1 >= c->slots.count) return;
    int64_t after = target_hedge_after_ms(c->slots.items[c->at].state, policy);
    if (after >= 0) loop_timer_start(c->spec.loop, &c->hedge, after);
}

/* ---- the owner's side ---- */

/* Every breaker is open: how long until the first of them lets a probe pass. */
static void refuse_all(call *c) {
    int64_t wait = slots_wait_ms(&c->slots, now_ms(c));
    failure f = breaker_open();
    f.client_may_retry = wait <= RETRY_CLIENT_PATIENCE_MS;
    f.client_after_ms = wait > 0 ? wait : 0;
    give_up(c, f);
}

/* The first step runs from the wheel only where it may end the call at once, so that call_start()
 * never calls back before it returns. */
static void on_refused_start(timer *t) {
    refuse_all(CONTAINER_OF(t, call, backoff));
}

static void on_failed_start(timer *t) {
    call *c = CONTAINER_OF(t, call, backoff);
    timer_init(&c->backoff, on_backoff);
    ask_first(c, c->at);
}

call *call_start(const call_spec *spec, const call_sink *sink, void *user) {
    call *c = arena_zalloc(spec->arena, sizeof *c);
    c->spec = *spec;
    c->sink = sink;
    c->user = user;
    for (int i = 0; i < LANES; i++)
        answer_queue_init(&c->lanes[i].held);
    timer_init(&c->backoff, on_backoff);
    timer_init(&c->hedge, on_hedge);
    timer_init(&c->total, on_total);
    const config_timeouts *timeouts = &config_of(c)->timeouts;
    c->deadline_ms = now_ms(c) + timeouts->total_ms;
    c->slots = slots_lay(spec->model, spec->snapshot, spec->facts, &spec->loop->rng, now_ms(c),
                         spec->arena);
    loop_timer_start(spec->loop, &c->total, timeouts->total_ms);
    c->at = next_slot(c, 0);
    if (c->at == c->slots.count) {
        c->at = 0;
        timer_init(&c->backoff, on_refused_start);
        loop_timer_start(spec->loop, &c->backoff, 0);
        return c;
    }
    failure unused;
    target_count_call(c->slots.items[c->at].state, now_ms(c));
    if (!ask(c, c->at, false, &unused)) {
        timer_init(&c->backoff, on_failed_start);
        loop_timer_start(spec->loop, &c->backoff, 0);
    }
    return c;
}

void call_cancel(call *c) {
    if (!c->over) release(c);
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
    call_report r = {.target = s ? s->name : SPAN_EMPTY,
                     .target_label = s ? s->target->name : SPAN_EMPTY,
                     .attempts = c->attempts,
                     .hedges = c->hedges,
                     .skipped = c->skipped,
                     .first_sent_us = c->first_sent_us,
                     .head_us = c->head_us,
                     .arrived_us = c->arrived_us};
    for (int i = 0; i < LANES; i++) {
        const attempt *a = c->lanes[i].attempt;
        if (!a) continue;
        r.skipped += attempt_skipped(a);
        r.first_sent_us = earlier(r.first_sent_us, lane_left_us(&c->lanes[i]));
        if (attempt_head_us(a) && !r.head_us) r.head_us = attempt_head_us(a);
    }
    return r;
}
