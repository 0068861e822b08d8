/* gateway/notify.h: tells systemd how the service fares. Does nothing where nobody asked.
 *
 * Source   sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names.
 */
#ifndef WEIR_GATEWAY_NOTIFY_H
#define WEIR_GATEWAY_NOTIFY_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct notifier {
    int fd;              /* -1: nobody listens */
    int64_t watchdog_ms; /* a sign of life is due this often; 0: not asked for */
} notifier;

/* Reads the environment: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. */
void notifier_init(notifier *n);
void notifier_done(notifier *n);

void notify_ready(const notifier *n, const char *status);
void notify_reloading(const notifier *n, int64_t mono_us);
void notify_stopping(const notifier *n);
void notify_alive(const notifier *n);

/* The address in NOTIFY_SOCKET: a path, or "@name" for an abstract one. false: neither. */
MUST_USE bool notify_address(span text, struct sockaddr_un *ret, socklen_t *ret_len);
/* The watchdog's interval for this process, or 0. */
int64_t notify_watchdog_ms(const char *usec, const char *pid, int64_t own_pid);

#endif
