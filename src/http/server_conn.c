/* One connection. Bytes come in through on_data(), go through the codec, and make one request at a
 * time; bytes of later requests wait. The state says what is awaited; enter() is the only place
 * that changes it, and sets the timer that belongs to it. */
#include "http/server_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static void take_waiting(conn *c);

/* ---- life ---- */

static const http_codec_ops codec_ops;
static void on_timer(timer *t);

conn *conn_new(http_server *s) {
    conn *c = mem_zalloc(sizeof *c);
    c->server = s;
    list_init(&c->link);
    timer_init(&c->timer, on_timer);
    return c;
}

static void free_if_left(conn *c) {
    if (c->state != CONN_CLOSED || c->inside) return;
    http_codec_free(c->codec);
    later_free(c);
    free(c);
}

void conn_discard(conn *c) {
    c->state = CONN_CLOSED;
    free_if_left(c);
}

/* An idle connection has no codec: those that wait for what comes next are few, and warm. */
static void take_codec(conn *c) {
    http_server *s = c->server;
    if (c->codec) return;
    if (s->codec_count) {
        c->codec = s->codecs[--s->codec_count];
        http_codec_reuse(c->codec, &s->limits.head, c);
    } else {
        c->codec = http_codec_new(HTTP_CODEC_REQUEST, &s->limits.head, &codec_ops, c);
    }
}

static void give_codec(conn *c) {
    http_server *s = c->server;
    if (c->state != CONN_IDLE || !c->codec || !http_codec_is_unused(c->codec)) return;
    if (MEM_REUSE && s->codec_count < SPARE_CODECS) {
        http_codec_trim(c->codec, SPARE_HEAD_BYTES);
        s->codecs[s->codec_count++] = c->codec;
    } else {
        http_codec_free(c->codec);
    }
    c->codec = NULL;
}

static void leave(conn *c) {
    if (--c->inside == 0) give_codec(c);
    free_if_left(c);
}

typedef enum ending {
    END_POLITE, /* after the output, and without destroying it by a reset */
    END_IDLE,   /* the same, where nothing is on its way in either direction */
    END_NOW,    /* nothing is owed to the peer */
    END_RESET,  /* the peer must not take what it got for the whole */
} ending;

/* Its connection must be reset, so that what came is not taken for the whole. */
static bool is_cut_unseen(const http_request *r) {
    return r->aborted && !r->told_so && !(r->started && r->chunked);
}

/* The one way out, from any state. The handler has been told before. */
static void end(conn *c, ending how) {
    if (c->state == CONN_CLOSED) return;
    assert(!c->request);
    c->state = CONN_CLOSED;
    loop_timer_stop(c->server->loop, &c->timer);
    list_remove(&c->link);
    later_stop(c);
    transport *io = c->io;
    c->io = NULL;
    if (how == END_POLITE)
        transport_finish(io, LINGER_MS);
    else if (how == END_IDLE)
        transport_finish(io, LINGER_IDLE_MS);
    else if (how == END_NOW)
        transport_close(io);
    else
        transport_abort(io);
    server_give_shares(c->server, c);
    server_conn_gone(c->server);
    free_if_left(c);
}

/* Tells the handler that r is over and frees it. */
static void drop_request(conn *c) {
    http_request *r = c->request;
    c->request = NULL;
    list_remove(&r->link);
    if (r->told) c->server->ops->on_done(c->server->user, r);
    http_request_free(r);
}

/* The client left, or is left: whoever works for it hears so at once. Returns how the connection
 * must end. */
static ending abandon(conn *c) {
    http_request *r = c->request;
    if (!r) return END_NOW;
    bool cut = !r->complete || (r->aborted && !r->told_so);
    if (!r->complete) {
        r->gone = true;
        c->server->ops->on_gone(c->server->user, r);
    }
    drop_request(c);
    return cut ? END_RESET : END_NOW;
}

void conn_close(conn *c) {
    c->inside++;
    ending how = abandon(c);
    if (c->io) transport_flush(c->io);
    end(c, how);
    leave(c);
}

/* ---- states and their timers ---- */

static uint64_t taken(const conn *c) {
    return c->written - transport_pending(c->io);
}

static void start_timer(conn *c, int64_t after_ms) {
    c->mark = taken(c);
    loop_timer_start(c->server->loop, &c->timer, after_ms);
}

static void await_request(conn *c) {
    const http_server *s = c->server;
    start_timer(c, s->draining ? DRAIN_IDLE_MS
                   : c->fresh  ? s->limits.header_timeout_ms
                               : s->limits.idle_timeout_ms);
}

static int64_t first_look_ms(const http_server_limits *limits) {
    bool shorter = limits->body_total_ms && limits->body_total_ms < limits->body_timeout_ms;
    return shorter ? limits->body_total_ms : limits->body_timeout_ms;
}

