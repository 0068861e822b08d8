/* http/server.h: listeners and the server side of HTTP/1.1: keep-alive, pipelining in order,
 * 100-continue, time-outs, bounds, orderly shutdown.
 *
 * One http_server per loop; each worker binds its own socket (SO_REUSEPORT). Belongs to its loop.
 *
 * The life of one request: on_head (route it, set the body's limit, or answer at once) → the body
 * is gathered whole → on_request → the handler answers, now or later, with http_answer_*() →
 * on_done, exactly once, after which the http_request must not be touched. If the client leaves
 * first, on_gone comes instead of nothing: the handler cancels its work, and on_done follows.
 *
 * on_done never comes from inside http_answer_*(), but at the end of the loop's turn. It comes when
 * the answer has been handed over; the server sees to a slow reader of its tail by itself. A
 * request that is refused after on_head (a body too large, too slow or malformed) gets on_done
 * alone.
 *
 * A client that closes its sending side counts as one that left, even if it would still read: there
 * is no telling the two apart, and a model call is worth cancelling (nginx does the same).
 */
#ifndef WEIR_HTTP_SERVER_H
#define WEIR_HTTP_SERVER_H

#include "base/keeper.h"
#include "http/codec.h"
#include "http/decode.h"
#include "loop/loop.h"
#include "http/tls.h"

typedef struct http_server http_server;
typedef struct http_request http_request;

typedef struct http_server_limits {
    http_codec_limits head;
    size_t body_bytes;    /* default for a request's body */
    size_t pending_bytes; /* output that may wait for a slow reader before http_answer_full() */
    unsigned connections; /* of this server; more are refused with 503 */
    /* Of these: from one other machine, and of one client that http_request_set_holder() has named;
     * more are refused with 429. 0: all */
    unsigned address_connections, client_connections;
    /* Who gets a descriptor of that number is the last: others wait until some below it are free,
     * which are kept for other things. 0: no such number */
    unsigned descriptors;
    int64_t header_timeout_ms;
    int64_t body_timeout_ms; /* without a byte of progress */
    size_t body_rate;        /* bytes a second of a body, over each body_timeout_ms; 0: any */
    /* Of a whole body, and of a reader of what is left of an answer that is complete; 0: any. */
    int64_t body_total_ms;
    /* Keep-alive; and so long a reader may take nothing of what waits for it. */
    int64_t idle_timeout_ms;
} http_server_limits;

/* An error that is answered. Lives for the call that tells it. */
typedef struct http_refusal {
    error_id id;
    span why;
    span request_id; /* that the answer bears */
    span peer;
    const http_head *head; /* NULL: none has come */
    void *user;            /* the request's; NULL: it has none */
    bool beyond;           /* the body is larger than http_request_limit_body() has said */
} http_refusal;

typedef enum http_handshake_end {
    HANDSHAKE_FAILED, /* one of the two did not take what the other said */
    HANDSHAKE_LOST,   /* the client left */
    HANDSHAKE_SLOW,   /* it did not come to an end in time */
} http_handshake_end;

typedef struct http_server_ops {
    /* The head is complete. May set http_request_limit_body(), or answer already (then the body is
     * read and dropped, or the connection closed). */
    void (*on_head)(void *user, http_request *r);
    /* The whole body is there. Not called if on_head answered. */
    void (*on_request)(void *user, http_request *r);
    /* The client left, or the connection broke, before the answer was complete; or it was left:
     * http_request_is_slow(). */
    void (*on_gone)(void *user, http_request *r);
    /* There is room again after http_answer_full() was true: all output has been taken. */
    void (*on_room)(void *user, http_request *r);
    /* The last call for r, always. */
    void (*on_done)(void *user, http_request *r);
    /* A request that never became one (bad framing, too large, too slow): the server asks for the
     * error's body and answers with it, then closes. Appends JSON. */
    void (*on_refused)(void *user, const http_refusal *what, buf *ret_body);
    /* A connection ended before its TLS handshake had; text for people. NULL where nobody needs to
     * know. */
    void (*on_no_handshake)(void *user, span peer, http_handshake_end how, const char *text);
} http_server_ops;

/* Shared by all workers: the bound addresses and the TLS context. */
typedef struct http_bind {
    span host;
    uint16_t port; /* filled in after binding port 0 */
    span unix_path;
    tls_context *tls; /* NULL: plain; counted */
    bool
        exclusive; /* no other socket may share the TCP port: who comes second gets UV_EADDRINUSE */
    /* private to server_listen.c, zero at first: the socket that workers share */
    bool unix_bound;
    int unix_fd;
} http_bind;

