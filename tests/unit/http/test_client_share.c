/* One pool, several holders: what each may have of it, and whose turn it is. */
#include "unit.h"

#include "base/random.h"
#include "calls.h"
#include "peer.h"

#include <semaphore.h>
#include <sys/socket.h>

/* Each answer is its number, in the order in which the requests came. */
static void numbered(peer *p, int fd, int n) {
    (void)n;
    buf request;
    while (peer_read(fd, &request)) {
        pthread_mutex_lock(&p->lock);
        int number = ++p->requests;
        pthread_mutex_unlock(&p->lock);
        char raw[100];
        snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d", number);
        buf_done(&request);
        peer_send(fd, raw);
    }
}

/* A stream that goes on for as long as somebody listens. */
static void endless(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, "HTTP/1.1 200 OK\r\n\r\n.");
    peer_sees_close(fd);
}

static void shared_begin(calls *c, peer *p, peer_script *script, unsigned most, unsigned share) {
    peer_begin(p, script);
    calls_begin(c);
    c->spec.max_connections = most;
    c->spec.max_share = share;
    calls_to(c, p->port);
}

static noted *send_of(calls *c, uint64_t holder, int64_t connect_ms) {
    http_call_spec spec = plain_get();
    spec.holder = holder;
    if (connect_ms) spec.connect_ms = connect_ms;
    return calls_send(c, &spec);
}

static unsigned open_now(const calls *c) {
    return http_client_get_stats(c->client).open;
}

static void one_holder_leaves_room_for_others(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, numbered, 4, 2);
    for (int i = 0; i < 10; i++)
        (void)send_of(&c, 7, 0);
    assert_int_equal(open_now(&c), 2);
    (void)send_of(&c, 8, 0);
    (void)send_of(&c, 0, 0);
    assert_int_equal(open_now(&c), 4);
    (void)send_of(&c, 8, 0);
    assert_int_equal(open_now(&c), 4);
    calls_run(&c);
    peer_end(&p);
    for (int i = 0; i < c.count; i++)
        assert_int_equal(c.notes[i].ends, 1);
    calls_end(&c);
}

/* Calls of nobody know no share. */
static void nobody_may_have_all(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, numbered, 4, 2);
    for (int i = 0; i < 10; i++)
        (void)send_of(&c, 0, 0);
    assert_int_equal(open_now(&c), 4);
    calls_run(&c);
    peer_end(&p);
    calls_end(&c);
}

/* Two pools apart: what a holder has of one says nothing of the other. */
static void a_share_is_of_one_origin(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, numbered, 4, 2);
    for (int i = 0; i < 3; i++)
        (void)send_of(&c, 7, 0);
    http_origin *first = c.origin;
    c.spec.authority = SPAN_OF("other.test");
    c.origin = http_client_origin(c.client, &c.spec);
    for (int i = 0; i < 3; i++)
        (void)send_of(&c, 7, 0);
    assert_int_equal(open_now(&c), 4);
    http_origin_unref(first);
    calls_run(&c);
    peer_end(&p);
    calls_end(&c);
}

