/* A connection at work: bytes to the codec, answers to the call, ends to whom they concern. */
#include "http/client_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* ---- life ---- */

static const http_codec_ops codec_ops;

http_conn *client_conn_new(http_origin *o, http_call *call) {
    http_conn *conn = mem_zalloc(sizeof *conn);
    conn->origin = o;
    conn->call = call;
    call->conn = conn;
    conn->codec = http_codec_new(HTTP_CODEC_RESPONSE, &o->head, &codec_ops, conn);
    list_init(&conn->link);
    list_push_back(&o->busy, &conn->link);
    resolve_wait_init(&conn->wait, NULL);
    o->open++;
    o->client->stats.open++;
    return conn;
}

static void forget_tunnel(http_conn *conn) {
    if (conn->tunnel.ptr) mem_wipe(conn->tunnel.ptr, conn->tunnel.cap);
    buf_done(&conn->tunnel);
}

static void conn_free(http_conn *conn) {
    http_codec_free(conn->codec);
    coded_body_free(conn->coded);
    free(conn);
}

void client_conn_close(http_conn *conn) {
    if (conn->state == CONN_CLOSED) return;
    http_origin *o = conn->origin;
    if (conn->state == CONN_IDLE) o->client->stats.idle--;
    conn->state = CONN_CLOSED;
    list_remove(&conn->link);
    coded_body_stop(conn->coded);
    resolve_wait_cancel(&conn->wait);
    if (conn->t) transport_close(conn->t);
    forget_tunnel(conn);
    o->open--;
    o->client->stats.open--;
    if (!conn->feeding) conn_free(conn);
    pool_lost(o);
}

static http_call *part(http_conn *conn) {
    http_call *call = conn->call;
    conn->call = NULL;
    call->conn = NULL;
    queue_stop(call);
    return call;
}

/* Descriptors are for who is being asked. Only a connection that was never open can begin anew. */
static bool begins_anew(http_conn *conn, http_fault fault) {
    http_call *call = conn->call;
    if (fault.shortage != SHORTAGE_DESCRIPTORS || call->phase != CALL_WAITING || call->yielded)
        return false;
    if (!pool_make_way(conn->origin->client)) return false;
    call->yielded = true;
    (void)part(conn);
    queue_wait_first(call);
    client_conn_close(conn);
    return true;
}

/* The text may live in the transport, which goes with the connection. */
void client_conn_fail(http_conn *conn, http_fault fault, const char *text) {
    if (begins_anew(conn, fault)) return;
    http_call *call = part(conn);
    buf kept = BUF_EMPTY;
    buf_add_cstr(&kept, text);
    client_conn_close(conn);
    call_fail(call, fault, buf_cstr(&kept));
    buf_done(&kept);
}

/* ---- answers ---- */

static bool on_head(void *user, const http_head *head) {
    http_conn *conn = user;
    conn->interim = head->status < 200;
    if (conn->interim) return true;
    if (conn->state == CONN_TUNNELLING) {
        conn->tunnel_status = head->status;
        return true;
    }
    conn->keep = head->keep_alive && !head->until_close;
    if (head->coded && head->has_body) {
        http_coding coding = http_coding_of(head->headers);
        if (coding != HTTP_CODING_NONE && coding != HTTP_CODING_UNKNOWN)
            conn->coded = coded_body_new(conn, coding);
    }
    return call_on_head(conn->call, head);
}

static bool on_body(void *user, span piece) {
    http_conn *conn = user;
    if (!conn->coded) return call_on_body(conn->call, piece);
    call_heard(conn->call);
    bool on = coded_body_take(conn->coded, &piece);
    conn->uncoded = on ? 0 : piece.len;
    return on;
}

static bool on_end(void *user) {
    http_conn *conn = user;
    if (conn->interim) return true;
    conn->ended = true;
    return false;
}

static const http_codec_ops codec_ops = {on_head, on_body, on_end};

