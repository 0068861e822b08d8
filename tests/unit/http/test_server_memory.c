/* Bodies and answers that wait take their room from the loop's account, or are refused. */
#include "unit.h"

#include "pack.h"
#include "server_fixture.h"

enum { BODY = 100000, ALL = 3 * BODY + BODY / 2, ONE = 2 * BODY };

static fixture f;
static memory_bound bound;

static int set_up(void **state) {
    (void)state;
    memory_bound_init(&bound, ALL, ONE);
    fixture_init(&f, NULL);
    f.loop.memory.bound = &bound;
    assert_int_equal(http_server_listen(f.server, &f.bind), 0);
    fixture_run(&f);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_done(&f);
    assert_int_equal(bound.lent, 0);
    assert_int_equal(bound.holders.count, 0);
    memory_bound_done(&bound);
    return 0;
}

static uint64_t used;

static void look(fixture *fix) {
    used = fix->loop.memory.used;
}

static void check_used(uint64_t want) {
    on_loop(&f, look);
    assert_int_equal(used, want);
}

/* What the loop has read by now may not be all that was sent. */
static void await_used(uint64_t want) {
    for (int i = 0; i < GIVE_UP_S * 1000; i++) {
        on_loop(&f, look);
        if (used == want) return;
        uv_sleep(1);
    }
    check_used(want);
}

static void send_head(int fd, const char *path, const char *fields) {
    char head[400];
    (void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: t\r\n%s\r\n\r\n", path, fields);
    send_text(fd, head);
}

static void send_filler(int fd, size_t bytes) {
    char *filler = malloc(bytes);
    memset(filler, 'x', bytes);
    send_bytes(fd, span_from(filler, bytes));
    free(filler);
}

/* A body of which all but the last byte has come. */
static int send_unfinished(const char *path, size_t bytes) {
    char length[60];
    (void)snprintf(length, sizeof length, "Content-Length: %zu", bytes);
    int fd = dial(&f);
    clear_log(&f);
    send_head(fd, path, length);
    wait_log(&f, "head");
    send_filler(fd, bytes - 1);
    return fd;
}

static void check_refusal(int fd, const char *status, const char *code) {
    char *text = read_all(fd, NULL);
    assert_memory_equal(text + strlen("HTTP/1.1 "), status, strlen(status));
    assert_non_null(strstr(text, "\r\nx-should-retry: true\r\n"));
    assert_non_null(strstr(text, "\r\nretry-after: 1\r\n"));
    assert_non_null(strstr(text, "limits.memory"));
    free(text);
    (void)close(fd);
    wait_log(&f, code);
}

/* ---- bodies ---- */

static void no_room_is_said_at_the_head(void **state) {
    (void)state;
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = send_unfinished("/echo", BODY);
    /* One allocation each, of just what was told. */
    check_used(3 * BODY);
    int fd = dial(&f);
    send_head(fd, "/echo", "Content-Length: 100000\r\nExpect: 100-continue");
    check_refusal(fd, "503 ", "refused MEMORY_FULL");
    check_used(3 * BODY);
    send_text(fds[0], "x");
    answer a = read_answer(fds[0]);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.len, BODY);
    buf_done(&a.body);
    await_used(2 * BODY);
    (void)close(fds[1]);
    await_used(BODY);
    fd = send_unfinished("/echo", BODY);
    await_used(2 * BODY);
    (void)close(fd);
    (void)close(fds[0]);
    (void)close(fds[2]);
    await_used(0);
}

static void small_bodies_are_bounded_too(void **state) {
    (void)state;
    enum { SMALL = MEMORY_SMALL / 2, MANY = ALL / SMALL };
    int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = send_unfinished("/mine", SMALL);
    check_used((uint64_t)MANY * SMALL);
    int fd = send_unfinished("/yours", SMALL);
    check_refusal(fd, "503 ", "refused MEMORY_FULL");
    for (int i = 0; i < MANY; i++)
        (void)close(fds[i]);
    await_used(0);
}

static int send_chunks(size_t bytes) {
    char size[20];
    int fd = dial(&f);
    send_head(fd, "/echo", "Transfer-Encoding: chunked");
    send_text(fd, "3e8\r\n");
    send_filler(fd, 1000);
    (void)snprintf(size, sizeof size, "\r\n%zx\r\n", bytes);
    send_text(fd, size);
    send_filler(fd, bytes);
    return fd;
}

static void a_body_of_untold_length_takes_it_in_steps(void **state) {
    (void)state;
    int held[3];
    for (int i = 0; i < 3; i++) {
        int fd = send_chunks(60000);
        on_loop(&f, look);
        assert_in_range(used, (uint64_t)i * BODY, (uint64_t)i * BODY + 2 * 61000);
        send_text(fd, "\r\n0\r\n\r\n");
        answer a = read_answer(fd);
        assert_int_equal(a.body.len, 61000);
        buf_done(&a.body);
        (void)close(fd);
        await_used((uint64_t)i * BODY);
        held[i] = send_unfinished("/echo", BODY);
    }
    check_refusal(send_chunks(60000), "503 ", "refused MEMORY_FULL");
    await_used(3 * BODY);
    for (int i = 0; i < 3; i++)
        (void)close(held[i]);
    await_used(0);
}

