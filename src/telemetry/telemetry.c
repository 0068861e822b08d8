#include "telemetry/telemetry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "call/loop_snapshot.h"
#include "observe/sparing.h"
#include "telemetry/meter.h"
#include "telemetry/queue.h"
#include "telemetry/sender.h"

#include <stdlib.h>

enum {
    REQUEST_BYTES = 512 * 1024, /* of spans: a receiver takes 4 MB or more */
    HAND_OVER_BYTES = 64 * 1024,
    HAND_OVER_SPANS = 512,
    HAND_OVER_MS = 5000,
    LINES_MOST = 1,
    LINES_PER_MS = 60 * 1000,
};

struct telemetry {
    loop *loop;
    const metrics *metrics;
    metrics_shard *shard;
    log_shard *log;
    char instance[ID_LEN + 1]; /* service.instance.id */
    http_client *client;       /* NULL: nobody had to be told yet */
    receiver *receiver;        /* in force; NULL: nothing is sent */
    span_queue queue;
    sender senders[TELEMETRY_SIGNALS];
    unsigned under_way; /* spans of the request that is */
    timer due;          /* the metrics' next */
    int64_t interval_ms;
    sparing lines[TELEMETRY_SIGNALS], drop_lines;
    bool failing[TELEMETRY_SIGNALS]; /* and the log has said so */
    uint64_t untold;                 /* spans that were dropped, of which the log has not told */
    void (*closed)(void *user);      /* NULL: it is not closing */
    void *user;
    bool last_metrics; /* closing: they are on their way, or not wanted */
    bool over;         /* closing: and closed */
    timer end;         /* of that time */
};

/* ---- what is told of it ---- */

static void count(telemetry *t, metric_id id, span label, uint64_t n) {
    if (n) metric_add(metrics_series(t->shard, id, &label), n);
}

static void note_dropped(telemetry *t, uint64_t spans) {
    count(t, METRIC_TELEMETRY_SPANS, SPAN_OF("dropped"), spans);
    t->untold += spans;
}

static void log_dropped(telemetry *t) {
    uint64_t passed_over;
    char number[LOG_NUMBER_MAX];
    if (!t->untold) return;
    if (!sparing_due(&t->drop_lines, LINES_MOST, LINES_PER_MS, t->loop->now_ms, &passed_over))
        return;
    const log_field told = log_number("spans", t->untold, number);
    t->untold = 0;
    log_event(t->log, LEVEL_WARN, "telemetry_dropped",
              SPAN_OF("Spans were dropped that their receiver did not take in time."), &told, 1);
}

void telemetry_tell(telemetry *t) {
    note_dropped(t, span_queue_dropped(&t->queue));
    metric_set(metrics_series(t->shard, METRIC_TELEMETRY_QUEUE, NULL),
               (int64_t)span_queue_bytes(&t->queue));
    log_dropped(t);
}

static bool may_log(telemetry *t, telemetry_signal s, uint64_t *ret_passed_over) {
    return sparing_due(&t->lines[s], LINES_MOST, LINES_PER_MS, t->loop->now_ms, ret_passed_over);
}

static void log_failure(telemetry *t, telemetry_signal s, const sender_result *r) {
    uint64_t passed_over;
    if (!may_log(t, s, &passed_over)) return;
    char status[LOG_NUMBER_MAX], rejected[LOG_NUMBER_MAX], passed[LOG_NUMBER_MAX];
    log_field fields[5] = {{"signal", span_cstr(telemetry_signal_name(s))}};
    size_t n = 1;
    if (r->status) fields[n++] = log_number("status", (uint64_t)r->status, status);
    if (r->rejected) fields[n++] = log_number("rejected", r->rejected, rejected);
    if (r->detail.len) fields[n++] = (log_field){"detail", r->detail};
    if (passed_over) fields[n++] = log_number("passed_over", passed_over, passed);
    t->failing[s] = !r->taken;
    log_event(t->log, LEVEL_WARN, "telemetry_failed",
              r->taken ? SPAN_OF("The receiver of telemetry refuses a part of what it is sent.")
                       : SPAN_OF("The receiver of telemetry does not take what it is sent."),
              fields, n);
}

static void log_taken(telemetry *t, telemetry_signal s) {
    if (!t->failing[s]) return;
    t->failing[s] = false;
    const log_field told = {"signal", span_cstr(telemetry_signal_name(s))};
    log_event(t->log, LEVEL_INFO, "telemetry_restored",
              SPAN_OF("The receiver of telemetry takes it again."), &told, 1);
}

