#include "unit.h"

#include "heap.h"

#include "pack.h"

static const http_coding codings[] = {HTTP_CODING_GZIP, HTTP_CODING_DEFLATE, HTTP_CODING_BR,
                                      HTTP_CODING_ZSTD};

/* ---- names ---- */

static void what_a_message_is_coded_in(void **state) {
    (void)state;
    static const struct {
        const char *first, *second; /* fields; NULL: there is none */
        http_coding coding;
    } rows[] = {
        {NULL, NULL, HTTP_CODING_NONE},
        {"", NULL, HTTP_CODING_NONE},
        {"identity", NULL, HTTP_CODING_NONE},
        {"gzip", NULL, HTTP_CODING_GZIP},
        {"GZip", NULL, HTTP_CODING_GZIP},
        {"x-gzip", NULL, HTTP_CODING_GZIP},
        {"deflate", NULL, HTTP_CODING_DEFLATE},
        {"br", NULL, HTTP_CODING_BR},
        {"ZSTD", NULL, HTTP_CODING_ZSTD},
        {" , gzip ,", NULL, HTTP_CODING_GZIP},
        {"identity, gzip", NULL, HTTP_CODING_GZIP},
        {"gzip", "identity", HTTP_CODING_GZIP},
        {"gzip, gzip", NULL, HTTP_CODING_UNKNOWN},
        {"gzip, br", NULL, HTTP_CODING_UNKNOWN},
        {"gzip", "br", HTTP_CODING_UNKNOWN},
        {"gzip, br, zstd", NULL, HTTP_CODING_UNKNOWN},
        {"compress", NULL, HTTP_CODING_UNKNOWN},
        {"gzip;q=1", NULL, HTTP_CODING_UNKNOWN},
        {"gzip br", NULL, HTTP_CODING_UNKNOWN},
        {"*", NULL, HTTP_CODING_UNKNOWN},
        {"\xFF", NULL, HTTP_CODING_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_header headers[3] = {{SPAN("Accept-Encoding"), SPAN("br")}};
        size_t n = 1;
        if (rows[i].first)
            headers[n++] = (http_header){SPAN("Content-Encoding"), span_cstr(rows[i].first)};
        if (rows[i].second)
            headers[n++] = (http_header){SPAN("content-encoding"), span_cstr(rows[i].second)};
        http_coding got = http_coding_of((http_headers){headers, n});
        if (got != rows[i].coding) fail_msg("%s: %d", rows[i].first, got);
    }
    /* What is offered is what is taken. */
    span list = SPAN_OF(HTTP_CODINGS), name;
    size_t offered = 0;
    for (; span_cut(&list, ',', &name); offered++)
        assert_span(span_trim(name), http_coding_name(codings[offered]));
    assert_int_equal(offered, ARRAY_LEN(codings));
    assert_string_equal(http_coding_name(HTTP_CODING_UNKNOWN), "unknown");
}

/* ---- decoding ---- */

/* A piece in memory of its own, which ends where it ends: under ASan. */
static http_decode_result feed(http_decoder *d, span bytes, buf *out) {
    char *copy = malloc(bytes.len ? bytes.len : 1);
    memcpy(copy, bytes.ptr, bytes.len);
    span input = span_from(copy, bytes.len), piece;
    http_decode_result got;
    while ((got = http_decode(d, &input, &piece)) == HTTP_DECODE_PIECE) {
        assert_in_range(piece.len, 1, 16 * 1024);
        buf_add(out, piece);
    }
    if (got == HTTP_DECODE_MORE) assert_int_equal(input.len, 0);
    free(copy);
    return got;
}

/* In pieces of that size, or cut once. */
static http_decode_result decode(http_coding coding, span bytes, size_t first, size_t step,
                                 buf *out, bool *ret_complete) {
    http_decoder *d = http_decoder_new(coding);
    http_decode_result got = feed(d, span_slice(bytes, 0, first), out);
    for (size_t at = first; at < bytes.len && got == HTTP_DECODE_MORE; at += step)
        got = feed(d, span_slice(bytes, at, at + step), out);
    *ret_complete = http_decoder_complete(d);
    http_decoder_free(d);
    return got;
}

static void becomes(http_coding coding, span bytes, span text) {
    for (size_t cut = 0; cut <= bytes.len + 1; cut++) {
        size_t first = cut > bytes.len ? 1 : cut, step = cut > bytes.len ? 1 : bytes.len;
        buf out = BUF_EMPTY;
        bool complete = false;
        http_decode_result got = decode(coding, bytes, first, step ? step : 1, &out, &complete);
        if (got != HTTP_DECODE_MORE || !complete || !span_eq(buf_span(&out), text))
            fail_msg("%s cut at %zu: %d, %d, %zu bytes", http_coding_name(coding), cut, got,
                     complete, out.len);
        buf_done(&out);
    }
}

/* Wherever it is cut, and it may not end there. */
static void is_bad(http_coding coding, span bytes) {
    for (size_t cut = 0; cut <= bytes.len + 1; cut++) {
        size_t first = cut > bytes.len ? 1 : cut, step = cut > bytes.len ? 1 : bytes.len;
        buf out = BUF_EMPTY;
        bool complete = true;
        http_decode_result got = decode(coding, bytes, first, step, &out, &complete);
        if (got != HTTP_DECODE_BAD || complete)
            fail_msg("%s cut at %zu: %d", http_coding_name(coding), cut, got);
        buf_done(&out);
    }
}

#define TEXT                                                                                       \
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hi there, hi there!\"}}]}"

static void bodies_are_undone_however_they_are_cut(void **state) {
    (void)state;
    static const char *const texts[] = {"", "x", TEXT};
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            buf bytes = pack(codings[i], span_cstr(texts[k]));
            assert_true(bytes.len > 0);
            becomes(codings[i], buf_span(&bytes), span_cstr(texts[k]));
            buf_done(&bytes);
        }
        becomes(codings[i], SPAN_OF(""), SPAN_OF(""));
    }
}

