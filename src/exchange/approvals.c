#include "exchange/approvals.h"

bool approvals_wanted(const tool *t, span arguments) {
    return tool_approval(t) == CONFIG_APPROVE_WEBHOOK && tool_would_start(t, arguments);
}

approval *approvals_ask(exchange *x, const tool *t, span call_id, span arguments, bool confirmed,
                        int64_t due_ms, approval_waiter *w) {
    const call_record *c = &x->record;
    const approval_ask ask = {.tool = t->name,
                              .arguments = arguments,
                              .call = call_id,
                              .request = span_cstr(c->request_id),
                              .endpoint = c->endpoint,
                              .client = c->client,
                              .user = c->user,
                              .confirmed = confirmed,
                              .due_ms = due_ms};
    return approval_start(x->env->tools, x->snapshot->snapshot, &ask, w);
}

COLD static void log_failure(const exchange *x, const tool *t, const approval_result *result) {
    char digits[LOG_NUMBER_MAX];
    const log_field fields[] = {{"request_id", span_cstr(x->record.request_id), false},
                                {"tool", t->name, false},
                                log_number("status", (uint64_t)result->status, digits),
                                {"reason", result->reason, false}};
    log_event(x->env->log, LEVEL_WARN, "approval_failed",
              SPAN_OF("functions.approval.url has not said whether a tool may be called."), fields,
              ARRAY_LEN(fields));
}

void approvals_note(const exchange *x, const tool *t, const approval_result *result) {
    const span labels[] = {t->name, span_cstr(approval_answer_name(result->answer))};
    if (x->env->metrics)
        metric_add(metrics_series(x->env->metrics, METRIC_TOOL_APPROVALS, labels), 1);
    if (result->answer == APPROVAL_FAILED) log_failure(x, t, result);
}

void approvals_write_why(const approval_result *result, buf *out) {
    buf_add_cstr(out, "the call was not approved");
    switch (result->answer) {
    case APPROVAL_FAILED: buf_add_cstr(out, ": whoever decides that gave no answer"); break;
    case APPROVAL_LATER:
        buf_add_cstr(out, ": it is not decided yet, and calls cannot wait for that here");
        break;
    default:
        if (result->reason.len) buf_addf(out, ": %.*s", SPAN_ARG(result->reason));
        break;
    }
}