/* One more try has ended so. */
static void note_try(telemetry *t, telemetry_signal s, const sender_result *r) {
    span signal = span_cstr(telemetry_signal_name(s));
    if (!r->taken) count(t, METRIC_TELEMETRY_FAILURES, signal, 1);
    if (!r->taken || r->rejected)
        log_failure(t, s, r);
    else
        log_taken(t, s);
}

static void note_spans(telemetry *t, const sender_result *r) {
    uint64_t rejected = r->rejected < t->under_way ? r->rejected : t->under_way;
    if (r->taken) {
        count(t, METRIC_TELEMETRY_SPANS, SPAN_OF("sent"), t->under_way - rejected);
        count(t, METRIC_TELEMETRY_SPANS, SPAN_OF("rejected"), rejected);
    } else {
        note_dropped(t, t->under_way);
    }
    t->under_way = 0;
    span_queue_settle(&t->queue);
}

/* ---- sending ---- */

static void send_spans(telemetry *t) {
    sender *s = &t->senders[SIGNAL_TRACES];
    config_telemetry_protocol protocol;
    buf spans = BUF_EMPTY, body = BUF_EMPTY;
    if (!t->receiver) span_queue_clear(&t->queue);
    if (!t->receiver || s->state != SENDER_IDLE) return;
    t->under_way = span_queue_take(&t->queue, REQUEST_BYTES, &protocol, &spans);
    if (t->under_way) {
        otlp_wrap_spans(protocol, &t->receiver->resource, buf_span(&spans), &body);
        sender_send(s, t->receiver, protocol, &body);
    }
    buf_done(&spans);
}

/* Sums say all that has been since the start: what could not be sent is in the next. */
static void send_metrics(telemetry *t) {
    sender *s = &t->senders[SIGNAL_METRICS];
    buf body = BUF_EMPTY;
    if (s->state != SENDER_IDLE) return;
    const receiver *r = t->receiver;
    meter_write(t->metrics, r->config->protocol, &r->resource, clock_wall_us(), &body);
    sender_send(s, t->receiver, r->config->protocol, &body);
}

static bool wants_metrics(const telemetry *t) {
    return t->receiver && t->receiver->config->metrics;
}

static void on_due(timer *due) {
    telemetry *t = CONTAINER_OF(due, telemetry, due);
    send_metrics(t);
    loop_timer_start(t->loop, due, t->interval_ms);
}

static void on_given(loop *l, void *arg) {
    (void)l;
    send_spans(arg);
}

/* ---- the end ---- */

static void on_end(timer *end) {
    telemetry *t = CONTAINER_OF(end, telemetry, end);
    t->over = true;
    telemetry_cut(t);
    if (t->client) http_client_close(t->client);
    t->closed(t->user);
}

/* Both signals have had their last word. */
static void look_for_end(telemetry *t) {
    if (!t->closed || t->over) return;
    if (!t->last_metrics && t->senders[SIGNAL_METRICS].state == SENDER_IDLE) {
        t->last_metrics = true;
        if (wants_metrics(t)) send_metrics(t);
    }
    for (int i = 0; i < TELEMETRY_SIGNALS; i++)
        if (t->senders[i].state != SENDER_IDLE) return;
    loop_timer_start(t->loop, &t->end, 0);
}

void telemetry_close(telemetry *t, void (*closed)(void *user), void *user) {
    t->closed = closed;
    t->user = user;
    loop_timer_stop(t->loop, &t->due);
    loop_timer_start(t->loop, &t->end, TELEMETRY_CLOSE_MS);
    for (int i = 0; i < TELEMETRY_SIGNALS; i++)
        sender_hurry(&t->senders[i]);
    send_spans(t);
    look_for_end(t);
}

void telemetry_cut(telemetry *t) {
    for (int i = 0; i < TELEMETRY_SIGNALS; i++)
        sender_cancel(&t->senders[i]);
    note_dropped(t, t->under_way);
    t->under_way = 0;
    span_queue_settle(&t->queue);
    span_queue_clear(&t->queue);
    telemetry_tell(t);
    if (!t->closed) return;
    t->last_metrics = true;
    if (!t->over) loop_timer_start(t->loop, &t->end, 0);
}

/* ---- what senders say ---- */

static void on_rests(sender *s, const sender_result *r) {
    note_try(CONTAINER_OF(s - s->signal, telemetry, senders), s->signal, r);
}

