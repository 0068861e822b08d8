/* http/server_internal.h: what the files of the server share; nobody else includes it.
 *
 * server.c         the server: accepting, limits, drain, close
 * server_listen.c  sockets that listen
 * server_shares.c  who has how many of the connections
 * server_body.c    a request's body: its limit, its content coding
 * server_waiting.c bytes of later requests
 * server_conn.c    one connection: bytes in, requests to the handler, time-outs, the end
 * server_answer.c  a request's facts and its answer: bytes out
 */
#ifndef WEIR_HTTP_SERVER_INTERNAL_H
#define WEIR_HTTP_SERVER_INTERNAL_H

#include "base/clock.h"
#include "http/body_pace.h"
#include "http/coded.h"
#include "http/server.h"
#include "http/transport.h"

enum {
    /* What is left of an unwanted body is read and dropped up to here; beyond, closing is cheaper.
     */
    SKIP_BYTES = 64 * 1024,
    /* How long a closed connection waits for its peer to read the last answer. */
    LINGER_MS = 2000,
    /* The same for one on which nothing has been asked for a while. Clients look at the connections
     * in their pools only when they need one, so waiting for them would only delay a restart. */
    LINGER_IDLE_MS = 50,
    /* So many codecs wait for a connection on which something comes, each with the memory of a head
     * of up to so many bytes. */
    SPARE_CODECS = 32,
    SPARE_HEAD_BYTES = 4096,
    /* A draining server waits so long for a request on an idle connection: a client that is about
     * to send one gets an answer with Connection: close and not a reset. */
    DRAIN_IDLE_MS = 500,
};

typedef struct conn conn;
typedef struct later later; /* server_waiting.c */

struct http_server {
    loop *loop;
    http_server_limits limits;
    const http_server_ops *ops;
    void *user;
    list listeners;
    list conns;
    unsigned conn_count;
    /* Who has them, by machine and by client. */
    shares addresses, clients;
    /* Of the connection that was accepted last. */
    int last_descriptor;
    list done;  /* requests whose answer is complete: on_done is due */
    list spare; /* requests that are over, to be used again */
    unsigned spare_count;
    http_codec *codecs[SPARE_CODECS]; /* the first codec_count are nobody's */
    unsigned codec_count;
    loop_hook hook; /* looks after done */
    bool telling;   /* the hook is at work */
    bool draining;
    bool closed;
    void (*on_idle)(void *user); /* NULL: not asked for, or told */
    buf scratch;                 /* the head of a large answer */
    char date[CLOCK_HTTP_DATE_LEN + 1];
    int64_t date_ms;   /* when date was right to the second; 0: never */
    int64_t polite_ms; /* the second in which refusals are counted */
    unsigned polite;   /* connections answered with 503 in it */
};

/* What is awaited. */
typedef enum conn_state {
    CONN_IDLE,   /* the first byte of a request */
    CONN_HEAD,   /* the rest of its head */
    CONN_BODY,   /* the rest of its body; conn->request is set */
    CONN_BUSY,   /* the handler's answer; conn->request is set */
    CONN_SKIP,   /* the rest of a body that nobody wants; its request is done */
    CONN_FLUSH,  /* a slow reader: more than pending_bytes wait before the next request */
    CONN_CLOSED, /* nothing; freed when nobody is inside */
} conn_state;

struct conn {
    list link; /* in server->conns */
    http_server *server;
    transport *io;     /* NULL once closed */
    http_codec *codec; /* NULL: idle, and nothing has come; or closed before anything did */
    http_request *request;
    /* Whose it is in the server's shares; 0: nobody's. */
    uint64_t address, client;
    timer timer;      /* what it means depends on the state */
    later *later;     /* NULL: nothing has come for later requests */
    uint64_t written; /* output bytes handed to the transport */
    uint64_t mark;    /* of them, taken by the kernel when the timer was last started */
    int64_t flush_ms; /* since when CONN_FLUSH */
    unsigned inside;  /* calls that will still touch this conn */
    unsigned char state;
    bool fresh; /* no request has come yet */
    bool last;  /* no further request is taken: it ends once its output is taken */
};

