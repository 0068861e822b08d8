/* One call: its deadlines and its ends. */
#include "http/client_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static loop *loop_of(const http_call *call) {
    return call->origin->client->loop;
}

static void start_timer(http_call *call, int64_t after_ms) {
    if (after_ms > 0)
        loop_timer_start(loop_of(call), &call->timer, after_ms);
    else
        loop_timer_stop(loop_of(call), &call->timer);
}

/* ---- ends ---- */

void call_end(http_call *call) {
    const http_call_ops *ops = call->ops;
    void *user = call->user;
    call_free(call);
    ops->on_end(user);
}

void call_fail(http_call *call, http_fault fault, const char *text) {
    const http_call_ops *ops = call->ops;
    void *user = call->user;
    http_fail fail = {
        .kind = fault.kind,
        .shortage = fault.shortage,
        .text = text,
        .head_seen = call->phase == CALL_BODY,
        .body_bytes = call->body_bytes,
    };
    call_free(call);
    ops->on_fail(user, &fail);
}

/* Wherever the call stands: in the queue, or on a connection. */
static void fail_anywhere(http_call *call, http_fault fault, const char *text) {
    if (call->conn)
        client_conn_fail(call->conn, fault, text);
    else
        call_fail(call, fault, text);
}

void http_call_cancel(http_call *call) {
    http_conn *conn = call->conn;
    if (conn) conn->call = NULL;
    call_free(call);
    if (conn) client_conn_close(conn);
}

/* ---- deadlines ---- */

static void late(http_call *call, http_fault fault, const char *what, int64_t limit_ms) {
    buf text = BUF_EMPTY;
    bool even = limit_ms % 1000 == 0;
    buf_addf(&text, "%s %lld %s", what, (long long)(even ? limit_ms / 1000 : limit_ms),
             even ? "s" : "ms");
    fail_anywhere(call, fault, buf_cstr(&text));
    buf_done(&text);
}

/* What it is that a call without a connection does not get. */
static http_fault waiting_for(const http_call *call) {
    if (call->conn) return client_conn_blame(call->conn, HTTP_FAIL_CONNECT_TIMEOUT);
    return fault_short(queue_may_hold(call) ? SHORTAGE_POOL : SHORTAGE_SHARE);
}

static void connecting_late(http_call *call) {
    buf what = BUF_EMPTY;
    const http_origin *o = call->origin;
    if (call->conn)
        buf_addf(&what, "%s took longer than", client_conn_doing(call->conn));
    else if (queue_may_hold(call))
        buf_addf(&what, "all %u connections were busy for", o->max_connections);
    else
        buf_addf(&what, "this client's share, %u of %u connections, was busy for", o->max_share,
                 o->max_connections);
    late(call, waiting_for(call), buf_cstr(&what), call->connect_ms);
    buf_done(&what);
}

/* Restarted here and not with every piece of the answer. */
static void body_late(http_call *call) {
    int64_t left_ms = call->heard_ms + call->idle_ms - loop_of(call)->now_ms;
    if (left_ms > 0)
        start_timer(call, left_ms);
    else
        late(call, fault_of(HTTP_FAIL_IDLE_TIMEOUT), "the answer stood still for", call->idle_ms);
}

static void fail_doomed(http_call *call) {
    if (call->unsafe)
        call_fail(call, fault_of(HTTP_FAIL_UNSENDABLE), call->unsafe);
    else
        call_fail(call, fault_short(SHORTAGE_PROXY), call->origin->proxy.why.ptr);
}

/* A provider that takes some of a large request now and then is slow, not silent. */
static void sending_late(http_call *call) {
    size_t unsent = transport_pending(call->conn->t);
    if (unsent < call->unsent) {
        call->unsent = unsent;
        start_timer(call, call->first_byte_ms);
        return;
    }
    late(call, fault_of(HTTP_FAIL_FIRST_BYTE_TIMEOUT), "none of the request was taken for",
         call->first_byte_ms);
}

static void on_timer(timer *t) {
    http_call *call = CONTAINER_OF(t, http_call, timer);
    if (call->paused && call->phase > CALL_SENDING) return; /* resuming starts it again */
    switch (call->phase) {
    case CALL_DOOMED: fail_doomed(call); break;
    case CALL_WAITING: connecting_late(call); break;
    case CALL_SENT:
        late(call, fault_of(HTTP_FAIL_FIRST_BYTE_TIMEOUT), "the answer did not begin within",
             call->first_byte_ms);
        break;
    case CALL_BODY: body_late(call); break;
    case CALL_SENDING: sending_late(call); break;
    }
}