/* Until the next look at a reader, who has so long for the whole of what is left for him. */
static int64_t flush_look_ms(const conn *c) {
    const http_server_limits *limits = &c->server->limits;
    int64_t left_ms = c->flush_ms + limits->body_total_ms - c->server->loop->now_ms;
    if (!limits->body_total_ms || left_ms > limits->idle_timeout_ms) return limits->idle_timeout_ms;
    return left_ms;
}

static void enter(conn *c, conn_state state) {
    const http_server_limits *limits = &c->server->limits;
    c->state = (unsigned char)state;
    switch (state) {
    case CONN_IDLE: await_request(c); break;
    case CONN_HEAD: start_timer(c, limits->header_timeout_ms); break;
    case CONN_SKIP: start_timer(c, first_look_ms(limits)); break;
    case CONN_FLUSH:
        c->flush_ms = c->server->loop->now_ms;
        start_timer(c, flush_look_ms(c));
        break;
    default: loop_timer_stop(c->server->loop, &c->timer);
    }
}

void conn_watch_output(conn *c) {
    if (c->state == CONN_BUSY && !timer_active(&c->timer))
        start_timer(c, c->server->limits.idle_timeout_ms);
}

/* Ready for the next request. */
static void rest(conn *c) {
    bool last = c->last || later_is_lost(c);
    /* The linger of a connection that ends is for the peer's end, not for a slow reader's answer.
     */
    if (transport_pending(c->io) > (last ? 0 : c->server->limits.pending_bytes)) {
        enter(c, CONN_FLUSH);
        return;
    }
    if (last) {
        end(c, END_POLITE);
        return;
    }
    http_codec_set_limits(c->codec, &c->server->limits.head);
    enter(c, CONN_IDLE);
}

void conn_limits_changed(conn *c) {
    if (c->state == CONN_IDLE && c->codec) http_codec_set_limits(c->codec, &c->server->limits.head);
}

void conn_drain(conn *c) {
    if (c->state == CONN_IDLE) enter(c, CONN_IDLE);
}

/* ---- refusing ---- */

/* Answers with an error if there is still time for one, and ends the connection. */
COLD static void refuse(conn *c, error_id id, const char *why) {
    http_request *r = c->request;
    if (r && r->started) {
        bool answered = r->complete && !r->aborted;
        ending how = abandon(c);
        end(c, answered ? END_POLITE : how);
        return;
    }
    answer_refusal(c->server, c->io, r, id, why);
    if (r) {
        r->complete = true;
        drop_request(c);
    }
    end(c, END_POLITE);
}

/* ---- what the codec finds ---- */

/* What the handler could not know is checked before it hears of the request, and what it could
 * decide (to answer at once, another limit for the body) after. */
static bool expects_the_impossible(const http_head *head) {
    return head->minor == 1 && !head->expect_continue &&
           http_header_count(head->headers, SPAN_OF("expect")) > 0;
}

static const char excess[] = "This client has as many connections as its share allows "
                             "(limits.client_share, server.max_connections).";

static void judge_body(conn *c, http_request *r) {
    if (r->started || c->state == CONN_CLOSED) return;
    if (r->excess) {
        refuse(c, ERR_OVER_CONNECTIONS, excess);
        return;
    }
    if (r->head->content_length > 0 && (uint64_t)r->head->content_length > r->body_limit) {
        r->beyond = true;
        refuse(c, ERR_BODY_TOO_LARGE, "The request's Content-Length is beyond the limit.");
        return;
    }
    const char *why;
    error_id full = body_expect(r, &why);
    if (full != ERR_NONE) {
        refuse(c, full, why);
        return;
    }
    if (!r->head->has_body || !r->head->expect_continue) return;
    static const span go_on = SPAN("HTTP/1.1 100 Continue\r\n\r\n");
    r->continued = true;
    c->written += go_on.len;
    transport_write(c->io, go_on);
}

bool conn_judge_again(conn *c, uint64_t holder) {
    http_request *r = c->request;
    const char *why = excess;
    error_id bad = r->excess ? ERR_OVER_CONNECTIONS : body_claim(r, holder, &why);
    if (bad == ERR_NONE) return true;
    c->inside++;
    refuse(c, bad, why);
    leave(c);
    return false;
}

static bool on_head(void *user, const http_head *head) {
    conn *c = user;
    http_request *r = http_request_new(c, head);
    c->request = r;
    c->fresh = false;
    enter(c, CONN_BODY);
    if (expects_the_impossible(head)) {
        refuse(c, ERR_BAD_EXPECTATION, "The only expectation that is met is 100-continue.");
        return false;
    }
    r->told = true;
    c->server->ops->on_head(c->server->user, r);
    if (c->state != CONN_CLOSED) judge_body(c, r);
    return c->state != CONN_CLOSED;
}

