/* Two transports of one loop that talk to each other over loopback, and a listener for them. */
#ifndef WEIR_TEST_NET_H
#define WEIR_TEST_NET_H

#include "base/mem.h"
#include "http/transport.h"

#include <netinet/in.h>
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
static inline uint16_t net_listen(loop *l, uv_tcp_t *listener, uv_connection_cb cb) {
    struct sockaddr_storage addr = net_addr("127.0.0.1", 0);
    assert_int_equal(uv_tcp_init(&l->uv, listener), 0);
    assert_int_equal(uv_tcp_bind(listener, (struct sockaddr *)&addr, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)listener, 16, cb), 0);
    int len = sizeof addr;
    assert_int_equal(uv_tcp_getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    return ntohs(((struct sockaddr_in *)&addr)->sin_port);
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
