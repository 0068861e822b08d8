/* ids: a completion's id, where its provider gives several the same one (completion_ids): then it
 * is made of the request's. It is the client's alone; nothing that is asked later names it. */
#include "exchange/internal.h"

#include "dialect/words.h"

/* An answer that no provider is asked for, out of the cache, has been somebody's before. */
static bool is_weirs(const exchange *x) {
    return !x->call || call_ids_repeat(x->call);
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
    const span made[] = {x->facts.endpoint == EP_COMPLETIONS ? SPAN_OF("\"cmpl-")
                                                             : SPAN_OF("\"chatcmpl-"),
                         span_cstr(x->record.request_id), SPAN_OF("\"")};
    const answer_edit edit = {.bytes = id.raw, .json = arena_join(a, made, ARRAY_LEN(made))};
    answer_event named;
    answer_rewrite(event, &edit, 1, a, &named);
    filter_pass_event(f, &named);
}

static bool is_wanted(const exchange *x) {
    if (x->facts.endpoint != EP_CHAT_COMPLETIONS && x->facts.endpoint != EP_COMPLETIONS)
        return false;
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
