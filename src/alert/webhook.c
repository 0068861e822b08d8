#include "alert/webhook.h"

#include "alert/signed_post.h"
#include "base/clock.h"
#include "base/mem.h"
#include "call/hint.h"

#include <stdlib.h>

enum { MINUTE_MS = 60 * 1000, CONNECTIONS = 2 };

typedef enum webhook_state { STATE_IDLE, STATE_ASKING, STATE_ENDED, STATE_RESTING } webhook_state;

typedef struct waiting_alert {
    list link;
    alert *alert; /* counted */
} waiting_alert;

struct webhook {
    loop *loop;
    http_client *client;
    webhook_told_fn *told;
    void *user;
    webhook_state state;
    bool hurried; /* nothing is waited for any more: each alert is tried once, at once */
    /* In force. */
    snapshot *snapshot; /* counted */
    const config_webhook *config;
    http_origin *origin; /* counted */
    size_t place;
    snapshot *next; /* counted: in force when what is under way has ended; NULL: none */
    size_t next_place;
    list waiting;
    size_t count;
    int64_t minute_ms; /* when the one that runs began */
    unsigned sent;     /* in it */
    /* Of the delivery. */
    alert *alert; /* counted; NULL: none */
    unsigned tries;
    int64_t began_ms;
    /* Of the try. */
    bool last; /* it began hurried */
    http_call *http;
    timer timer; /* ASKING: its deadline; ENDED: off the stack; RESTING: the next */
    int status;
    int64_t hint_ms, wait_ms;
    resend_verdict verdict;
    buf body, detail;
    arena arena;
    span piece;
};

static timer_fn on_late, on_ended, on_rested;

static const config_alerts *options(const webhook *w) {
    return &w->snapshot->config->alerts;
}

static void enter(webhook *w, webhook_state state, timer_fn *fire, int64_t after_ms) {
    w->state = state;
    loop_timer_stop(w->loop, &w->timer);
    timer_init(&w->timer, fire);
    loop_timer_start(w->loop, &w->timer, after_ms);
}

/* ---- TLS ---- */

typedef struct tls_box {
    tls_context *contexts[ALERT_WEBHOOKS_MAX]; /* NULL: that one is plain */
} tls_box;

static void free_tls(void *made, const config *c) {
    (void)c;
    tls_box *box = made;
    for (size_t i = 0; i < ALERT_WEBHOOKS_MAX; i++)
        tls_context_unref(box->contexts[i]);
    free(box);
}

static void *make_tls(const config *c, buf *ret_why) {
    tls_box *box = mem_zalloc(sizeof *box);
    for (size_t i = 0; i < c->alerts.webhook_count && c->alerts.on; i++) {
        const config_webhook *hook = &c->alerts.webhooks[i];
        if (!hook->url.tls) continue;
        box->contexts[i] = tls_client_new(hook->ca_file, ret_why);
        if (box->contexts[i]) continue;
        free_tls(box, c);
        return NULL;
    }
    return box;
}

const snapshot_part alert_tls_part = {"alerts' TLS", make_tls, free_tls};

/* ---- the only way out of a try ---- */

