/* call: attempts, retries, fallback. The answer comes back through the filters. */
#include "exchange/internal.h"

static void on_head(void *user, const answer_head *head) {
    exchange *x = user;
    x->head = *head;
    x->has_head = true;
    x->record.provider_request_id = head->request_id;
    call_report r = call_get_report(x->call);
    if (r.head_us) x->record.first_byte_us = r.head_us - x->request.started_us;
    x->filters->ops->head(x->filters, head);
}

static void pass(exchange *x, answer_kind kind, sse_event sse, const answer_facts *facts) {
    const answer_event event = {.kind = kind, .sse = sse, .facts = facts};
    x->filters->ops->event(x->filters, &event);
}

static void on_event(void *user, const sse_event *event, const answer_facts *facts) {
    pass(user, ANSWER_STREAM, *event, facts);
}

static void on_body(void *user, span body, const answer_facts *facts) {
    pass(user, ANSWER_PLAIN, (sse_event){.data = body}, facts);
}

static void on_piece(void *user, span piece) {
    pass(user, ANSWER_RAW, (sse_event){.data = piece}, NULL);
}

static void on_end(void *user) {
    exchange *x = user;
    x->filters->ops->end(x->filters);
}

static void on_fail(void *user, const call_failure *failure) {
    exchange *x = user;
    x->failure = *failure;
    x->has_failure = true;
    x->record.provider_request_id = failure->request_id;
    x->error = error_of(failure->error);
    x->error.message = failure->text;
    x->error.retry_after_ms = failure->client_after_ms;
    x->filters->ops->fail(x->filters);
}

static void on_refused(void *user, int status, int64_t retry_after_ms) {
    exchange *x = user;
    if (x->door->refused) x->door->refused(x->user, status, retry_after_ms);
}

static const call_sink sink = {.on_head = on_head,
                               .on_event = on_event,
                               .on_body = on_body,
                               .on_piece = on_piece,
                               .on_end = on_end,
                               .on_fail = on_fail,
                               .on_refused = on_refused};

stage_result stage_call(exchange *x) {
    filter_meter_add(x);
    filter_form_add(x);
    const call_spec spec = {.loop = x->env->loop,
                            .snapshot = x->snapshot,
                            .metrics = x->env->metrics,
                            .log = x->env->log,
                            .model = x->model,
                            .facts = &x->facts,
                            .arena = &x->arena};
    x->call = call_start(&spec, &sink, x);
    return STAGE_WAIT;
}