static void on_told(sender *s, const sender_result *r) {
    telemetry *t = CONTAINER_OF(s - s->signal, telemetry, senders);
    note_try(t, s->signal, r);
    if (s->signal == SIGNAL_TRACES) note_spans(t, r);
    if (t->closed && !r->taken) { /* the rest would not be taken either */
        span_queue_clear(&t->queue);
        t->last_metrics = true;
    }
    send_spans(t);
    look_for_end(t);
}

static const sender_ops ops = {.rests = on_rests, .told = on_told};

/* ---- what is in force ---- */

static void time_metrics(telemetry *t) {
    int64_t interval_ms = wants_metrics(t) ? t->receiver->config->interval_ms : 0;
    if (interval_ms == t->interval_ms) return;
    t->interval_ms = interval_ms;
    loop_timer_stop(t->loop, &t->due);
    if (interval_ms) loop_timer_start(t->loop, &t->due, interval_ms);
}

void telemetry_apply(telemetry *t, snapshot *s) {
    const config_telemetry *c = &s->config->telemetry;
    receiver *before = t->receiver;
    if (t->closed) return;
    if (c->on && !t->client) t->client = http_client_new(t->loop, &upstream_limits);
    t->receiver = c->on ? receiver_new(t->client, s, span_cstr(t->instance)) : NULL;
    if (t->receiver) {
        span_queue_bound(&t->queue, c->queue_bytes);
        for (int i = 0; i < TELEMETRY_SIGNALS; i++)
            sender_move(&t->senders[i], t->receiver);
    } else {
        telemetry_cut(t);
    }
    receiver_unref(before);
    time_metrics(t);
    send_spans(t);
}

/* ---- life ---- */

telemetry *telemetry_new(loop *l, metrics *m, metrics_shard *shard, log_shard *log) {
    telemetry *t = mem_zalloc(sizeof *t);
    t->loop = l;
    t->metrics = m;
    t->shard = shard;
    t->log = log;
    id_new(&l->rng, clock_wall_us(), t->instance);
    span_queue_init(&t->queue);
    for (int i = 0; i < TELEMETRY_SIGNALS; i++)
        sender_init(&t->senders[i], l, (telemetry_signal)i, &ops);
    timer_init(&t->due, on_due);
    timer_init(&t->end, on_end);
    return t;
}

void telemetry_free(telemetry *t) {
    if (!t) return;
    loop_timer_stop(t->loop, &t->due);
    loop_timer_stop(t->loop, &t->end);
    for (int i = 0; i < TELEMETRY_SIGNALS; i++)
        sender_done(&t->senders[i]);
    receiver_unref(t->receiver);
    http_client_free(t->client);
    span_queue_done(&t->queue);
    free(t);
}

/* ---- a worker's ---- */

struct telemetry_writer {
    telemetry *telemetry;
    loop *loop;
    config_telemetry_protocol protocol; /* of what is there */
    buf spans;
    unsigned count;
    timer due;
};

static void hand_over(telemetry_writer *w) {
    telemetry *t = w->telemetry;
    loop_timer_stop(w->loop, &w->due);
    if (!w->count) return;
    bool first = span_queue_put(&t->queue, w->protocol, w->count, &w->spans);
    w->count = 0;
    if (first) loop_post(t->loop, on_given, t);
}

static void on_writer_due(timer *t) {
    hand_over(CONTAINER_OF(t, telemetry_writer, due));
}

telemetry_writer *telemetry_writer_new(telemetry *t, loop *on) {
    telemetry_writer *w = mem_zalloc(sizeof *w);
    w->telemetry = t;
    w->loop = on;
    timer_init(&w->due, on_writer_due);
    return w;
}

void telemetry_writer_free(telemetry_writer *w) {
    if (!w) return;
    hand_over(w);
    buf_done(&w->spans);
    free(w);
}

void telemetry_put(telemetry_writer *w, const config_telemetry *c, const otlp_span *s) {
    if (w->count && w->protocol != c->protocol) hand_over(w);
    w->protocol = c->protocol;
    w->count++;
    otlp_put_span(c->protocol, s, &w->spans);
    if (w->spans.len >= HAND_OVER_BYTES || w->count >= HAND_OVER_SPANS)
        hand_over(w);
    else if (!timer_active(&w->due))
        loop_timer_start(w->loop, &w->due,
                         c->interval_ms < HAND_OVER_MS ? c->interval_ms : HAND_OVER_MS);
}
