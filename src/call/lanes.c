/* Attempts that are under way, and the handing over of what one of them says.
 *
 * What an attempt says before its first content is held; with it the lane commits: it is the call's
 * answer from then on, and the other stops. Each attempt's record is filled where its lane ends.
 */
#include "call/breaker_news.h"
#include "call/internal.h"
#include "call/pick_key.h"

#include <string.h>

unsigned lanes_running(const call *c) {
    unsigned n = 0;
    for (int i = 0; i < c->lane_count; i++)
        n += c->lanes[i]->attempt != NULL;
    return n;
}

unsigned lanes_taken(const call *c) {
    unsigned n = 0;
    for (int i = 0; i < c->lane_count; i++)
        n += c->lanes[i]->attempt || c->lanes[i]->stands;
    return n;
}

/* ---- records ---- */

static attempt_record *record_of(const lane *l) {
    return &l->call->tries[l->try];
}

int64_t lane_left_us(const lane *l) {
    int64_t sent_us = attempt_get_times(l->attempt).sent_us;
    return sent_us ? sent_us : record_of(l)->began_us;
}

static void record_begin(lane *l, uint64_t span_id) {
    call *c = l->call;
    if (c->attempts == c->tries_cap) {
        attempt_record *old = c->tries;
        c->tries_cap = c->tries_cap ? 2 * c->tries_cap : 1;
        c->tries = arena_alloc(c->spec.arena, c->tries_cap * sizeof *c->tries);
        if (old) memcpy(c->tries, old, c->attempts * sizeof *old);
    }
    l->try = c->attempts++;
    *record_of(l) = (attempt_record){.target = lane_slot(l)->name,
                                     .span_id = span_id,
                                     .cost_nano = -1,
                                     .target_label = lane_slot(l)->target->name,
                                     .hedge = l->hedge,
                                     .usage = token_usage_unknown};
}

static void record_end(const lane *l, const attempt_facts *facts, const char *outcome) {
    attempt_record *r = record_of(l);
    r->outcome = outcome;
    r->status = facts->status;
    r->provider_request_id = facts->request_id;
    r->usage = facts->usage;
    r->sent_us = facts->sent_us;
    r->head_us = facts->head_us;
    r->first_content_us = facts->first_content_us;
    r->ended_us = loop_exact_us(l->call->spec.loop);
}

/* ---- the end of a lane ---- */

static void give_room(lane *l) {
    memory_drop(&l->call->spec.loop->memory, &l->hold);
}

/* Its attempt is over. */
static void lane_clear(lane *l, const char *outcome) {
    call *c = l->call;
    attempt_facts facts = attempt_get_facts(l->attempt);
    answer_queue_done(&l->held);
    give_room(l);
    c->first_sent_us = call_earlier(c->first_sent_us, lane_left_us(l));
    if (facts.head_us) c->head_us = facts.head_us;
    c->skipped += facts.skipped;
    c->unfinished = facts.unfinished;
    record_end(l, &facts, outcome);
    lane_leave(l, (int)l->try);
    trace_ended(l, record_of(l));
    l->attempt = NULL;
    call_count(c, METRIC_ATTEMPTS, lane_slot(l), outcome);
}

static void count_lost(const lane *l) {
    call *c = l->call;
    if (l->hedge && c->winner != l) call_count(c, METRIC_HEDGES, lane_slot(l), "lost");
}

void lane_drop(lane *l) {
    if (l->stands) { /* who only stood at the gate may be asked later */
        lane_withdraw(l);
        lane_slot(l)->entered = lane_slot(l)->tries > 0;
    }
    if (!l->attempt) return;
    attempt_cancel(l->attempt);
    lane_clear(l, "cancelled");
    target_abandon(lane_slot(l)->state, l->call->spec.client, l->probe);
    count_lost(l);
}

/* ---- what is known of targets ---- */

