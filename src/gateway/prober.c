#include "gateway/prober.h"

#include "base/clock.h"
#include "base/mem.h"
#include "call/pick_key.h"
#include "observe/sparing.h"

#include <stdlib.h>

/* Of each provider: one that comes and goes does not fill the log. */
enum { LINES_MOST = 6, LINES_PER_MS = 60 * 1000 };

/* A provider that is asked. */
typedef struct check {
    list link;
    prober *prober;
    const config_provider *provider; /* of the prober's snapshot */
    health_state *state;             /* counted */
    timer due;                       /* while none is under way: the next */
    int64_t began_ms;                /* the last one */
    size_t key;                      /* which of the provider's keys is sent */
    sparing lines;

    /* While one is under way. */
    loop_snapshot *snapshot; /* counted; given back when the call is not on the stack any more */
    const upstream *upstream;
    http_call *http; /* NULL: it is over */
    int status;      /* of its answer; 0: it has no head */
    arena arena;
    timer deadline;
} check;

struct prober {
    loop *loop;
    log_shard *log;
    metrics_shard *shard;
    loop_snapshot *snapshot; /* in force; NULL: nobody is asked */
    list checks;
};

bool prober_wanted(const config *c) {
    for (size_t i = 0; i < c->provider_count; i++)
        if (c->providers[i].health.path.len) return true;
    return false;
}

/* ---- who is told ---- */

static void set_gauge(const check *c, bool down) {
    metric_set(metrics_series(c->prober->shard, METRIC_PROVIDER_DOWN, &c->provider->name), down);
}

static void log_change(check *c, bool down, span why) {
    uint64_t passed_over;
    int64_t now_ms = c->prober->loop->now_ms;
    if (!sparing_due(&c->lines, LINES_MOST, LINES_PER_MS, now_ms, &passed_over)) return;
    char passed_text[LOG_NUMBER_MAX];
    log_field fields[3] = {{"provider", c->provider->name}};
    size_t count = 1;
    if (down) fields[count++] = (log_field){"detail", why};
    if (passed_over) fields[count++] = log_number("passed_over", passed_over, passed_text);
    if (down)
        log_event(c->prober->log, LEVEL_WARN, "provider_down",
                  SPAN_OF("The provider fails its health checks; its targets are asked last."),
                  fields, count);
    else
        log_event(c->prober->log, LEVEL_INFO, "provider_up",
                  SPAN_OF("The provider passes its health checks again."), fields, count);
}

typedef struct back {
    const check *check;
    bool again; /* it was down */
} back;

/* A state's name is the provider's, or goes on with a slash and the model. */
static void hasten(void *user, target_state *s) {
    const back *b = user;
    span name = target_name(s), provider = b->check->provider->name;
    if (!span_starts(name, provider)) return;
    if (name.len > provider.len && name.ptr[provider.len] != '/') return;
    const prober *p = b->check->prober;
    target_hasten(s, &loop_snapshot_config(p->snapshot)->breaker, b->again, p->loop->now_ms);
}

static void report(check *c, bool passed, span why) {
    health before = health_look(c->state);
    bool changed = health_report(c->state, &c->provider->health, passed, why);
    back b = {c, changed && before == HEALTH_DOWN};
    if (passed) target_each(c->prober->snapshot->targets, hasten, &b);
    if (!changed) return;
    set_gauge(c, !passed);
    if (!passed || before == HEALTH_DOWN) log_change(c, !passed, why);
}

static void report_short(check *c, shortage what, span text) {
    const span labels[] = {span_cstr(shortage_get(what)->word), c->provider->name};
    metric_add(metrics_series(c->prober->shard, METRIC_SHORTAGES, labels), 1);
    shortages_tell(target_table_shortages(c->snapshot->targets), c->prober->log, what,
                   c->provider->name, text, c->prober->loop->now_ms);
}

/* ---- the end of one ---- */

static void give_back(check *c) {
    loop_timer_stop(c->prober->loop, &c->deadline);
    if (c->http) http_call_cancel(c->http);
    c->http = NULL;
    loop_snapshot_unref(c->snapshot);
    c->snapshot = NULL;
    arena_done(&c->arena);
}

static void on_rest(timer *t) {
    give_back(CONTAINER_OF(t, check, deadline));
}

static void wait_for_next(check *c) {
    loop *l = c->prober->loop;
    loop_timer_start(l, &c->due, c->began_ms + c->provider->health.every_ms - l->now_ms);
}

static void end(check *c) {
    loop *l = c->prober->loop;
    http_call *http = c->http;
    c->http = NULL;
    if (http) http_call_cancel(http);
    loop_timer_stop(l, &c->deadline);
    timer_init(&c->deadline, on_rest);
    loop_timer_start(l, &c->deadline, 0);
    wait_for_next(c);
}

static bool is_good(int status) {
    return status >= 200 && status <= 299;
}

/* otherwise: why it fails although the head, if there is one, is good. */
static void fail(check *c, span otherwise) {
    bool told = c->status && !is_good(c->status);
    report(c, false, told ? arena_printf(&c->arena, "status %d", c->status) : otherwise);
    if (c->status == 401 || c->status == 403) c->key++; /* another one may be let in */
    end(c);
}

static void end_short(check *c, shortage what, span text) {
    report_short(c, what, text);
    end(c);
}