struct http_request {
    list link; /* in server->done, or ->spare */
    conn *conn;
    void *user;
    const http_head *head;
    buf body;
    memory_hold hold; /* of body */
    size_t body_limit;
    http_coded *coded;    /* from the first piece of a coded body on; else NULL */
    uint64_t received;    /* body bytes that came, kept or not */
    body_pace pace;       /* CONN_BODY */
    unsigned char coding; /* http_coding of the body */
    bool told;            /* the handler knows of it */
    bool started;         /* the answer has */
    bool complete;        /* the answer is; or it was aborted */
    bool aborted;
    bool told_so;   /* aborted: its last piece says so, and must arrive */
    bool gone;      /* the client is */
    bool slow;      /* it was left, as it took nothing */
    bool chunked;   /* the answer is */
    bool bodiless;  /* the answer has a head alone */
    bool close;     /* the connection ends with the answer */
    bool full;      /* on_room is due when all output has been taken */
    bool continued; /* 100 Continue was sent */
    bool excess;    /* its client has as many connections as it may */
    bool beyond;    /* the body is larger than body_limit */
};

/* ---- server.c ---- */
const char *server_date(http_server *s);
void server_conn_gone(http_server *s); /* a connection was taken off s->conns */

/* ---- server_shares.c ---- */
/* false: it has its share already. */
MUST_USE bool server_take_address(http_server *s, conn *c);
MUST_USE bool server_take_client(http_server *s, conn *c, uint64_t client);
void server_give_shares(http_server *s, conn *c);

/* ---- server_listen.c ---- */
void listener_close_all(http_server *s);  /* at once */
void listener_retire_all(http_server *s); /* accepts what waits in their queues first */
/* A connection has come to a listener. */
void server_accept(http_server *s, int fd, const struct sockaddr_storage *from, tls_context *tls);

/* ---- server_body.c ---- */
/* The head has been told and the handler wants the body: takes the room for it, whole where its
 * length is told. ERR_NONE, or why the request is refused, with a constant sentence. */
error_id body_expect(http_request *r, const char **ret_why);
/* A piece of the body has come, and is in r->received: keeps what it stands for. ERR_NONE, or why
 * the request is refused, with a constant sentence. Where the connection is sliced thereafter, what
 * is left of the piece is to be taken in the next turn. */
error_id body_take(http_request *r, span piece, const char **ret_why);
/* The same of its end. */
error_id body_end(http_request *r, const char **ret_why);
/* Whose it is, and what he may send, was found while it came. The same verdicts on what there is of
 * it, and on what its head has told; what is held for it becomes that holder's. */
error_id body_claim(http_request *r, uint64_t holder, const char **ret_why);
/* Gives its room back, and its memory where that is more than keep_bytes. */
void body_drop(http_request *r, size_t keep_bytes);

/* ---- server_waiting.c ---- */
/* Keeps bytes that come before their time. false: there is no end of them. */
MUST_USE bool later_keep(conn *c, span bytes);
/* What is kept; its beginning has been used. */
span later_bytes(const conn *c);
void later_took(conn *c, size_t n);
/* This turn has undone enough of a coded body: conn_go_on() is called in the next, and nothing is
 * read before. So many bytes, which may be none, are left of a piece that the codec has had; they
 * are the first of what is kept, or of what is given to later_keep() now. */
void later_slice(conn *c, size_t coded);
bool later_is_sliced(const conn *c);
size_t later_coded(const conn *c); /* the bytes that were told; 0: it is not sliced */
/* conn_go_on() goes on with them: until it is told again, nothing is sliced. */
void later_join(conn *c);
/* Some of it is gone: the connection ends with the answer that is awaited. */
bool later_is_lost(const conn *c);
/* Reads no more. What is kept stays while the codec may be at it. */
void later_stop(conn *c);
void later_free(conn *c);

/* ---- server_conn.c ---- */
extern const transport_ops conn_transport_ops;
/* io is set by the caller. */
conn *conn_new(http_server *s);
void conn_begin(conn *c);
/* A conn that never had a transport. */
void conn_discard(conn *c);
void conn_limits_changed(conn *c);
void conn_drain(conn *c);
/* With what waits of a coded body, in another turn. */
void conn_go_on(conn *c);
void conn_close(conn *c); /* at once; the handler hears on_gone and on_done */
/* What is known of its request has changed: judges it as at its head, for that holder. false: it
 * was refused, and is gone. */
MUST_USE bool conn_judge_again(conn *c, uint64_t holder);
/* r's answer is complete: tells on_done and goes on. */
void conn_request_done(conn *c, http_request *r);
/* Output was added: watches that the peer takes it. */
void conn_watch_output(conn *c);
/* May the rest of the request's body be read and dropped, so that the connection lives on? */
bool conn_can_skip(const conn *c);

/* ---- server_answer.c ---- */
http_request *http_request_new(conn *c, const http_head *head);
void http_request_free(http_request *r);
void http_request_free_spare(http_server *s);
/* The whole answer to a request that never became one. r: as far as it has come, or NULL. */
COLD void answer_refusal(http_server *s, transport *io, const http_request *r, error_id id,
                         const char *why);

#endif
