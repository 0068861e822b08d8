/* Two TLS streams that feed each other, with no socket between them: what they keep. */
#include "unit.h"

#include "http/tls_stream.h"
#include "sanitizer.h"
#include "tls_ends.h"

#include <malloc.h>

typedef struct side {
    tls_stream *stream;
    buf records; /* that the other has not had */
    bool open;
} side;

/* What came, as far as it is handshake or nothing. */
static void take(side *to, side *from) {
    char plain[TLS_RECORD_BYTES];
    size_t len;
    tls_stream_feed(to->stream, buf_span(&from->records));
    if (!to->open) to->open = tls_stream_handshake(to->stream, &to->records) == TLS_OK;
    while (to->open && tls_stream_has_input(to->stream))
        assert_int_equal(tls_stream_read(to->stream, plain, sizeof plain, &len, &to->records),
                         TLS_MORE);
    buf_clear(&from->records);
}

static void shake_hands(side *a, side *b) {
    while (!a->open || !b->open) {
        take(a, b);
        take(b, a);
    }
    take(a, b); /* tickets */
}

static void say(side *from, side *to, const char *text) {
    char plain[TLS_RECORD_BYTES];
    size_t len;
    assert_int_equal(tls_stream_write(from->stream, span_cstr(text), &from->records), TLS_OK);
    tls_stream_feed(to->stream, buf_span(&from->records));
    assert_true(tls_stream_has_input(to->stream));
    assert_int_equal(tls_stream_read(to->stream, plain, sizeof plain, &len, &to->records), TLS_OK);
    assert_span(span_from(plain, len), text);
    assert_false(tls_stream_has_input(to->stream));
    buf_clear(&from->records);
}

static size_t in_use(void) {
    const struct mallinfo2 all = mallinfo2();
    return all.uordblks + all.hblkhd;
}

/* OpenSSL has memory for a whole record while it is at one. */
static void nothing_of_a_record_is_kept(void **state) {
    (void)state;
    enum { LITTLE = TLS_RECORD_BYTES / 4 };
    side a = {.stream = tls_stream_new(client, SPAN_OF("weir.test"), 443)},
         b = {.stream = tls_stream_new(server, SPAN_EMPTY, 0)};
    shake_hands(&a, &b);
    const size_t shaken = in_use();
    say(&a, &b, "hello");
    say(&b, &a, "good day");
    const size_t said = in_use();
    tls_stream_shutdown(a.stream, &a.records);
    tls_stream_shutdown(b.stream, &b.records);
    const size_t shut = in_use();
    if (!UNDER_ASAN && !UNDER_TSAN) assert_in_range(said, 2 * TLS_RECORD_BYTES, SIZE_MAX);
    assert_true(shaken < said + LITTLE);
    assert_true(shut < said + LITTLE);
    tls_stream_free(a.stream);
    tls_stream_free(b.stream);
    buf_done(&a.records);
    buf_done(&b.records);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_record_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
