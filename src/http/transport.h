/* http/transport.h: one byte stream, TCP or Unix socket, plain or TLS, either side.
 *
 * Listener, provider calls and the proxy's CONNECT all use this one type. Belongs to its loop.
 * Output is gathered and written once at the end of the loop's turn; transport_pending() is what
 * the kernel has not taken, and on_sent() says each time that it has fallen to zero.
 *
 * transport_close() is idempotent, may be called from any callback, and is the only way out
 * (transport_finish and transport_abort lead to it): after it the owner hears nothing, and the
 * object frees itself when its handles have closed. No function here calls back before it returns.
 */
#ifndef WEIR_HTTP_TRANSPORT_H
#define WEIR_HTTP_TRANSPORT_H

#include "base/buf.h"
#include "base/keeper.h"
#include "base/shortage.h"
#include "loop/loop.h"

#include <sys/socket.h>

typedef struct transport transport;
typedef struct tls_context tls_context; /* http/tls.h */

typedef enum transport_fail {
    TRANSPORT_CONNECT, /* refused, unreachable, no such socket */
    TRANSPORT_TLS,     /* handshake or verification; text says which */
    TRANSPORT_RESET,   /* reset, broken pipe, or a TLS stream that ended without its close_notify */
    TRANSPORT_EOF,     /* the peer closed its side, in order */
    TRANSPORT_SHORT,   /* nothing of the peer's: transport_shortage() says of what */
} transport_fail;

typedef struct transport_ops {
    /* Connected and, with TLS, verified. A plain accepted connection is open from the start and is
     * not told. NULL where nobody needs to know. */
    void (*on_open)(void *user);
    void (*on_data)(void *user, span bytes); /* borrowed for the call */
    /* All output is with the kernel. NULL where nobody needs to know. */
    void (*on_sent)(void *user);
    /* The connection is of no more use, text for people (lives as long as the transport). The owner
     * still calls transport_close(). On EOF output may still be written before that. */
    void (*on_fail)(void *user, transport_fail why, const char *text);
    /* While paused: the peer has closed its side, or the connection broke, and something that it
     * sent before lies unread; on_fail would come once that was read. NULL for an owner whom the
     * bytes before the end matter more. */
    void (*on_left)(void *user);
} transport_ops;

/* ---- beginning ---- */

typedef struct transport_tls {
    tls_context *context; /* NULL: plain. A reference is taken */
    span name;            /* client: host name or IP address that the certificate must bear */
    uint16_t port;        /* client: with the name, the key of the session to resume */
} transport_tls;

/* Where to connect: addresses, tried in turn (the next one begins 250 ms after the last, or when it
 * failed; the first to answer wins), or the path of a Unix socket. */
/* Whether that address may be connected to. Pure; base/public_address.h has one. */
typedef bool address_admits(const struct sockaddr *address);

typedef struct transport_target {
    const struct sockaddr_storage *addresses; /* copied */
    size_t address_count;
    const char *called; /* in messages, in place of the addresses; constant. NULL: they are told */
    address_admits *admits; /* asked before each is tried; NULL: any may be */
    span unix_path;
    transport_tls tls;
} transport_target;

/* Without a deadline of its own: the owner closes what takes too long. But a peer that the network
 * has lost is noticed within half a minute, however long its answer may take (transport_peer.c).
 * ops outlives the transport. */
MUST_USE transport *transport_connect(loop *l, const transport_target *target,
                                      const transport_ops *ops, void *user);
/* A connection that has been accepted, whose descriptor is the transport's from now on, and where
 * it comes from. tls NULL: plain. NULL where it cannot be used; then it is closed. */
MUST_USE transport *transport_accept(loop *l, int fd, const struct sockaddr_storage *from,
                                     tls_context *tls, const transport_ops *ops, void *user);
/* Client side, on an open plain connection with nothing pending: TLS from here on; on_open again
 * when it is verified. */
void transport_start_tls(transport *t, const transport_tls *tls);

/* ---- output ---- */