/* A refusal stays one, but for those that say that it is not the request's. */
static bool may_pass(int status) {
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

const resend_policy webhook_resend = {may_pass, .cap_ms = 5 * 60 * 1000, .most_ms = 30 * 60 * 1000};

/* otherwise: why there is no answer. */
static void end(webhook *w, span otherwise) {
    const resend_facts f = {.status = w->status,
                            .hint_ms = w->hint_ms,
                            .tries = w->tries,
                            .spent_ms = w->loop->now_ms - w->began_ms,
                            .random = rng_unit(&w->loop->rng),
                            .last = w->last};
    w->verdict = resend_decide(&webhook_resend, &f, &w->wait_ms);
    buf_clear(&w->detail);
    if (w->status >= 300 && w->status <= 399)
        buf_add_cstr(&w->detail, "it answers with a redirect, and those are not followed");
    else
        buf_add(&w->detail, otherwise);
    enter(w, STATE_ENDED, on_ended, 0);
}

static void on_head(void *user, const http_head *head) {
    webhook *w = user;
    w->status = head->status;
    w->hint_ms = hint_read(head->headers, clock_wall_us()).after_ms;
}

static void on_body(void *user, span piece) {
    (void)user;
    (void)piece;
}

static void on_end(void *user) {
    webhook *w = user;
    w->http = NULL;
    end(w, SPAN_EMPTY);
}

static void on_fail(void *user, const http_fail *fail) {
    webhook *w = user;
    w->http = NULL;
    w->status = 0;
    end(w, span_cstr(fail->text));
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

static void on_late(timer *t) {
    webhook *w = CONTAINER_OF(t, webhook, timer);
    http_call_cancel(w->http);
    w->http = NULL;
    w->status = 0;
    end(w, SPAN_OF("no whole answer within alerts.timeout"));
}

/* ---- a try ---- */

static void ask(webhook *w) {
    const int64_t within_ms = options(w)->timeout_ms;
    buf_clear(&w->body);
    arena_done(&w->arena);
    w->status = 0;
    w->hint_ms = -1;
    w->tries++;
    w->last = w->hurried;
    w->sent++;
    alert_write(w->alert, w->config->format, &w->body);
    w->piece = buf_span(&w->body);
    const span id = arena_printf(&w->arena, "msg_%s", w->alert->id);
    const http_call_spec spec = {
        .method = SPAN("POST"),
        .path = w->config->url.path,
        .headers = signed_post_headers(w->config, id, w->piece, &w->arena),
        .body = &w->piece,
        .body_count = 1,
        .connect_ms = within_ms,
        .first_byte_ms = within_ms,
        .idle_ms = within_ms,
    };
    enter(w, STATE_ASKING, on_late, within_ms);
    w->http = http_client_send(w->client, w->origin, &spec, &http_ops, w);
}

/* The next that waits, or rest until it may be sent. */
static void go_on(webhook *w) {
    const int64_t now_ms = w->loop->now_ms;
    if (now_ms - w->minute_ms >= MINUTE_MS) {
        w->minute_ms = now_ms;
        w->sent = 0;
    }
    if (!w->alert && w->count) {
        list *node = list_pop_front(&w->waiting);
        waiting_alert *next = LIST_ENTRY(node, waiting_alert, link);
        w->alert = next->alert;
        w->count--;
        w->tries = 0;
        w->began_ms = now_ms;
        free(next);
    }
    w->state = STATE_IDLE;
    if (!w->alert) return;
    if (w->sent >= options(w)->a_minute && !w->hurried)
        enter(w, STATE_RESTING, on_rested, w->minute_ms + MINUTE_MS - now_ms);
    else
        ask(w);
}

static void on_rested(timer *t) {
    go_on(CONTAINER_OF(t, webhook, timer));
}

/* Nothing is under way, which would use what there was. */
static void install(webhook *w, snapshot *s, size_t place) {
    const config_webhook *hook = &s->config->alerts.webhooks[place];
    const tls_box *tls = snapshot_made(s, &alert_tls_part);
    const http_origin_spec spec =
        signed_post_origin(hook, tls ? tls->contexts[place] : NULL, CONNECTIONS);
    http_origin *before = w->origin;
    snapshot *old = w->snapshot;
    w->snapshot = snapshot_ref(s);
    w->config = hook;
    w->place = place;
    w->origin = http_client_origin(w->client, &spec);
    http_origin_unref(before);
    snapshot_unref(old);
}

static void on_ended(timer *t) {
    static const webhook_news news[] = {[RESEND_DONE] = WEBHOOK_DELIVERED,
                                        [RESEND_WAIT] = WEBHOOK_FAILED,
                                        [RESEND_DROP] = WEBHOOK_GIVEN_UP};
    webhook *w = CONTAINER_OF(t, webhook, timer);
    const resend_verdict verdict = w->verdict;
    if (verdict == RESEND_WAIT) {
        enter(w, STATE_RESTING, on_rested, w->hurried ? 0 : w->wait_ms);
    } else {
        alert_unref(w->alert);
        w->alert = NULL;
        w->state = STATE_IDLE;
    }
    const int status = w->status;
    if (w->next) {
        install(w, w->next, w->next_place);
        snapshot_unref(w->next);
        w->next = NULL;
    }
    if (w->state == STATE_IDLE) go_on(w);
    w->told(w->user, news[verdict], w->place, status, buf_span(&w->detail));
}

/* ---- the owner's side ---- */

webhook *webhook_new(loop *l, http_client *client, webhook_told_fn *told, void *user) {
    webhook *w = mem_zalloc(sizeof *w);
    *w = (webhook){.loop = l, .client = client, .told = told, .user = user};
    list_init(&w->waiting);
    arena_init(&w->arena, 0);
    timer_init(&w->timer, on_late);
    w->minute_ms = l->now_ms;
    return w;
}

void webhook_apply(webhook *w, snapshot *s, size_t place) {
    if (w->state != STATE_ASKING && w->state != STATE_ENDED) {
        install(w, s, place);
        return;
    }
    snapshot_unref(w->next);
    w->next = snapshot_ref(s);
    w->next_place = place;
}

bool webhook_is(const webhook *w, span url) {
    return span_eq(w->config->url.text, url);
}

void webhook_put(webhook *w, alert *a) {
    if (w->count >= options(w)->queue) {
        list *node = list_pop_front(&w->waiting);
        waiting_alert *oldest = LIST_ENTRY(node, waiting_alert, link);
        alert_unref(oldest->alert);
        free(oldest);
        w->count--;
        w->told(w->user, WEBHOOK_DROPPED, w->place, 0, SPAN_EMPTY);
    }
    waiting_alert *item = mem_zalloc(sizeof *item);
    item->alert = alert_ref(a);
    list_push_back(&w->waiting, &item->link);
    w->count++;
    if (w->state == STATE_IDLE) go_on(w);
}

void webhook_hurry(webhook *w) {
    w->hurried = true;
    if (w->state == STATE_RESTING) go_on(w);
}

bool webhook_is_idle(const webhook *w) {
    return w->state == STATE_IDLE;
}

size_t webhook_waiting(const webhook *w) {
    return w->count + (w->alert != NULL);
}

void webhook_free(webhook *w) {
    if (!w) return;
    loop_timer_stop(w->loop, &w->timer);
    if (w->http) http_call_cancel(w->http);
    for (size_t left = webhook_waiting(w); left; left--)
        w->told(w->user, WEBHOOK_DROPPED, w->place, 0, SPAN_EMPTY);
    alert_unref(w->alert);
    for (list *node; (node = list_pop_front(&w->waiting));) {
        waiting_alert *item = LIST_ENTRY(node, waiting_alert, link);
        alert_unref(item->alert);
        free(item);
    }
    snapshot_unref(w->next);
    http_origin_unref(w->origin);
    snapshot_unref(w->snapshot);
    buf_done(&w->body);
    buf_done(&w->detail);
    arena_done(&w->arena);
    free(w);
}
