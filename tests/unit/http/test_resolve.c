/* The resolver, on a look-up that the test answers. */
#include "unit.h"

#include <uv.h>

static int fake_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb,
                            const char *node, const char *service, const struct addrinfo *hints);
static int fake_cancel(uv_req_t *req);
static void fake_free(struct addrinfo *found);

/* The file itself, with libuv's three functions taken from here. */
#define uv_getaddrinfo  fake_getaddrinfo
#define uv_cancel       fake_cancel
#define uv_freeaddrinfo fake_free
#include "../../../src/http/resolve.c"

#include <arpa/inet.h>

/* ---- the fake ---- */

static uv_getaddrinfo_t *asked;
static uv_getaddrinfo_cb answer_to;
static int asked_times, at_once_error, cancels;
static char asked_name[400];

static int fake_getaddrinfo(uv_loop_t *l, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb,
                            const char *node, const char *service, const struct addrinfo *hints) {
    (void)l;
    (void)service;
    (void)hints;
    asked_times++;
    if (at_once_error) return at_once_error;
    assert_null(asked);
    asked = req;
    answer_to = cb;
    strncpy(asked_name, node, sizeof asked_name - 1);
    return 0;
}

static int fake_cancel(uv_req_t *req) {
    assert_ptr_equal(req, asked);
    cancels++;
    return 0;
}

static void fake_free(struct addrinfo *found) {
    while (found) {
        struct addrinfo *next = found->ai_next;
        free(found->ai_addr);
        free(found);
        found = next;
    }
}

static struct addrinfo *info(const char *ip, struct addrinfo *next) {
    struct addrinfo *a = mem_zalloc(sizeof *a);
    struct sockaddr_storage *addr = mem_zalloc(sizeof *addr);
    a->ai_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    a->ai_addrlen =
        a->ai_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (a->ai_family == AF_INET6)
        uv_ip6_addr(ip, 0, (struct sockaddr_in6 *)addr);
    else
        uv_ip4_addr(ip, 0, (struct sockaddr_in *)addr);
    a->ai_addr = (struct sockaddr *)addr;
    a->ai_next = next;
    return a;
}

static void answer(int status, struct addrinfo *found) {
    uv_getaddrinfo_t *req = asked;
    assert_non_null(req);
    asked = NULL;
    answer_to(req, status, found);
}

/* ---- the fixture ---- */

static loop l;
static int told;
static resolve_wait wait_, wait_2;

static void on_done(resolve_wait *w) {
    (void)w;
    told++;
}

static int setup(void **state) {
    (void)state;
    asked = NULL;
    asked_times = at_once_error = cancels = told = 0;
    resolve_wait_init(&wait_, on_done);
    resolve_wait_init(&wait_2, on_done);
    int err = loop_init(&l, 0);
    l.entered = true; /* the tests set the clock */
    return err;
}

static int teardown(void **state) {
    (void)state;
    loop_done(&l);
    return 0;
}

static void at(int64_t ms) {
    l.now_ms = ms;
    l.entered = true;
}

static void has(const resolver *r, const char *want) {
    size_t count;
    const struct sockaddr_storage *addrs = resolver_addresses(r, &count);
    buf got = BUF_EMPTY;
    for (size_t i = 0; i < count; i++) {
        char ip[64];
        uint16_t port;
        if (addrs[i].ss_family == AF_INET6) {
            uv_ip6_name((const struct sockaddr_in6 *)&addrs[i], ip, sizeof ip);
            port = ntohs(((const struct sockaddr_in6 *)&addrs[i])->sin6_port);
        } else {
            uv_ip4_name((const struct sockaddr_in *)&addrs[i], ip, sizeof ip);
            port = ntohs(((const struct sockaddr_in *)&addrs[i])->sin_port);
        }
        assert_int_equal(port, 443);
        buf_addf(&got, "%s%s", i ? " " : "", ip);
    }
    assert_string_equal(buf_cstr(&got), want);
    buf_done(&got);
}

static resolver *name(void) {
    return resolver_new(&l, SPAN_OF("api.test"), 443, 1000);
}

/* ---- tests ---- */

