/* http/transport_internal.h: what the files of the transport share; nobody else includes it. */
#ifndef WEIR_HTTP_TRANSPORT_INTERNAL_H
#define WEIR_HTTP_TRANSPORT_INTERNAL_H

#include "http/transport.h"
#include "loop/hangup.h"

typedef struct tls_stream tls_stream;
typedef struct connector connector;

/* One libuv stream. A transport has several while it tries addresses, one afterwards. */
typedef struct socket_handle {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    transport *t;
} socket_handle;

/* Whose request it was. libuv answers each that it has taken, cancelled ones too, before it tells
 * that the handle is closed. */
static inline socket_handle *socket_of(uv_stream_t *stream) {
    return CONTAINER_OF(stream, socket_handle, uv.stream);
}

/* The remainder of a write that the kernel did not take at once. */
typedef struct remainder {
    uv_write_t req;
    transport *t;
    buf bytes;           /* owns what was gathered; lent pieces stay with their owner */
    byte_keeper *keeper; /* of what is kept; NULL: that is none */
} remainder;

/* A kept text that waits, and what was gathered behind it. */
typedef struct kept_output {
    list link;
    span bytes; /* those that the kernel does not have */
    byte_keeper *keeper;
    buf after;
} kept_output;

struct transport {
    loop *loop;
    socket_handle *socket;    /* NULL until connected */
    connector *connector;     /* NULL unless connecting */
    tls_stream *tls;          /* NULL: plain */
    transport_tls tls_wanted; /* to begin when connected; owns its name */
    const transport_ops *ops;
    void *user;
    list link;        /* in loop->dirty: has output to write or something to tell */
    unsigned handles; /* libuv handles not yet closed */

    /* Output, in the order in which it leaves: in_flight, out, lent or kept. */
    remainder *in_flight;
    buf out;
    size_t out_taken; /* bytes of out that the kernel has */
    buf tls_backlog;  /* records made by reading while something was in flight; go out first */
    memory_hold hold; /* of these, where they are large */
    const span *lent;
    size_t lent_count;
    size_t lent_taken; /* bytes of lent[0] that the kernel has */
    list kept;         /* kept_output; out stands before the first of them */

    int broken;   /* the error of a write that failed: output is dropped, reading tells the rest */
    bool open;    /* bytes may flow */
    bool paused;  /* the owner wants no input */
    bool patient; /* transport_set_patient() */
    bool first;   /* transport_set_first() */
    bool eof;     /* the peer has closed its side */
    bool finishing; /* no owner any more; closes by itself */
    bool shut;      /* finishing: our end of the stream has been sent */
    bool closed;
    bool fail_due; /* on_fail is to be called at the end of the turn */
    bool sent_due; /* on_sent is to be called when output has fallen to zero */
    transport_fail fail;
    shortage shortage;
    buf fail_text;
    timer linger;
    hangup hangup; /* while paused */
    char *peer;
};

MUST_USE transport *transport_new(loop *l, const transport_ops *ops, void *user);
MUST_USE socket_handle *socket_new(transport *t, bool is_pipe);
void socket_close(socket_handle *s);

/* The socket is connected: bytes may flow, or the TLS handshake begins. */
void transport_connected(transport *t, socket_handle *s);
/* Bytes may flow, in both directions. */
void transport_set_open(transport *t);
void transport_mark_dirty(transport *t);
/* on_fail at the end of the turn. The text is copied; only the first failure counts. */
void transport_fail_later(transport *t, transport_fail why, const char *text);
/* The input has ended in one way or another: tells the owner, the last thing the caller does. */
void transport_ended(transport *t, transport_fail why, const char *text);
void transport_start_reading(transport *t);
/* What a libuv error means where it would be `else_why` of the peer's; keeps a shortage. */
MUST_USE transport_fail transport_why(transport *t, int err, transport_fail else_why);
/* A write failed with a libuv error. */
void transport_broke(transport *t, int err);
/* A step of transport_finish(): all output is with the kernel. */
void transport_finish_step(transport *t);

/* ---- output (transport_output.c) ---- */

void output_flush(transport *t);
/* Forgets what was not yet given to the kernel. */
void output_drop(transport *t);
/* What goes out at once: the rest waits for another turn, in flight. */
enum { OUTPUT_AT_ONCE_BYTES = 256 * 1024 };

/* Hands pieces to the kernel now, in their order; what it does not take is copied and follows by
 * uv_write. Nothing may be in flight. */
void output_send_copy(transport *t, const span *pieces, size_t count);
/* All of them by uv_write: then the loop has had another turn. */
void output_send_later(transport *t, const span *pieces, size_t count);
/* What waits, as at most max pieces; returns how many. */
size_t output_pieces(const transport *t, span *pieces, size_t max);
void output_consume(transport *t, size_t n);

/* ---- whose memory that is (transport_holder.c) ---- */

uint64_t holder_of_address(const struct sockaddr_storage *addr);
/* What waits has become more or less. */
void output_count(transport *t);

/* ---- TLS (transport_tls.c) ---- */

/* On a connected socket; never calls back. */
void tls_begin(transport *t, const transport_tls *tls);
void tls_flush(transport *t);
void tls_input(transport *t, span cipher);
/* The socket ended, by an error or without close_notify. */
void tls_cut(transport *t, int err);
/* close_notify, as far as the kernel takes it. */
void tls_say_goodbye(transport *t);
/* How many records have come; 0 without TLS. */
uint64_t tls_records(const transport *t);

/* ---- a peer that has vanished (transport_peer.c) ---- */

/* From the moment that the socket is connected. */
void peer_watch(const socket_handle *s);

/* ---- connecting (transport_connect.c) ---- */

/* Appends "127.0.0.1:80" or "[::1]:80". */
void sockaddr_text(const struct sockaddr_storage *addr, buf *out);

/* Closes every attempt and frees. */
void connector_free(connector *c);

#endif