/* It is what a body stands for that takes the room. */
static void a_packed_body_takes_what_it_stands_for(void **state) {
    (void)state;
    int held = send_unfinished("/echo", BODY), other = send_unfinished("/echo", BODY);
    char *zeros = calloc(1, BODY);
    span pieces[] = {span_from(zeros, BODY / 4), span_from(zeros, BODY / 2)};
    buf packed = pack_zlib(PACK_GZIP, pieces, 2, NULL);
    char fields[80];
    (void)snprintf(fields, sizeof fields, "Content-Encoding: gzip\r\nContent-Length: %zu",
                   packed.len);
    int fd = dial(&f);
    send_head(fd, "/nothing", fields);
    send_bytes(fd, buf_span(&packed));
    check_answer(fd, 200, "/nothing");
    (void)close(fd);
    await_used(2 * BODY);
    int third = send_unfinished("/echo", BODY);
    fd = dial(&f);
    send_head(fd, "/nothing", fields);
    send_bytes(fd, buf_span(&packed));
    check_refusal(fd, "503 ", "refused MEMORY_FULL");
    buf_done(&packed);
    free(zeros);
    (void)close(held);
    (void)close(other);
    (void)close(third);
    await_used(0);
}

static void what_is_not_wanted_takes_none(void **state) {
    (void)state;
    memory_bound_set(&bound, 1, 1);
    int fd = dial(&f);
    send_head(fd, "/nowhere", "Content-Length: 50000");
    check_answer(fd, 404, "nowhere");
    send_filler(fd, 50000);
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    send_head(fd, "/small", "Content-Length: 50000"); /* its limit goes before */
    check_answer(fd, 413, NULL);
    (void)close(fd);
}

static void one_client_leaves_room_for_others(void **state) {
    (void)state;
    int first = send_unfinished("/mine", BODY), second = send_unfinished("/mine", BODY);
    int third = dial(&f);
    send_head(third, "/mine", "Content-Length: 100000\r\nExpect: 100-continue");
    check_refusal(third, "429 ", "refused OVER_MEMORY_SHARE");
    int yours = send_unfinished("/yours", BODY);
    send_text(yours, "x");
    check_answer(yours, 200, "/yours");
    send_text(second, "x");
    check_answer(second, 200, "/mine");
    (void)close(first);
    (void)close(second);
    (void)close(yours);
    await_used(0);
}

/* ---- whose a body is, found after its head ---- */

static bool stays;
static size_t there;

static void see_body(fixture *fix) {
    there = fix->waiting ? http_request_body(fix->waiting).len : 0;
}

static void identify(fixture *fix) {
    stays = http_request_identified(fix->waiting, 1, BODY);
}

enum { SMALL = 20 };

static void identify_small(fixture *fix) {
    stays = http_request_identified(fix->waiting, 0, SMALL);
}

static bool is_taken(void (*how)(fixture *)) {
    on_loop(&f, how);
    return stays;
}

static void what_is_held_becomes_its_clients(void **state) {
    (void)state;
    memory_bound_set(&bound, 4 * BODY, ONE);
    int mine = send_unfinished("/mine", BODY), late = send_unfinished("/kept", BODY);
    assert_true(is_taken(identify));
    assert_int_equal(bound.holders.held, 2 * BODY);
    int third = send_unfinished("/kept", BODY);
    check_used(3 * BODY);
    assert_false(is_taken(identify));
    check_refusal(third, "429 ", "head /kept;refused OVER_MEMORY_SHARE;done /kept;");
    check_used(2 * BODY);
    send_text(late, "x");
    check_answer(late, 200, "/kept");
    await_used(BODY);
    send_head(late, "/echo", "Content-Length: 100000"); /* the connection knows whose it is */
    await_used(2 * BODY);
    assert_int_equal(bound.holders.held, 2 * BODY);
    (void)close(late);
    await_used(BODY);
    third = send_unfinished("/kept", BODY);
    assert_true(is_taken(identify));
    (void)close(third);
    (void)close(mine);
    await_used(0);
}

/* A head, and what follows a body, until so much is there of what that stands for. */
static int body_of(const char *path, const char *fields, span bytes, size_t await) {
    int fd = dial(&f);
    clear_log(&f);
    send_head(fd, path, fields);
    wait_log(&f, "head");
    send_bytes(fd, bytes);
    for (int i = 0; i < GIVE_UP_S * 1000; i++) {
        on_loop(&f, see_body);
        if (there == await) return fd;
        uv_sleep(1);
    }
    fail_msg("%zu bytes have come of %s, not %zu", there, path, await);
    return -1;
}