/* Of a body that is wanted. false: the codec is to wait, or to be left. */
static bool take_body(conn *c, span piece) {
    http_request *r = c->request;
    if (!r || r->started) return true;
    const char *why;
    error_id bad = body_take(r, piece, &why);
    if (bad != ERR_NONE) refuse(c, bad, why);
    return bad == ERR_NONE && !later_is_sliced(c);
}

static bool on_body(void *user, span piece) {
    conn *c = user;
    /* In CONN_SKIP, conn_can_skip() has bounded what may come. */
    if (c->request) c->request->received += piece.len;
    return take_body(c, piece);
}

static bool on_end(void *user) {
    conn *c = user;
    http_request *r = c->request;
    if (!r) { /* CONN_SKIP */
        rest(c);
        return false;
    }
    const char *why;
    error_id bad = body_end(r, &why);
    if (bad != ERR_NONE && !r->started) {
        refuse(c, bad, why);
        return false;
    }
    enter(c, CONN_BUSY);
    if (!r->started) c->server->ops->on_request(c->server->user, r);
    return false;
}

static const http_codec_ops codec_ops = {on_head, on_body, on_end};

/* ---- bytes in ---- */

static bool is_reading(const conn *c) {
    return c->state <= CONN_BODY || c->state == CONN_SKIP;
}

static void refuse_framing(conn *c) {
    const char *why = "";
    error_id id = http_codec_error(c->codec, &why);
    if (c->state == CONN_SKIP)
        end(c, END_POLITE);
    else
        refuse(c, id, why);
}

/* What comes of a body is noted; the timer looks, when it fires, how long ago that was and how much
 * it has been. */
static void watch_body(conn *c) {
    http_request *r = c->request;
    int64_t now_ms = c->server->loop->now_ms;
    if (timer_active(&c->timer)) {
        body_pace_heard(&r->pace, now_ms);
        return;
    }
    body_pace_begin(&r->pace, now_ms, r->received);
    start_timer(c, first_look_ms(&c->server->limits));
}

/* Feeds what the state allows and returns how much that was, short of what waits of a body. So many
 * bytes the codec has had already. */
static size_t feed(conn *c, span bytes, size_t done) {
    take_codec(c);
    while (is_reading(c) && !later_is_sliced(c)) {
        size_t used;
        http_feed_result result =
            http_codec_feed(c->codec, span_slice(bytes, done, bytes.len), &used);
        done += used;
        if (result == HTTP_FEED_BAD) refuse_framing(c);
        if (result != HTTP_FEED_PAUSED) break;
    }
    if (c->state == CONN_IDLE && http_codec_in_message(c->codec)) enter(c, CONN_HEAD);
    if (c->state == CONN_BODY) watch_body(c);
    return done - later_coded(c);
}

/* A client that sends more than any request has behind one that is not answered speaks no HTTP. */
static void on_data(void *user, span bytes) {
    conn *c = user;
    c->inside++;
    size_t used = c->later ? 0 : feed(c, bytes, 0);
    if (c->state != CONN_CLOSED && !later_keep(c, span_slice(bytes, used, bytes.len)))
        end(c, abandon(c));
    leave(c);
}

static void take_waiting(conn *c) {
    span bytes = later_bytes(c);
    if (!bytes.len || !is_reading(c)) return;
    size_t used = feed(c, bytes, 0);
    if (c->state != CONN_CLOSED) later_took(c, used);
}

void conn_go_on(conn *c) {
    c->inside++;
    span bytes = later_bytes(c);
    size_t coded = later_coded(c);
    later_join(c);
    (void)take_body(c, span_slice(bytes, 0, coded));
    size_t used = feed(c, bytes, coded);
    if (c->state != CONN_CLOSED) later_took(c, used);
    leave(c);
}

/* ---- the end of a request ---- */

bool conn_can_skip(const conn *c) {
    const http_request *r = c->request;
    if (c->state != CONN_BODY || !r->head->has_body) return true;
    if (r->head->expect_continue && !r->continued) return false;
    int64_t length = r->head->content_length;
    return length >= 0 && (uint64_t)length - r->received < SKIP_BYTES;
}

void conn_request_done(conn *c, http_request *r) {
    c->inside++;
    bool aborted = r->aborted, reset = is_cut_unseen(r), last = r->close;
    drop_request(c);
    if (c->state == CONN_CLOSED) {
        /* the handler has closed the server */
    } else if (reset) {
        transport_flush(c->io);
        end(c, END_RESET);
    } else if (aborted || last) {
        c->last = true;
        rest(c);
    } else if (c->state == CONN_BODY) {
        enter(c, CONN_SKIP);
    } else {
        rest(c);
        take_waiting(c);
    }
    leave(c);
}

