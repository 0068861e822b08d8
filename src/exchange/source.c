/* Where an answer comes from: whatever it is, it feeds the chain through here. */
#include "exchange/internal.h"

#include <assert.h>

void exchange_feed_from(exchange *x, answer_source *s) {
    assert(x->phase == PHASE_ASKING && x->on_stack && !x->wait && !x->source);
    x->source = s;
}

void exchange_take_head(exchange *x, const answer_head *head) {
    x->head = *head;
    x->has_head = true;
    x->record.provider_request_id = head->request_id;
    exchange_enter(x->env);
    chain_head(x->filters, &x->head);
    exchange_leave(x->env);
}

void exchange_enter(exchange_env *env) {
    env->depth++;
}

void exchange_leave(exchange_env *env) {
    if (--env->depth == 0 && env->event_arena.used)
        arena_reset(&env->event_arena, EVENT_ARENA_BYTES);
}

void exchange_take_event(exchange *x, const answer_event *event) {
    exchange_enter(x->env);
    if (x->may_hold) event = chain_keep_plain(x, event); /* the end may come late */
    chain_event(x->filters, event);
    exchange_leave(x->env);
}

static void source_is_over(exchange *x) {
    x->source = NULL;
}

void exchange_watch_rest(exchange *x) {
    if (x->phase == PHASE_ANSWERING) exchange_watch_deadline(x);
}

void exchange_take_end(exchange *x) {
    source_is_over(x);
    exchange_enter(x->env);
    chain_end(x->filters);
    exchange_leave(x->env);
    exchange_watch_rest(x);
}

void exchange_take_failure(exchange *x, const failure *f) {
    source_is_over(x);
    x->failure = *f;
    x->record.provider_request_id = f->request_id;
    exchange_enter(x->env);
    chain_fail(x->filters);
    exchange_leave(x->env);
    exchange_watch_rest(x);
}

void exchange_pause(exchange *x, unsigned why) {
    bool flows = !x->pauses;
    x->pauses |= why;
    if (flows && x->source) x->source->ops->pause(x->source);
}

void exchange_unpause(exchange *x, unsigned why) {
    if (!(x->pauses & why)) return;
    x->pauses &= ~why;
    if (!x->pauses && x->source) x->source->ops->resume(x->source);
}

void exchange_drop_source(exchange *x) {
    answer_source *s = x->source;
    x->source = NULL;
    if (s) s->ops->cancel(s);
}
