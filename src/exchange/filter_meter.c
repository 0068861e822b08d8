/* meter: reads what an answer used on its way through, and takes the usage chunk out where the
 * client did not ask for it. */
#include "exchange/internal.h"

static void note(exchange *x, const answer_event *event) {
    call_record *r = &x->record;
    if (event->usage) r->usage = *event->usage;
    if (event->finish_reason.len && !span_eq(event->finish_reason, r->finish_reason))
        r->finish_reason = arena_dup(&x->arena, event->finish_reason);
    if (!(event->sorts & EVENT_CONTENT)) return;
    x->content_events++;
    if (r->first_token_us < 0 && x->head.kind == ANSWER_STREAM)
        r->first_token_us = loop_exact_us(x->env->loop) - x->request.started_us;
}

static void on_event(filter *f, const answer_event *event) {
    note(f->x, event);
    if (event->sorts & EVENT_USAGE && event->kind == ANSWER_STREAM && !f->x->facts.usage_asked)
        return;
    filter_pass_event(f, event);
}

void filter_meter_add(exchange *x) {
    static const filter_ops ops = {.name = "meter",
                                   .head = filter_pass_head,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .fail = filter_pass_fail,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}