static void deflate_comes_without_its_wrapping_too(void **state) {
    (void)state;
    const span texts[] = {SPAN(""), SPAN("x"), SPAN(TEXT)};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        buf bytes = pack_zlib(PACK_BARE, &texts[i], 1, NULL);
        becomes(HTTP_CODING_DEFLATE, buf_span(&bytes), texts[i]);
        is_bad(HTTP_CODING_GZIP, buf_span(&bytes));
        buf_done(&bytes);
    }
}

/* More than a piece, of what does not shrink much. */
static void large_bodies(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    uint32_t x = 1;
    for (int i = 0; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        buf_add_char(&text, (char)('a' + (x >> 24) % 26));
    }
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf bytes = pack(codings[i], buf_span(&text));
        static const size_t steps[] = {1, 7, 1000, 16384, 1000000};
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            buf out = BUF_EMPTY;
            bool complete = false;
            assert_int_equal(decode(codings[i], buf_span(&bytes), 0, steps[k], &out, &complete),
                             HTTP_DECODE_MORE);
            assert_true(complete && span_eq(buf_span(&out), buf_span(&text)));
            buf_done(&out);
        }
        buf_done(&bytes);
    }
    buf_done(&text);
}

/* What was flushed is there as soon as its bytes are: a stream is read as it comes. */
static void what_was_flushed_can_be_read(void **state) {
    (void)state;
    const span events[] = {SPAN("data: {\"a\":1}\n\n"), SPAN("data: {\"a\":2}\n\n"),
                           SPAN(": c\n\n"), SPAN("data: [DONE]\n\n")};
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        size_t ends[ARRAY_LEN(events)], at = 0;
        buf bytes = pack_pieces(codings[i], events, ARRAY_LEN(events), ends);
        http_decoder *d = http_decoder_new(codings[i]);
        for (size_t k = 0; k < ARRAY_LEN(events); at = ends[k++]) {
            buf out = BUF_EMPTY;
            assert_int_equal(feed(d, span_slice(buf_span(&bytes), at, ends[k]), &out),
                             HTTP_DECODE_MORE);
            assert_true(span_eq(buf_span(&out), events[k]));
            assert_false(http_decoder_complete(d));
            buf_done(&out);
        }
        buf rest = BUF_EMPTY;
        assert_int_equal(feed(d, span_slice(buf_span(&bytes), at, bytes.len), &rest),
                         HTTP_DECODE_MORE);
        assert_int_equal(rest.len, 0);
        assert_true(http_decoder_complete(d));
        http_decoder_free(d);
        buf_done(&bytes);
    }
}