/* Over a single connection: who has many calls waits for them, not the others. */
static void holders_take_turns(void **state) {
    (void)state;
    static const struct {
        uint64_t holder;
        const char *served;
    } rows[] = {{1, "01"}, {1, "02"}, {1, "05"}, {1, "08"}, {2, "03"},
                {2, "06"}, {2, "09"}, {0, "04"}, {0, "07"}};
    peer p;
    calls c;
    shared_begin(&c, &p, numbered, 1, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        (void)send_of(&c, rows[i].holder, 0);
    assert_int_equal(open_now(&c), 1);
    calls_run(&c);
    peer_end(&p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_span(buf_span(&c.notes[i].body), rows[i].served);
    calls_end(&c);
}

static void cancel_streams(noted *n) {
    for (int i = 0; i < n->c->count; i++)
        if (n->c->notes[i].call) calls_cancel(&n->c->notes[i]);
}

/* Streams that never end hold their holder's share, and are that holder's matter alone. */
static void what_is_short_for_whom(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, endless, 3, 2);
    for (int i = 0; i < 2; i++)
        (void)send_of(&c, 7, 0);
    noted *of_share = send_of(&c, 7, 30);
    (void)send_of(&c, 8, 0);
    assert_int_equal(open_now(&c), 3);
    noted *of_pool = send_of(&c, 8, 60);
    noted *last = send_of(&c, 9, 90);
    last->at_fail = cancel_streams;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(of_share->kind, HTTP_FAIL_SHORT);
    assert_int_equal(of_share->shortage, SHORTAGE_SHARE);
    assert_string_equal(of_share->text,
                        "this client's share, 2 of 3 connections, was busy for 30 ms");
    assert_int_equal(of_pool->shortage, SHORTAGE_POOL);
    assert_string_equal(of_pool->text, "all 3 connections were busy for 60 ms");
    assert_int_equal(last->shortage, SHORTAGE_POOL);
    calls_end(&c);
}

static void cancel_first(noted *n) {
    calls_cancel(&n->c->notes[0]);
}

/* What one of a holder's calls gives back is the next one's, though the pool was never full. */
static void a_place_within_the_share(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, endless, 8, 1);
    noted *first = send_of(&c, 7, 0), *second = send_of(&c, 7, 0);
    assert_int_equal(open_now(&c), 1);
    first->at_body = cancel_first;
    second->at_body = cancel_streams;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(second->status, 200);
    assert_true(second->facts.placed_us >= first->facts.connected_us);
    assert_true(second->facts.placed_us <= second->facts.connected_us);
    calls_end(&c);
}

/* A configuration that allows more is of use to those who wait already. */
static void a_share_that_grows(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, numbered, 4, 1);
    for (int i = 0; i < 4; i++)
        (void)send_of(&c, 7, 0);
    assert_int_equal(open_now(&c), 1);
    c.spec.max_share = 3;
    http_origin *same = http_client_origin(c.client, &c.spec);
    assert_ptr_equal(same, c.origin);
    assert_int_equal(open_now(&c), 3);
    http_origin_unref(same);
    calls_run(&c);
    peer_end(&p);
    calls_end(&c);
}

/* The first connection's stream never ends; all others answer. */
static void first_is_endless(peer *p, int fd, int n) {
    (n ? numbered : endless)(p, fd, n);
}

static void allow(calls *c, unsigned most, unsigned share) {
    c->spec.max_connections = most;
    c->spec.max_share = share;
    http_origin_unref(http_client_origin(c->client, &c->spec));
}

static void lift_share(noted *n) {
    allow(n->c, 2, 2);
}

/* Nor does it wait for a new connection where the pool has one that is idle. */
static void a_share_that_grows_while_the_pool_is_idle(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, first_is_endless, 2, 1);
    (void)send_of(&c, 7, 0);
    send_of(&c, 8, 0)->at_end = lift_share;
    noted *waits = send_of(&c, 7, 500);
    waits->at_end = waits->at_fail = cancel_streams;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(waits->status, 200);
    assert_int_equal(c.stats.reuses, 1);
    calls_end(&c);
}

/* Whichever of them is answered first brings the new bound. */
static void allow_one_and_count(noted *n) {
    int others = n->c->count - n->c->over - 1;
    if (n->c->over == 0) allow(n->c, 1, 0);
    assert_int_equal(open_now(n->c), others ? others : 1);
}

/* What a new configuration has no room for is closed, idle or once it has answered. */
static void a_bound_that_shrinks(void **state) {
    (void)state;
    peer p;
    calls c;
    shared_begin(&c, &p, numbered, 4, 0);
    for (int i = 0; i < 4; i++)
        send_of(&c, 0, 0)->at_end = allow_one_and_count;
    assert_int_equal(open_now(&c), 4);
    calls_run(&c);
    peer_end(&p);
    calls_end(&c);
}

static sem_t broken_off;

static void answer_one(int fd, const char *body) {
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    char raw[100];
    snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%s", body);
    peer_send(fd, raw);
}