static buf chunk_of(span bytes) {
    buf out = BUF_EMPTY;
    buf_addf(&out, "%zx\r\n", bytes.len);
    buf_add(&out, bytes);
    buf_add(&out, SPAN_OF("\r\n0\r\n\r\n"));
    return out;
}

static void a_client_has_its_own_limit_from_then_on(void **state) {
    (void)state;
    static const span x = SPAN("x"), many = SPAN("12345678901234567890x");
    char same[100];
    memset(same, 'x', sizeof same);
    const span flat = span_from(same, sizeof same);
    buf long_one = pack_zlib(PACK_GZIP, &x, 1, NULL),
        short_one = pack_zlib(PACK_ZLIB, &flat, 1, NULL);
    assert_true(long_one.len > SMALL && short_one.len < SMALL);
    buf longer = chunk_of(buf_span(&long_one)), shorter = chunk_of(buf_span(&short_one)),
        plain = chunk_of(many);
    const struct {
        const char *path, *fields;
        span bytes;
        size_t come;
    } rows[] = {
        {"/kept", "Content-Length: 21", SPAN_EMPTY, 0},
        {"/kept", "Content-Length: 21", x, 1},
        {"/wait", "Content-Length: 21", many, 21},
        {"/wait", "Transfer-Encoding: chunked", buf_span(&plain), 21},
        {"/wait", "Transfer-Encoding: chunked\r\nContent-Encoding: gzip", buf_span(&longer), 1},
        {"/wait", "Transfer-Encoding: chunked\r\nContent-Encoding: deflate", buf_span(&shorter),
         sizeof same},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = body_of(rows[i].path, rows[i].fields, rows[i].bytes, rows[i].come);
        if (strcmp(rows[i].path, "/wait") == 0) wait_log(&f, "waiting");
        assert_false(is_taken(identify_small));
        check_answer(fd, 413, NULL);
        wait_log(&f, "refused BODY_TOO_LARGE;done /");
        check_closed(fd);
        check_used(0);
    }
    int fd = body_of("/kept", "Content-Length: 20", x, 1);
    assert_true(is_taken(identify_small));
    send_bytes(fd, span_slice(many, 0, SMALL - 1));
    check_answer(fd, 200, "/kept");
    (void)close(fd);
    fd = body_of("/kept", "Transfer-Encoding: chunked", SPAN_OF("1\r\nx\r\n"), 1);
    assert_true(is_taken(identify_small));
    send_bytes(fd, buf_span(&plain));
    check_answer(fd, 413, NULL);
    (void)close(fd);
    buf *made[] = {&long_one, &short_one, &longer, &shorter, &plain};
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        buf_done(made[i]);
    await_used(0);
}

/* ---- answers ---- */

static void an_answer_that_waits_for_its_reader_is_counted(void **state) {
    (void)state;
    enum { BIG = 8000000 }; /* more than any socket takes */
    int fd = dial(&f);
    get(fd, "/big?8000000");
    wait_log(&f, "done /big");
    on_loop(&f, look);
    assert_in_range(used, BIG / 4, BIG);
    int other = dial(&f);
    send_head(other, "/echo", "Content-Length: 100000\r\nExpect: 100-continue");
    check_refusal(other, "503 ", "refused MEMORY_FULL");
    answer a = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_RESPONSE, &wire_limits, &answer_ops, &a);
    char bytes[65536];
    ssize_t n;
    size_t taken;
    while (!a.ended && (n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        assert_int_not_equal(http_codec_feed(c, span_from(bytes, (size_t)n), &taken),
                             HTTP_FEED_BAD);
    http_codec_free(c);
    assert_int_equal(a.body.len, BIG);
    buf_done(&a.body);
    await_used(0);
    (void)close(fd);
}

static void a_reader_that_leaves_gives_it_back(void **state) {
    (void)state;
    memory_bound_set(&bound, 100000000, 100000000);
    int fd = dial(&f);
    get(fd, "/big?8000000");
    wait_log(&f, "done /big");
    on_loop(&f, look);
    assert_in_range(used, 2000000, 8000000);
    (void)close(fd);
    await_used(0);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(no_room_is_said_at_the_head),
        CASE(small_bodies_are_bounded_too),
        CASE(a_body_of_untold_length_takes_it_in_steps),
        CASE(a_packed_body_takes_what_it_stands_for),
        CASE(what_is_not_wanted_takes_none),
        CASE(one_client_leaves_room_for_others),
        CASE(what_is_held_becomes_its_clients),
        CASE(a_client_has_its_own_limit_from_then_on),
        CASE(an_answer_that_waits_for_its_reader_is_counted),
        CASE(a_reader_that_leaves_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
