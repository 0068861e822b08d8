/* http/acceptor.h: hands out the connections that come to a listening socket.
 *
 * Not through libuv's own listener: where the process may open no more files, that asks for one
 * again within the same turn until it gets it, and once its spare descriptor has gone to another
 * thread the loop never turns again. Here who comes then waits in the socket's queue, is lost to
 * nobody, and is looked for every few milliseconds.
 *
 * Belongs to a loop, embedded in its owner, who lives until on_closed.
 *
 * Source   accept(2), on errors of the network that accept() passes on.
 */
#ifndef WEIR_HTTP_ACCEPTOR_H
#define WEIR_HTTP_ACCEPTOR_H

#include "loop/loop.h"

#include <sys/socket.h>

typedef struct acceptor acceptor;

typedef struct acceptor_ops {
    /* A connection, whose descriptor is the callee's from now on, and where it comes from: later
     * the system does not tell, once the peer has reset it. May close the acceptor. */
    void (*on_connection)(acceptor *a, int fd, const struct sockaddr_storage *from);
    /* Whether one may be taken now; asked before each. NULL: always. */
    bool (*has_room)(acceptor *a);
    /* After acceptor_close(): the acceptor may be freed. NULL: nobody needs to know. */
    void (*on_closed)(acceptor *a);
} acceptor_ops;

struct acceptor {
    const acceptor_ops *ops;
    loop *loop;
    int fd;
    uv_poll_t poll;
    timer look; /* active: connections wait for want of room, and the socket is not polled */
    bool closed;
};

/* A socket that is bound, is to listen, and is a's where that succeeds: 0, or a negative libuv
 * error. */
MUST_USE int acceptor_begin(acceptor *a, loop *l, const acceptor_ops *ops, int fd);
/* Hears nothing more but on_closed. */
void acceptor_close(acceptor *a);

#endif
