#include "unit.h"

#include "ends.h"

#include "http/transport_internal.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- bytes ---- */

static void both_directions(void **state) {
    fixture *f = *state;
    greet(f);
    converse(f);
    assert_span(buf_span(&f->server.got), "hello");
    assert_span(buf_span(&f->client.got), "good day");
    assert_int_equal(f->client.opened, 1);
    assert_int_equal(f->server.opened, 0);
    assert_int_equal(f->client.sent, 1);
    assert_int_equal(f->client.failed + f->server.failed, 0);
}

/* What was written before the connection stood is sent when it does. */
static void output_waits_for_the_connection(void **state) {
    fixture *f = *state;
    f->server.data = answer_hello;
    f->client.data = end_at_good_day;
    connect_client(f);
    say_hello(&f->client);
    run(f);
    assert_span(buf_span(&f->server.got), "hello");
}

/* In the turn in which it hears the client: this end says something first, then the client does. */
static void both_say_something(end *e) {
    transport_write(e->t, SPAN_OF("good day"));
    transport_write(e->f->client.t, SPAN_OF("!"));
    e->data = NULL;
}

static void note_who_left(end *e) {
    e->f->step = e->f->step * 10 + (e == &e->f->client ? 1 : 2);
    if (e->f->step > 100) finish_test(e->f); /* "hello" was the first */
}

static void be_first(end *e) {
    transport_set_first(e->t);
    say_hello(e);
}

static void check_order(fixture *f, void (*say)(end *), int order) {
    f->client.open = say;
    f->server.data = both_say_something;
    f->client.when_sent = f->server.when_sent = note_who_left;
    converse(f);
    assert_int_equal(f->step, order);
}

static void output_leaves_in_the_order_of_the_turn(void **state) {
    check_order(*state, say_hello, 121);
}

static void who_is_first_leaves_before_others(void **state) {
    check_order(*state, be_first, 112);
}

/* A peer that the network has lost is noticed within half a minute, whatever is awaited of it. */
static void assert_option(const end *e, int level, int name, int expected) {
    int fd, value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(uv_fileno(&e->t->socket->uv.handle, &fd), 0);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    assert_int_equal(value, expected);
}

