/* ids: a completion's id, where its provider gives several the same one (completion_ids): then it
 * is made of the request's. It is the client's alone. Not of one that its provider stores, which is
 * asked for by its id later. */
#include "exchange/internal.h"

#include "dialect/words.h"

/* What nobody is asked for, out of the cache, has been somebody's before. A run asks by calls of
 * its steps, each of which has this filter. */
static bool is_weirs(const exchange *x) {
    return x->given || (x->call && call_ids_repeat(x->call));
}

span exchange_completion_id(const exchange *x, arena *a) {
    const char *kind = x->facts.endpoint == EP_COMPLETIONS ? "cmpl" : "chatcmpl";
    return arena_printf(a, "%s-%s", kind, x->record.request_id);
}

static void on_event(filter *f, const answer_event *event) {
    exchange *x = f->x;
    json_value id = {JSON_NONE, SPAN_EMPTY};
    if (event->is_json && !event->large && is_weirs(x))
        id = json_get(answer_root(event->data), SPAN_OF("id"));
    if (id.type != JSON_STRING) {
        filter_pass_event(f, event);
        return;
    }
    arena *a = filter_arena(f, event);
    const span made = arena_printf(a, "\"%.*s\"", SPAN_ARG(exchange_completion_id(x, a)));
    const answer_edit edit = {.bytes = id.raw, .json = made};
    answer_event named;
    answer_rewrite(event, &edit, 1, a, &named);
    filter_pass_event(f, &named);
}

static bool is_wanted(const exchange *x) {
    const endpoint e = x->facts.endpoint;
    if ((e != EP_CHAT_COMPLETIONS && e != EP_COMPLETIONS) || x->facts.stored) return false;
    for (size_t i = 0; i < x->model->target_count; i++)
        if (x->model->targets[i].provider->ids == COMPLETION_IDS_OWN) return true;
    return false;
}

void filter_ids_add(exchange *x) {
    static const filter_ops ops = {.name = "ids",
                                   .place = PLACE_IDS,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .done = filter_pass_done};
    if (is_wanted(x)) filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}
