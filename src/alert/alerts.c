#include "alert/alerts.h"

#include "alert/repeats.h"
#include "alert/webhook.h"
#include "base/clock.h"
#include "base/mem.h"
#include "call/loop_snapshot.h"
#include "observe/sparing.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    NOTES_BYTES = 4 << 20, /* that may wait to be looked at */
    HAND_OVER_BYTES = 64 * 1024,
    HAND_OVER_MS = 100,
    EXPIRY_MS = 60 * 1000, /* between two looks at the configuration's keys */
    LINES_MOST = 1,
    LINES_PER_MS = 60 * 1000,
};

struct alerts {
    alerts_env env;
    http_client *client; /* NULL: no webhook was needed yet */
    snapshot *snapshot;  /* in force; counted; NULL: nothing is told */
    webhook *webhooks[ALERT_WEBHOOKS_MAX];
    size_t webhook_count;
    watch_house *watch;
    repeats repeats;
    int64_t expiry_ms; /* when keys are looked at next */
    /* Between the workers and the loop. */
    pthread_mutex_t lock;
    buf notes;
    uint64_t lost_notes; /* that were too many */
    /* What is told of it. */
    sparing failure_lines, drop_lines;
    uint64_t untold; /* alerts that were dropped */
    void (*closed)(void *user);
    void *user;
    bool over;
    timer end;
};

static const config_alerts *options(const alerts *a) {
    return &a->snapshot->config->alerts;
}

static void count(const alerts *a, metric_id id, const char *label) {
    const span value = span_cstr(label);
    metric_add(metrics_series(a->env.shard, id, &value), 1);
}

/* ---- what was found ---- */

static void log_alert(const alerts *a, const alert_finding *f, uint64_t passed_over) {
    static const config_log_level levels[] = {LEVEL_INFO, LEVEL_WARN, LEVEL_WARN};
    char number[LOG_NUMBER_MAX];
    log_field fields[12] = {{"kind", span_cstr(alert_kind_name(f->kind)), false}};
    size_t n = 1;
    for (size_t i = 0; i < f->fact_count && n + 1 < ARRAY_LEN(fields); i++)
        fields[n++] = (log_field){f->facts[i].name, f->facts[i].value, f->facts[i].number};
    if (passed_over) fields[n++] = log_number("passed_over", passed_over, number);
    log_event(a->env.log, levels[alert_kind_level(f->kind)], "alert", f->sentence, fields, n);
}

static void on_found(void *user, const alert_finding *f) {
    alerts *a = user;
    uint64_t passed_over;
    if (!repeats_due(&a->repeats, f->kind, f->subject, options(a)->again_ms, a->env.loop->now_ms,
                     &passed_over))
        return;
    count(a, METRIC_ALERTS, alert_kind_name(f->kind));
    log_alert(a, f, passed_over);
    alert *made = alert_new(f, &a->env.loop->rng, clock_wall_us(), passed_over);
    for (size_t i = 0; i < a->webhook_count; i++)
        if (options(a)->webhooks[i].events >> f->kind & 1u) webhook_put(a->webhooks[i], made);
    alert_unref(made);
}

static pause_word on_pause(void *user, span client, span why) {
    alerts *a = user;
    return pauses_add(a->env.pauses, client, why, clock_wall_us());
}

static void on_spent(void *user, const note_budget *b, int64_t *ret_nano, int64_t *ret_period) {
    const alerts *a = user;
    const limit_ask ask = {.scope = b->scope,
                           .kind = LIMIT_SPEND,
                           .subject = b->subject,
                           .who = b->who,
                           .quota = {b->amount, b->per}};
    const limit_spent spent =
        limiter_spent(a->env.limiter, &ask, (limit_now){clock_mono_us(), clock_wall_us()});
    *ret_nano = spent.nano - spent.held; /* what may be used yet may also come back */
    *ret_period = spent.period;
}

static const watch_ops watching = {.found = on_found, .pause = on_pause, .spent = on_spent};

/* ---- notes ---- */

static void on_given(loop *l, void *arg) {
    (void)l;
    alerts *a = arg;
    alert_note n;
    (void)pthread_mutex_lock(&a->lock);
    buf notes = a->notes;
    a->notes = BUF_EMPTY;
    (void)pthread_mutex_unlock(&a->lock);
    span rest = buf_span(&notes);
    while (a->snapshot && note_take(&rest, &n))
        watch_call(a->watch, options(a), &n, clock_wall_us());
    buf_done(&notes);
}

static uint64_t take_lost(alerts *a) {
    (void)pthread_mutex_lock(&a->lock);
    const uint64_t lost = a->lost_notes;
    a->lost_notes = 0;
    (void)pthread_mutex_unlock(&a->lock);
    return lost;
}