/* ---- what the transport and the clock say ---- */

static void on_sent(void *user) {
    conn *c = user;
    http_request *r = c->request;
    c->inside++;
    if (r && r->full && !r->complete) {
        r->full = false;
        c->server->ops->on_room(c->server->user, r);
    }
    if (c->state == CONN_FLUSH) {
        rest(c);
        take_waiting(c);
    }
    leave(c);
}

static void tell_handshake(conn *c, http_handshake_end how, const char *text) {
    const http_server *s = c->server;
    if (!c->io || transport_is_open(c->io) || !s->ops->on_no_handshake) return;
    s->ops->on_no_handshake(s->user, transport_peer(c->io), how, text);
}

/* A client that has closed its side after its request counts as one that left, as it does for
 * nginx: there is no telling the two apart, and a model call is worth cancelling. */
static void on_fail(void *user, transport_fail why, const char *text) {
    conn *c = user;
    c->inside++;
    tell_handshake(c, why == TRANSPORT_TLS ? HANDSHAKE_FAILED : HANDSHAKE_LOST, text);
    ending how = abandon(c);
    bool owed = why == TRANSPORT_EOF && how == END_NOW && c->io && transport_pending(c->io);
    end(c, owed ? END_POLITE : how);
    leave(c);
}

/* Requests that wait are of no use without their client. */
static void on_left(void *user) {
    on_fail(user, TRANSPORT_EOF, "");
}

const transport_ops conn_transport_ops = {
    .on_data = on_data, .on_sent = on_sent, .on_fail = on_fail, .on_left = on_left};

/* Nothing of the output was taken since the timer was started. */
static bool is_stuck(const conn *c) {
    return transport_pending(c->io) > 0 && taken(c) == c->mark;
}

/* The peer reads slowly but reads what it has asked for: not idle. Returns true when that is so.
 * Before the first request all output is TLS's own. */
static bool still_reading(conn *c) {
    if (c->fresh || !transport_pending(c->io) || is_stuck(c)) return false;
    start_timer(c, c->server->limits.idle_timeout_ms);
    return true;
}

static void judge_pace(conn *c) {
    http_request *r = c->request;
    if (r->started && !r->complete) return; /* what comes next is watched anew */
    const http_server *s = c->server;
    if (later_is_sliced(c)) body_pace_excuse(&r->pace, s->loop->now_ms, r->received);
    const body_pace_limits limits = {.window_ms = s->limits.body_timeout_ms,
                                     .rate = s->limits.body_rate,
                                     .total_ms = s->limits.body_total_ms};
    int64_t wait_ms = 0;
    switch (body_pace_judge(&r->pace, &limits, s->loop->now_ms, r->received, &wait_ms)) {
    case BODY_PACE_FINE: start_timer(c, wait_ms); break;
    case BODY_PACE_SILENT:
        refuse(c, ERR_SLOW_REQUEST, "The body of the request did not arrive in time.");
        break;
    case BODY_PACE_TRICKLES:
        refuse(c, ERR_SLOW_REQUEST, "The body of the request arrives too slowly.");
        break;
    case BODY_PACE_LATE:
        refuse(c, ERR_SLOW_REQUEST, "The body of the request took longer than it may.");
        break;
    }
}

static void end_idle(conn *c) {
    tell_handshake(c, HANDSHAKE_SLOW, "no handshake within the time for a request's head");
    end(c, is_stuck(c) ? END_RESET : END_IDLE);
}

/* It may take as long as it likes, but not take nothing: what waits for it takes memory, here and
 * at whoever is asked. */
static void judge_reader(conn *c) {
    if (!is_stuck(c)) {
        (void)still_reading(c);
        return;
    }
    if (c->request) c->request->slow = true;
    end(c, abandon(c));
}

static void on_timer(timer *t) {
    conn *c = CONTAINER_OF(t, conn, timer);
    c->inside++;
    switch ((conn_state)c->state) {
    case CONN_HEAD:
        refuse(c, ERR_SLOW_REQUEST, "The head of the request did not arrive in time.");
        break;
    case CONN_BODY: judge_pace(c); break;
    case CONN_BUSY: judge_reader(c); break;
    case CONN_IDLE:
        if (!still_reading(c)) end_idle(c);
        break;
    case CONN_FLUSH:
        if (is_stuck(c) || flush_look_ms(c) <= 0)
            end(c, END_RESET);
        else
            start_timer(c, flush_look_ms(c));
        break;
    case CONN_SKIP:
        if (!still_reading(c)) end(c, is_stuck(c) ? END_RESET : END_POLITE);
        break;
    case CONN_CLOSED: break;
    }
    leave(c);
}

/* ---- beginning ---- */

void conn_begin(conn *c) {
    c->fresh = true;
    enter(c, CONN_IDLE);
}
