/* Which of a name's addresses calls are made to, on a look-up that the test answers. */
#include "unit.h"

#include <uv.h>

static int fake_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb,
                            const char *node, const char *service, const struct addrinfo *hints);
static void fake_free(struct addrinfo *found);

/* The file itself, with two of libuv's functions taken from here. */
#define uv_getaddrinfo  fake_getaddrinfo
#define uv_freeaddrinfo fake_free
#include "../../../src/http/resolve.c"

#include "calls.h"
#include "http/client_internal.h"
#include "peer.h"
#include "silent.h"

/* ---- a name with two addresses, of which the first is silent ---- */

static struct sockaddr_in addrs[2];
static struct addrinfo infos[2];
static uv_getaddrinfo_t *asked;
static uv_getaddrinfo_cb answer_to;
static uv_timer_t answering;

static void answer(uv_timer_t *t) {
    uv_close((uv_handle_t *)t, NULL);
    answer_to(asked, 0, infos);
}

static int fake_getaddrinfo(uv_loop_t *l, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb,
                            const char *node, const char *service, const struct addrinfo *hints) {
    (void)node;
    (void)service;
    (void)hints;
    asked = req;
    answer_to = cb;
    uv_timer_init(l, &answering);
    uv_timer_start(&answering, answer, 0, 0);
    return 0;
}

static void fake_free(struct addrinfo *found) {
    (void)found;
}

static void name_addresses(void) {
    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        uv_ip4_addr(i ? "127.0.0.1" : "127.0.0.2", 0, &addrs[i]);
        infos[i] = (struct addrinfo){.ai_family = AF_INET,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addrlen = sizeof addrs[i],
                                     .ai_addr = (struct sockaddr *)&addrs[i],
                                     .ai_next = i ? NULL : &infos[1]};
    }
}

/* ---- tests ---- */

static void note_first(noted *n) {
    size_t count;
    const struct sockaddr_in *first = (const void *)resolver_addresses(n->c->origin->names, &count);
    assert_int_equal(count, 2);
    assert_int_equal(ntohl(first->sin_addr.s_addr), INADDR_LOOPBACK);
}

/* Each has the list as it was, and says which address it was that answered. */
static void of_calls_at_once_each_prefers_who_answered(void **state) {
    (void)state;
    peer p;
    calls c;
    silent_listener s;
    peer_begin_saying(&p, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    silent_begin(&s, "127.0.0.2", p.port);
    name_addresses();
    calls_begin(&c);
    c.spec.host = SPAN_OF("two.test");
    calls_to(&c, p.port);
    for (int i = 0; i < 4; i++)
        calls_get(&c)->at_end = note_first;
    calls_run(&c);
    peer_end(&p);
    for (int i = 0; i < 4; i++)
        assert_int_equal(c.notes[i].ends, 1);
    silent_end(&s);
    calls_end(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_calls_at_once_each_prefers_who_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
