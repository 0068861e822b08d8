/* guard, of a tool that its client calls: may the tool read what it is given, and the client what
 * it answers? As of a model's request and answer, but that there is no model to say more about it.
 */
#include "exchange/guard.h"
#include "exchange/tool_use.h"

static stage_result refuse(exchange *x, const guard_rule *rule) {
    return exchange_refuse(x, ERR_CONTENT_BLOCKED, NULL,
                           "The arguments have something that the gateway's guard does not let "
                           "through: %.*s.",
                           SPAN_ARG(guard_words(&x->arena, rule)));
}

/* What stays JSON is what it was with other strings. */
static void change(exchange *x, const guard_request *r) {
    size_t count;
    json_value *arguments = &x->tool_use->asked.arguments;
    const span *pieces = json_splice_pieces(&r->edits, arguments->raw, &count);
    arguments->raw = arena_join(&x->arena, pieces, count);
}

static stage_result look(exchange_guard *g, const guard_set *set) {
    exchange *x = g->x;
    const json_value arguments = x->tool_use->asked.arguments;
    guard_request r = {
        .policy = g->in, .scratch = g->scratch, .puts_back = g->puts_back, .arena = &x->arena};
    if (arguments.type != JSON_OBJECT || (!g->in && !g->out)) return STAGE_NEXT;
    r.names = guard_names_beside(arguments.raw, set);
    if (g->in) guard_request_look_within(&r, arguments);
    g->names = r.names;
    for (size_t i = 0; i < r.seen_count; i++)
        guard_note(g, GUARD_IN, r.seen[i].rule, r.seen[i].action, r.seen[i].count);
    if (r.blocked) return refuse(x, r.blocked);
    if (r.edits.count) change(x, &r);
    g->restores = g->puts_back && g->names;
    g->room = GUARD_PUT_BACK_HERE;
    return STAGE_NEXT;
}

stage_result stage_tool_guard(exchange *x) {
    const config_guard_use use = config_guard_of(exchange_config(x), NULL, x->client);
    guards by;
    if (!guards_of(x, use, &by)) return STAGE_ANSWER;
    if (!by.in && !by.out && !exchange_config(x)->guard.external.tool.len) return STAGE_NEXT;
    exchange_guard *g = arena_zalloc(&x->arena, sizeof *g);
    *g = (exchange_guard){.x = x, .scratch = guard_scratch_of(x->env), .in = by.in, .out = by.out};
    g->puts_back = by.in && use.restore == CONFIG_GUARD_RESTORE;
    x->tool_use->guard = g;
    return look(g, by.set);
}

void stage_tool_guard_done(exchange *x) {
    if (x->tool_use) guard_of_run_done(x->tool_use->guard);
}
