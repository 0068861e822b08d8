/* loop/hangup.h: hears the end of a socket that nobody reads.
 *
 * libuv learns of a stream's end by reading it: while its owner wants no input, a peer that has
 * left looks like one that waits. The kernel knows better. Sockets that are not read are watched by
 * an epoll descriptor of the loop's own: two of these can watch one socket, where a handle of
 * libuv's would need a duplicate of its descriptor.
 *
 * It is heard once, and no more until the next hangup_watch(): that the peer has closed its sending
 * side, or both, or that the connection broke. What came before may still lie unread. Who leaves
 * behind more than the kernel's buffers take is not heard before that is read.
 *
 * Owner: whoever embeds it. Belongs to its loop. Source: epoll_ctl(2).
 */
#ifndef WEIR_LOOP_HANGUP_H
#define WEIR_LOOP_HANGUP_H

#include "loop/loop.h"

typedef struct hangup hangup;

struct hangup {
    void (*heard)(hangup *h); /* may free it */
    int fd;                   /* -1: not watched */
};

void hangup_init(hangup *h, void (*heard)(hangup *h));
/* Idempotent. */
void hangup_watch(loop *l, hangup *h, int fd);
/* Before fd is closed. Idempotent. */
void hangup_stop(loop *l, hangup *h);

/* ---- for the loop ---- */
MUST_USE int hangups_open(loop *l); /* 0 or a negative libuv error */
/* Its handle; its descriptor once that is closed. */
void hangups_close_handle(loop *l);
void hangups_close(loop *l);

#endif
