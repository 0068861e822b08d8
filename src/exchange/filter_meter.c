/* The meter: notes what a call used as the provider tells it, before anybody changes it; what it
 * does not tell, or says after it has told, is counted. */
#include "exchange/internal.h"

#include <string.h>

/* For the ledger: the last one, in the place of those before it. A server may tell with each event
 * what has been used so far. */
static void keep_usage_text(exchange *x, span text) {
    enum { FIRST_BYTES = 512 };
    x->record.usage_text = SPAN_EMPTY;
    if (text.len > RECORD_USAGE_MAX) return;
    if (text.len > x->usage_text_cap) {
        x->usage_text_cap = text.len <= FIRST_BYTES ? FIRST_BYTES : RECORD_USAGE_MAX;
        x->usage_text = arena_alloc(&x->arena, x->usage_text_cap);
    }
    memcpy(x->usage_text, text.ptr, text.len);
    x->record.usage_text = span_from(x->usage_text, text.len);
}

static int64_t or_nothing(int64_t n) {
    return n > 0 ? n : 0;
}

/* Something of an answer is in it. Where reasoning is counted beside the completion a model that
 * thinks has none of that yet (price/rules.def); what some count beside the prompt is no answer. */
static bool tells_of_answer(const token_usage *u) {
    return u->completion > 0 || u->reasoning > 0 ||
           (u->prompt >= 0 &&
            u->total > u->prompt + or_nothing(u->cached) + or_nothing(u->cache_write));
}

/* What it has said until now is in that, unless there is nothing but the prompt in it, which some
 * tell with a stream's first event, and others with an answer that has words. */
static void note_told(exchange *x, const answer_event *event) {
    if (tells_of_answer(event->usage))
        estimate_told(x);
    else if (!x->functions)
        estimate_answer(x, event);
}

static void on_event(filter *f, const answer_event *event) {
    exchange *x = f->x;
    call_record *r = &x->record;
    if (usage_is_told(event->usage)) {
        r->usage = *event->usage;
        note_told(x, event);
        if (x->env->ledger) keep_usage_text(x, event->usage_text);
    } else if (!x->functions || r->usage.prompt < 0) { /* a run's steps have told theirs */
        estimate_answer(x, event);
    }
    if (event->sorts & EVENT_FAILED) x->told_failed = true;
    if (event->finish_reason.len) settle_reason(x, event->finish_reason);
    if (event->sorts & EVENT_CONTENT && r->first_token_us < 0 && event->kind == ANSWER_STREAM)
        r->first_token_us = loop_exact_us(x->env->loop) - x->started_us;
    filter_pass_event(f, event);
}

void filter_meter_add(exchange *x) {
    static const filter_ops ops = {.name = "meter",
                                   .place = PLACE_METER,
                                   .want = WANT_PARTS,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}