/* ---- what webhooks say ---- */

static void log_failure(alerts *a, bool given_up, size_t place, int status, span detail) {
    uint64_t passed_over;
    char numbers[3][LOG_NUMBER_MAX];
    if (!sparing_due(&a->failure_lines, LINES_MOST, LINES_PER_MS, a->env.loop->now_ms,
                     &passed_over))
        return;
    log_field fields[4] = {log_number("webhook", place, numbers[0])};
    size_t n = 1;
    if (status) fields[n++] = log_number("status", (uint64_t)status, numbers[1]);
    if (detail.len) fields[n++] = (log_field){"detail", detail, false};
    if (passed_over) fields[n++] = log_number("passed_over", passed_over, numbers[2]);
    log_event(a->env.log, LEVEL_WARN, "alert_failed",
              given_up ? SPAN_OF("A webhook does not take an alert, which is given up.")
                       : SPAN_OF("A webhook does not take an alert, which is sent again."),
              fields, n);
}

static void on_told(void *user, webhook_news news, size_t place, int status, span detail) {
    static const char *const outcomes[] = {[WEBHOOK_DELIVERED] = "delivered",
                                           [WEBHOOK_FAILED] = "failed",
                                           [WEBHOOK_GIVEN_UP] = "given_up",
                                           [WEBHOOK_DROPPED] = "dropped"};
    alerts *a = user;
    count(a, METRIC_ALERT_DELIVERIES, outcomes[news]);
    if (news == WEBHOOK_DROPPED) a->untold++;
    if (news == WEBHOOK_FAILED || news == WEBHOOK_GIVEN_UP)
        log_failure(a, news == WEBHOOK_GIVEN_UP, place, status, detail);
}

static void log_dropped(alerts *a) {
    uint64_t passed_over;
    char number[LOG_NUMBER_MAX];
    if (!a->untold) return;
    if (!a->closed &&
        !sparing_due(&a->drop_lines, LINES_MOST, LINES_PER_MS, a->env.loop->now_ms, &passed_over))
        return;
    const log_field told = log_number("alerts", a->untold, number);
    a->untold = 0;
    log_event(a->env.log, LEVEL_WARN, "alerts_dropped",
              SPAN_OF("Alerts were dropped that their webhook did not take in time."), &told, 1);
}

/* ---- each second ---- */

static void look_at_keys(alerts *a) {
    const config *c = a->snapshot->config;
    if (a->env.loop->now_ms < a->expiry_ms) return;
    a->expiry_ms = a->env.loop->now_ms + EXPIRY_MS;
    for (size_t i = 0; i < c->client_count; i++)
        alerts_key(a, c->clients[i].name, c->clients[i].expires_us);
}

static void tell_figures(alerts *a) {
    size_t waiting = 0;
    for (size_t i = 0; i < a->webhook_count; i++)
        waiting += webhook_waiting(a->webhooks[i]);
    metric_set(metrics_series(a->env.shard, METRIC_ALERTS_WAITING, NULL), (int64_t)waiting);
    if (a->snapshot)
        metric_add(metrics_series(a->env.shard, METRIC_ALERT_NOTES_LOST, NULL), take_lost(a));
    log_dropped(a);
}

void alerts_tick(alerts *a) {
    if (a->snapshot) {
        watch_budgets(a->watch, options(a));
        look_at_keys(a);
    }
    tell_figures(a);
}

void alerts_breaker(alerts *a, span target, bool open) {
    if (a->snapshot) watch_breaker(a->watch, target, open);
}

void alerts_key(alerts *a, span client, int64_t expires_us) {
    if (a->snapshot) watch_expiry(a->watch, options(a), client, expires_us, clock_wall_us());
}

/* ---- what is in force ---- */

/* That of the same address, taken out of what there was; or a new one. */
static webhook *webhook_for(alerts *a, webhook **before, size_t count, span url) {
    for (size_t i = 0; i < count; i++) {
        webhook *w = before[i];
        if (!w || !webhook_is(w, url)) continue;
        before[i] = NULL;
        return w;
    }
    return webhook_new(a->env.loop, a->client, on_told, a);
}

