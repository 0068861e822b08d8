/* http/client_internal.h: what the files of the client share; nobody else includes it.
 *
 *   client.c          the door: clients, origins
 *   client_pool.c     an origin's connections: who gets one, which are idle
 *   client_queue.c    who has them, who waits for one, whose turn it is
 *   client_call.c     one call: its request, its deadlines, its ends
 *   client_connect.c  a connection's way to readiness: name, socket, tunnel, TLS
 *   client_conn.c     a connection at work: answers, ends
 *   client_coded.c    an answer's body in a content coding
 *
 * Who holds whom: an origin counts its connections (open) and lists its waiting calls; a connection
 * and its call point at each other from the call's assignment to its end. A call waits either in
 * the origin's queue (conn NULL) or on a connection of its own that is being made.
 */
#ifndef WEIR_HTTP_CLIENT_INTERNAL_H
#define WEIR_HTTP_CLIENT_INTERNAL_H

#include "base/list.h"
#include "http/client.h"
#include "http/coded.h"
#include "http/proxy.h"
#include "http/resolve.h"
#include "http/transport.h"

typedef struct http_conn http_conn;

enum { PARTY_BUCKETS = 64 };

/* All calls of one holder at one origin. */
typedef struct http_party {
    list link; /* in its bucket; of nobody's: in none */
    list turn; /* in origin->turns while calls of it wait */
    uint64_t holder;
    size_t calls;  /* wherever they stand; a party without any is freed */
    unsigned held; /* connections that they have */
    list waiting;  /* those without a connection, first come first served */
} http_party;

struct http_client {
    loop *loop;
    http_client_limits limits;
    list origins;
    http_client_stats stats;
    bool closed;
};

struct http_origin {
    list link;           /* in client->origins, while somebody holds a reference */
    http_client *client; /* NULL once it was freed */
    unsigned refs;
    char *owner;
    char *host; /* without brackets */
    uint16_t port;
    char *authority;
    char *unix_path; /* "": host and port */
    char *proxy_option;
    tls_context *tls;       /* NULL: plain */
    address_admits *admits; /* NULL: any address */
    http_proxy proxy;
    resolver *names;        /* the host's, or the proxy's; NULL: none are needed */
    http_codec_limits head; /* of new connections */
    unsigned max_connections;
    unsigned max_share;
    bool shared;    /* calls are somebody's */
    bool serving;   /* pool_serve() is at work */
    unsigned open;  /* connections, whatever they do */
    list busy;      /* connections that have a call */
    list idle;      /* newest first */
    unsigned calls; /* wherever they stand */
    list turns;     /* parties whose calls wait */
    list *parties;  /* PARTY_BUCKETS; NULL: no call was anybody's so far */
    http_party nobody;
    list doomed; /* calls that cannot be sent: told so from the loop */
    timer idle_timer;
};

/* What went wrong, short of its text. */
typedef struct http_fault {
    http_fail_kind kind;
    shortage shortage; /* of HTTP_FAIL_SHORT */
} http_fault;

static inline http_fault fault_of(http_fail_kind kind) {
    return (http_fault){kind, SHORTAGE_NONE};
}

static inline http_fault fault_short(shortage of) {
    return (http_fault){HTTP_FAIL_SHORT, of};
}

typedef enum conn_state {
    CONN_RESOLVING,  /* the name's addresses */
    CONN_CONNECTING, /* the socket, and its TLS where no proxy lies before */
    CONN_TUNNELLING, /* the proxy's answer to CONNECT */
    CONN_SECURING,   /* TLS within the tunnel */
    CONN_BUSY,       /* the call's answer */
    CONN_IDLE,       /* the next call, or the peer's leaving */
    CONN_CLOSED,     /* nothing; freed when its codec is off the stack */
} conn_state;

typedef struct coded_body coded_body; /* client_coded.c */

