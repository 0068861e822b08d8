/* A coded body is undone in slices: no turn takes long, and together they are the whole. */
#include "unit.h"

#include "base/mem.h"
#include "http/coded.h"
#include "pack.h"

enum { TEXT_BYTES = 3 * 1024 * 1024 + 17, TURN_MOST = 512 * 1024 + 16 * 1024 };

static const http_coding codings[] = {HTTP_CODING_GZIP, HTTP_CODING_DEFLATE, HTTP_CODING_BR,
                                      HTTP_CODING_ZSTD};

/* Nobody turns it: its clock is the test's to set. */
static loop still;

static void next_turn(void) {
    still.now_us++;
}

/* ---- much of it ---- */

static void a_turn_has_its_most(void **state) {
    (void)state;
    char *text = mem_zalloc(TEXT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf bytes = pack(codings[i], span_from(text, TEXT_BYTES));
        http_coded *c = http_coded_new(&still, codings[i]);
        span input = buf_span(&bytes), piece;
        size_t made = 0, turn = 0, turns = 1;
        for (http_coded_result got;
             (got = http_coded_take(c, &input, &piece)) != HTTP_CODED_MORE;) {
            if (got == HTTP_CODED_ENOUGH) {
                assert_in_range(turn, 1, TURN_MOST);
                turn = 0;
                turns++;
                next_turn();
                continue;
            }
            assert_int_equal(got, HTTP_CODED_PIECE);
            assert_memory_equal(piece.ptr, text, piece.len);
            made += piece.len;
            turn += piece.len;
        }
        assert_int_equal(made, TEXT_BYTES);
        assert_int_equal(input.len, 0);
        assert_true(turns > TEXT_BYTES / TURN_MOST);
        assert_true(http_coded_is_whole(c));
        http_coded_free(c);
        buf_done(&bytes);
    }
    free(text);
}

/* What comes in the same turn finds its share gone, but moves on: no clock can hold it up. */
static void it_goes_on_by_any_clock(void **state) {
    (void)state;
    char *text = mem_zalloc(TEXT_BYTES);
    buf bytes = pack(HTTP_CODING_BR, span_from(text, TEXT_BYTES));
    http_coded *c = http_coded_new(&still, HTTP_CODING_BR);
    span input = buf_span(&bytes), piece;
    size_t made = 0;
    for (http_coded_result got; (got = http_coded_take(c, &input, &piece)) != HTTP_CODED_MORE;) {
        if (got == HTTP_CODED_ENOUGH) continue;
        assert_int_equal(got, HTTP_CODED_PIECE);
        made += piece.len;
    }
    assert_int_equal(made, TEXT_BYTES);
    http_coded_free(c);
    buf_done(&bytes);
    free(text);
}

static void little_is_undone_at_once(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf bytes = pack(codings[i], SPAN_OF("little"));
        http_coded *c = http_coded_new(&still, codings[i]);
        span input = buf_span(&bytes), piece;
        assert_int_equal(http_coded_take(c, &input, &piece), HTTP_CODED_PIECE);
        assert_span(piece, "little");
        assert_int_equal(http_coded_take(c, &input, &piece), HTTP_CODED_MORE);
        assert_true(http_coded_is_whole(c));
        http_coded_free(c);
        buf_done(&bytes);
    }
}

/* ---- nothing of it ---- */

typedef struct bits {
    buf out;
    unsigned held, count;
} bits;

static void put(bits *b, unsigned value, unsigned width) {
    b->held |= value << b->count;
    for (b->count += width; b->count >= 8; b->count -= 8, b->held >>= 8)
        buf_add_char(&b->out, (char)b->held);
}

/* A block of deflate with tables of its own, which say that it ends: 90 bits, some microseconds. */
static void put_empty_block(bits *b) {
    put(b, 0, 1);      /* not the last */
    put(b, 2, 2);      /* its own tables: */
    put(b, 0, 5);      /* 257 literals, */
    put(b, 0, 5);      /* one distance, */
    put(b, 18 - 4, 4); /* 18 lengths of lengths, those of "11 to 138 zeros" and of "one" being 1 */
    for (unsigned i = 0; i < 18; i++)
        put(b, i == 2 || i == 17, 3);
    put(b, 1 | (138 - 11) << 1, 8); /* no literal, */
    put(b, 1 | (118 - 11) << 1, 8);
    put(b, 0, 1); /* but the end, */
    put(b, 0, 1); /* and a distance */
    put(b, 0, 1); /* the end */
}

static void what_says_nothing_is_sliced_too(void **state) {
    (void)state;
    enum { BLOCKS = 100 * 1000 };
    bits b = {.out = BUF_EMPTY};
    for (int i = 0; i < BLOCKS; i++)
        put_empty_block(&b);
    put(&b, 3, 10); /* the last, with the tables that everybody knows: the end */
    put(&b, 0, 7);
    http_coded *c = http_coded_new(&still, HTTP_CODING_DEFLATE);
    span input = buf_span(&b.out), piece;
    size_t turns = 1;
    for (http_coded_result got; (got = http_coded_take(c, &input, &piece)) != HTTP_CODED_MORE;) {
        assert_int_equal(got, HTTP_CODED_ENOUGH);
        turns++;
        next_turn();
    }
    assert_true(http_coded_is_whole(c));
    assert_true(turns > 2); /* it takes a hundred times what one of them may */
    http_coded_free(c);
    buf_done(&b.out);
}

/* ---- the bad ends ---- */

static void what_is_wrong_is_told(void **state) {
    (void)state;
    http_coded *c = http_coded_new(&still, HTTP_CODING_GZIP);
    span input = SPAN_OF("this is no gzip"), piece;
    assert_int_equal(http_coded_take(c, &input, &piece), HTTP_CODED_BAD);
    input = SPAN_OF("more");
    assert_int_equal(http_coded_take(c, &input, &piece), HTTP_CODED_BAD);
    assert_false(http_coded_is_whole(c));
    http_coded_free(c);
    http_coded_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_has_its_most),
        cmocka_unit_test(it_goes_on_by_any_clock),
        cmocka_unit_test(little_is_undone_at_once),
        cmocka_unit_test(what_says_nothing_is_sliced_too),
        cmocka_unit_test(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