/* ---- life ---- */

http_call *http_client_send(http_client *c, http_origin *o, const http_call_spec *spec,
                            const http_call_ops *ops, void *user) {
    assert(!c->closed && o->client == c);
    loop_enter(c->loop);
    http_call *call = call_new(o, spec);
    call->ops = ops;
    call->user = user;
    list_init(&call->link);
    timer_init(&call->timer, on_timer);
    if (call->unsafe || o->proxy.kind == PROXY_UNUSABLE) {
        call->phase = CALL_DOOMED;
        list_push_back(&o->doomed, &call->link);
        loop_timer_start(c->loop, &call->timer, 0);
        return call;
    }
    queue_join(call, o->shared ? spec->holder : 0);
    pool_take(o, call);
    if (call->phase == CALL_WAITING) start_timer(call, call->connect_ms);
    return call;
}

void call_rewind(http_call *call) {
    call->phase = CALL_WAITING;
    call->sent = false;
    call->facts = (http_call_facts){0};
    start_timer(call, call->connect_ms);
}

/* A small request is in the peer's buffers at once. A large one may have to wait until it is read,
 * which a provider with a queue does when the call's turn comes. */
static bool may_wait_unread(const http_call *call) {
    enum { SURE_BYTES = 32 * 1024 };
    size_t bytes = 0;
    for (size_t i = 0; i < call->request->count; i++)
        bytes += call->request->pieces[i].len;
    return bytes > SURE_BYTES;
}

void call_begin(http_call *call, http_conn *conn) {
    conn->call = call;
    conn->state = CONN_BUSY;
    conn->ended = false;
    call->conn = conn;
    call->phase = CALL_SENDING;
    call->facts.reused = conn->reused;
    call->facts.connected_us = loop_of(call)->now_us;
    call->unsent = SIZE_MAX;
    start_timer(call, call->first_byte_ms);
    if (call->paused) transport_pause(conn->t);
    transport_set_patient(conn->t, may_wait_unread(call));
    if (call->is_head) http_codec_expect_head_answer(conn->codec);
    transport_lend(conn->t, call->request->pieces, call->request->count);
}

void call_on_sent(http_call *call) {
    call->sent = true;
    call->facts.sent_us = loop_exact_us(loop_of(call));
    if (call->phase == CALL_SENDING) {
        call->phase = CALL_SENT;
        start_timer(call, call->first_byte_ms);
    }
    if (call->ops->on_sent) call->ops->on_sent(call->user);
}

bool call_on_head(http_call *call, const http_head *head) {
    http_conn *conn = call->conn;
    call->phase = CALL_BODY;
    call->facts.head_us = loop_of(call)->now_us;
    call->heard_ms = loop_of(call)->now_ms;
    start_timer(call, call->paused ? 0 : call->idle_ms);
    call->ops->on_head(call->user, head);
    return conn->call;
}

void call_heard(http_call *call) {
    call->heard_ms = loop_of(call)->now_ms;
}

bool call_on_body(http_call *call, span piece) {
    http_conn *conn = call->conn;
    call->body_bytes += piece.len;
    call_heard(call);
    call->ops->on_body(call->user, piece);
    return conn->call;
}

bool http_call_drop_request(http_call *call) {
    if (!call->sent || call->phase != CALL_BODY) return false;
    call_forget_request(call);
    http_codec_shrink(call->conn->codec);
    return true;
}

void http_call_pause(http_call *call) {
    if (call->paused) return;
    call->paused = true;
    if (call->phase >= CALL_SENDING) transport_pause(call->conn->t);
}

/* What was read before comes first. */
static void resume_reading(http_conn *conn) {
    if (coded_body_waits(conn->coded))
        coded_body_resume(conn->coded);
    else
        transport_resume(conn->t);
}

void http_call_resume(http_call *call) {
    if (!call->paused) return;
    call->paused = false;
    if (call->phase >= CALL_SENDING) resume_reading(call->conn);
    call->heard_ms = loop_of(call)->now_ms;
    if (call->phase == CALL_SENT) start_timer(call, call->first_byte_ms);
    if (call->phase == CALL_BODY) start_timer(call, call->idle_ms);
}

http_call_facts http_call_get_facts(const http_call *call) {
    http_call_facts facts = call->facts;
    if (call->phase == CALL_WAITING) facts.lacks = waiting_for(call).shortage;
    return facts;
}
