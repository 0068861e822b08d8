/* Requests in a content coding: the handler gets what they stand for, or hears nothing of them. */
#include "unit.h"

#include "pack.h"
#include "server_each.h"

static const struct {
    http_coding coding;
    const char *name;
} rows[] = {{HTTP_CODING_GZIP, "gzip"},
            {HTTP_CODING_GZIP, "X-GZip"},
            {HTTP_CODING_DEFLATE, "deflate"},
            {HTTP_CODING_BR, "br"},
            {HTTP_CODING_ZSTD, "identity, zstd"}};

static void send_head(int fd, const char *path, const char *coding, const char *framing) {
    char head[400];
    (void)snprintf(head, sizeof head,
                   "POST %s HTTP/1.1\r\nHost: t\r\nContent-Encoding: %s\r\n%s\r\n\r\n", path,
                   coding, framing);
    send_text(fd, head);
}

static void send_coded(int fd, const char *path, const char *coding, span bytes) {
    char length[60];
    (void)snprintf(length, sizeof length, "Content-Length: %zu", bytes.len);
    send_head(fd, path, coding, length);
    send_bytes(fd, bytes);
}

/* Of one byte each. */
static void send_in_chunks(int fd, const char *path, const char *coding, span bytes) {
    buf chunks = BUF_EMPTY;
    for (size_t i = 0; i < bytes.len; i++) {
        buf_add_cstr(&chunks, "1\r\n");
        buf_add_char(&chunks, bytes.ptr[i]);
        buf_add_cstr(&chunks, "\r\n");
    }
    buf_add_cstr(&chunks, "0\r\n\r\n");
    send_head(fd, path, coding, "Transfer-Encoding: chunked");
    send_bytes(fd, buf_span(&chunks));
    buf_done(&chunks);
}

#define TEXT "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi hi hi hi\"}]}"

static void bodies_are_undone(void **state) {
    (void)state;
    int fd = dial(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, SPAN_OF(TEXT));
        send_coded(fd, "/echo", rows[i].name, buf_span(&bytes));
        check_answer(fd, 200, TEXT);
        send_in_chunks(fd, "/echo", rows[i].name, buf_span(&bytes));
        check_answer(fd, 200, TEXT);
        buf_done(&bytes);
    }
    send_coded(fd, "/echo", "gzip", SPAN_OF("")); /* no body has no coding */
    check_answer(fd, 200, "");
    send_in_chunks(fd, "/echo", "br", SPAN_OF(""));
    check_answer(fd, 200, "");
    send_coded(fd, "/echo", "identity", SPAN_OF("plain"));
    check_answer(fd, 200, "plain");
    send_coded(fd, "/echo", "rot13", SPAN_OF("cynva")); /* for the handler to refuse */
    check_answer(fd, 200, "cynva");
    (void)close(fd);
}

/* A body that nobody wants is not undone either. */
static void unwanted_bodies(void **state) {
    (void)state;
    int fd = dial(&f);
    send_coded(fd, "/nowhere", "gzip", SPAN_OF("junk"));
    check_answer(fd, 404, "nowhere");
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    (void)close(fd);
}

static void is_refused(const char *path, const char *coding, span bytes, int status,
                       const char *id) {
    for (int chunked = 0; chunked < 2; chunked++) {
        char log[200];
        int fd = dial(&f);
        (chunked ? send_in_chunks : send_coded)(fd, path, coding, bytes);
        answer a = read_answer(fd);
        assert_int_equal(a.status, status);
        assert_string_equal(a.connection, "close");
        buf_done(&a.body);
        (void)close(fd);
        (void)snprintf(log, sizeof log, "head %s;refused %s;done %s;", path, id, path);
        check_log(&f, log);
        clear_log(&f);
    }
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, SPAN_OF(TEXT));
        is_refused("/echo", rows[i].name, span_slice(buf_span(&bytes), 0, bytes.len - 1), 400,
                   "BAD_CODED_BODY");
        is_refused("/echo", rows[i].name, span_slice(buf_span(&bytes), 0, 1), 400,
                   "BAD_CODED_BODY");
        buf_add_cstr(&bytes, "tail");
        is_refused("/echo", rows[i].name, buf_span(&bytes), 400, "BAD_CODED_BODY");
        is_refused("/echo", rows[i].name, SPAN_OF("\xff\xff\xff\xff\xff"), 400, "BAD_CODED_BODY");
        buf_done(&bytes);
    }
}

static void the_limit_is_of_what_it_becomes(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = dial(&f);
        buf more = pack(rows[i].coding, SPAN_OF("aaaaaaaaaaa"));
        is_refused("/small", rows[i].name, buf_span(&more), 413, "BODY_TOO_LARGE");
        send_coded(fd, "/echo", rows[i].name, buf_span(&more));
        check_answer(fd, 200, "aaaaaaaaaaa");
        (void)close(fd);
        wait_log(&f, "done /echo;");
        clear_log(&f);
        buf_done(&more);
    }
}

/* 64 MB in what the limit allows. */
static void bombs(void **state) {
    (void)state;
    enum { BOMB_BYTES = 64 * 1024 * 1024 };
    char *zeros = calloc(1, BOMB_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = pack(rows[i].coding, span_from(zeros, BOMB_BYTES));
        assert_true(bytes.len < test_limits.body_bytes);
        int fd = dial(&f);
        send_coded(fd, "/echo", rows[i].name, buf_span(&bytes));
        check_answer(fd, 413, NULL);
        (void)close(fd);
        wait_log(&f, "refused BODY_TOO_LARGE;done /echo;");
        clear_log(&f);
        buf_done(&bytes);
    }
    free(zeros);
}

static int set_up_roomy(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.body_bytes = 100 * 1024 * 1024;
    fixture_start(&f, &limits);
    return 0;
}

/* Neither is it gone through to the end where there would be room for all of it. */
static void dense_bodies(void **state) {
    (void)state;
    bombs(state);
}

/* Members without a byte could go on for ever. */
static void what_says_nothing_has_a_limit_too(void **state) {
    (void)state;
    buf empty = pack(HTTP_CODING_GZIP, SPAN_OF("")), bytes = BUF_EMPTY;
    while (bytes.len <= test_limits.body_bytes)
        buf_add(&bytes, buf_span(&empty));
    int fd = dial(&f);
    send_head(fd, "/echo", "gzip", "Transfer-Encoding: chunked");
    char size[20];
    (void)snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    send_text(fd, size);
    send_bytes(fd, buf_span(&bytes));
    check_answer(fd, 413, NULL);
    (void)close(fd);
    wait_log(&f, "refused BODY_TOO_LARGE;done /echo;");
    buf_done(&empty);
    buf_done(&bytes);
}

#define T(test, set_up) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(bodies_are_undone, set_up),
        T(unwanted_bodies, set_up),
        T(what_is_wrong_is_refused, set_up),
        T(the_limit_is_of_what_it_becomes, set_up),
        T(bombs, set_up),
        T(dense_bodies, set_up_roomy),
        T(what_says_nothing_has_a_limit_too, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
