/* A listener whose queue is full drops further SYNs: connecting to it hangs. */
#ifndef WEIR_TEST_SILENT_H
#define WEIR_TEST_SILENT_H

#include "net.h"

typedef struct silent_listener {
    int listener, fill[4];
    struct sockaddr_storage addr;
} silent_listener;

/* ip: of IPv4. port 0: any free one. */
static inline void silent_begin(silent_listener *s, const char *ip, uint16_t port) {
    socklen_t len = sizeof s->addr;
    s->addr = net_addr(ip, port);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (void *)&s->addr, sizeof(struct sockaddr_in)), 0);
    assert_int_equal(listen(s->listener, 0), 0);
    assert_int_equal(getsockname(s->listener, (void *)&s->addr, &len), 0);
    for (size_t i = 0; i < ARRAY_LEN(s->fill); i++) {
        s->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(s->fill[i], (void *)&s->addr, sizeof(struct sockaddr_in));
    }
}

static inline uint16_t silent_port(const silent_listener *s) {
    return ntohs(((const struct sockaddr_in *)&s->addr)->sin_port);
}

static inline void silent_end(const silent_listener *s) {
    for (size_t i = 0; i < ARRAY_LEN(s->fill); i++)
        close(s->fill[i]);
    close(s->listener);
}

#endif