static void set_webhooks(alerts *a, snapshot *s) {
    const config_alerts *c = &s->config->alerts;
    webhook *before[ALERT_WEBHOOKS_MAX];
    const size_t before_count = a->webhook_count, wanted = c->on ? c->webhook_count : 0;
    for (size_t i = 0; i < before_count; i++)
        before[i] = a->webhooks[i];
    if (wanted && !a->client) a->client = http_client_new(a->env.loop, &upstream_limits);
    for (size_t i = 0; i < wanted; i++) {
        a->webhooks[i] = webhook_for(a, before, before_count, c->webhooks[i].url.text);
        webhook_apply(a->webhooks[i], s, i);
    }
    a->webhook_count = wanted;
    for (size_t i = 0; i < before_count; i++)
        webhook_free(before[i]);
}

void alerts_apply(alerts *a, snapshot *s) {
    if (a->closed) return;
    snapshot *before = a->snapshot;
    set_webhooks(a, s);
    a->snapshot = s->config->alerts.on ? snapshot_ref(s) : NULL;
    a->expiry_ms = 0;
    if (a->snapshot && !a->watch) a->watch = watch_house_new(&watching, a);
    snapshot_unref(before);
}

/* ---- the end ---- */

static void on_end(timer *t) {
    alerts *a = CONTAINER_OF(t, alerts, end);
    for (size_t i = 0; i < a->webhook_count && !a->over; i++)
        if (!webhook_is_idle(a->webhooks[i]) && a->env.loop->now_ms < a->expiry_ms) {
            loop_timer_start(a->env.loop, t, HAND_OVER_MS);
            return;
        }
    a->over = true;
    for (size_t i = 0; i < a->webhook_count; i++)
        webhook_free(a->webhooks[i]);
    a->webhook_count = 0;
    log_dropped(a);
    if (a->client) http_client_close(a->client);
    a->closed(a->user);
}

void alerts_close(alerts *a, void (*closed)(void *user), void *user) {
    a->closed = closed;
    a->user = user;
    on_given(a->env.loop, a);
    if (a->snapshot) watch_budgets(a->watch, options(a));
    for (size_t i = 0; i < a->webhook_count; i++)
        webhook_hurry(a->webhooks[i]);
    a->expiry_ms = a->env.loop->now_ms + ALERTS_CLOSE_MS;
    loop_timer_start(a->env.loop, &a->end, 0);
}

void alerts_cut(alerts *a) {
    if (!a->closed || a->over) return;
    a->over = true;
    loop_timer_start(a->env.loop, &a->end, 0);
}

/* ---- life ---- */

alerts *alerts_new(const alerts_env *env) {
    alerts *a = mem_zalloc(sizeof *a);
    a->env = *env;
    (void)pthread_mutex_init(&a->lock, NULL);
    repeats_init(&a->repeats);
    timer_init(&a->end, on_end);
    return a;
}

void alerts_free(alerts *a) {
    if (!a) return;
    loop_timer_stop(a->env.loop, &a->end);
    for (size_t i = 0; i < a->webhook_count; i++)
        webhook_free(a->webhooks[i]);
    http_client_free(a->client);
    watch_house_free(a->watch);
    repeats_done(&a->repeats);
    snapshot_unref(a->snapshot);
    buf_done(&a->notes);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- a worker's ---- */

struct alert_writer {
    alerts *alerts;
    loop *loop;
    buf notes;
    unsigned count;
    timer due;
};

static void hand_over(alert_writer *w) {
    alerts *a = w->alerts;
    loop_timer_stop(w->loop, &w->due);
    if (!w->count) return;
    (void)pthread_mutex_lock(&a->lock);
    const bool first = !a->notes.len, fits = a->notes.len + w->notes.len <= NOTES_BYTES;
    if (!fits)
        a->lost_notes += w->count;
    else if (first && !a->notes.cap) {
        a->notes = w->notes;
        w->notes = BUF_EMPTY;
    } else {
        buf_add(&a->notes, buf_span(&w->notes));
    }
    (void)pthread_mutex_unlock(&a->lock);
    buf_clear(&w->notes);
    w->count = 0;
    if (first && fits) loop_post(a->env.loop, on_given, a);
}

static void on_due(timer *t) {
    hand_over(CONTAINER_OF(t, alert_writer, due));
}

alert_writer *alert_writer_new(alerts *a, loop *on) {
    alert_writer *w = mem_zalloc(sizeof *w);
    w->alerts = a;
    w->loop = on;
    timer_init(&w->due, on_due);
    return w;
}

void alert_writer_free(alert_writer *w) {
    if (!w) return;
    hand_over(w);
    buf_done(&w->notes);
    free(w);
}

void alert_note_call(alert_writer *w, const alert_note *n) {
    note_put(n, &w->notes);
    w->count++;
    if (w->notes.len >= HAND_OVER_BYTES)
        hand_over(w);
    else if (!timer_active(&w->due))
        loop_timer_start(w->loop, &w->due, HAND_OVER_MS);
}