/* The body cannot be undone any further. */
static void fail_spoilt(http_conn *conn) {
    if (coded_body_spoilt(conn->coded) == HTTP_CODED_DENSE)
        client_conn_fail(conn, fault_of(HTTP_FAIL_DENSE),
                         "it is packed more densely than is allowed");
    else
        client_conn_fail(conn, fault_of(HTTP_FAIL_MALFORMED),
                         "it is not what its Content-Encoding says");
}

/* What framing calls the end may still be a cut. */
static bool is_whole(http_conn *conn) {
    bool whole = !conn->coded || coded_body_is_whole(conn->coded);
    coded_body_stop(conn->coded);
    coded_body_free(conn->coded);
    conn->coded = NULL;
    return whole;
}

/* The answer is complete. The connection is of further use if the peer allows it, the request went
 * out whole, and nothing came after the answer. */
static void finish_answer(http_conn *conn, bool clean) {
    if (!is_whole(conn)) {
        client_conn_fail(conn, fault_of(HTTP_FAIL_CUT),
                         "what its Content-Encoding packs is not complete");
        return;
    }
    http_call *call = part(conn);
    http_origin *o = conn->origin;
    bool keep = clean && conn->keep && call->sent && o->refs;
    if (call->paused) transport_resume(conn->t);
    if (keep)
        pool_return(o, conn);
    else
        client_conn_close(conn);
    call_end(call);
}

static void fail_unreadable(http_conn *conn) {
    const char *why = "it is not HTTP";
    bool large = http_codec_error(conn->codec, &why) == ERR_HEAD_TOO_LARGE;
    http_fail_kind kind = large ? HTTP_FAIL_LARGE_HEAD : HTTP_FAIL_MALFORMED;
    client_conn_fail(conn, client_conn_blame(conn, kind), why);
}

/* What the bytes that came have led to. false: to nothing so far. */
static bool look_at(http_conn *conn, http_feed_result result, bool clean) {
    bool tunnel = conn->state == CONN_TUNNELLING;
    if (conn->coded && coded_body_spoilt(conn->coded)) {
        fail_spoilt(conn);
    } else if (result == HTTP_FEED_BAD) {
        fail_unreadable(conn);
    } else if (conn->ended && tunnel) {
        conn->ended = false;
        if (transport_pending(conn->t)) clean = false;
        forget_tunnel(conn);
        conn_tunnel_answered(conn, clean);
    } else if (conn->ended) {
        finish_answer(conn, clean);
    } else {
        return false;
    }
    return true;
}

static void lost_while_busy(http_conn *conn, transport_fail why, const char *text);

/* The connection has ended behind what has been told now. */
static void lose(http_conn *conn, transport_fail why, span text) {
    buf kept = BUF_EMPTY;
    buf_add(&kept, text);
    lost_while_busy(conn, why, buf_cstr(&kept));
    buf_done(&kept);
}

/* coded: so many of the bytes are for the decoder, not for the codec. */
static void feed(http_conn *conn, span bytes, size_t coded) {
    size_t consumed = 0;
    http_feed_result result = HTTP_FEED_OK;
    span first = span_slice(bytes, 0, coded), rest = span_slice(bytes, coded, bytes.len);
    conn->feeding = true;
    conn->uncoded = 0;
    if (!coded_body_waits(conn->coded) || coded_body_take(conn->coded, &first))
        result = http_codec_feed(conn->codec, rest, &consumed);
    else
        conn->uncoded = first.len;
    conn->feeding = false;
    if (conn->state == CONN_CLOSED) { /* cancelled from a callback */
        conn_free(conn);
        return;
    }
    size_t left = rest.len - consumed + conn->uncoded;
    span waits = span_slice(bytes, bytes.len - left, bytes.len);
    if (coded_body_keep(conn->coded, waits, conn->uncoded)) return;
    coded_body_told(conn->coded);
    transport_fail why;
    span text;
    bool lost = coded_body_is_lost(conn->coded, &why, &text);
    if (!look_at(conn, result, !lost && !left) && lost) lose(conn, why, text);
}

/* An answer that comes in many small pieces is a stream. One that has ended soon is not worth a
 * system call. */
