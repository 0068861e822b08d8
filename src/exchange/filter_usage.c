/* The usage chunk: weir asks for it whoever calls, and hands it to those alone who asked too. */
#include "exchange/internal.h"

static void on_event(filter *f, const answer_event *event) {
    bool chunk = event->kind == ANSWER_STREAM && event->sorts & EVENT_USAGE;
    if (!chunk || f->x->facts.usage_asked) filter_pass_event(f, event);
}

void filter_usage_add(exchange *x) {
    static const filter_ops ops = {.name = "usage",
                                   .place = PLACE_USAGE,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .fail = filter_pass_fail,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}
