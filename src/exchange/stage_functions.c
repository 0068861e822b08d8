/* functions: a request that is answered by a run, a model and the tools that it calls; any other
 * passes. */
#include "exchange/functions.h"
#include "exchange/guard.h"

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

static run_limits limits_of(const exchange *x, const functions_ask *ask) {
    const config_functions *c = &exchange_config(x)->functions;
    return (run_limits){.max_steps = ask->max_steps,
                        .max_tokens = c->max_tokens,
                        .max_cost_nano = c->max_cost_nano};
}

static void begin_talk(functions_run *r, const functions_ask *ask) {
    buf head = BUF_EMPTY, messages = BUF_EMPTY;
    functions_ask_write(r->x, ask, &r->offer, &head, &messages);
    talk_begin(&r->talk, buf_span(&head), buf_span(&messages));
    buf_done(&head);
    buf_done(&messages);
}

stage_result stage_functions(exchange *x) {
    if (!x->request.form->runs) return STAGE_NEXT;
    functions_ask ask;
    span name = SPAN_EMPTY;
    functions_ask_again(x, &ask);
    functions_run *r = arena_zalloc(&x->arena, sizeof *r);
    r->x = x;
    r->limits = limits_of(x, &ask);
    timer_init(&r->tell, NULL);
    timer_init(&r->time, NULL);
    arena_init(&r->turn, 0);
    r->guard = guard_of_run(x);
    x->functions = r;
    r->list = tool_registry_list(snapshot_tools(x->snapshot->snapshot));
    offer_fault fault =
        offer_make(r->list, x->record.client, ask.tools, &x->arena, &r->offer, &name);
    if (fault != OFFER_MADE) return refuse_offer(x, fault, &r->offer, name);
    begin_talk(r, &ask);
    functions_begin(r);
    return STAGE_WAIT;
}

void stage_functions_done(exchange *x) {
    if (x->functions) functions_done(x->functions);
}