MUST_USE http_server *http_server_new(loop *l, const http_server_limits *limits,
                                      const http_server_ops *ops, void *user);
/* Binds and listens. 0, or a negative libuv error. Several workers may bind one address. For a Unix
 * path: the first worker binds, a stale socket file is removed, others share the descriptor. */
MUST_USE int http_server_listen(http_server *s, http_bind *bind);
/* Stops listening there (bind is the one that was given to http_server_listen). What waits in the
 * socket's queue is accepted first; its connections live on. */
void http_server_unlisten(http_server *s, const http_bind *bind);
/* New limits for requests that begin from now on. */
void http_server_set_limits(http_server *s, const http_server_limits *limits);
/* Swaps the certificate for connections that are accepted from now on. */
void http_server_set_tls(http_server *s, const http_bind *bind, tls_context *tls);
/* Closes the listeners, once what waits in their queues is accepted, so that new clients go
 * elsewhere at once. Requests that run or still come are answered with Connection: close; a
 * connection is closed when none came for half a second. on_idle (once, from the end of a turn)
 * when the last connection is gone. */
void http_server_drain(http_server *s, void (*on_idle)(void *user));
/* Closes everything now. */
void http_server_close(http_server *s);
/* After close, when the loop has turned: frees. */
void http_server_free(http_server *s);
unsigned http_server_connections(const http_server *s);

/* ---- a request ---- */
const http_head *http_request_head(const http_request *r);
/* Without the content coding that its head names, where http/decode.h undoes it. */
span http_request_body(const http_request *r);
/* The body's memory, and what is held of the loop's for it, now the caller's; its bytes stay where
 * they are. */
buf http_request_take_body(http_request *r, memory_hold *ret_hold);
/* HTTP_CODING_UNKNOWN: the body is left as it is, and the handler is to refuse it at the head. */
http_coding http_request_coding(const http_request *r);
span http_request_peer(const http_request *r);
bool http_request_is_unix(const http_request *r); /* it came over a Unix socket */
/* Of what is kept, and of what comes before its content coding is undone. */
void http_request_limit_body(http_request *r, size_t bytes);
/* Who holds the memory that body and answer take, as in base/memory.h, and the connection; at first
 * whoever the connection knows of: its last request's, or the peer's machine. Said at the head,
 * without an answer there; one who has his share of connections is then refused. */
void http_request_set_holder(http_request *r, uint64_t holder);
/* Both, found only after the head, while the body comes or once it is there, without an answer yet;
 * holder 0: nobody else than the connection knows of. What is held already becomes that holder's.
 * false: it was refused, as it would have been at the head; on_done was the last of it. Not from
 * inside on_head or on_request. */
MUST_USE bool http_request_identified(http_request *r, uint64_t holder, size_t body_bytes);
uint64_t http_request_holder(const http_request *r);
/* Frees the body's memory early (it has been sent on and cannot be needed again). */
void http_request_drop_body(http_request *r);
/* The same for its head, once the whole request is there and the answer has begun: from then on
 * http_request_head() is empty. */
void http_request_drop_head(http_request *r);
/* Or gives that memory away, once the whole request is there: what http_request_head() has said
 * stays where it is. */
http_head_memory http_request_take_head(http_request *r);
/* From on_gone on: whether the client was left because it took nothing of its answer. */
bool http_request_is_slow(const http_request *r);
void http_request_set_user(http_request *r, void *user);
void *http_request_user(const http_request *r);

/* ---- its answer ---- */

/* Everything at once: Content-Length is set; HEAD gets the head alone. Header names and values must
 * be safe (http_header_is_safe); Connection, Date and Content-Length are the server's. */
void http_answer(http_request *r, int status, http_headers headers, span body);
/* The same of a body that is large: from where it lies. */
void http_answer_kept(http_request *r, int status, http_headers headers, const kept_text *body);
/* A streamed answer: head now (chunked, or until close for HTTP/1.0), pieces, end. */
void http_answer_head(http_request *r, int status, http_headers headers);
void http_answer_piece(http_request *r, span piece);
void http_answer_piece_kept(http_request *r, const kept_text *piece);
void http_answer_end(http_request *r);
/* Cuts the answer visibly: closes without the final chunk, or with a reset where the answer has no
 * chunks or has not begun. */
void http_answer_abort(http_request *r);
/* The same for an answer whose last piece tells that it failed, and must arrive: closes without the
 * final chunk; where the answer has no chunks, as at any end, since a reset may take that piece
 * with it. */
void http_answer_break(http_request *r);
/* More than limits.pending_bytes wait: hold the source back until on_room. */
bool http_answer_full(const http_request *r);
bool http_answer_started(const http_request *r);

#endif