/* Sends bytes (copied). Small writes of one turn leave in one system call. */
void transport_write(transport *t, span bytes);
/* Sends pieces. A large one goes to the kernel at once, straight from the caller's memory, if
 * nothing waits before it (the loop's hooks run first, so the order of a turn holds); only what the
 * kernel does not take is copied. A small one is gathered like any other. */
void transport_writev(transport *t, const span *pieces, size_t count);
/* Sends pieces without a copy at the end of the turn: the array and the bytes stay valid and
 * unchanged until on_sent or transport_close(). */
void transport_lend(transport *t, const span *pieces, size_t count);
/* Sends a text whose middle is large, from where it lies: its keeper is held until it is with the
 * kernel. That takes turns, so that no loop stands still for it. */
void transport_write_kept(transport *t, const kept_text *text);
/* The output buffer, to format into; transport_wrote() says that something was added. */
buf *transport_out(transport *t);
void transport_wrote(transport *t);
/* Bytes not yet taken by the kernel. */
size_t transport_pending(const transport *t);
/* Writes what is gathered now instead of at the end of the turn. */
void transport_flush(transport *t);

/* On a connection of transport_connect(): the peer may leave unread what is sent from now on, for
 * as long as the owner likes. To the kernel it is a lost one then, unless this is said. */
void transport_set_patient(transport *t, bool patient);

/* From now on what it sends leaves before what other connections of the loop send in the same turn:
 * who hears of it from one of those can count on it. Not before what goes out at once. */
void transport_set_first(transport *t);

/* ---- input ---- */

/* Back-pressure: stops and resumes reading. What has been read already, 64 KiB at most, may still
 * come after a pause. The peer's end is heard all the same: by on_fail as ever where nothing lies
 * unread before it, else by on_left. */
void transport_pause(transport *t);
void transport_resume(transport *t);

/* Whether so much lies unread with the kernel that the peer's end may stand behind it, where nobody
 * can hear it: a peer sends no end before its bytes. A Unix socket's is heard in any case. */
bool transport_is_crowded(const transport *t);

/* From now on the peer sends one small piece after the other, and is not answered: fewer of them
 * are acknowledged by themselves. Who waits for that before it sends the next one stands still for
 * 40 ms, once. */
void transport_acknowledge_less(transport *t);

/* ---- end ---- */

/* The owner hears nothing more. Waits until the kernel has taken what is gathered, sends the end of
 * the stream, and closes when the peer has done so too (reading and dropping what it still sends,
 * so that no reset destroys the last answer), or after linger_ms. */
void transport_finish(transport *t, int64_t linger_ms);
void transport_close(transport *t);
/* transport_close() with a reset where the socket knows one, so that the peer cannot take what it
 * got for the whole. */
void transport_abort(transport *t);
/* Hands the stream to another owner (a pooled connection, an upgraded one). */
void transport_set_owner(transport *t, const transport_ops *ops, void *user);

/* What this machine lacked where it failed; SHORTAGE_NONE: the peer's doing. */
shortage transport_shortage(const transport *t);
/* The address that it has been connected to. false: it has none, as a Unix socket, or is connected
 * no more. */
MUST_USE bool transport_address(const transport *t, struct sockaddr_storage *ret);
/* Of an accepted one: "127.0.0.1:53412", "[::1]:…" or "unix"; lives as long as the transport. */
span transport_peer(const transport *t);
/* Bytes may flow: it is connected, and its TLS handshake is over, where it has one. */
bool transport_is_open(const transport *t);
/* It is a Unix socket's. */
bool transport_is_unix(const transport *t);
/* Who holds the memory in which its output waits, as in base/memory.h. Of one that was accepted, at
 * first: the machine that it comes from, of IPv6 its /64; 0: anyone of this machine (loopback, a
 * Unix socket). Of one that was made: 0. */
uint64_t transport_holder(const transport *t);
/* Of what comes to wait from now on; where something waits already, it stays. */
void transport_set_holder(transport *t, uint64_t holder);

#endif
