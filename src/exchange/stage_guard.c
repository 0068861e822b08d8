/* guard: may a model read it, may anybody read what it answers? What is asked is looked at here,
 * and changed or refused; what is answered, by the filter that this puts up. What a loop would
 * stand still for is looked at on another thread. */
#include "exchange/guard.h"
#include "exchange/holder.h"

#include "base/hash.h"
#include "base/mem.h"
#include "loop/aside.h"

#include <assert.h>
#include <stdlib.h>

/* The rule, and never what it has found. */
static stage_result refuse(exchange *x, const guard_rule *rule) {
    const span what = guard_words(&x->arena, rule);
    return exchange_refuse(x, ERR_CONTENT_BLOCKED, NULL,
                           "The request has something that the gateway's guard does not let "
                           "through: %.*s.",
                           SPAN_ARG(what));
}

/* What was found; body: what the request has become, empty where that is what it was. */
static stage_result conclude(exchange_guard *g, const guard_request *r, span body) {
    exchange *x = g->x;
    g->names = r->names;
    for (size_t i = 0; i < r->seen_count; i++)
        guard_note(g, GUARD_IN, r->seen[i].rule, r->seen[i].action, r->seen[i].count);
    if (r->blocked) return refuse(x, r->blocked);
    if (body.len) {
        guard_facts_move(&x->facts, &r->edits, body);
        exchange_drop_outline(x);
        x->prompt_guess = -1;
    }
    if (g->out) filter_guard_add(g);
    if (g->puts_back && g->names && guard_names_put_back(g->names)) filter_restore_add(g);
    return STAGE_NEXT;
}

static stage_result look(exchange_guard *g, const guard_set *set) {
    exchange *x = g->x;
    guard_request r = {.policy = g->in,
                       .scratch = g->scratch,
                       .owner = exchange_holder(x),
                       .puts_back = g->puts_back,
                       .names = guard_names_beside(x->facts.body, set),
                       .arena = &x->arena};
    if (!r.policy) return conclude(g, &r, SPAN_EMPTY);
    if (!x->facts.outline.made && guard_request_is_clean(&r, &x->facts))
        return conclude(g, &r, SPAN_EMPTY);
    guard_request_look(&r, &x->facts, exchange_outline(x));
    if (!r.edits.count || r.blocked) return conclude(g, &r, SPAN_EMPTY);
    size_t count;
    const span *pieces = json_splice_pieces(&r.edits, x->facts.body, &count);
    return conclude(g, &r, arena_join(&x->arena, pieces, count));
}

/* ---- a large request ---- */

typedef struct large_job {
    aside aside;
    stage_wait wait;
    const guard_set *set;
    exchange_guard *guard; /* the exchange's, while that waits */
    loop_snapshot *snapshot;
    large_request *large; /* counted: its bytes are read */
    request_facts facts;
    guard_request request;
    arena arena;
    buf body; /* what it becomes; empty: it stays */
} large_job;

static void free_job(aside *a) {
    large_job *j = CONTAINER_OF(a, large_job, aside);
    guard_names_free(j->request.names);
    guard_scratch_free(j->request.scratch);
    loop_snapshot_unref(j->snapshot);
    large_request_free(j->large);
    arena_done(&j->arena);
    buf_done(&j->body);
    free(j);
}

static void run(aside *a) {
    large_job *j = CONTAINER_OF(a, large_job, aside);
    guard_request *r = &j->request;
    r->scratch = guard_scratch_new();
    arena outlined;
    r->names = guard_names_beside(j->facts.body, j->set);
    if (!r->policy) return;
    arena_init(&outlined, 0);
    guard_request_look(r, &j->facts, request_outline_of(&j->facts, &outlined));
    arena_done(&outlined);
    if (!r->edits.count || r->blocked) return;
    size_t count;
    const span *pieces = json_splice_pieces(&r->edits, j->facts.body, &count);
    for (size_t i = 0; i < count; i++)
        buf_add(&j->body, pieces[i]);
}