static void addresses_need_no_look_up(void **state) {
    (void)state;
    const char *const literals[] = {"127.0.0.1", "::1", "[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        resolver *r = resolver_new(&l, span_cstr(literals[i]), 443, 1000);
        assert_true(resolver_get(r, &wait_));
        has(r, i ? "::1" : "127.0.0.1");
        resolver_free(r);
    }
    assert_int_equal(asked_times, 0);
}

static void all_who_wait_are_told_by_one_look_up(void **state) {
    (void)state;
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    assert_false(resolver_get(r, &wait_2));
    assert_int_equal(asked_times, 1);
    assert_string_equal(asked_name, "api.test");
    answer(0, info("10.0.0.1", NULL));
    assert_int_equal(told, 2);
    has(r, "10.0.0.1");
    assert_true(resolver_get(r, &wait_));
    assert_int_equal(asked_times, 1);
    resolver_free(r);
}

static void the_families_take_turns(void **state) {
    (void)state;
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    answer(0, info("fd00::1", info("fd00::2", info("fd00::3", info("10.0.0.1", NULL)))));
    has(r, "fd00::1 10.0.0.1 fd00::2 fd00::3");
    resolver_free(r);
}

static void prefer(resolver *r, const char *ip) {
    struct sockaddr_storage addr = {0};
    if (strchr(ip, ':'))
        uv_ip6_addr(ip, 443, (struct sockaddr_in6 *)&addr);
    else
        uv_ip4_addr(ip, 443, (struct sockaddr_in *)&addr);
    resolver_prefer(r, &addr);
}

/* Each of several connections that were begun at once says so of the same address. */
static void the_address_that_answered_is_first(void **state) {
    (void)state;
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    answer(0, info("10.0.0.1", info("10.0.0.2", info("10.0.0.3", info("fd00::2", NULL)))));
    has(r, "10.0.0.1 fd00::2 10.0.0.2 10.0.0.3");
    for (int i = 0; i < 3; i++) {
        prefer(r, "10.0.0.2");
        has(r, "10.0.0.2 10.0.0.1 fd00::2 10.0.0.3");
    }
    prefer(r, "fd00::2");
    has(r, "fd00::2 10.0.0.2 10.0.0.1 10.0.0.3");
    prefer(r, "10.0.0.4");
    prefer(r, "fd00::3");
    has(r, "fd00::2 10.0.0.2 10.0.0.1 10.0.0.3");
    resolver_free(r);
}

static void look_again(resolver *r, struct addrinfo *found) {
    at(l.now_ms + 1000);
    assert_true(resolver_get(r, &wait_));
    answer(0, found);
}

static void it_stays_first_while_it_is_found(void **state) {
    (void)state;
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    answer(0, info("10.0.0.1", info("10.0.0.2", NULL)));
    prefer(r, "10.0.0.1"); /* it was the first: that is no more than the look-up's own order */
    look_again(r, info("10.0.0.2", info("10.0.0.1", NULL)));
    has(r, "10.0.0.2 10.0.0.1");
    prefer(r, "10.0.0.1");
    look_again(r, info("10.0.0.2", info("fd00::1", info("10.0.0.1", NULL))));
    has(r, "10.0.0.1 10.0.0.2 fd00::1");
    look_again(r, info("10.0.0.2", info("10.0.0.3", NULL)));
    has(r, "10.0.0.2 10.0.0.3");
    look_again(r, info("10.0.0.2", info("10.0.0.1", NULL)));
    has(r, "10.0.0.2 10.0.0.1");
    resolver_free(r);
}

static void the_number_of_addresses_is_bounded(void **state) {
    (void)state;
    struct addrinfo *many = NULL;
    for (int i = 0; i < 40; i++)
        many = info("10.0.0.1", many);
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    answer(0, many);
    size_t count;
    (void)resolver_addresses(r, &count);
    assert_int_equal(count, ADDRESSES_MAX);
    resolver_free(r);
}

