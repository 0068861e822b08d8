/* http/transport.h: one byte stream, TCP or Unix socket, plain or TLS, either side.
 *
 * Listener, provider calls and the proxy's CONNECT all use this one type. Belongs to its loop.
 * Output is gathered and written once at the end of the loop's turn; transport_pending() is what
 * the kernel has not taken, and on_drain() says when it has fallen to zero.
 *
 * transport_close() is idempotent, may be called from any callback, and is the only way out: after
 * it the owner hears nothing, and the object frees itself when its handles have closed.
 */
#ifndef WEIR_HTTP_TRANSPORT_H
#define WEIR_HTTP_TRANSPORT_H

#include "base/buf.h"
#include "http/loop.h"

typedef struct transport transport;
typedef struct tls_context tls_context; /* http/tls.h */

typedef enum transport_fail {
    TRANSPORT_CONNECT, /* refused, unreachable, name not found: err is libuv's */
    TRANSPORT_TLS,     /* handshake or verification; text says which */
    TRANSPORT_RESET,   /* reset or broken pipe */
    TRANSPORT_EOF,     /* the peer closed its side */
} transport_fail;

typedef struct transport_ops {
    void (*on_open)(void *user);             /* connected and, with TLS, verified */
    void (*on_data)(void *user, span bytes); /* borrowed for the call */
    void (*on_drain)(void *user);
    /* The connection is of no more use, text for people (constant or in the transport). The owner
     * still calls transport_close(). On EOF output may still be written before that. */
    void (*on_fail)(void *user, transport_fail why, const char *text);
} transport_ops;

/* Sends bytes (copied). Small writes of one turn leave in one system call. */
void transport_write(transport *t, span bytes);
/* Reserves room in the output buffer to format into; transport_wrote() says how much was used. */
buf *transport_out(transport *t);
void transport_wrote(transport *t);
/* Bytes not yet taken by the kernel. */
size_t transport_pending(const transport *t);
/* Writes what is gathered now instead of at the end of the turn. */
void transport_flush(transport *t);
/* Back-pressure: stops and resumes reading. */
void transport_pause(transport *t);
void transport_resume(transport *t);
/* Closes after what is gathered has been taken by the kernel, or after linger_ms. */
void transport_finish(transport *t, int64_t linger_ms);
void transport_close(transport *t);
/* Hands the stream to another owner (a pooled connection, an upgraded one). */
void transport_set_owner(transport *t, const transport_ops *ops, void *user);

/* "127.0.0.1:53412", "[::1]:…" or "unix"; lives as long as the transport. */
span transport_peer(const transport *t);

#endif
