/* http/client.h: the pooled HTTP/1.1 client that makes every outgoing call. Belongs to its loop.
 *
 * Connections are pooled per origin, last in, first out, bounded, and one holder's calls have at
 * most a share of them: those beyond it wait for each other, and others go ahead of them. A pooled
 * connection that turns out dead while a request is sent on it, or within a second of that, before
 * a byte of the answer came, is replaced by a fresh one without telling the caller, once. Names are
 * resolved off the loop, cached and refreshed; several addresses are tried in turn.
 * HTTPS_PROXY/NO_PROXY are obeyed by CONNECT (for http origins HTTP_PROXY likewise by CONNECT);
 * http/proxy.h has the rules. Loopback is not exempt, so an origin of weir's own says "none".
 *
 * http_client_send() never calls back before it returns. Exactly one of on_end and on_fail ends a
 * call, after which it must not be touched; after http_call_cancel() nothing comes any more.
 */
#ifndef WEIR_HTTP_CLIENT_H
#define WEIR_HTTP_CLIENT_H

#include "base/secret.h"
#include "base/shortage.h"
#include "http/codec.h"
#include "loop/loop.h"
#include "http/tls.h"
#include "http/transport.h"

typedef struct http_client http_client;
typedef struct http_origin http_origin; /* one scheme, host and port with its pool */
typedef struct http_call http_call;

typedef struct http_origin_spec {
    span owner; /* whose connections these are: those to the same place of others' are apart */
    span host;
    uint16_t port;
    span authority;   /* for Host */
    span unix_path;   /* non-empty: this socket instead of host and port */
    tls_context *tls; /* NULL: plain */
    span proxy;       /* "http://host:port", "none", or empty: the environment decides */
    unsigned max_connections;
    unsigned max_share; /* of these, what one holder's calls may have; 0: holders are all one */
    /* Asked of each address before it is connected to, whenever its name was looked up; those it
     * does not admit are left out. NULL: any. Goes with proxy: "none", which alone shows where a
     * connection leads. */
    address_admits *admits;
    /* Of answers' heads; where they are less than the client's own, those hold. */
    size_t head_bytes;
    unsigned headers;
} http_origin_spec;

typedef struct http_client_limits {
    http_codec_limits head;
    int64_t pool_idle_ms; /* a pooled connection is closed after this long unused */
    int64_t dns_ttl_ms;   /* a name is looked up again after this long */
} http_client_limits;

typedef struct http_call_spec {
    span method;
    span path; /* with query */
    http_headers
        headers;      /* Host, Content-Length, Connection are the client's; values may be secret */
    const span *body; /* pieces; borrowed until http_call_drop_request(), or the call ends */
    size_t body_count;
    uint64_t holder;    /* whose call it is, as base/shares.h names holders; 0: nobody's */
    int64_t connect_ms; /* deadline for name, connect, TLS and a free place in the pool; 0: none */
    int64_t first_byte_ms; /* from the request's last byte to the answer's complete head, and the
                              longest that none of a large request is taken; 0: none */
    int64_t idle_ms;       /* between pieces of the answer after the head; 0: none */
} http_call_spec;

typedef enum http_fail_kind {
    HTTP_FAIL_CONNECT, /* no connection: refused, unreachable, name unknown */
    HTTP_FAIL_TLS,
    HTTP_FAIL_CONNECT_TIMEOUT, /* connect_ms */
    HTTP_FAIL_FIRST_BYTE_TIMEOUT,
    HTTP_FAIL_IDLE_TIMEOUT,
    HTTP_FAIL_RESET,      /* lost before the head was complete */
    HTTP_FAIL_CUT,        /* lost after the head, before the end of the body */
    HTTP_FAIL_MALFORMED,  /* not HTTP, or framing the codec refuses */
    HTTP_FAIL_DENSE,      /* packed more densely than http/decode.h allows */
    HTTP_FAIL_LARGE_HEAD, /* larger than the limits allow */
    HTTP_FAIL_UNSENDABLE, /* the request itself: nothing of it was sent */
    HTTP_FAIL_SHORT,      /* the peer has no part in it: `shortage` says what there was not */
} http_fail_kind;

typedef struct http_fail {
    http_fail_kind kind;
    shortage shortage; /* of HTTP_FAIL_SHORT */
    const char *text;  /* for people; valid for the call of on_fail */
    bool head_seen;
    uint64_t body_bytes; /* of the answer, so far, without its content coding */
} http_fail;

typedef struct http_call_ops {
    void (*on_sent)(void *user); /* the request's last byte was handed to the kernel; may be NULL */
    void (*on_head)(void *user, const http_head *head); /* 1xx are passed over */
    void (*on_body)(void *user, span piece);            /* borrowed */
    void (*on_end)(void *user);
    void (*on_fail)(void *user, const http_fail *fail);
} http_call_ops;

typedef struct http_call_facts {
    bool reused;          /* the connection came from the pool */
    shortage lacks;       /* what keeps it from being sent, short of the peer */
    int64_t placed_us;    /* monotonic instants; 0: not yet. It has a place in the pool */
    int64_t connected_us; /* its connection is ready */
    int64_t sent_us;
    int64_t head_us;
} http_call_facts;

MUST_USE http_client *http_client_new(loop *l, const http_client_limits *limits);
/* Finds or makes the origin of that spec (same host, port, TLS context and proxy). Counted: unref
 * when the configuration that named it goes. */
http_origin *http_client_origin(http_client *c, const http_origin_spec *spec);
void http_origin_unref(http_origin *o);
/* What is sent to the proxy before it, as Proxy-Authorization; borrowed; NULL: nothing. */
secret *http_origin_proxy_login(const http_origin *o);

/* NULL never; failures come through on_fail. Content codings that http/decode.h undoes are undone;
 * one that it calls HTTP_CODING_UNKNOWN is left as it is. */
MUST_USE http_call *http_client_send(http_client *c, http_origin *o, const http_call_spec *spec,
                                     const http_call_ops *ops, void *user);
/* Ends the call and closes its connection, at once. */
void http_call_cancel(http_call *call);
/* Once content of the answer is there: what was asked, and the answer's head, are not wanted any
 * more. false: the request is still being sent, and its body still borrowed. */
MUST_USE bool http_call_drop_request(http_call *call);
/* Back-pressure: stops reading the answer; the idle deadline rests meanwhile. */
void http_call_pause(http_call *call);
void http_call_resume(http_call *call);
http_call_facts http_call_get_facts(const http_call *call);

/* Closes pooled connections and cancels running calls without a word; then free. */
void http_client_close(http_client *c);
void http_client_free(http_client *c);

typedef struct http_client_stats {
    uint64_t connects, reuses, dead_on_reuse;
    unsigned open, idle;
} http_client_stats;
http_client_stats http_client_get_stats(const http_client *c);

#endif
