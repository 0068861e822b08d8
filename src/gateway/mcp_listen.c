/* Streams that tell their clients when the tools that they may use have changed: the answer to
 * subscriptions/listen of the modern revision, and to a GET of those before. */
#include "gateway/mcp_list.h"
#include "gateway/reply.h"
#include "gateway/worker.h"

#include "http/sse.h"
#include "mcp/told.h"

/* Between two looks at the list. A change is a reload, or a tool server's own: rare, and several
 * often come together. */
enum { LOOK_MS = 1000 };

static tool_list *list_now(const mcp_desk *d) {
    return tool_registry_list(snapshot_tools(d->w->env.snapshot->snapshot));
}

static void say(mcp_listener *l, const buf *message) {
    buf out = BUF_EMPTY;
    sse_write(&out, &(sse_event){.name = SPAN_OF("message"), .data = buf_span(message)});
    http_answer_piece(l->request->http, buf_span(&out));
    l->told_ms = l->request->w->loop.now_ms;
    buf_done(&out);
}

static void say_comment(mcp_listener *l) {
    buf out = BUF_EMPTY;
    sse_write_comment(&out, SPAN_OF("keep-alive"));
    http_answer_piece(l->request->http, buf_span(&out));
    l->told_ms = l->request->w->loop.now_ms;
    buf_done(&out);
}

/* ---- changes ---- */

/* Digests of one list that were made just now: many streams are of few clients. */
enum { MADE = 8 };
typedef struct digests {
    const tool_list *list;
    struct {
        span client;
        uint64_t digest;
    } made[MADE];
    size_t count;
} digests;

static uint64_t digest_of(digests *d, span client) {
    for (size_t i = 0; i < d->count && i < MADE; i++)
        if (span_eq(d->made[i].client, client)) return d->made[i].digest;
    const uint64_t digest = mcp_list_digest(d->list, client);
    d->made[d->count++ % MADE].client = client;
    d->made[(d->count - 1) % MADE].digest = digest;
    return digest;
}

static void look_at(mcp_listener *l, digests *d) {
    if (!l->stale || !l->wants) return;
    l->stale = false;
    const uint64_t digest = digest_of(d, buf_span(&l->client));
    if (digest == l->digest) return;
    buf message = BUF_EMPTY;
    l->digest = digest;
    mcp_write_tools_changed(buf_span(&l->subscription), &message);
    say(l, &message);
    buf_done(&message);
}

/* Who reads nothing is told nothing more until he does. */
void mcp_desk_look(mcp_desk *d) {
    if (list_empty(&d->listeners)) return;
    const int64_t silence_ms = worker_config(d->w)->server.keep_alive_comment_ms;
    tool_list *now = list_now(d);
    const bool other = now != d->seen;
    digests made = {.list = now};
    tool_list_unref(d->seen);
    d->seen = now;
    LIST_FOREACH(&d->listeners, node) {
        mcp_listener *l = LIST_ENTRY(node, mcp_listener, link);
        l->stale |= other;
        if (http_answer_full(l->request->http)) continue;
        look_at(l, &made);
        if (silence_ms > 0 && d->w->loop.now_ms - l->told_ms >= silence_ms) say_comment(l);
    }
}

static void on_look(timer *t) {
    mcp_desk *d = CONTAINER_OF(t, mcp_desk, look);
    mcp_desk_look(d);
    if (!list_empty(&d->listeners)) loop_timer_start(&d->w->loop, t, LOOK_MS);
}

/* ---- beginning and end ---- */

static void say_first(mcp_listener *l) {
    buf message = BUF_EMPTY;
    mcp_write_acknowledged(buf_span(&l->subscription), l->wants, &message);
    say(l, &message);
    buf_done(&message);
}

static void say_last(mcp_listener *l) {
    buf message = BUF_EMPTY;
    mcp_write_subscription_end(buf_span(&l->subscription), &message);
    say(l, &message);
    buf_done(&message);
}

/* The client may be another's when the configuration has changed: its name is all that is kept. */
static void forget_request(request *q) {
    http_request_drop_body(q->http);
    http_request_drop_head(q->http);
    caller_unref(q->caller);
    loop_snapshot_unref(q->asked);
    q->caller = (caller){NULL, NULL};
    q->asked = NULL;
}

void mcp_listen(mcp_desk *d, mcp_listener *l, request *q, span client, span subscription,
                bool wants) {
    if (d->over) {
        reply_error_text(q, ERR_DRAINING, "%s", error_get(ERR_DRAINING)->sentence);
        return;
    }
    l->request = q;
    l->wants = wants;
    buf_add(&l->subscription, subscription);
    buf_add(&l->client, client);
    tool_list *now = list_now(d);
    l->digest = mcp_list_digest(now, buf_span(&l->client));
    tool_list_unref(now);
    l->told_ms = d->w->loop.now_ms;
    list_push_back(&d->listeners, &l->link);
    reply_stream(q);
    if (subscription.len) say_first(l);
    forget_request(q);
    if (!timer_active(&d->look)) loop_timer_start(&d->w->loop, &d->look, LOOK_MS);
}

void mcp_listener_done(mcp_listener *l) {
    if (l->link.next) list_remove(&l->link);
    buf_done(&l->subscription);
    buf_done(&l->client);
}

void mcp_desk_init(mcp_desk *d, worker *w) {
    *d = (mcp_desk){.w = w};
    list_init(&d->running);
    list_init(&d->listeners);
    timer_init(&d->look, on_look);
}

void mcp_desk_end(mcp_desk *d) {
    d->over = true;
    tool_list_unref(d->seen);
    d->seen = NULL;
    loop_timer_stop(&d->w->loop, &d->look);
    for (list *node; (node = list_pop_front(&d->listeners));) {
        mcp_listener *l = LIST_ENTRY(node, mcp_listener, link);
        if (!l->request->http) continue;
        if (l->subscription.len) say_last(l);
        http_answer_end(l->request->http);
    }
}