static void members_follow_each_other(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf bytes = pack(codings[i], SPAN_OF("one ")), empty = pack(codings[i], SPAN_OF("")),
            more = pack(codings[i], SPAN_OF("two"));
        buf_add(&bytes, buf_span(&empty));
        buf_add(&bytes, buf_span(&more));
        bool several = codings[i] == HTTP_CODING_GZIP || codings[i] == HTTP_CODING_ZSTD;
        if (several)
            becomes(codings[i], buf_span(&bytes), SPAN_OF("one two"));
        else
            is_bad(codings[i], buf_span(&bytes));
        buf_done(&bytes);
        buf_done(&empty);
        buf_done(&more);
    }
}

static void what_is_skipped_is_nothing(void **state) {
    (void)state;
    buf bytes = BUF_EMPTY, frame = pack(HTTP_CODING_ZSTD, SPAN_OF(TEXT));
    buf_add(&bytes, span_from("\x5f\x2a\x4d\x18\x03\0\0\0abc", 11));
    buf_add(&bytes, buf_span(&frame));
    buf_add(&bytes, span_from("\x50\x2a\x4d\x18\0\0\0\0", 8));
    becomes(HTTP_CODING_ZSTD, buf_span(&bytes), SPAN_OF(TEXT));
    buf_done(&bytes);
    buf_done(&frame);
}

static void what_is_cut_is_not_complete(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf bytes = pack(codings[i], SPAN_OF(TEXT));
        for (size_t len = 1; len < bytes.len; len++) {
            buf out = BUF_EMPTY;
            bool complete = true;
            assert_int_equal(
                decode(codings[i], span_slice(buf_span(&bytes), 0, len), 0, len, &out, &complete),
                HTTP_DECODE_MORE);
            assert_false(complete);
            assert_true(span_starts(SPAN_OF(TEXT), buf_span(&out)));
            buf_done(&out);
        }
        buf_done(&bytes);
    }
}

static void what_follows_is_refused(void **state) {
    (void)state;
    const span tails[] = {SPAN("{}"), span_from("\0", 1), SPAN("\x1f\x8b\x09\x01"),
                          SPAN("\x50\x2a\x4d\x19")};
    for (size_t i = 0; i < ARRAY_LEN(codings); i++)
        for (size_t k = 0; k < ARRAY_LEN(tails); k++) {
            buf bytes = pack(codings[i], SPAN_OF(TEXT)), out = BUF_EMPTY;
            buf_add(&bytes, tails[k]);
            bool complete = true;
            http_decode_result got =
                decode(codings[i], buf_span(&bytes), 0, bytes.len, &out, &complete);
            assert_false(complete);
            /* The beginning of what might be a member is not wrong before it goes on. */
            size_t told_by = codings[i] == HTTP_CODING_ZSTD ? 4 : 2;
            bool begun = got == HTTP_DECODE_MORE && tails[k].len < told_by;
            if (got != HTTP_DECODE_BAD && !begun)
                fail_msg("%s and tail %zu: %d", http_coding_name(codings[i]), k, got);
            buf_done(&bytes);
            buf_done(&out);
        }
}

/* A bit is turned, at each place: what comes of it is never the text, or is told to be wrong. */
static void what_is_corrupt_does_not_pass(void **state) {
    (void)state;
    static const http_coding checked[] = {HTTP_CODING_GZIP, HTTP_CODING_DEFLATE, HTTP_CODING_ZSTD};
    for (size_t i = 0; i < ARRAY_LEN(checked); i++) {
        buf bytes = pack(checked[i], SPAN_OF(TEXT));
        /* gzip's head has a time and a system that nobody checks, zstd's a bit that is not used. */
        size_t head = checked[i] == HTTP_CODING_GZIP ? 10 : 5;
        for (size_t bit = head * 8; bit < bytes.len * 8; bit++) {
            buf out = BUF_EMPTY;
            bool complete = true;
            bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ 1 << bit % 8);
            http_decode_result got =
                decode(checked[i], buf_span(&bytes), 0, bytes.len, &out, &complete);
            bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ 1 << bit % 8);
            if (got == HTTP_DECODE_MORE && complete && !span_eq(buf_span(&out), SPAN_OF(TEXT)))
                fail_msg("%s passes with bit %zu turned", http_coding_name(checked[i]), bit);
            buf_done(&out);
        }
        buf_done(&bytes);
    }
}

