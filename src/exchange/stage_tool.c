/* tool: which tool is called, by a client that calls it itself? May it? And the call. */
#include "exchange/guard.h"
#include "exchange/tool_use.h"

#include "access/permit.h"
#include "mcp/mirrored.h"
#include "mcp/told.h"

/* ---- what is asked ---- */

stage_result stage_tool_ask(exchange *x) {
    tool_use *u = arena_zalloc(&x->arena, sizeof *u);
    const json_limits limits = parse_limits(x);
    u->x = x;
    x->tool_use = u;
    mcp_asked_read(x->request->body, &limits, x->request->headers, &x->arena, &u->asked);
    x->facts.stream = mcp_accepts_of(x->request->headers, &x->arena).events;
    x->record.usage = (token_usage){.cached = -1,
                                    .cache_write = -1,
                                    .audio_prompt = -1,
                                    .image_prompt = -1,
                                    .audio_completion = -1};
    return STAGE_NEXT;
}

/* ---- whether it may be ---- */

static stage_result refuse(exchange *x, error_id id, int code, span why) {
    x->tool_use->asked.refusal = (mcp_refusal){.code = code, .message = why};
    return exchange_refuse(x, id, "name", "%.*s", SPAN_ARG(why));
}

static stage_result may_call(exchange *x) {
    buf why = BUF_EMPTY;
    error_id id = ERR_NONE;
    stage_result result = STAGE_NEXT;
    if (x->client) id = permit_endpoint(x->client, x->record.endpoint, x->request->path, &why);
    if (id != ERR_NONE) result = exchange_refuse(x, id, NULL, "%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return result;
}

/* Who may not use a tool is not told that it is there. */
static stage_result find(exchange *x) {
    tool_use *u = x->tool_use;
    u->list = tool_registry_list(snapshot_tools(x->snapshot->snapshot));
    const tool *t = tool_list_find(u->list, u->asked.name);
    if (!t || !tool_allows(t, x->record.client) || tool_asks_approval(t))
        return refuse(
            x, ERR_UNPROCESSABLE, JSONRPC_INVALID_PARAMS,
            arena_printf(&x->arena, "Unknown tool: %.*s", SPAN_ARG(span_clip(u->asked.name, 100))));
    u->tool = t;
    x->record.target = x->record.target_label =
        arena_join(&x->arena, (span[]){SPAN_OF("tool/"), t->name}, 2);
    return STAGE_NEXT;
}

stage_result stage_tool_find(exchange *x) {
    tool_use *u = x->tool_use;
    span why;
    stage_result r = may_call(x);
    if (r == STAGE_NEXT) r = find(x);
    if (r != STAGE_NEXT || !mcp_is_modern(u->asked.revision)) return r;
    if (mirrored_arguments(u->tool->parameters, u->asked.arguments, x->request->headers, &x->arena,
                           &why))
        return STAGE_NEXT;
    return refuse(x, ERR_BAD_VALUE, MCP_HEADER_MISMATCH, why);
}

void stage_tool_done(exchange *x) {
    if (!x->tool_use) return;
    tool_list_unref(x->tool_use->list);
    buf_done(&x->tool_use->told);
    memory_drop(&x->env->loop->memory, &x->tool_use->hold);
}

/* ---- the call ---- */

void tool_use_count(metrics_shard *m, const tool *t, const tool_result *result) {
    if (!m) return;
    const span labels[] = {t->name, span_cstr(tool_outcome_name(result->outcome))};
    metric_add(metrics_series(m, METRIC_TOOL_CALLS, labels), 1);
    metric_observe(metrics_series(m, METRIC_TOOL_SECONDS, labels), (double)result->ms / 1e3);
}

static void answer(tool_use *u, span text, bool failed) {
    exchange *x = u->x;
    buf out = BUF_EMPTY;
    mcp_write_called(u->asked.id, u->asked.revision, text, failed, &out);
    const span data = arena_dup(&x->arena, buf_span(&out)); /* it lives until the answer's end */
    buf_done(&out);
    exchange_take_head(x, &(answer_head){.kind = ANSWER_PLAIN, .status = 200});
    exchange_take_event(x, &(answer_event){.kind = ANSWER_PLAIN, .is_json = true, .data = data});
    if (x->phase == PHASE_ANSWERING) exchange_take_end(x);
}

/* What somebody outside says of it (guard.external). What does not go out is told as of a call that
 * failed: there is nothing else that a client's model would read. */
static void conclude(tool_use *u, verdict_result r) {
    const config_guard_external *c = &exchange_config(u->x)->guard.external;
    const bool blocks = c->out == EXTERNAL_BLOCK;
    if (r == VERDICT_BAD)
        guard_note(u->guard, GUARD_OUT, &guard_external, blocks ? GUARD_BLOCK : GUARD_FLAG, 1);
    if (r == VERDICT_BAD && blocks)
        answer(u, guard_withheld, true);
    else if (r == VERDICT_NONE && c->on_failure == EXTERNAL_CLOSED)
        answer(u, span_cstr(error_get(ERR_GUARD_AWAY)->sentence), true);
    else
        answer(u, buf_span(&u->told), u->failed);
}

static void on_verdict(verdict *v, verdict_result r) {
    conclude(CONTAINER_OF(v, tool_use, verdict), r);
}

/* It waits for as long as they take. */
static void ask_outside(tool_use *u) {
    exchange *x = u->x;
    u->verdict.done = on_verdict;
    u->hold.holder = x->holder;
    if (memory_grow(&x->env->loop->memory, &u->hold, u->told.cap) != SHARE_TAKEN)
        answer(u, span_cstr(error_get(ERR_MEMORY_FULL)->sentence), true);
    else if (!verdict_ask(&u->verdict, x, buf_span(&u->told)))
        conclude(u, VERDICT_NONE);
}

static void on_done(tool_waiter *w, const tool_result *result) {
    tool_use *u = CONTAINER_OF(w, tool_use, waiter);
    exchange *x = u->x;
    const config_guard_external *c = &exchange_config(x)->guard.external;
    u->running = NULL;
    tool_use_count(x->env->metrics, u->tool, result);
    settle_reason(x, span_cstr(tool_outcome_name(result->outcome)));
    u->failed = result->outcome != TOOL_DONE;
    if (!u->guard) {
        answer(u, result->text, u->failed);
        return;
    }
    if (!guard_tool_text(u->guard, result->text, &u->told)) u->failed = true;
    if (!c->tool.len || c->out == EXTERNAL_OFF || !u->told.len)
        answer(u, buf_span(&u->told), u->failed);
    else
        ask_outside(u);
}

static void on_pause(answer_source *s) {
    (void)s; /* it says one thing, once */
}

static void on_cancel(answer_source *s) {
    tool_use *u = CONTAINER_OF(s, tool_use, source);
    if (u->running) tool_cancel(u->running);
    if (u->asking) approval_cancel(u->asking);
    verdict_drop(&u->verdict);
    u->running = NULL;
    u->asking = NULL;
}

static const answer_source_ops source_ops = {
    .pause = on_pause, .resume = on_pause, .cancel = on_cancel};

/* A trace goes on behind weir as its client's message says, else its request. */
static span parent_of(const exchange *x) {
    trace_context context;
    const span said = x->tool_use->asked.traceparent;
    const span header = http_header_get(x->request->headers, SPAN_OF("traceparent"));
    if (said.len && trace_read_parent(said, &context)) return said;
    return header.len && trace_read_parent(header, &context) ? header : SPAN_EMPTY;
}

static void call_it(tool_use *u) {
    exchange *x = u->x;
    const tool_ask ask = {
        .arguments = u->asked.arguments.raw, .due_ms = x->deadline_ms, .traceparent = parent_of(x)};
    u->waiter.done = on_done;
    u->running = tool_start(x->env->tools, u->tool, &ask, &u->waiter);
}

/* Where it is not approved the client is told as of a call that failed, which its model can read.
 */
static void on_answer(approval_waiter *w, const approval_result *result) {
    tool_use *u = CONTAINER_OF(w, tool_use, approver);
    buf why = BUF_EMPTY;
    u->asking = NULL;
    approvals_note(u->x, u->tool, result);
    if (result->answer == APPROVAL_GIVEN) {
        call_it(u);
        return;
    }
    approvals_write_why(result, &why);
    settle_reason(u->x, SPAN_OF("not_approved"));
    answer(u, buf_span(&why), true);
    buf_done(&why);
}

stage_result stage_tool_call(exchange *x) {
    tool_use *u = x->tool_use;
    const span arguments = u->asked.arguments.raw;
    u->source.ops = &source_ops;
    u->approver.done = on_answer;
    u->began = true;
    if (approvals_wanted(u->tool, arguments))
        u->asking =
            approvals_ask(x, u->tool, SPAN_EMPTY, arguments, false, x->deadline_ms, &u->approver);
    else
        call_it(u);
    exchange_feed_from(x, &u->source);
    return STAGE_WAIT;
}