static void on_late(timer *t) {
    check *c = CONTAINER_OF(t, check, deadline);
    shortage lacks = http_call_get_facts(c->http).lacks;
    span limit =
        arena_printf(&c->arena, "providers.%.*s.health.timeout", SPAN_ARG(c->provider->name));
    if (lacks)
        end_short(c, lacks,
                  arena_printf(&c->arena, "nothing could be sent within %.*s", SPAN_ARG(limit)));
    else
        fail(c, arena_printf(&c->arena, "no whole answer within %.*s", SPAN_ARG(limit)));
}

static void on_head(void *user, const http_head *head) {
    check *c = user;
    c->status = head->status;
}

/* To its end, so that the connection serves the next one. */
static void on_body(void *user, span piece) {
    (void)user;
    (void)piece;
}

static void on_end(void *user) {
    check *c = user;
    c->http = NULL;
    if (!is_good(c->status)) {
        fail(c, SPAN_EMPTY);
        return;
    }
    report(c, true, SPAN_EMPTY);
    end(c);
}

static void on_fail(void *user, const http_fail *http) {
    check *c = user;
    c->http = NULL;
    span text = secret_set_without(c->upstream->secrets, span_cstr(http->text), &c->arena);
    if (http->kind == HTTP_FAIL_SHORT)
        end_short(c, http->shortage, text);
    else
        fail(c, text);
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

/* ---- asking ---- */

static bool build(check *c, provider_request *ret) {
    const request_facts facts = {.endpoint = EP_OTHER, .method = SPAN("GET")};
    const provider_ask ask = {.provider = c->provider,
                              .facts = &facts,
                              .credential =
                                  keys_first_free(c->upstream, c->key, c->prober->loop->now_ms),
                              .wall_us = clock_wall_us(),
                              .arena = &c->arena};
    weir_error error;
    if (!c->upstream->ops->build(&ask, ret, &error)) return false;
    ret->path = c->provider->health.path; /* not one of the API's */
    return true;
}

static void begin(check *c) {
    prober *p = c->prober;
    const int64_t within_ms = c->provider->health.timeout_ms;
    provider_request request = {0};
    c->began_ms = p->loop->now_ms;
    c->status = 0;
    c->snapshot = loop_snapshot_ref(p->snapshot);
    c->upstream = loop_snapshot_find(c->snapshot, c->provider);
    if (!build(c, &request)) {
        fail(c, SPAN_OF("no request can be made"));
        return;
    }
    const http_call_spec http = {.method = request.method,
                                 .path = request.path,
                                 .headers = request.headers,
                                 .connect_ms = within_ms,
                                 .first_byte_ms = within_ms,
                                 .idle_ms = within_ms};
    timer_init(&c->deadline, on_late);
    loop_timer_start(p->loop, &c->deadline, within_ms);
    c->http = http_client_send(c->snapshot->client, c->upstream->origin, &http, &http_ops, c);
}

static void on_due(timer *t) {
    check *c = CONTAINER_OF(t, check, due);
    give_back(c);
    begin(c);
}

/* ---- who is asked ---- */

static void check_free(check *c) {
    loop_timer_stop(c->prober->loop, &c->due);
    give_back(c);
    health_unref(c->state);
    list_remove(&c->link);
    free(c);
}

static check *check_find(const prober *p, const health_state *state) {
    LIST_FOREACH(&p->checks, it) {
        check *c = LIST_ENTRY(it, check, link);
        if (c->state == state) return c;
    }
    return NULL;
}

static void check_add(prober *p, const config_provider *provider) {
    check *c = mem_zalloc(sizeof *c);
    c->prober = p;
    c->provider = provider;
    c->state = health_get(target_table_health(p->snapshot->targets), provider);
    arena_init(&c->arena, 0);
    timer_init(&c->due, on_due);
    timer_init(&c->deadline, on_late);
    list_push_back(&p->checks, &c->link);
    set_gauge(c, health_look(c->state) == HEALTH_DOWN); /* calls may have kept it */
    loop_timer_start(p->loop, &c->due, 0);
}

/* Its own entry of the new configuration; one that it has no more is let go. */
static void renew(check *c, loop_snapshot *s) {
    const config *conf = loop_snapshot_config(s);
    for (size_t i = 0; i < conf->provider_count; i++) {
        if (s->items[i].health != c->state) continue;
        c->provider = &conf->providers[i];
        if (timer_active(&c->due)) wait_for_next(c);
        return;
    }
    set_gauge(c, false);
    check_free(c);
}

void prober_apply(prober *p, loop_snapshot *s) {
    const config *conf = loop_snapshot_config(s);
    loop_snapshot *before = p->snapshot;
    p->snapshot = loop_snapshot_ref(s);
    LIST_FOREACH(&p->checks, it) renew(LIST_ENTRY(it, check, link), s);
    for (size_t i = 0; i < conf->provider_count; i++)
        if (s->items[i].health && !check_find(p, s->items[i].health))
            check_add(p, &conf->providers[i]);
    loop_snapshot_unref(before);
}

void prober_stop(prober *p) {
    for (list *it; (it = p->checks.next) != &p->checks;)
        check_free(LIST_ENTRY(it, check, link));
    loop_snapshot_unref(p->snapshot);
    p->snapshot = NULL;
}

/* ---- life ---- */

prober *prober_new(loop *l, log_shard *log, metrics_shard *shard) {
    prober *p = mem_zalloc(sizeof *p);
    p->loop = l;
    p->log = log;
    p->shard = shard;
    list_init(&p->checks);
    return p;
}

void prober_free(prober *p) {
    if (!p) return;
    prober_stop(p);
    free(p);
}
