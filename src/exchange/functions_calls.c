/* The calls of tools that one answer of a model asks for: which run beside each other, and what
 * they come to. */
#include "exchange/functions.h"
#include "exchange/tool_use.h"

/* ---- one call ---- */

static void set_result(functions_call *c, bool failed, span text, int64_t ms) {
    buf_clear(&c->text);
    buf_add(&c->text, text);
    c->answered = true;
    c->run->answered++;
    c->result = (talk_result){failed, buf_span(&c->text), c->result.ms + ms};
    /* The client may leave, and with it all of this goes. */
    if (c->run->way->step) c->run->way->step(c->run, c);
}

static void answer_unknown(functions_call *c) {
    functions_run *r = c->run;
    buf why = BUF_EMPTY;
    offer_write_unknown(&r->offer, c->said->name, &why);
    c->begun = true;
    set_result(c, true, buf_span(&why), 0);
    buf_done(&why);
}

static void go_on(functions_run *r);

/* A failure that may be another the next time, of a tool that says that it may be asked twice. */
static bool is_worth_another(const functions_call *c, tool_outcome o) {
    bool passing = o == TOOL_UNREACHABLE || o == TOOL_FAILED || o == TOOL_TIMED_OUT;
    return passing && c->tool->repeatable && !c->again;
}

static void on_done(tool_waiter *w, const tool_result *result);

static void begin(functions_call *c) {
    functions_run *r = c->run;
    const exchange *x = r->x;
    c->begun = true;
    c->waiter.done = on_done;
    tool_ask ask = {.arguments = c->said->arguments, .due_ms = r->due_ms};
    if (x->trace_context) {
        trace_write_parent(x->trace_context, x->trace_context->span, c->traceparent);
        ask.traceparent = span_from(c->traceparent, TRACEPARENT_LEN);
    }
    c->running = tool_start(x->env->tools, c->tool, &ask, &c->waiter);
    r->under_way++;
    if (!c->tool->parallel) r->alone = true;
}

static void on_done(tool_waiter *w, const tool_result *result) {
    functions_call *c = CONTAINER_OF(w, functions_call, waiter);
    functions_run *r = c->run;
    tool_use_count(r->x->env->metrics, c->tool, result);
    c->running = NULL;
    r->under_way--;
    if (!c->tool->parallel) r->alone = false;
    if (is_worth_another(c, result->outcome)) {
        c->again = true;
        c->result.ms = result->ms;
        begin(c);
        return;
    }
    set_result(c, result->outcome != TOOL_DONE, result->text, result->ms);
    if (!r->over) go_on(r);
}

/* ---- all of them ---- */

static void add_results(functions_run *r) {
    for (size_t i = 0; i < r->call_count; i++)
        if (r->calls[i].said->handed)
            talk_leave_open(&r->talk);
        else
            r->way->add_result(&r->talk, r->calls[i].said, &r->calls[i].result);
    if (r->way->added) r->way->added(r);
    functions_forget_tools(r);
}

static void refuse(functions_call *c) {
    buf why = c->text; /* which set_result() writes anew */
    c->text = (buf)BUF_EMPTY;
    set_result(c, true, buf_span(&why), 0);
    buf_done(&why);
}

/* In the model's order: one that must be alone is not overtaken. */
static void go_on(functions_run *r) {
    for (size_t i = 0; i < r->call_count; i++) {
        functions_call *c = &r->calls[i];
        if (c->begun) continue;
        if (!c->tool) {
            answer_unknown(c);
            if (r->over) return;
            continue;
        }
        if (!functions_may_call(r, c)) {
            c->begun = true;
            refuse(c);
            if (r->over) return;
            continue;
        }
        if (!run_may_begin(r->under_way, r->alone, c->tool->parallel)) break;
        begin(c);
    }
    if (r->answered < r->call_count) return;
    add_results(r);
    if (!r->over) functions_answered(r);
}

static void read_calls(functions_run *r) {
    r->call_count = r->said.call_count;
    r->calls = arena_zalloc(&r->turn, r->call_count * sizeof *r->calls);
    r->answered = r->under_way = 0;
    r->alone = false;
    for (size_t i = 0; i < r->call_count; i++) {
        const said_call *said = &r->said.calls[i];
        r->calls[i] = (functions_call){.run = r,
                                       .said = said,
                                       .tool = offer_find(&r->offer, said->name),
                                       .begun = said->handed,
                                       .answered = said->handed};
        r->answered += said->handed;
    }
}

void functions_call_tools(functions_run *r) {
    read_calls(r);
    functions_seek_words(r);
}

void functions_make_calls(functions_run *r) {
    go_on(r);
}

void functions_refuse_tools(functions_run *r, span why) {
    read_calls(r);
    functions_stop_tools(r, why);
    if (!r->over) functions_answered(r);
}

void functions_forget_tools(functions_run *r) {
    for (size_t i = 0; i < r->call_count; i++) {
        functions_call *c = &r->calls[i];
        if (c->running) tool_cancel(c->running);
        functions_drop_asking(c);
        buf_done(&c->text);
    }
    r->call_count = r->under_way = 0;
    r->calls = NULL;
}

void functions_stop_tools(functions_run *r, span why) {
    const size_t count = r->call_count;
    for (size_t i = 0; i < count; i++) {
        functions_call *c = &r->calls[i];
        if (c->running) tool_cancel(c->running);
        c->running = NULL;
        functions_drop_asking(c);
        c->begun = true;
    }
    for (size_t i = 0; i < count && !r->over; i++)
        if (!r->calls[i].answered) set_result(&r->calls[i], true, why, 0);
    if (!r->over && count) add_results(r);
}