struct http_conn {
    list link; /* in the origin's busy or idle */
    http_origin *origin;
    http_call *call; /* NULL: idle or closed */
    transport *t;    /* NULL while resolving */
    http_codec *codec;
    conn_state state;
    resolve_wait wait;
    coded_body *coded;   /* of an answer in a content coding; else NULL */
    buf tunnel;          /* the CONNECT request; bears credentials */
    span tunnel_request; /* its bytes, lent to the transport */
    int tunnel_status;   /* the proxy's answer */
    size_t uncoded;      /* of the bytes that are being fed, those that wait for the decoder */
    int64_t idle_since_ms;
    bool reused;  /* has answered a call before this one */
    bool feeding; /* the codec is on the stack */
    bool interim; /* a 1xx answer is being passed over */
    bool ended;   /* the answer is complete */
    bool keep;    /* the answer allows another call */
    bool shrunk;  /* idle long enough to have given its memory back */
};

typedef enum call_phase {
    CALL_DOOMED,  /* the loop, to be told that it cannot be sent */
    CALL_WAITING, /* a connection; timer: connect_ms */
    CALL_SENDING, /* the kernel, to take the request; timer: first_byte_ms without progress */
    CALL_SENT,    /* the head; timer: first_byte_ms */
    CALL_BODY,    /* the rest of the answer; timer: idle_ms */
} call_phase;

/* What a call sends, until nobody may want it again: its head bears the provider's key. */
typedef struct call_request {
    size_t count;
    span pieces[]; /* the head, then the body; the head's bytes follow the array */
} call_request;

struct http_call {
    list link; /* in its party's waiting, or the origin's doomed */
    http_origin *origin;
    http_party *party; /* NULL: doomed */
    http_conn *conn;   /* NULL: in the queue */
    const http_call_ops *ops;
    void *user;
    call_phase phase;
    timer timer;
    int64_t connect_ms, first_byte_ms, idle_ms;
    size_t unsent;    /* SENDING: bytes the kernel had not taken when the timer last fired */
    int64_t heard_ms; /* when the answer last moved */
    http_call_facts facts;
    uint64_t body_bytes;
    const char *unsafe; /* the request must not be sent: why */
    bool is_head;       /* method HEAD */
    bool sent;
    bool heard;    /* a byte of the answer has come */
    bool holds;    /* it has a connection, which counts for its party */
    bool yielded;  /* idle connections have given way to it */
    bool replayed; /* its pooled connection was dead: only a fresh one will do */
    bool paused;
    unsigned char small_pieces; /* of the answer's body, until they are many */
    call_request *request;      /* NULL: it was given back */
};

/* ---- client_coded.c ---- */

/* coding: one that is undone. */
MUST_USE coded_body *coded_body_new(http_conn *conn, http_coding coding);
/* NULL is allowed, of both. stop: the connection is closed, and may still be on the stack. */
void coded_body_stop(coded_body *b);
void coded_body_free(coded_body *b);
/* Tells the call what the bytes stand for, and takes them off. false: they are no more of use, for
 * the body is spoilt or the call is gone; or a turn has told enough, and coded_body_keep() is due:
 * what is left of `input` is for the decoder. */
MUST_USE bool coded_body_take(coded_body *b, span *input);
http_coded_result coded_body_spoilt(const coded_body *b);
/* What framing calls the end may still be a cut. */
bool coded_body_is_whole(const coded_body *b);
/* Keeps the rest of what was read, of which so many bytes are for the decoder and the others for
 * the codec, until client_conn_go_on() is called. false: there is no need to. NULL is allowed. */
bool coded_body_keep(coded_body *b, span rest, size_t coded);
bool coded_body_waits(const coded_body *b); /* NULL is allowed */
/* While some waits: more has come; the call takes more again. */
void coded_body_add(coded_body *b, span bytes);
void coded_body_resume(coded_body *b);
/* What waits; it stays until it is kept again or coded_body_told(). */
span coded_body_waiting(const coded_body *b, size_t *ret_coded);
void coded_body_told(coded_body *b); /* NULL is allowed */
/* While some waits: the connection has ended, which concerns those alone who have been told all. */
void coded_body_lose(coded_body *b, transport_fail why, const char *text);
MUST_USE bool coded_body_is_lost(const coded_body *b, transport_fail *ret_why, span *ret_text);