static void what_is_something_else_is_refused(void **state) {
    (void)state;
    const span junk[] = {SPAN("{\"model\":\"m\",\"messages\":[]}"), SPAN("\x1f\x8b\x08\xe0junk"),
                         SPAN("\x78\x9d junk and more"), SPAN("\xff\xff\xff\xff\xff\xff\xff\xff")};
    static const http_coding strict[] = {HTTP_CODING_GZIP, HTTP_CODING_ZSTD};
    for (size_t i = 0; i < ARRAY_LEN(junk); i++)
        for (size_t k = 0; k < ARRAY_LEN(strict); k++)
            is_bad(strict[k], junk[i]);
    is_bad(HTTP_CODING_DEFLATE, junk[2]);
    is_bad(HTTP_CODING_DEFLATE, junk[3]);
    is_bad(HTTP_CODING_BR, junk[3]);
    /* zlib with a dictionary that nobody has; zstd of a form before the standard, and with a window
     * of 16 MB. */
    is_bad(HTTP_CODING_DEFLATE, span_from("\x78\xbb\0\0\0\1abcdefgh", 14));
    is_bad(HTTP_CODING_ZSTD, span_from("\x27\xb5\x2f\xfd\0\0\xc0\0\0", 9));
    is_bad(HTTP_CODING_ZSTD, span_from("\x28\xb5\x2f\xfd\0\x70\1\0\0", 9));
    becomes(HTTP_CODING_ZSTD, span_from("\x28\xb5\x2f\xfd\0\x68\1\0\0", 9), SPAN_OF(""));
}

/* ---- bombs ---- */

static void bombs_are_left_early(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        enum { BOMB_BYTES = 64 * 1024 * 1024 };
        char *zeros = calloc(1, BOMB_BYTES);
        buf bytes = pack(codings[i], span_from(zeros, BOMB_BYTES));
        free(zeros);
        http_decoder *d = http_decoder_new(codings[i]);
        span input = buf_span(&bytes), piece;
        size_t made = 0;
        http_decode_result got;
        while ((got = http_decode(d, &input, &piece)) == HTTP_DECODE_PIECE)
            made += piece.len;
        assert_int_equal(got, HTTP_DECODE_DENSE);
        size_t read = bytes.len - input.len;
        size_t most = read * HTTP_DECODE_RATIO + HTTP_DECODE_SLACK;
        assert_in_range(made, HTTP_DECODE_SLACK - 16 * 1024, most + 16 * 1024);
        assert_false(http_decoder_complete(d));
        input = SPAN_OF("x");
        assert_int_equal(http_decode(d, &input, &piece), HTTP_DECODE_DENSE);
        http_decoder_free(d);
        buf_done(&bytes);
    }
}

/* A million tokens of one word are no bomb. */
static void a_dense_body_that_is_not_large_passes(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    for (int i = 0; i < 1000000; i++)
        buf_add_cstr(&text, "hello ");
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf bytes = pack(codings[i], buf_span(&text)), out = BUF_EMPTY;
        bool complete = false;
        assert_int_equal(decode(codings[i], buf_span(&bytes), 0, 5, &out, &complete),
                         HTTP_DECODE_MORE);
        assert_true(complete && out.len == text.len);
        buf_done(&bytes);
        buf_done(&out);
    }
    buf_done(&text);
}

static void nothing_to_free(void **state) {
    (void)state;
    http_decoder_free(NULL);
    for (size_t i = 0; i < ARRAY_LEN(codings); i++)
        http_decoder_free(http_decoder_new(codings[i]));
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_message_is_coded_in),
        cmocka_unit_test(bodies_are_undone_however_they_are_cut),
        cmocka_unit_test(deflate_comes_without_its_wrapping_too),
        cmocka_unit_test(large_bodies),
        cmocka_unit_test(what_was_flushed_can_be_read),
        cmocka_unit_test(members_follow_each_other),
        cmocka_unit_test(what_is_skipped_is_nothing),
        cmocka_unit_test(what_is_cut_is_not_complete),
        cmocka_unit_test(what_follows_is_refused),
        cmocka_unit_test(what_is_corrupt_does_not_pass),
        cmocka_unit_test(what_is_something_else_is_refused),
        cmocka_unit_test(bombs_are_left_early),
        cmocka_unit_test(a_dense_body_that_is_not_large_passes),
        cmocka_unit_test(nothing_to_free),
    };
    return run_watched(tests);
}
