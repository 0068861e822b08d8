#include "gateway/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool notify_address(span text, struct sockaddr_un *ret, socklen_t *ret_len) {
    if (text.len < 2 || (text.ptr[0] != '/' && text.ptr[0] != '@')) return false;
    if (text.len >= sizeof ret->sun_path) return false;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, text.ptr, text.len);
    if (text.ptr[0] == '@') ret->sun_path[0] = '\0';
    /* Without the closing NUL: in an abstract name it would count. */
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + text.len);
    return true;
}

int64_t notify_watchdog_ms(const char *usec, const char *pid, int64_t own_pid) {
    uint64_t value;
    if (pid && (!span_u64(span_cstr(pid), &value) || value != (uint64_t)own_pid)) return 0;
    if (!usec || !span_u64(span_cstr(usec), &value)) return 0;
    return value / 1000 > INT32_MAX ? INT32_MAX : (int64_t)(value / 1000);
}

void notifier_init(notifier *n) {
    *n = (notifier){.fd = -1};
    struct sockaddr_un address;
    socklen_t len;
    if (!notify_address(span_cstr(getenv("NOTIFY_SOCKET")), &address, &len)) return;
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n->fd >= 0 && connect(n->fd, (struct sockaddr *)&address, len) < 0) notifier_done(n);
    if (n->fd >= 0)
        n->watchdog_ms =
            notify_watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), getpid());
}

void notifier_done(notifier *n) {
    if (n->fd >= 0) close(n->fd);
    n->fd = -1;
}

/* A message that does not arrive is systemd's loss: there is nobody to tell. */
static void tell(const notifier *n, const char *text) {
    if (n->fd >= 0) (void)!send(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_ready(const notifier *n, const char *status) {
    char text[256];
    snprintf(text, sizeof text, "READY=1\nSTATUS=%s", status);
    tell(n, text);
}

void notify_reloading(const notifier *n, int64_t mono_us) {
    char text[64];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)mono_us);
    tell(n, text);
}

void notify_stopping(const notifier *n) {
    tell(n, "STOPPING=1");
}

void notify_alive(const notifier *n) {
    tell(n, "WATCHDOG=1");
}