static void look_for_stream(http_conn *conn, size_t bytes) {
    enum { SMALL_BYTES = 4096, MANY = 8 };
    http_call *call = conn->call;
    if (call->phase != CALL_BODY || bytes > SMALL_BYTES || call->small_pieces == MANY) return;
    if (++call->small_pieces == MANY) transport_acknowledge_less(conn->t);
}

static void on_data(void *user, span bytes) {
    http_conn *conn = user;
    if (conn->state == CONN_IDLE) {
        client_conn_close(conn); /* an answer that nobody asked for */
        return;
    }
    assert(conn->state == CONN_BUSY || conn->state == CONN_TUNNELLING);
    if (conn->state == CONN_BUSY) {
        conn->call->heard = true;
        look_for_stream(conn, bytes.len);
    }
    if (coded_body_waits(conn->coded))
        coded_body_add(conn->coded, bytes);
    else
        feed(conn, bytes, 0);
}

/* ---- the transport's other news ---- */

static void on_open(void *user) {
    client_conn_opened(user);
}

static void on_sent(void *user) {
    http_conn *conn = user;
    if (conn->state == CONN_BUSY && !conn->call->sent) call_on_sent(conn->call);
}

/* A server that closes an idle connection may do so just as a request is on its way (RFC 9112
 * section 9.3.1), and is heard of a round trip later. One that has had the whole of a request for
 * longer than that may have worked on it, and is paid: to send it again is for whoever asked to
 * decide (RFC 9110 section 9.2.2). A second is more than any round trip, and less than most answers
 * take. */
enum { RACE_US = 1000 * 1000 };

static bool lost_the_race(const http_conn *conn) {
    const http_call *call = conn->call;
    if (!conn->reused || call->heard) return false;
    return !call->sent || conn->origin->client->loop->now_us - call->facts.sent_us <= RACE_US;
}

/* Once more, on a fresh connection, and before all others who wait. */
static void replay(http_conn *conn) {
    http_call *call = part(conn);
    http_origin *o = conn->origin;
    o->client->stats.dead_on_reuse++;
    call->replayed = true;
    call_rewind(call);
    queue_wait_first(call);
    client_conn_close(conn);
}

static void lost_while_busy(http_conn *conn, transport_fail why, const char *text) {
    http_call *call = conn->call;
    if (why == TRANSPORT_SHORT) {
        client_conn_fail(conn, fault_short(transport_shortage(conn->t)), text);
        return;
    }
    if (why == TRANSPORT_EOF) {
        conn->feeding = true;
        bool legal = http_codec_eof(conn->codec);
        conn->feeding = false;
        if (conn->state == CONN_CLOSED) {
            conn_free(conn);
            return;
        }
        if (legal && conn->ended) {
            finish_answer(conn, false);
            return;
        }
    }
    if (lost_the_race(conn))
        replay(conn);
    else
        client_conn_fail(conn, fault_of(call->phase == CALL_BODY ? HTTP_FAIL_CUT : HTTP_FAIL_RESET),
                         text);
}

void client_conn_go_on(http_conn *conn) {
    size_t coded;
    if (conn->call->paused) return; /* resuming comes back here */
    span waits = coded_body_waiting(conn->coded, &coded);
    feed(conn, waits, coded);
}

static void fail_unready(http_conn *conn, transport_fail why, const char *text) {
    http_fail_kind kind = why == TRANSPORT_TLS ? HTTP_FAIL_TLS : HTTP_FAIL_CONNECT;
    client_conn_fail(conn,
                     why == TRANSPORT_SHORT ? fault_short(transport_shortage(conn->t))
                                            : client_conn_blame(conn, kind),
                     text);
}

static void on_fail(void *user, transport_fail why, const char *text) {
    http_conn *conn = user;
    if (conn->state == CONN_IDLE)
        client_conn_close(conn);
    else if (coded_body_waits(conn->coded))
        coded_body_lose(conn->coded, why, text);
    else if (conn->state == CONN_BUSY)
        lost_while_busy(conn, why, text);
    else
        fail_unready(conn, why, text);
}

/* What a provider that has left sent before is read to its end, at whose pace ever. */
const transport_ops conn_ops = {
    .on_open = on_open, .on_data = on_data, .on_sent = on_sent, .on_fail = on_fail};
