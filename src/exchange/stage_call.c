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

static void on_event(void *user, const answer_event *event) {
    exchange *x = user;
    x->filters->ops->event(x->filters, event);
}

static void on_end(void *user) {
    exchange *x = user;
    x->filters->ops->end(x->filters);
}

static void on_fail(void *user, const failure *f) {
    exchange *x = user;
    x->failure = *f;
    x->record.provider_request_id = f->request_id;
    x->filters->ops->fail(x->filters);
}

static void on_refused(void *user, int status, int64_t retry_after_ms) {
    exchange *x = user;
    if (x->door->refused) x->door->refused(x->user, status, retry_after_ms);
}

static const call_sink sink = {.on_head = on_head,
                               .on_event = on_event,
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
