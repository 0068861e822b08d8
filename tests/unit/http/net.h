/* Two transports of one loop that talk to each other over loopback, and a listener for them. */
#ifndef WEIR_TEST_NET_H
#define WEIR_TEST_NET_H

#include "base/mem.h"
#include "http/acceptor.h"
#include "http/transport.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>

static inline struct sockaddr_storage net_addr(const char *ip, uint16_t port) {
    struct sockaddr_storage addr = {0};
    if (strchr(ip, ':'))
        assert_int_equal(uv_ip6_addr(ip, port, (struct sockaddr_in6 *)&addr), 0);
    else
        assert_int_equal(uv_ip4_addr(ip, port, (struct sockaddr_in *)&addr), 0);
    return addr;
}

/* Listens on a free port of 127.0.0.1, which is returned. */
static inline uint16_t net_listen(loop *l, acceptor *listener, const acceptor_ops *ops) {
    struct sockaddr_storage addr = net_addr("127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(struct sockaddr_in)), 0);
    assert_int_equal(acceptor_begin(listener, l, ops, fd), 0);
    socklen_t len = sizeof addr;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static inline void net_listen_unix(loop *l, acceptor *listener, const acceptor_ops *ops,
                                   const char *path) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof addr.sun_path);
    memcpy(addr.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(acceptor_begin(listener, l, ops, fd), 0);
}

/* A port on which nobody listens. */
static inline uint16_t net_free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_storage addr = net_addr("127.0.0.1", 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(struct sockaddr_in)), 0);
    socklen_t len = sizeof addr;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    close(fd);
    return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

#endif