static void look_at_the_socket(end *e) {
    assert_option(e, SOL_SOCKET, SO_KEEPALIVE, 1);
    assert_option(e, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    assert_option(e, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    assert_option(e, IPPROTO_TCP, TCP_KEEPCNT, 3);
    static const bool patient[] = {false, true, true, false};
    for (size_t i = 0; i < ARRAY_LEN(patient); i++) {
        transport_set_patient(e->t, patient[i]);
        assert_option(e, IPPROTO_TCP, TCP_USER_TIMEOUT, patient[i] ? 0 : 30000);
    }
    finish_test(e->f);
}

static void the_peer_is_watched(void **state) {
    fixture *f = *state;
    f->client.open = look_at_the_socket;
    converse(f);
    assert_int_equal(f->client.opened, 1);
}

/* ---- much, to a reader that is slow ---- */

static void much_in_every_way(void **state) {
    fixture *f = *state;
    much_arrives(f, send_in_every_way);
}

static void much_at_once(void **state) {
    fixture *f = *state;
    much_arrives(f, write_at_once);
}

static void write_behind_little(end *e) {
    transport_write(e->t, pieces[0]);
    transport_writev(e->t, pieces + 1, 2); /* which goes out first what has gathered */
    assert_true(transport_pending(e->t) < pieces[0].len + pieces[1].len + pieces[2].len);
    transport_writev(e->t, pieces + 3, PIECES - 3);
}

static void much_behind_little(void **state) {
    fixture *f = *state;
    much_arrives(f, write_behind_little);
}

static void much_kept(void **state) {
    fixture *f = *state;
    keepers_freed = 0;
    much_arrives(f, keep_much);
    assert_int_equal(keepers_freed, 4);
}

static void close_behind_much(end *e) {
    keep_much(e);
    transport_flush(e->t);
    transport_write_kept(e->t, &(kept_text){SPAN_EMPTY, SPAN_EMPTY, SPAN_OF("a"), NULL});
    transport_close(e->t);
    finish_test(e->f);
}

/* With one in flight, too. */
static void what_is_kept_goes_with_the_connection(void **state) {
    fixture *f = *state;
    keepers_freed = 0;
    much = pattern(MUCH);
    cut_pieces(span_from(much, MUCH));
    f->client.open = close_behind_much;
    converse(f);
    assert_int_equal(keepers_freed, 4);
    free(much);
}

static void much_lent(void **state) {
    fixture *f = *state;
    much_arrives(f, lend_all);
}

/* ---- closing from every callback ---- */

static void write_and_close(end *e) {
    say_hello(e);
    finish_test(e->f);
}

static void closing_in_callbacks(void **state) {
    (void)state;
    void (*const way[])(end *) = {close_here, write_and_close};
    for (size_t i = 0; i < ARRAY_LEN(way); i++) {
        for (int where = 0; where < 4; where++) {
            fixture f;
            begin(&f);
            f.server.open = say_hello;
            f.client.open = say_hello;
            if (where == 0) f.client.open = way[i];
            if (where == 1) f.client.data = way[i];
            if (where == 2) f.client.when_sent = way[i];
            if (where == 3) f.server.open = end_close;
            converse(&f);
            end_done(&f);
        }
    }
}

/* ---- endings ---- */

static void answer_after_eof(end *e) {
    assert_int_equal(e->why, TRANSPORT_EOF);
    transport_write(e->t, SPAN_OF("good day"));
}

static void shut_own_side(end *e) {
    say_hello(e);
    transport_finish(e->t, 60000);
    e->closed = true;
}

static void output_after_the_peers_eof(void **state) {
    fixture *f = *state;
    f->client.open = shut_own_side;
    f->server.failing = answer_after_eof;
    f->server.when_sent = close_here;
    converse(f);
    assert_span(buf_span(&f->server.got), "hello");
    assert_int_equal(f->server.failed, 1);
}

/* The server answers without reading all that the client sends, and finishes: the client must get
 * the whole answer and an orderly end, and may send the rest, although nobody wants it. */
static void answer_and_finish(end *e) {
    transport_pause(e->t);
    transport_write(e->t, SPAN_OF("good "));
    transport_write(e->t, SPAN_OF("day"));
    transport_finish(e->t, 60000);
    e->closed = true;
}

static void end_when_told_and_sent(end *e) {
    if (e->failed && (e->sent || e->why != TRANSPORT_EOF)) finish_test(e->f);
}

static void finish_keeps_the_last_answer(void **state) {
    fixture *f = *state;
    much = pattern(MUCH);
    cut_pieces(span_from(much, MUCH));
    f->client.open = lend_all;
    f->client.when_sent = end_when_told_and_sent;
    f->client.failing = end_when_told_and_sent;
    f->server.data = answer_and_finish;
    converse(f);
    free(much);
    assert_span(buf_span(&f->client.got), "good day");
    assert_int_equal(f->client.why, TRANSPORT_EOF);
    assert_int_equal(f->client.failed, 1);
    assert_int_equal(f->client.sent, 1);
}

static void finish_within(end *e) {
    say_hello(e);
    transport_finish(e->t, 10);
    e->closed = true;
}

/* The peer never closes: the linger ends it, so the loop ends. */
static void finish_does_not_wait_for_ever(void **state) {
    fixture *f = *state;
    f->server.open = finish_within;
    f->client.failing = stay;
    timer_init(&f->timer, close_client);
    loop_timer_start(&f->l, &f->timer, 50);
    converse(f);
    assert_span(buf_span(&f->client.got), "hello");
}

static void abort_it(end *e) {
    e->closed = true;
    transport_abort(e->t);
}

static void abort_is_a_reset(void **state) {
    fixture *f = *state;
    f->client.open = say_hello;
    f->server.data = abort_it;
    converse(f);
    assert_int_equal(f->client.why, TRANSPORT_RESET);
    assert_string_equal(f->client.text, "connection reset by peer");
}

/* A reset that is found together with bytes is no orderly end: what came is not the whole. */
static void abort_behind_more(end *client) {
    say_hello(client);
    transport_flush(client->t);
    transport_abort(client->t);
    client->closed = true;
}

static void a_reset_behind_bytes_is_no_end(void **state) {
    fixture *f = *state;
    f->client.open = abort_behind_more;
    converse(f);
    assert_span(buf_span(&f->server.got), "hello");
    assert_int_equal(f->server.why, TRANSPORT_RESET);
    assert_string_equal(f->server.text, "connection reset by peer");
}

/* Writing to a peer that has gone: told once, no signal. */
static void write_when_sent(end *e) {
    transport_write(e->t, SPAN_OF("more"));
}

static void writing_to_the_gone(void **state) {
    fixture *f = *state;
    signal(SIGPIPE, SIG_DFL);
    f->client.open = say_hello;
    f->client.when_sent = write_when_sent;
    f->server.data = abort_it;
    converse(f);
    assert_int_equal(f->client.failed, 1);
    assert_int_equal(f->client.why, TRANSPORT_RESET);
}

/* A paused writer is told as well: nobody reads, so the failed write must tell. */
static void pause_and_write(end *e) {
    transport_pause(e->t);
    say_hello(e);
}

static void a_paused_writer_is_told(void **state) {
    fixture *f = *state;
    f->client.open = pause_and_write;
    f->client.when_sent = write_when_sent;
    f->server.data = abort_it;
    converse(f);
    assert_int_equal(f->client.failed, 1);
    assert_int_equal(f->client.why, TRANSPORT_RESET);
}

/* The server answers and closes while most of the request is still to be sent: the answer comes
 * before the failure. */
static void an_early_answer_is_read(void **state) {
    fixture *f = *state;
    much = pattern(MUCH);
    cut_pieces(span_from(much, MUCH));
    f->client.open = lend_all;
    f->server.data = answer_hello;
    f->server.when_sent = end_close;
    converse(f);
    assert_span(buf_span(&f->client.got), "good day");
    assert_int_equal(f->client.failed, 1);
    free(much);
}

/* An answer and a reset lie in the socket when a write finds the connection broken: the answer is
 * read all the same, and then the reset is told. */
static int raw_listener;

static void answer_and_reset_before_more(end *e) {
    if (e->sent > 1) return;
    int fd = accept(raw_listener, NULL, NULL);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, "good day", 8, 0), 8);
    close(fd); /* what it did not read makes this a reset */
    transport_write(e->t, SPAN_OF("more"));
    transport_flush(e->t);
    transport_write(e->t, SPAN_OF("and more"));
}

