/* guard: may a model read it, may anybody read what it answers? What is asked is looked at here,
 * and changed or refused; what is answered, by the filter that this puts up. */
#include "exchange/guard.h"

static void note_seen(exchange_guard *g, const guard_request *r) {
    for (size_t i = 0; i < r->seen_count; i++)
        guard_note(g, GUARD_IN, r->seen[i].rule, r->seen[i].action, r->seen[i].count);
}

/* The rule, and never what it has found. */
static stage_result refuse(exchange *x, const guard_rule *rule) {
    const span what = guard_words(&x->arena, rule);
    return exchange_refuse(x, ERR_CONTENT_BLOCKED, NULL,
                           "The request has something that the gateway's guard does not let "
                           "through: %.*s.",
                           SPAN_ARG(what));
}

static void change(exchange *x, const json_splice *edits) {
    size_t count;
    const span *pieces = json_splice_pieces(edits, x->facts.body, &count);
    guard_facts_move(&x->facts, edits, arena_join(&x->arena, pieces, count));
    x->prompt_guess = -1;
}

static stage_result look(exchange_guard *g) {
    exchange *x = g->x;
    guard_request r = {.policy = g->in,
                       .set = snapshot_guard_set(x->snapshot->snapshot),
                       .scratch = guard_scratch_of(x->env),
                       .arena = &x->arena};
    guard_request_look(&r, &x->facts);
    g->names = r.names;
    note_seen(g, &r);
    if (r.blocked) return refuse(x, r.blocked);
    if (r.edits.count) change(x, &r.edits);
    return STAGE_NEXT;
}

stage_result stage_guard(exchange *x) {
    const snapshot *s = x->snapshot->snapshot;
    if (!snapshot_guard_set(s)) return STAGE_NEXT;
    const config_guard_use use = config_guard_of(exchange_config(x), x->model, x->client);
    const guard_policy *in = snapshot_guard(s, GUARD_IN, use.in);
    const guard_policy *out = snapshot_guard(s, GUARD_OUT, use.out);
    if (!in && !out) return STAGE_NEXT;
    exchange_guard *g = arena_zalloc(&x->arena, sizeof *g);
    g->x = x;
    g->in = in;
    g->out = out;
    g->restores = in && use.restore == CONFIG_GUARD_RESTORE;
    *exchange_stage_data(x) = g;
    const stage_result result = in && x->facts.root.type != JSON_NONE ? look(g) : STAGE_NEXT;
    if (result == STAGE_NEXT && (out || g->restores)) filter_guard_add(g);
    return result;
}

void stage_guard_done(exchange *x) {
    exchange_guard *g = *exchange_stage_data(x);
    if (g) guard_names_free(g->names);
}
