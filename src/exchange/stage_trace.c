/* trace: which trace is it a part of? Its client's, where it says so, else one that begins here. */
#include "exchange/trace.h"

/* ---- the context ---- */

/* Several fields are one list for tracestate; of traceparent there is one, or none that counts. */
static bool read_context(exchange *x, trace_context *ret) {
    const http_headers h = x->request->headers;
    static const span parent = SPAN("traceparent"), state = SPAN("tracestate");
    if (http_header_count(h, parent) != 1) return false;
    if (!trace_read_parent(http_header_get(h, parent), ret)) return false;
    span all = http_header_list(h, state, &x->arena);
    ret->state = all.ptr && trace_state_is_good(all) ? arena_dup(&x->arena, all) : SPAN_EMPTY;
    return true;
}

static void begin_context(exchange *x, trace_context *ret) {
    rng *r = &x->env->loop->rng;
    const exchange *parent = x->parent;
    if (parent && parent->trace_context) {
        *ret = *parent->trace_context;
        ret->parent = ret->span;
    } else if (!read_context(x, ret)) {
        trace_begin(r, exchange_config(x)->telemetry.sample, ret);
    }
    ret->span = trace_new_span(r);
}

exchange_trace *exchange_trace_of(exchange *x) {
    if (x->trace) return x->trace;
    exchange_trace *t = arena_zalloc(&x->arena, sizeof *t);
    trace_notes *n = &t->notes;
    begin_context(x, &n->context);
    n->step = x->parent != NULL;
    n->endpoint = x->form == &form_chat ? EP_CHAT_COMPLETIONS : x->endpoint;
    n->method = arena_dup(&x->arena, x->request->method);
    n->path = arena_dup(&x->arena, span_clip(x->request->url_path, TRACE_NAME_MAX));
    n->route = arena_dup(&x->arena, x->request->route);
    n->answered = -1;
    n->asked = (trace_request){.max_tokens = -1, .choices = -1};
    x->trace = t;
    x->trace_context = &n->context;
    return t;
}

/* ---- what is asked ---- */

static span kept(exchange *x, json_value string, size_t max) {
    if (string.type != JSON_STRING) return SPAN_EMPTY;
    return arena_dup(&x->arena, span_clip(json_string(string, &x->arena), max));
}

static void read_stops(exchange *x, json_value stop, trace_request *q) {
    if (stop.type == JSON_STRING) q->stops[q->stop_count++] = kept(x, stop, TRACE_NAME_MAX);
    if (stop.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(stop);
    for (json_value one; q->stop_count < TRACE_STOPS && json_next_element(&it, &one);)
        if (one.type == JSON_STRING) q->stops[q->stop_count++] = kept(x, one, TRACE_NAME_MAX);
}

enum member {
    TEMPERATURE,
    TOP_P,
    FREQUENCY,
    PRESENCE,
    MAX_TOKENS,
    MAX_COMPLETION_TOKENS,
    MAX_OUTPUT_TOKENS,
    CHOICES,
    SEED,
    STOP,
    EFFORT,
    REASONING,
    MEMBERS
};

static void read_request(exchange *x, trace_request *q) {
    static const span names[MEMBERS] = {
        [TEMPERATURE] = SPAN("temperature"),
        [TOP_P] = SPAN("top_p"),
        [FREQUENCY] = SPAN("frequency_penalty"),
        [PRESENCE] = SPAN("presence_penalty"),
        [MAX_TOKENS] = SPAN("max_tokens"),
        [MAX_COMPLETION_TOKENS] = SPAN("max_completion_tokens"),
        [MAX_OUTPUT_TOKENS] = SPAN("max_output_tokens"),
        [CHOICES] = SPAN("n"),
        [SEED] = SPAN("seed"),
        [STOP] = SPAN("stop"),
        [EFFORT] = SPAN("reasoning_effort"),
        [REASONING] = SPAN("reasoning"),
    };
    json_value found[MEMBERS];
    if (x->large || x->facts.root.type != JSON_OBJECT) return; /* the loop does not read it again */
    json_get_each(x->facts.root, names, MEMBERS, found);
    q->has_temperature = json_double(found[TEMPERATURE], &q->temperature);
    q->has_top_p = json_double(found[TOP_P], &q->top_p);
    q->has_frequency = json_double(found[FREQUENCY], &q->frequency);
    q->has_presence = json_double(found[PRESENCE], &q->presence);
    for (int i = MAX_TOKENS; i <= MAX_OUTPUT_TOKENS; i++)
        (void)!json_i64(found[i], &q->max_tokens);
    (void)!json_i64(found[CHOICES], &q->choices);
    q->has_seed = json_i64(found[SEED], &q->seed);
    read_stops(x, found[STOP], q);
    if (found[EFFORT].type != JSON_STRING)
        found[EFFORT] = json_get(found[REASONING], SPAN_OF("effort"));
    q->effort = kept(x, found[EFFORT], TRACE_REASON_MAX);
}

/* What is not sampled is handed on all the same, so that nobody behind weir begins anew. */
stage_result stage_trace(exchange *x) {
    const config_telemetry *t = &exchange_config(x)->telemetry;
    if (!t->traces) return STAGE_NEXT;
    trace_notes *n = &exchange_trace_of(x)->notes;
    if (!trace_is_sampled(&n->context)) return STAGE_NEXT;
    read_request(x, &n->asked);
    if (t->content) trace_messages_read(x, n);
    filter_trace_add(x, t->content);
    return STAGE_NEXT;
}