static void log_breaker(call *c, const slot *s, const breaker_change *change) {
    static const span texts[2][2] = {
        {SPAN("The target fails too often; it is given a rest."),
         SPAN("The target answers again.")},
        {SPAN("The target fails too often for this client, and not for others; it is given a rest "
              "from this one."),
         SPAN("The target answers this client again.")}};
    const log_field fields[] = {{"target", s->name}, {"client", c->spec.client_name}};
    bool closed = change->state == BREAKER_CLOSED;
    log_event(c->spec.log, closed ? LEVEL_INFO : LEVEL_WARN,
              closed ? "breaker_closed" : "breaker_opened", texts[change->for_one][closed], fields,
              change->for_one ? 2 : 1);
}

static void tell_change(lane *l, breaker_change change) {
    l->probe = NO_PROBE;
    if (change.changed) log_breaker(l->call, lane_slot(l), &change);
}

void lane_report(lane *l, bool failed, int64_t first_content_ms) {
    call *c = l->call;
    tell_change(l, target_report(lane_slot(l)->state, &call_config(c)->breaker, c->spec.client,
                                 failed, l->probe, first_content_ms, call_now_ms(c)));
}

static void report_alive(lane *l) {
    call *c = l->call;
    tell_change(l, target_alive(lane_slot(l)->state, &call_config(c)->breaker, c->spec.client,
                                l->probe, call_now_ms(c)));
}

/* ---- handing one lane's answer over ---- */

/* To the first content. That weir's own pool was full for a while is nothing of the target's. */
static int64_t target_took_ms(const lane *l) {
    int64_t placed_ms = attempt_get_times(l->attempt).placed_us / 1000;
    return call_now_ms(l->call) - (placed_ms > l->began_ms ? placed_ms : l->began_ms);
}

/* From here on this lane's answer is the call's: the others stop. */
static void commit(lane *l) {
    call *c = l->call;
    if (c->winner) return;
    c->winner = l;
    c->at = l->at;
    hedge_stop(c);
    loop_timer_stop(c->spec.loop, &c->backoff);
    for (int i = 0; i < c->lane_count; i++)
        if (c->lanes[i] != l) lane_drop(c->lanes[i]);
    if (l->hedge) call_count(c, METRIC_HEDGES, lane_slot(l), "won");
    lane_report(l, false, target_took_ms(l));
    lane_report_key_taken(l);
    c->arrived_us = c->spec.loop->now_us;
    int64_t head_us = attempt_get_times(l->attempt).head_us;
    if (head_us) c->head_us = head_us;
    if (c->paused) attempt_pause(l->attempt);
    if (l->has_head) c->sink->on_head(c->user, &l->head);
    for (answer_event *e; !c->over && (e = answer_queue_take(&l->held));) {
        c->sink->on_event(c->user, e);
        answer_free(e);
    }
    give_room(l);
}

static void on_head(void *user, const answer_head *head) {
    lane *l = user;
    l->has_head = true;
    l->head = *head;
    if (head->kind == ANSWER_RAW) commit(l);
}

/* More is not held for an answer that says nothing. */
static size_t held_most(const lane *l) {
    enum { HELD_BYTES = 4 * 1024 * 1024 };
    size_t event_bytes = call_config(l->call)->limits.event_bytes;
    return event_bytes < HELD_BYTES ? event_bytes : HELD_BYTES;
}

/* What is small is the call's own. */
static bool may_hold(lane *l, const answer_event *event) {
    size_t bytes = l->held.bytes + event->data.len;
    if (bytes <= MEMORY_SMALL) return true;
    if (!l->hold.bytes) l->hold.holder = l->call->spec.holder;
    return memory_grow(&l->call->spec.loop->memory, &l->hold, bytes) == SHARE_TAKEN;
}

/* An answer begins or ends; or there is more than is held for one that says nothing. */
static bool speaks(lane *l, const answer_event *event) {
    return event->kind != ANSWER_STREAM || event->sorts & EVENT_ANSWERS ||
           l->held.bytes >= held_most(l) || !may_hold(l, event);
}

static void on_event(void *user, const answer_event *event) {
    lane *l = user;
    call *c = l->call;
    if (!c->winner) {
        if (event->kind == ANSWER_RAW) l->head.kind = ANSWER_RAW; /* called events, and none */
        if (!speaks(l, event)) {
            answer_queue_add(&l->held, event);
            return;
        }
        commit(l);
    }
    if (!c->over) c->sink->on_event(c->user, event);
}