/* Both of the first connections answer once. Then the second breaks off, and only after that the
 * first goes on. */
static void second_breaks_off(peer *p, int fd, int n) {
    if (n < 2) answer_one(fd, "00");
    if (n == 1) {
        buf request;
        if (peer_read(fd, &request)) buf_done(&request);
        shutdown(fd, SHUT_RDWR);
        sem_post(&broken_off);
        return;
    }
    if (n == 0) sem_wait(&broken_off);
    numbered(p, fd, n);
}

static void allow_one(noted *n) {
    allow(n->c, 1, 0);
}

/* Who can use a new connection alone is not passed by all who came later, when a lowered bound
 * leaves no room for one beside those that are open. */
static void a_replay_under_a_lowered_bound_has_its_turn(void **state) {
    (void)state;
    enum { CALLS = 40 };
    peer p;
    calls c;
    sem_init(&broken_off, 0, 0);
    shared_begin(&c, &p, second_breaks_off, 2, 0);
    for (int i = 0; i < CALLS; i++)
        (void)send_of(&c, 0, 0);
    c.notes[0].at_end = c.notes[1].at_end = allow_one;
    calls_run(&c);
    peer_end(&p);
    const char *last = c.notes[CALLS - 1].body.ptr;
    for (int i = 0; i < CALLS - 1; i++)
        assert_true(memcmp(c.notes[i].body.ptr, last, 2) < 0);
    sem_destroy(&broken_off);
    calls_end(&c);
}

/* ---- at random ---- */

enum { HOLDERS = 4, SHARE = 2 };
static uint64_t holders[CALLS_MAX];
static rng dice;

/* Connections that answer, close, or break off in all places. */
static void moody(peer *p, int fd, int n) {
    (void)p;
    for (int i = 0;; i++) {
        buf request;
        if (!peer_read(fd, &request)) return;
        buf_done(&request);
        if ((n + i) % 5 == 4) return;
        peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        if ((n + i) % 7 == 6) return;
        peer_send(fd, "k");
        if ((n + i) % 3 == 2) return;
    }
}

static void look(noted *n) {
    unsigned held[HOLDERS] = {0};
    for (int i = 0; i < n->c->count; i++) {
        noted *other = &n->c->notes[i];
        if (!other->over && other->call && http_call_get_facts(other->call).connected_us)
            held[holders[i]]++;
    }
    for (int i = 1; i < HOLDERS; i++)
        assert_true(held[i] <= SHARE);
    if (rng_u64(&dice) % 8 == 0) allow(n->c, 1 + (unsigned)(rng_u64(&dice) % 5), SHARE);
    if (rng_u64(&dice) % 4 == 0) calls_cancel(n);
}

static void send_more(noted *n) {
    if (n->c->count == CALLS_MAX) return;
    int i = n->c->count;
    holders[i] = rng_u64(&dice) % HOLDERS;
    n->c->notes[i].at_sent = look;
    n->c->notes[i].at_end = n->c->notes[i].at_fail = send_more;
    (void)send_of(n->c, holders[i], 0);
}

static void whatever_comes_all_end(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        peer p;
        calls c;
        rng_seed(&dice, seed);
        shared_begin(&c, &p, moody, 5, SHARE);
        for (int i = 0; i < 24; i++)
            send_more(&(noted){.c = &c});
        calls_run(&c);
        peer_end(&p);
        assert_int_equal(c.over, c.count);
        calls_end(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holder_leaves_room_for_others),
        cmocka_unit_test(a_share_that_grows_while_the_pool_is_idle),
        cmocka_unit_test(a_bound_that_shrinks),
        cmocka_unit_test(a_replay_under_a_lowered_bound_has_its_turn),
        cmocka_unit_test(nobody_may_have_all),
        cmocka_unit_test(a_share_is_of_one_origin),
        cmocka_unit_test(holders_take_turns),
        cmocka_unit_test(what_is_short_for_whom),
        cmocka_unit_test(a_place_within_the_share),
        cmocka_unit_test(a_share_that_grows),
        cmocka_unit_test(whatever_comes_all_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
