/* call: attempts, retries, fallback. The answer comes back through the filters. */
#include "exchange/guard.h"
#include "exchange/internal.h"

typedef struct call_source {
    answer_source source;
    call *call;
} call_source;

static call *call_of(answer_source *s) {
    return CONTAINER_OF(s, call_source, source)->call;
}

static void on_pause(answer_source *s) {
    call_pause(call_of(s));
}

static void on_resume(answer_source *s) {
    call_resume(call_of(s));
}

static void on_cancel(answer_source *s) {
    call_cancel(call_of(s));
}

static const answer_source_ops source_ops = {
    .pause = on_pause, .resume = on_resume, .cancel = on_cancel};

/* What is taken out of an error in its record is not in the log before. */
static bool is_hushed(const exchange *x) {
    return (x->guard && x->guard->out) || (x->proof && x->proof->bodies);
}

static void on_head(void *user, const answer_head *head) {
    exchange *x = user;
    call_report r = call_get_report(x->call);
    if (r.head_us) x->record.first_byte_us = r.head_us - x->started_us;
    exchange_take_head(x, head);
}

/* A stream that has begun may go on for long; what was asked need not be kept as long. */
static void drop_request(exchange *x) {
    static const exchange_request nothing;
    if ((x->want & WANT_REQUEST) || !x->record.bytes_out || x->phase != PHASE_ANSWERING) return;
    if (!call_drop_request(x->call)) return;
    x->asked = true;
    if (x->record.usage.prompt < 0) estimate_before_drop(x);
    exchange_own_record(x);
    x->facts.model_name = x->record.model;
    x->facts = (request_facts){.endpoint = x->facts.endpoint,
                               .model_name = x->facts.model_name,
                               .stream = x->facts.stream,
                               .usage_asked = x->facts.usage_asked,
                               .asks_no_model = x->facts.asks_no_model,
                               .background = x->facts.background,
                               .prompts = x->facts.prompts,
                               .choices = x->facts.choices,
                               .outline.fault = {.what = "the request is not kept any more"}};
    x->request = &nothing;
    x->head.headers = (http_headers){NULL, 0}; /* it has been sent */
    arena_done(&x->asking);
    arena_done(&x->outlined);
    large_request_drop(x->large);
    if (x->door->asked) x->door->asked(x->user);
}

static void on_event(void *user, const answer_event *event) {
    exchange *x = user;
    exchange_take_event(x, event);
    if (!x->asked && event->kind == ANSWER_STREAM) drop_request(x);
}

static void on_end(void *user) {
    exchange_take_end(user);
}

static void on_fail(void *user, const failure *f) {
    exchange_take_failure(user, f);
}

static void on_refused(void *user, int status, int64_t retry_after_ms) {
    exchange *x = user;
    if (x->door->refused) x->door->refused(x->user, status, retry_after_ms);
}

static void on_wait(void *user, const call_wait *w) {
    exchange *x = user;
    if (x->door->waits) x->door->waits(x->user, w);
}

static void on_missed(void *user) {
    exchange *x = user;
    if (x->door->missed) x->door->missed(x->user);
}

static void on_rest(void *user) {
    exchange *x = user;
    if (x->door->rests) x->door->rests(x->user);
}

static bool on_wake(void *user) {
    exchange *x = user;
    return !x->door->wakes || x->door->wakes(x->user);
}

void exchange_go_on(exchange *x) {
    if (x->call && x->phase < PHASE_CLOSING) call_go_on(x->call);
}

static const call_sink sink = {.on_head = on_head,
                               .on_event = on_event,
                               .on_end = on_end,
                               .on_fail = on_fail,
                               .on_refused = on_refused,
                               .on_wait = on_wait,
                               .on_missed = on_missed,
                               .on_rest = on_rest,
                               .on_wake = on_wake};

/* Who calls, where there are others. */
static uint64_t client_of(const exchange *x) {
    return x->client && config_has_several(exchange_config(x)) ? x->client->holder : 0;
}

stage_result stage_call(exchange *x) {
    const call_spec spec = {.loop = x->env->loop,
                            .snapshot = x->snapshot,
                            .metrics = x->env->metrics,
                            .log = x->env->log,
                            .request_id = span_from(x->record.request_id, ID_LEN),
                            .model = x->model,
                            .facts = &x->facts,
                            .trace = x->trace_context,
                            .made_at = x->made_at,
                            .gate = x->gate,
                            .client = client_of(x),
                            .client_name = x->record.client,
                            .patient = x->env->patient,
                            .hushed = is_hushed(x),
                            .want = x->want,
                            .holder = x->holder,
                            .deadline_ms = x->deadline_ms,
                            .due = x->due,
                            .asking = &x->asking,
                            .arena = &x->arena};
    call_source *s = arena_alloc(&x->arena, sizeof *s);
    *s = (call_source){{&source_ops}, call_start(&spec, &sink, x)};
    x->call = s->call;
    exchange_feed_from(x, &s->source);
    return STAGE_WAIT;
}