static void on_end(void *user) {
    lane *l = user;
    call *c = l->call;
    commit(l); /* an answer without any content, or of what nobody reads, is an answer */
    if (c->over) return;
    lane_clear(l, "ok");
    call_release(c);
    c->sink->on_end(c->user);
}

/* Whether this failure ends the call although another lane runs: the first target's word that the
 * request may not be answered holds for the other, which was asked only because it was slow. */
static bool forbids(const lane *l, const failure *f) {
    return !l->hedge && f->class == FAIL_CONTENT_POLICY &&
           !call_config(l->call)->retry.content_policy_next;
}

/* How long a whole answer takes is a matter of what was asked, and its head comes with its end. As
 * long as the target answers others, that it is late says nothing of the target. */
static bool is_late_whole(const lane *l, const failure *f) {
    return f->class == FAIL_SILENT && f->sent && !l->call->spec.facts->stream &&
           target_answered_since(lane_slot(l)->state, l->began_ms);
}

/* What a failure says of the target. */
static void report_failure(lane *l, const failure *f) {
    breaker_news news = breaker_news_of(f->class, attempt_get_facts(l->attempt).status);
    if (news == NEWS_FAILED && is_late_whole(l, f)) news = NEWS_NONE;
    switch (news) {
    case NEWS_FAILED: lane_report(l, true, -1); return;
    case NEWS_ALIVE: report_alive(l); return;
    case NEWS_NONE: target_abandon(lane_slot(l)->state, l->call->spec.client, l->probe); return;
    }
}

/* A limit's hint is of one key at one target. */
static int64_t rest_ms(const call *c, const failure *f) {
    if (f->class != FAIL_LIMIT || f->hint.after_ms < 0) return f->hint.after_ms;
    int64_t wait_ms = slots_get_rest(&c->slots, call_now_ms(c)).wait_ms;
    return wait_ms < f->hint.after_ms ? wait_ms : f->hint.after_ms;
}

/* Not what weir itself is short of. */
static bool is_nobody(const failure *f) {
    return f->error == ERR_CONNECT_FAILED || f->error == ERR_CONNECT_TIMEOUT;
}

/* A key's quota that is used up is no load, whatever its status: fewer calls do not mend it. */
static void tell_refused(call *c, const failure *f) {
    const bool busy = f->status == 429 || f->status == 503 || f->status == 529;
    const bool load = busy && f->class != FAIL_KEY;
    if (load && f->error == ERR_PROVIDER_ERROR && c->sink->on_refused)
        c->sink->on_refused(c->user, f->status, rest_ms(c, f));
    if (is_nobody(f) && c->sink->on_missed) c->sink->on_missed(c->user);
}

/* Whether the target is asked once more at once, which is no retry: for just what the client asks,
 * where it refuses what weir has added; with another key, where it does not take this one. */
static bool asks_again(const lane *l, const failure *f) {
    slot *s = lane_slot(l);
    if (f->unasked & ~s->without) {
        s->without |= f->unasked;
        return true;
    }
    return lane_turns_key(l, f);
}

static void ask_again(call *c, size_t at, bool hedge) {
    c->slots.items[at].tries--;
    call_try(c, (entry){ENTRY_AT_ONCE, at, .hedge = hedge});
}

static void on_fail(void *user, const failure *f) {
    lane *l = user;
    call *c = l->call;
    size_t at = l->at;
    bool won = c->winner == l;
    lane_report_key(l, f);
    lane_report_shortage(l, f);
    failure told = lane_told(l, f);
    bool again = !won && asks_again(l, f);
    if (!again) count_lost(l);
    report_failure(l, f);
    lane_clear(l, failure_name(f->class));
    tell_refused(c, f);
    if (c->over) return;
    if (won) {
        failure broken = told;
        broken.client_may_retry = true; /* the same question may well be answered whole */
        call_give_up(c, broken);
        return;
    }
    if (again) {
        ask_again(c, at, l->hedge);
        return;
    }
    hedge_stop(c);
    if (lanes_taken(c) && !forbids(l, f)) { /* the other lane may still answer */
        const failure *kept = call_keep(c, &told);
        if (!l->hedge && !c->kept) c->kept = kept;
        call_note_last(c, kept);
        return;
    }
    call_decide(c, at, &told);
}

