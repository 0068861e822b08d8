/* functions: a request that is answered by a run, a model and the tools that it calls; any other
 * passes. */
#include "exchange/guard.h"
#include "exchange/mixed.h"

static stage_result refuse_offer(exchange *x, offer_fault fault, const offer *o, span name) {
    if (fault == OFFER_TOO_MANY)
        return exchange_refuse(x, ERR_UNPROCESSABLE, "tools",
                               "%zu tools are allowed here, and a model takes at most %d; name "
                               "those that are wanted in 'tools'.",
                               o->count, OFFER_TOOLS_MAX);
    return exchange_refuse(x, ERR_UNPROCESSABLE, "tools",
                           "There is no tool '%.*s' here that this client may use.",
                           SPAN_ARG(span_clip(name, 100)));
}

static stage_result refuse_both(exchange *x, const functions_run *r) {
    return exchange_refuse(x, ERR_BAD_VALUE, "tools",
                           "'tools' has %zu tools, and %zu of the server are offered beside them; "
                           "a model takes at most %d.",
                           r->mixed->name_count, r->offer.count, OFFER_TOOLS_MAX);
}

static run_limits limits_of(const exchange *x, unsigned max_steps) {
    const config_functions *c = &exchange_config(x)->functions;
    return (run_limits){
        .max_steps = max_steps, .max_tokens = c->max_tokens, .max_cost_nano = c->max_cost_nano};
}

static functions_run *new_run(exchange *x, const functions_way *way, unsigned max_steps,
                              exchange_guard *guard) {
    functions_run *r = arena_zalloc(&x->arena, sizeof *r);
    r->x = x;
    r->way = way;
    r->limits = limits_of(x, max_steps);
    timer_init(&r->tell, NULL);
    timer_init(&r->time, NULL);
    arena_init(&r->turn, 0);
    r->guard = guard;
    r->list = tool_registry_list(snapshot_tools(x->snapshot->snapshot));
    x->functions = r;
    return r;
}

/* ---- POST /chat/functions ---- */

static void set_ends(functions_run *r) {
    r->first = r->usual = SPAN_OF("]}");
    r->last = SPAN_OF("],\"tool_choice\":\"none\"}");
}

static void begin_talk(functions_run *r, const functions_ask *ask) {
    buf head = BUF_EMPTY, messages = BUF_EMPTY;
    functions_ask_write(r->x, ask, &r->offer, &head, &messages);
    talk_begin(&r->talk, buf_span(&head), "messages", buf_span(&messages));
    set_ends(r);
    buf_done(&head);
    buf_done(&messages);
}

static stage_result begin(exchange *x, exchange_guard *guard) {
    functions_ask ask;
    span name = SPAN_EMPTY;
    functions_ask_again(x, &ask);
    functions_run *r = new_run(x, &functions_told, ask.max_steps, guard);
    offer_fault fault =
        offer_make(r->list, x->record.client, ask.tools, &x->arena, &r->offer, &name);
    if (fault != OFFER_MADE) return refuse_offer(x, fault, &r->offer, name);
    if (x->request->resume) {
        if (functions_take_over(r) != STAGE_NEXT) return STAGE_ANSWER;
        set_ends(r);
    } else {
        begin_talk(r, &ask);
    }
    functions_begin(r);
    return STAGE_WAIT;
}

/* ---- an API that has tools of its own ---- */

/* Of two of one name the client's counts. */
static void drop_clients(functions_run *r) {
    offer *o = &r->offer;
    size_t kept = 0;
    for (size_t i = 0; i < o->count; i++)
        if (!mixed_is_clients(r->mixed, o->tools[i]->name)) o->tools[kept++] = o->tools[i];
    o->count = kept;
}

static stage_result begin_mixed(exchange *x, exchange_guard *guard) {
    const functions_way *way = x->facts.endpoint == EP_RESPONSES ? &mixed_response : &mixed_chat;
    functions_run *r = new_run(x, way, exchange_config(x)->functions.max_steps, guard);
    r->mixed = mixed_read(x);
    offer_all(r->list, x->record.client, &x->arena, &r->offer);
    drop_clients(r);
    if (r->offer.count && r->offer.count + r->mixed->name_count > OFFER_TOOLS_MAX)
        return refuse_both(x, r);
    mixed_begin_talk(r);
    functions_begin(r);
    return STAGE_WAIT;
}

stage_result stage_functions(exchange *x) {
    if (!x->runs) return STAGE_NEXT;
    exchange_guard *guard;
    if (!guard_of_run(x, &guard)) return STAGE_ANSWER;
    return x->form->runs ? begin(x, guard) : begin_mixed(x, guard);
}

void stage_functions_done(exchange *x) {
    if (x->functions) functions_done(x->functions);
}
