/* Usage in streams: weir asks for it whoever calls, and hands what that brings to those alone who
 * asked too: the usage chunk, and the `"usage":null` of all others, which some clients refuse.
 * Figures beside content stay: such a provider sends them to anybody. */
#include "exchange/internal.h"

static void on_event(filter *f, const answer_event *event) {
    bool chunk = event->kind == ANSWER_STREAM && event->sorts & EVENT_USAGE;
    if (chunk && !f->x->facts.usage_asked) return;
    if (!event->null_usage.len) {
        filter_pass_event(f, event);
        return;
    }
    answer_event without;
    answer_cut_usage(event, filter_arena(f, event), &without);
    filter_pass_event(f, &without);
}

void filter_usage_add(exchange *x) {
    static const filter_ops ops = {.name = "usage",
                                   .place = PLACE_USAGE,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}