static const attempt_ops ops = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

/* ---- asking ---- */

static lane *free_lane(call *c) {
    for (int i = 0; i < c->lane_count; i++)
        if (!c->lanes[i]->attempt && !c->lanes[i]->stands) return c->lanes[i];
    if (c->lane_count == LANES) return NULL;
    return c->lanes[c->lane_count++] = arena_alloc(c->spec.arena, sizeof(lane));
}

failure lane_refused(void) {
    const weir_error e = error_of(ERR_BREAKER_OPEN);
    failure f = failure_of(&e);
    f.class = FAIL_OVERLOAD;
    return f;
}

failure lane_limited(int64_t wait_ms) {
    const weir_error e = error_of(ERR_PROVIDER_LIMITED);
    failure f = failure_of(&e);
    f.class = FAIL_LIMIT;
    f.hint.after_ms = wait_ms;
    return f;
}

static bool keys_rest(const call *c, const slot *s, failure *ret_failure) {
    const key_outlook keys = keys_look(s->upstream, s->spent, s->state, call_now_ms(c));
    if (keys.readiness != KEY_RESTING) return false;
    *ret_failure = lane_limited(keys.wait_ms);
    return true;
}

/* It has been let in. */
static bool begin(lane *l, failure *ret_failure) {
    call *c = l->call;
    slot *s = lane_slot(l);
    if (!target_admit(s->state, &call_config(c)->breaker, c->spec.client, call_now_ms(c),
                      &l->probe)) {
        *ret_failure = lane_refused();
        return false;
    }
    l->began_ms = call_now_ms(c);
    answer_queue_init(&l->held);
    keys_take(s->upstream, s->spent, s->state, s->key, call_now_ms(c), &l->key);
    int64_t began_us = loop_exact_us(c->spec.loop);
    const attempt_spec spec = {.loop = c->spec.loop,
                               .snapshot = c->spec.snapshot,
                               .upstream = s->upstream,
                               .target = s->state,
                               .credential = s->upstream->keys[l->key].credential,
                               .entry = s->target,
                               .facts = c->spec.facts,
                               .model = s->model,
                               .want = c->spec.want,
                               .holder = c->spec.holder,
                               .trace = c->spec.trace,
                               .span_id = c->spec.trace ? trace_new_span(&c->spec.loop->rng) : 0,
                               .without = s->without,
                               .asking = c->spec.asking,
                               .arena = c->spec.arena};
    l->attempt = attempt_start(&spec, &ops, l, ret_failure);
    if (!l->attempt) {
        target_abandon(s->state, c->spec.client, l->probe);
        return false;
    }
    record_begin(l, spec.span_id);
    record_of(l)->began_us = began_us;
    trace_began(l);
    c->at = l->at;
    s->tries++;
    if (l->hedge) return true;
    c->head_us = 0;
    hedge_arm(c);
    return true;
}

bool lane_begin(lane *l, failure *ret_failure) {
    const bool waited = l->stands;
    l->stands = false;
    if (!(waited && keys_rest(l->call, lane_slot(l), ret_failure)) && begin(l, ret_failure))
        return true;
    lane_leave(l, GATE_NOT_TRIED);
    return false;
}

lane_start_end lane_start(call *c, const entry *e, failure *ret_failure) {
    lane *l = free_lane(c);
    c->slots.items[e->at].entered = true;
    if (keys_rest(c, &c->slots.items[e->at], ret_failure)) return LANE_FAILED;
    if (!l) {
        *ret_failure = lane_refused();
        return LANE_FAILED;
    }
    *l = (lane){.call = c, .entry = *e, .at = e->at, .hedge = e->hedge, .probe = NO_PROBE};
    switch (lane_enter(l, ret_failure)) {
    case GATE_WAIT: return LANE_WAITS;
    case GATE_SHUT: return LANE_FULL;
    case GATE_OPEN: break;
    }
    return lane_begin(l, ret_failure) ? LANE_BEGUN : LANE_FAILED;
}