static void an_answer_is_read_after_a_failed_write(void **state) {
    fixture *f = *state;
    struct sockaddr_storage addr = net_addr("127.0.0.1", 0);
    raw_listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(raw_listener, (void *)&addr, sizeof(struct sockaddr_in)), 0);
    assert_int_equal(listen(raw_listener, 1), 0);
    socklen_t len = sizeof addr;
    assert_int_equal(getsockname(raw_listener, (void *)&addr, &len), 0);
    f->client.open = say_hello;
    f->client.when_sent = answer_and_reset_before_more;
    connect_to(f, &addr, 1);
    run(f);
    close(raw_listener);
    assert_span(buf_span(&f->client.got), "good day");
    assert_int_equal(f->client.failed, 1);
    assert_int_equal(f->client.why, TRANSPORT_RESET);
}

/* ---- hooks come before writes ---- */

typedef struct hook_probe {
    loop_hook hook;
    fixture *f;
    int runs, dry;
} hook_probe;

static void look_at_pending(loop_hook *h) {
    hook_probe *p = CONTAINER_OF(h, hook_probe, hook);
    p->runs++;
    if (p->f->client.opened && !p->f->client.sent && transport_pending(p->f->client.t) != 5)
        p->dry++;
}

static void hooks_run_before_writes(void **state) {
    fixture *f = *state;
    hook_probe p = {.hook.run = look_at_pending, .f = f};
    list_init(&p.hook.link);
    loop_add_hook(&f->l, &p.hook);
    greet(f);
    converse(f);
    assert_true(p.runs > 0);
    assert_int_equal(p.dry, 0);
}

static int hook_runs;

static void count_run(loop_hook *h) {
    (void)h;
    hook_runs++;
}

static void write_much_at_once(end *e) {
    int before = hook_runs;
    write_at_once(e);
    assert_true(hook_runs > before);
    finish_test(e->f);
}

static void hooks_run_before_a_write_at_once(void **state) {
    fixture *f = *state;
    loop_hook hook = {.run = count_run};
    list_init(&hook.link);
    loop_add_hook(&f->l, &hook);
    much = pattern(MUCH);
    cut_pieces(span_from(much, MUCH));
    f->client.open = write_much_at_once;
    converse(f);
    free(much);
}

#define T(name) cmocka_unit_test_setup_teardown(name, ends_set_up, ends_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(both_directions),
        T(output_waits_for_the_connection),
        T(output_leaves_in_the_order_of_the_turn),
        T(who_is_first_leaves_before_others),
        T(the_peer_is_watched),
        T(much_in_every_way),
        T(much_at_once),
        T(much_behind_little),
        T(much_lent),
        T(much_kept),
        T(what_is_kept_goes_with_the_connection),
        cmocka_unit_test(closing_in_callbacks),
        T(output_after_the_peers_eof),
        T(finish_keeps_the_last_answer),
        T(finish_does_not_wait_for_ever),
        T(abort_is_a_reset),
        T(a_reset_behind_bytes_is_no_end),
        T(writing_to_the_gone),
        T(a_paused_writer_is_told),
        T(an_early_answer_is_read),
        T(an_answer_is_read_after_a_failed_write),
        T(hooks_run_before_writes),
        T(hooks_run_before_a_write_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
