/* http/tls_stream.h: the TLS layer of one connection: bytes in, bytes out, no socket.
 *
 * Used by the transport alone. OpenSSL reads from the span it is fed and appends its records to the
 * buffer that each operation is given for its own time, so nothing is copied through memory BIOs
 * and an idle connection holds no buffer.
 *
 * Records that bear no data cost the peer nothing: a key update is 22 bytes, and has keys derived
 * and an answer sent. A peer may send BARREN_MAX of them (tls_stream.c) one after the other, and
 * then as many as the data between them has earned.
 */
#ifndef WEIR_HTTP_TLS_STREAM_H
#define WEIR_HTTP_TLS_STREAM_H

#include "base/buf.h"
#include "http/tls.h"

typedef struct tls_stream tls_stream;

enum { TLS_RECORD_BYTES = 16384 };

typedef enum tls_result {
    TLS_OK,
    TLS_MORE,   /* wants more input */
    TLS_END,    /* the peer's close_notify */
    TLS_FAILED, /* tls_stream_why() */
} tls_result;

bool tls_context_is_server(const tls_context *context);

/* Counts the context. Client: verifies name, and resumes a session of name and port if there is
 * one. */
MUST_USE tls_stream *tls_stream_new(tls_context *context, span name, uint16_t port);
void tls_stream_free(tls_stream *s);

/* Records that have come; used up by the calls of handshake and read that follow. */
void tls_stream_feed(tls_stream *s, span cipher);
/* Each of these appends to *out the records that are to be sent, whatever it returns: a failure has
 * an alert, and any of them may answer a key update. */
MUST_USE tls_result tls_stream_handshake(tls_stream *s, buf *out);
/* The plain text of one record at most. */
MUST_USE tls_result tls_stream_read(tls_stream *s, char *plain, size_t cap, size_t *ret_len,
                                    buf *out);
/* Whether another call of it may have something to say: bytes that it has not read, or not told.
 * Where it has not, it has given back the memory that it read them into. */
bool tls_stream_has_input(tls_stream *s);
/* Takes all of it. */
MUST_USE tls_result tls_stream_write(tls_stream *s, span plain, buf *out);
/* Appends close_notify, once. */
void tls_stream_shutdown(tls_stream *s, buf *out);

/* How many records have come. */
uint64_t tls_stream_records(const tls_stream *s);

const char *tls_stream_why(const tls_stream *s);  /* for people; lives as long as s */
const char *tls_stream_name(const tls_stream *s); /* "the client" on the server's side */
bool tls_stream_resumed(const tls_stream *s);

#endif
