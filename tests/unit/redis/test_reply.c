/* What a server answers, read whole, byte by byte, and cut at each place; and what is no answer. */
#include "unit.h"

#include "base/buf.h"
#include "redis/reply.h"

static void write_reply(buf *out, const redis_reply *r) {
    switch (redis_reply_kind(r)) {
    case REDIS_TEXT: buf_addf(out, "'%.*s'", SPAN_ARG(redis_reply_text(r))); break;
    case REDIS_REFUSED: buf_addf(out, "!%.*s", SPAN_ARG(redis_reply_text(r))); break;
    case REDIS_NUMBER: buf_addf(out, "%lld", (long long)redis_reply_number(r)); break;
    case REDIS_NOTHING: buf_add_char(out, '-'); break;
    case REDIS_LIST:
        buf_add_char(out, '[');
        for (size_t i = 0; i < redis_reply_count(r); i++) {
            if (i) buf_add_char(out, ' ');
            write_reply(out, redis_reply_at(r, i));
        }
        buf_add_char(out, ']');
    }
}

static bool read_all(redis_reader *r, span bytes, buf *out) {
    bool bad = false;
    if (!redis_reader_feed(r, bytes)) return false;
    for (const redis_reply *reply; (reply = redis_reader_next(r, &bad));) {
        write_reply(out, reply);
        buf_add_char(out, ';');
    }
    return !bad;
}

static void however_it_is_cut(void **state) {
    (void)state;
    const span bytes =
        SPAN_OF("*4\r\n:1\r\n:1764446400000000\r\n:-5\r\n:0\r\n:7\r\n+OK\r\n$5\r\na\r\nbc\r\n"
                "$-1\r\n-NOSCRIPT No matching script\r\n*0\r\n"
                "*2\r\n$2\r\n17\r\n*3\r\n$1\r\na\r\n$0\r\n\r\n$-1\r\n:9\r\n");
    const char *wanted = "[1 1764446400000000 -5 0];7;'OK';'a\r\nbc';-;"
                         "!NOSCRIPT No matching script;[];['17' ['a' '' -]];9;";
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        redis_reader *r = redis_reader_new();
        buf out = BUF_EMPTY;
        assert_true(read_all(r, span_slice(bytes, 0, cut), &out));
        assert_true(read_all(r, span_slice(bytes, cut, bytes.len), &out));
        assert_string_equal(buf_cstr(&out), wanted);
        buf_done(&out);
        redis_reader_free(r);
    }
    redis_reader *r = redis_reader_new();
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < bytes.len; i++)
        assert_true(read_all(r, span_slice(bytes, i, i + 1), &out));
    assert_string_equal(buf_cstr(&out), wanted);
    buf_done(&out);
    redis_reader_free(r);
}

static void what_is_none(void **state) {
    (void)state;
    static const span rows[] = {
        SPAN("HTTP/1.1 200 OK\r\n"), SPAN(":1x\r\n"), SPAN("*2147483647\r\n"),
        SPAN("*99999999999999999999\r\n"),
        SPAN("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n")};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        redis_reader *r = redis_reader_new();
        buf out = BUF_EMPTY;
        assert_false(read_all(r, rows[i], &out));
        assert_int_equal(out.len, 0);
        buf_done(&out);
        redis_reader_free(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(however_it_is_cut),
                                       cmocka_unit_test(what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