/* ---- client_pool.c ---- */

/* Gives the call a connection now, or makes one for it, or queues it. */
void pool_take(http_origin *o, http_call *call);
/* The connection has answered: to the next who waits, or to the idle ones; closed where there are
 * too many. */
void pool_return(http_origin *o, http_conn *conn);
/* There is more room than there was, or less: those who wait may have it, and idle connections that
 * are too many go. */
void pool_serve(http_origin *o);
/* A connection has closed: those who wait may have its place. May free the origin. */
void pool_lost(http_origin *o);
void pool_init(http_origin *o);
void pool_close_idle(http_origin *o);
/* Closes the client's longest idle connections, a few of them. false: there is none. */
MUST_USE bool pool_make_way(http_client *c);
/* Frees the origin if nobody holds, uses or waits for it. */
void origin_free_if_unused(http_origin *o);

/* ---- client_queue.c ---- */

void queue_init(http_origin *o);
void queue_done(http_origin *o);
/* The call belongs to that holder's party, until it parts with it, wherever it stands. */
void queue_join(http_call *call, uint64_t holder);
void queue_part(http_call *call);
/* May its party have another connection? */
bool queue_may_hold(const http_call *call);
/* It has a connection from now on. */
void queue_hold(http_call *call);
/* It neither has one nor waits any more. */
void queue_stop(http_call *call);
/* It waits; first: before all others. */
void queue_wait(http_call *call);
void queue_wait_first(http_call *call);
/* Whose turn it is, out of the queue; NULL: nobody's who waits and may have another connection.
 * fresh: of those, too, that only a new connection will do for. */
http_call *queue_next(http_origin *o, bool fresh);
/* Is there one? */
bool queue_waits(const http_origin *o);
/* Is the one whose turn it is one that only a new connection will do for? */
bool queue_wants_new(const http_origin *o);

/* ---- client_call.c ---- */

/* The connection is ready for the call: writes the request. */
void call_begin(http_call *call, http_conn *conn);
void call_on_sent(http_call *call);
/* The answer's head has come; false when the call was cancelled meanwhile. */
bool call_on_head(http_call *call, const http_head *head);
bool call_on_body(http_call *call, span piece);
/* The answer moves, whatever comes of it. */
void call_heard(http_call *call);
/* Back to waiting for a connection. */
void call_rewind(http_call *call);
/* The two ends: the call has left its connection and every list. Tells the owner and frees. */
void call_end(http_call *call);
COLD void call_fail(http_call *call, http_fault fault, const char *text);
/* An end without a word. May free the origin. */
void call_free(http_call *call);

/* ---- client_request.c ---- */

MUST_USE http_call *call_new(http_origin *o, const http_call_spec *spec);
/* The connection has taken all of its request, and will not be asked for it again. */
void call_forget_request(http_call *call);

/* ---- client_connect.c ---- */

void client_conn_connect(http_origin *o, http_call *call);
/* The transport is open: its socket, or the TLS within a tunnel. */
void client_conn_opened(http_conn *conn);
/* The proxy's answer, complete. clean: nothing came after it, and the request was out. */
void conn_tunnel_answered(http_conn *conn, bool clean);
/* What a connection that is not ready is doing, for the text of a deadline. */
const char *client_conn_doing(const http_conn *conn);
/* Whose fault it is that it does not become ready, where that is `otherwise` of the origin's. */
http_fault client_conn_blame(const http_conn *conn, http_fail_kind otherwise);

/* ---- client_conn.c ---- */

/* With what waits of a coded body, in another turn. */
void client_conn_go_on(http_conn *conn);

extern const transport_ops conn_ops;
MUST_USE http_conn *client_conn_new(http_origin *o, http_call *call);
/* Idempotent. Its call, if any, is left to the caller. May free the origin. */
void client_conn_close(http_conn *conn);
/* Parts call and connection, closes the connection, and tells the call. But where there is no
 * descriptor and idle connections can give way, the call begins anew with those, once. */
void client_conn_fail(http_conn *conn, http_fault fault, const char *text);

#endif
