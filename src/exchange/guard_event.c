#include "exchange/guard_event.h"

#include "dialect/words.h"

void guard_looked_take(guard_looked *k, json_value string, guard_fed *fed) {
    if (fed->blocked && !k->blocked) {
        k->blocked = fed->blocked;
        k->blocked_at = string.raw.ptr;
    }
    if (!guard_made_is_same(&fed->made))
        event_edits_add(&k->edits, (answer_edit){.bytes = guard_inner(string),
                                                 .json = arena_dup(k->edits.arena,
                                                                   guard_made_text(&fed->made))});
    guard_made_done(&fed->made);
}

static void look_at(guard_looked *k, exchange_guard *g, json_value string, guard_says says,
                    bool note) {
    guard_text t;
    guard_fed fed;
    if (g->out && !g->restores &&
        guard_text_is_clean(g->out, g->scratch, guard_inner(string), 1, 0))
        return;
    guard_text_init(&t, g, says);
    guard_text_feed(&t, guard_inner(string), true, note, &fed); /* ended: it holds nothing */
    guard_looked_take(k, string, &fed);
}

/* Any number of texts may be in it. */
void guard_look_at_opaque(guard_looked *k, exchange_guard *g, json_value value) {
    const size_t before = k->edits.count;
    json_iter it = json_strings_of(value);
    for (json_value string; !k->blocked && json_next_string(&it, &string);)
        look_at(k, g, string, GUARD_SAYS_TEXT, true);
    if (!k->blocked) return;
    k->edits.count = before; /* the rest of it was not looked at: nothing of it goes out */
    event_edits_add(&k->edits, (answer_edit){.bytes = value.raw, .json = SPAN_OF("null")});
}

void guard_drop_logprobs(guard_looked *k, const answer_event *e) {
    if (!k->edits.count || !e->is_json) return;
    const size_t before = k->edits.count;
    event_edits_drop_logprobs(&k->edits, answer_root(e->data));
    if (k->edits.count > before)
        k->edits.count = answer_edits_sort(e, k->edits.items, k->edits.count);
}

/* ---- what an event that is sent again has told before ---- */

static void drop_string(guard_looked *k, json_value v) {
    if (v.type != JSON_STRING) return;
    event_edits_add(&k->edits, (answer_edit){.bytes = v.raw, .json = SPAN_OF("null")});
}

/* Of a delta. The call's type stays: clients take the last one. */
static void drop_opening(guard_looked *k, json_value delta) {
    const json_value calls = json_get(delta, SPAN_OF("tool_calls"));
    drop_string(k, json_get(delta, SPAN_OF("role")));
    if (calls.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(calls);
    for (json_value one; json_next_element(&it, &one);)
        drop_string(k, json_get(one, SPAN_OF("id")));
}

void guard_drop_told(guard_looked *k, const answer_event *e) {
    if (!e->is_json) return;
    const json_value root = answer_root(e->data);
    const json_value choices = json_get(root, SPAN_OF("choices"));
    event_edits_drop_logprobs(&k->edits, root);
    if (choices.type == JSON_ARRAY) {
        json_iter it = json_iter_of(choices);
        for (json_value choice; json_next_element(&it, &choice);)
            drop_opening(k, json_get(choice, SPAN_OF("delta")));
    }
    k->edits.count = answer_edits_sort(e, k->edits.items, k->edits.count);
}

void guard_look_at_whole(guard_looked *k, exchange_guard *g, const answer_event *e,
                         guard_is_new *note, void *user) {
    for (size_t i = 0; i < e->part_count && !k->blocked; i++) {
        const answer_part *p = &e->parts[i];
        if (p->kind == PART_OPAQUE)
            guard_look_at_opaque(k, g, p->value);
        else if (answer_has_pieces(p))
            look_at(k, g, p->value, guard_says_of(p), !note || note(user, p));
    }
    guard_drop_logprobs(k, e);
}
