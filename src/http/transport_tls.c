/* TLS on a transport: records in, plain text out to the owner, and back. */
#include "http/transport_internal.h"

#include "base/mem.h"
#include "http/tls_stream.h"

#include <assert.h>
#include <string.h>

enum {
    RECORDS_PER_WRITE = 4,
    PIECES_PER_RECORD = 16,
    /* Answers to key updates that wait for a peer that reads nothing: far more than the records
     * that a handshake leaves behind. */
    BACKLOG_BYTES = 16 * 1024,
};

static char *scratch(char **buffer) {
    if (!*buffer) *buffer = mem_alloc(TLS_RECORD_BYTES);
    return *buffer;
}

/* ---- records ---- */

/* OpenSSL appends a connection's records to a buffer of the loop's, for as long as it is at work:
 * between these two, which stand around each operation, and between which nobody is called. What
 * stayed there would go out on the next connection that sends. */
static buf *records_begin(transport *t) {
    assert(!t->loop->tls_cipher.len);
    return &t->loop->tls_cipher;
}

typedef void send_records(transport *t, const span *pieces, size_t count);

static void send_backlog(transport *t) {
    span records = buf_span(&t->tls_backlog);
    output_send_copy(t, &records, 1);
    buf_done(&t->tls_backlog);
    output_count(t);
}

static void add_backlog(transport *t, span records) {
    buf_add(&t->tls_backlog, records);
    output_count(t);
    if (t->tls_backlog.len > BACKLOG_BYTES)
        transport_fail_later(t, TRANSPORT_TLS, "the peer does not read what it asks TLS for");
}

/* They are numbered: each leaves behind those that were made before it. */
static void send_in_order(transport *t, span records, send_records *send) {
    if (!t->in_flight && !t->broken && t->tls_backlog.len) send_backlog(t);
    if (t->broken) return;
    if (t->in_flight)
        add_backlog(t, records);
    else
        send(t, &records, 1);
}

static void records_end(transport *t, send_records *send) {
    buf records = t->loop->tls_cipher;
    t->loop->tls_cipher = BUF_EMPTY;
    if (records.len) send_in_order(t, buf_span(&records), send);
    buf_clear(&records);
    t->loop->tls_cipher = records; /* its memory, for the next */
}

/* ---- output ---- */

static bool encrypt(transport *t, span plain, buf *records) {
    if (tls_stream_write(t->tls, plain, records) == TLS_OK) return true;
    transport_fail_later(t, TRANSPORT_TLS, tls_stream_why(t->tls));
    output_drop(t);
    return false;
}

/* One record from what waits: straight from a large piece, or from small ones put together. */
static bool encrypt_record(transport *t, buf *records) {
    span pieces[PIECES_PER_RECORD];
    size_t count = output_pieces(t, pieces, ARRAY_LEN(pieces));
    if (!count) return false;
    if (count == 1 || pieces[0].len >= TLS_RECORD_BYTES) {
        span plain = span_slice(pieces[0], 0, TLS_RECORD_BYTES);
        if (!encrypt(t, plain, records)) return false;
        output_consume(t, plain.len);
        return true;
    }
    char *plain = scratch(&t->loop->tls_gather);
    size_t len = 0;
    for (size_t i = 0; i < count && len < TLS_RECORD_BYTES; i++) {
        span part = span_slice(pieces[i], 0, TLS_RECORD_BYTES - len);
        memcpy(plain + len, part.ptr, part.len);
        len += part.len;
    }
    bool ok = encrypt(t, span_from(plain, len), records);
    mem_wipe(plain, len); /* requests bear keys */
    if (ok) output_consume(t, len);
    return ok;
}

/* As many records as one write has. Returns how many these are. */
static int encrypt_some(transport *t, send_records *send) {
    int count = 0;
    buf *records = records_begin(t);
    while (count < RECORDS_PER_WRITE && encrypt_record(t, records))
        count++;
    records_end(t, send);
    return count;
}

void tls_flush(transport *t) {
    enum { AT_ONCE = OUTPUT_AT_ONCE_BYTES / (RECORDS_PER_WRITE * TLS_RECORD_BYTES) };
    if (t->tls_backlog.len && !t->in_flight && !t->broken) send_backlog(t);
    for (int writes = 1; !t->in_flight && !t->broken; writes++)
        if (!encrypt_some(t, writes < AT_ONCE ? output_send_copy : output_send_later)) return;
}

void tls_say_goodbye(transport *t) {
    if (!t->open || t->broken) return;
    tls_stream_shutdown(t->tls, records_begin(t));
    records_end(t, output_send_copy);
}

/* ---- input ---- */

static tls_result read_record(transport *t, char *plain, size_t *ret_len) {
    buf *records = records_begin(t);
    tls_result result = tls_stream_read(t->tls, plain, TLS_RECORD_BYTES, ret_len, records);
    records_end(t, output_send_copy);
    return result;
}

/* To be told that there is no more costs OpenSSL a buffer of a record, so it is not asked. */
static void read_plain(transport *t) {
    char *plain = scratch(&t->loop->tls_plain);
    size_t len = 0;
    while (!t->closed && tls_stream_has_input(t->tls)) {
        switch (read_record(t, plain, &len)) {
        case TLS_OK: t->ops->on_data(t->user, span_from(plain, len)); break;
        case TLS_MORE: return;
        case TLS_END: transport_ended(t, TRANSPORT_EOF, "the peer closed the connection"); return;
        case TLS_FAILED: transport_ended(t, TRANSPORT_TLS, tls_stream_why(t->tls)); return;
        }
    }
}

static tls_result handshake(transport *t) {
    tls_result result = tls_stream_handshake(t->tls, records_begin(t));
    records_end(t, output_send_copy);
    return result;
}

/* false: not done yet, or t has ended. */
static bool shake_hands(transport *t) {
    tls_result result = handshake(t);
    if (result == TLS_MORE) return false;
    if (result != TLS_OK) {
        transport_ended(t, TRANSPORT_TLS, tls_stream_why(t->tls));
        return false;
    }
    transport_set_open(t);
    if (t->ops->on_open) t->ops->on_open(t->user);
    return !t->closed;
}

void tls_input(transport *t, span cipher) {
    tls_stream_feed(t->tls, cipher);
    if (t->open || shake_hands(t)) read_plain(t);
}

/* A stream that ends without close_notify may have been cut by anybody on the way. */
void tls_cut(transport *t, int err) {
    buf why = BUF_EMPTY;
    const char *how = err == UV_EOF ? "closed by the peer" : uv_strerror(err);
    if (t->open)
        buf_addf(&why, "the TLS stream was cut without its close_notify: %s", how);
    else
        buf_addf(&why, "the connection was lost in the TLS handshake with %s: %s",
                 tls_stream_name(t->tls), how);
    transport_fail lost = t->open ? TRANSPORT_RESET : TRANSPORT_CONNECT;
    transport_ended(t, transport_why(t, err, lost), buf_cstr(&why));
    buf_done(&why);
}

void tls_begin(transport *t, const transport_tls *tls) {
    t->open = false;
    t->tls = tls_stream_new(tls->context, tls->name, tls->port);
    if (tls_context_is_server(tls->context)) return;
    if (handshake(t) == TLS_FAILED) transport_fail_later(t, TRANSPORT_TLS, tls_stream_why(t->tls));
}

uint64_t tls_records(const transport *t) {
    return t->tls ? tls_stream_records(t->tls) : 0;
}

void transport_start_tls(transport *t, const transport_tls *tls) {
    if (t->closed) return;
    tls_begin(t, tls);
    transport_start_reading(t);
}