static void on_looked(aside *a) {
    large_job *j = CONTAINER_OF(a, large_job, aside);
    exchange_guard *g = j->guard;
    const stage_result result = conclude(g, &j->request, buf_span(&j->body));
    j->request.names = NULL; /* the exchange's */
    if (j->body.len) {
        exchange_own_record(g->x);
        g->x->facts.model_name = g->x->record.model;
        large_request_become(g->x->large, &j->body);
    }
    exchange_resume(&j->wait, result);
    free_job(a);
}

static void on_cancel(stage_wait *w) {
    aside_drop(&CONTAINER_OF(w, large_job, wait)->aside);
}

static stage_result look_at_large(exchange_guard *g, const guard_set *set) {
    exchange *x = g->x;
    large_job *j = mem_zalloc(sizeof *j);
    assert(!x->outlined.block); /* an outline of a large request is counted with that */
    j->aside = (aside){.run = run, .done = on_looked, .free = free_job};
    j->guard = g;
    j->snapshot = loop_snapshot_ref(x->snapshot);
    j->large = large_request_ref(x->large);
    j->facts = x->facts;
    arena_init(&j->arena, 0);
    j->set = set;
    j->request = (guard_request){.policy = g->in, .puts_back = g->puts_back, .arena = &j->arena};
    exchange_wait(x, &j->wait, on_cancel);
    loop_aside(x->env->loop, &j->aside);
    return STAGE_WAIT;
}

/* ---- the row ---- */

/* How an answer that is kept was looked at: a reload may bring other rules. 0: not at all. */
static uint64_t shape_of(const exchange *x, bool by_rules, config_guard_action use) {
    const config_guard *g = &exchange_config(x)->guard;
    const bool outside = g->external.tool.len && g->external.out;
    if (!by_rules && !outside) return 0;
    const uint64_t how[] = {by_rules ? snapshot_guard_mark(x->snapshot->snapshot) : 0,
                            by_rules ? use : 0, by_rules && g->encoded,
                            outside ? g->external.out : 0,
                            outside ? hash_span(g->external.tool) : 0};
    return hash_span(span_from((const char *)how, sizeof how));
}

bool guards_of(exchange *x, config_guard_use use, guards *ret) {
    const snapshot *s = x->snapshot->snapshot;
    ret->in = snapshot_guard(s, GUARD_IN, use.in);
    ret->out = snapshot_guard(s, GUARD_OUT, use.out);
    ret->set = snapshot_guard_set(s); /* there now, if it can be (stage_rules.c) */
    if (ret->set || (use.in <= CONFIG_GUARD_OFF && use.out <= CONFIG_GUARD_OFF)) return true;
    (void)exchange_refuse(x, ERR_GUARD_AWAY, NULL,
                          "The gateway cannot look at this request: the rules of its guard cannot "
                          "be read.");
    return false;
}

stage_result stage_guard(exchange *x) {
    if (x->runs) return STAGE_NEXT; /* each of its steps is looked at */
    const bool asks = exchange_config(x)->guard.external.tool.len > 0;
    const config_guard_use use = config_guard_of(exchange_config(x), x->model, x->client);
    guards by;
    if (!guards_of(x, use, &by)) return STAGE_ANSWER;
    if (!by.in && !by.out && !asks) return STAGE_NEXT;
    exchange_guard *g = arena_zalloc(&x->arena, sizeof *g);
    x->guard = g;
    g->x = x;
    g->scratch = guard_scratch_of(x->env);
    g->in = by.in;
    g->out = by.out;
    x->shaped = shape_of(x, by.out != NULL, use.out);
    g->puts_back = by.in && use.restore == CONFIG_GUARD_RESTORE;
    if ((!by.in && !by.out) || x->facts.root.type == JSON_NONE)
        return conclude(g, &(guard_request){.policy = NULL}, SPAN_EMPTY);
    return x->large ? look_at_large(g, by.set) : look(g, by.set);
}

void stage_guard_done(exchange *x) {
    if (x->guard) guard_names_free(x->guard->names);
}
