/* The end of a connection that is not read. */
#include "unit.h"

#include "ends.h"

#include "certs.h"

static certs c;

/* How the client leaves, and what it says before, which nobody reads. */
typedef struct leaving {
    const char *name;
    enum { PLAIN, UNIX, SECURE } over;
    void (*how)(transport *t);
    const char *unread;
    int left;           /* times that the paused server is told before it reads on */
    transport_fail why; /* what the end is in the end */
} leaving;

static const leaving *now;

static void leave(end *e) {
    e->closed = true;
    now->how(e->t);
}

/* The first bytes are enough for the server; the others, and the end, come while it does not read.
 */
static void pause_and_see_it_leave(end *server) {
    end *client = &server->f->client;
    if (client->closed) return;
    transport_pause(server->t);
    transport_write(client->t, span_cstr(now->unread));
    transport_flush(client->t);
    leave(client);
}

static void read_on(end *server) {
    assert_span(buf_span(&server->got), "hello");
    transport_resume(server->t);
}

static void secure(fixture *f) {
    buf why = BUF_EMPTY;
    f->server_tls = tls_server_new(c.cert, c.key, &why);
    tls_context *context = tls_client_new(span_cstr(c.ca), &why);
    assert_non_null(f->server_tls);
    assert_non_null(context);
    f->client_tls = (transport_tls){context, SPAN_OF("weir.test"), f->port};
}

static void connect_over(fixture *f, const char *path) {
    if (now->over != UNIX) {
        connect_client(f);
        return;
    }
    listen_at(f, path);
    transport_target target = {.unix_path = span_cstr(path)};
    f->client.t = transport_connect(&f->l, &target, &ops, &f->client);
}

static void see_it_leave(const leaving *row) {
    now = row;
    fixture f;
    char path[64];
    snprintf(path, sizeof path, "%s/socket", c.dir);
    begin(&f);
    if (row->over == SECURE) secure(&f);
    f.client.open = say_hello;
    f.server.data = pause_and_see_it_leave;
    f.server.leaving = read_on;
    connect_over(&f, path);
    run(&f);
    char expected[20];
    snprintf(expected, sizeof expected, "hello%s", row->unread);
    if (f.server.left != row->left || f.server.failed != 1 || f.server.why != row->why)
        fail_msg("%s: left %d, failed %d, why %d", row->name, f.server.left, f.server.failed,
                 f.server.why);
    assert_span(buf_span(&f.server.got), expected);
    if (row->over == UNIX) unlink(path);
    tls_context_unref(f.server_tls);
    tls_context_unref(f.client_tls.context);
    end_done(&f);
}

static void a_paused_end_hears_the_other_leave(void **state) {
    (void)state;
    static const leaving rows[] = {
        {"closes", PLAIN, transport_close, "", 0, TRANSPORT_EOF},
        {"closes behind bytes", PLAIN, transport_close, "more", 1, TRANSPORT_EOF},
        {"resets", PLAIN, transport_abort, "", 0, TRANSPORT_RESET},
        {"resets behind bytes", PLAIN, transport_abort, "more", 1, TRANSPORT_RESET},
        {"closes a Unix socket", UNIX, transport_close, "", 0, TRANSPORT_EOF},
        {"closes a Unix socket behind bytes", UNIX, transport_close, "more", 1, TRANSPORT_EOF},
        {"says goodbye in TLS", SECURE, transport_close, "", 1, TRANSPORT_EOF},
        {"says goodbye in TLS behind bytes", SECURE, transport_close, "more", 1, TRANSPORT_EOF},
        {"resets TLS", SECURE, transport_abort, "", 0, TRANSPORT_RESET},
        {"resets TLS behind bytes", SECURE, transport_abort, "more", 1, TRANSPORT_RESET},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        see_it_leave(&rows[i]);
}

/* ---- the same of one plain connection, on which the server does something of its own ---- */

/* The fixture of one test, whose other steps are the caller's to set before run_leaving(). */
static void begin_leaving(fixture *f, const leaving *row) {
    now = row;
    begin(f);
    f->client.open = say_hello;
    f->server.data = pause_and_see_it_leave;
}

static void run_leaving(fixture *f, int left, int failed, const char *got) {
    connect_client(f);
    run(f);
    assert_int_equal(f->server.left, left);
    assert_int_equal(f->server.failed, failed);
    if (failed) assert_int_equal(f->server.why, TRANSPORT_EOF);
    assert_span(buf_span(&f->server.got), got);
    end_done(f);
}

static const leaving closes = {.name = "closes", .how = transport_close, .unread = ""},
                     closes_behind = {.name = "closes", .how = transport_close, .unread = "more"};

/* Only the end of its sending side: what the server says still arrives. */
static void finish_soon(transport *t) {
    transport_finish(t, 60000);
}

static void say_good_day(end *server) {
    transport_write(server->t, SPAN_OF("good day"));
}

static void half_an_end_is_an_end(void **state) {
    (void)state;
    static const leaving row = {.name = "closes its side", .how = finish_soon, .unread = ""};
    fixture f;
    begin_leaving(&f, &row);
    f.server.failing = say_good_day;
    f.server.when_sent = close_here;
    run_leaving(&f, 0, 1, "hello");
}

/* It pauses again and again, and is told of one end once. */
static void pause_on(end *server) {
    transport_resume(server->t);
    transport_pause(server->t);
    if (server->left < 3) return;
    transport_resume(server->t);
}

static void each_pause_hears_anew(void **state) {
    (void)state;
    fixture f;
    begin_leaving(&f, &closes_behind);
    f.server.leaving = pause_on;
    run_leaving(&f, 3, 1, "hellomore");
}

static void closed_where_it_hears(void **state) {
    (void)state;
    fixture f;
    begin_leaving(&f, &closes_behind);
    f.server.leaving = close_here;
    run_leaving(&f, 1, 0, "hello");
}

/* A pause that is over hears by reading alone. */
static void pause_and_read_on(end *server) {
    end *client = &server->f->client;
    if (client->closed) return;
    transport_pause(server->t);
    transport_resume(server->t);
    leave(client);
}

static void read_again_it_hears_by_reading(void **state) {
    (void)state;
    fixture f;
    begin_leaving(&f, &closes);
    f.server.data = pause_and_read_on;
    run_leaving(&f, 0, 1, "hello");
}

static int set_up(void **state) {
    (void)state;
    certs_begin(&c);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    certs_end(&c);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_end_hears_the_other_leave),
        cmocka_unit_test(half_an_end_is_an_end),
        cmocka_unit_test(each_pause_hears_anew),
        cmocka_unit_test(closed_where_it_hears),
        cmocka_unit_test(read_again_it_hears_by_reading),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
