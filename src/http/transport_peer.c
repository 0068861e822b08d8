/* A host that has vanished is as silent as a model that thinks, which may take minutes: the kernel
 * tells them apart. Where it cannot, the owner's deadlines are left.
 *
 * Source   RFC 9293 section 3.8.4 (keep-alives), RFC 5482 (user timeout); tcp(7). Linux lets the
 *          user timeout run also while the peer acknowledges but does not read (its window is 0).
 *          SO_MEMINFO: sock_diag(7). TCP_QUICKACK: tcp(7), docs/decisions/0058-acknowledgements.md.
 */
#include "http/transport_internal.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* Who says nothing for that long is asked for a sign of life, and gone after three without one; so
 * is who has not acknowledged what was sent. Half a minute in either case. */
enum { IDLE_S = 15, PROBE_S = 5, PROBES = 3, UNACKNOWLEDGED_MS = 30 * 1000 };

static void set(const socket_handle *s, int level, int name, int value) {
    int fd;
    if (s->uv.handle.type != UV_TCP || uv_fileno(&s->uv.handle, &fd)) return;
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

void peer_watch(const socket_handle *s) {
    set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(s, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S);
    set(s, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S);
    set(s, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
}

void transport_set_patient(transport *t, bool patient) {
    if (t->patient == patient || !t->socket) return;
    t->patient = patient;
    set(t->socket, IPPROTO_TCP, TCP_USER_TIMEOUT, patient ? 0 : UNACKNOWLEDGED_MS);
}

/* Each piece that is read is acknowledged at once by a packet of its own, while nothing is sent
 * that could bear it: a third of what a small one costs to read. With this one of two is, or after
 * 40 ms, and then the kernel goes back to what it did. */
void transport_acknowledge_less(transport *t) {
    if (t->socket) set(t->socket, IPPROTO_TCP, TCP_QUICKACK, 0);
}

/* A window is closed before the buffer is full, which holds more than the bytes themselves. */
bool transport_is_crowded(const transport *t) {
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof memory;
    int fd;
    if (!t->socket || uv_fileno(&t->socket->uv.handle, &fd)) return false;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len)) return false;
    return memory[SK_MEMINFO_RMEM_ALLOC] > memory[SK_MEMINFO_RCVBUF] / 4;
}