static void an_old_answer_is_used_while_a_new_one_is_fetched(void **state) {
    (void)state;
    resolver *r = name();
    int64_t t0 = l.now_ms;
    assert_false(resolver_get(r, &wait_));
    answer(0, info("10.0.0.1", NULL));
    at(t0 + 999);
    assert_true(resolver_get(r, &wait_));
    assert_int_equal(asked_times, 1);
    at(t0 + 1000);
    assert_true(resolver_get(r, &wait_));
    assert_true(resolver_get(r, &wait_));
    assert_int_equal(asked_times, 2);
    has(r, "10.0.0.1");
    answer(0, info("10.0.0.2", NULL));
    has(r, "10.0.0.2");
    assert_int_equal(told, 1);
    resolver_free(r);
}

static void an_old_answer_survives_a_failed_refresh(void **state) {
    (void)state;
    resolver *r = name();
    int64_t t0 = l.now_ms;
    assert_false(resolver_get(r, &wait_));
    answer(0, info("10.0.0.1", NULL));
    at(t0 + 1000);
    assert_true(resolver_get(r, &wait_));
    answer(UV_EAI_AGAIN, NULL);
    assert_true(resolver_get(r, &wait_)); /* and does not ask again at once */
    assert_int_equal(asked_times, 2);
    at(t0 + 2000);
    assert_true(resolver_get(r, &wait_));
    assert_int_equal(asked_times, 3);
    answer(UV_EAI_AGAIN, NULL);
    /* Very old: waits for a new one, and takes the old one if there is none. */
    at(t0 + 10000);
    assert_false(resolver_get(r, &wait_));
    answer(UV_EAI_AGAIN, NULL);
    assert_int_equal(told, 2);
    has(r, "10.0.0.1");
    resolver_free(r);
}

static void a_name_that_does_not_exist(void **state) {
    (void)state;
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    answer(UV_EAI_NONAME, NULL);
    assert_int_equal(told, 1);
    has(r, "");
    assert_string_equal(resolver_why(r),
                        "the name api.test could not be looked up: unknown node or "
                        "service");
    assert_false(resolver_get(r, &wait_)); /* failures are not kept */
    answer(0, info("10.0.0.1", NULL));
    has(r, "10.0.0.1");
    resolver_free(r);
}

static void stop_loop(resolve_wait *w) {
    on_done(w);
    loop_stop(&l);
}

static void a_look_up_that_cannot_begin(void **state) {
    (void)state;
    at_once_error = UV_ENOMEM;
    resolver *r = name();
    resolve_wait_init(&wait_, stop_loop);
    assert_false(resolver_get(r, &wait_));
    assert_int_equal(told, 0);
    loop_run(&l);
    assert_int_equal(told, 1);
    assert_string_equal(resolver_why(r),
                        "the name api.test could not be looked up: not enough memory");
    resolver_free(r);
}

static void nobody_hears_after_cancel_or_free(void **state) {
    (void)state;
    resolver *r = name();
    assert_false(resolver_get(r, &wait_));
    resolve_wait_cancel(&wait_);
    resolve_wait_cancel(&wait_);
    resolver_free(r);
    assert_int_equal(cancels, 1);
    answer(UV_ECANCELED, NULL); /* frees what the look-up holds */
    assert_int_equal(told, 0);
}

static void cancel_other(resolve_wait *w) {
    on_done(w);
    resolve_wait_cancel(&wait_2);
}

static void one_who_is_told_may_cancel_another(void **state) {
    (void)state;
    resolver *r = name();
    resolve_wait_init(&wait_, cancel_other);
    assert_false(resolver_get(r, &wait_));
    assert_false(resolver_get(r, &wait_2));
    answer(0, info("10.0.0.1", NULL));
    assert_int_equal(told, 1);
    resolver_free(r);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(addresses_need_no_look_up),
        EACH(all_who_wait_are_told_by_one_look_up),
        EACH(the_families_take_turns),
        EACH(the_address_that_answered_is_first),
        EACH(it_stays_first_while_it_is_found),
        EACH(the_number_of_addresses_is_bounded),
        EACH(an_old_answer_is_used_while_a_new_one_is_fetched),
        EACH(an_old_answer_survives_a_failed_refresh),
        EACH(a_name_that_does_not_exist),
        EACH(a_look_up_that_cannot_begin),
        EACH(nobody_hears_after_cancel_or_free),
        EACH(one_who_is_told_may_cancel_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
