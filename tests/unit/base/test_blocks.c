/* Bytes in blocks: what goes in comes out, in its order, in pieces of whatever size. */
#include "unit.h"

#include "heap.h"

#include "base/blocks.h"
#include "base/buf.h"

static char byte_at(size_t i) {
    return (char)(i * 7 + i / 1000);
}

static void add(blocks *b, size_t from, size_t n) {
    buf bytes = BUF_EMPTY;
    for (size_t i = from; i < from + n; i++)
        buf_add_char(&bytes, byte_at(i));
    blocks_add(b, buf_span(&bytes));
    buf_done(&bytes);
}

/* In steps of at most so many; returns how many there were. */
static size_t take_all(blocks *b, size_t from, size_t most) {
    size_t at = from;
    for (span front; (front = span_slice(blocks_front(b), 0, most)).len; at += front.len) {
        for (size_t i = 0; i < front.len; i++)
            assert_int_equal(front.ptr[i], byte_at(at + i));
        size_t left = b->len;
        blocks_drop(b, front.len);
        assert_int_equal(b->len, left - front.len);
    }
    assert_int_equal(b->len, 0);
    return at - from;
}

static void what_goes_in_comes_out(void **state) {
    (void)state;
    static const size_t sizes[] = {1000, 65536, 300001};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
            blocks b = {0};
            size_t n = 0;
            while (n < 1000000)
                add(&b, n, sizes[i]), n += sizes[i];
            assert_int_equal(b.len, n);
            assert_int_equal(take_all(&b, 0, sizes[k] - 77), n);
            assert_null(b.first);
            add(&b, 5, 10); /* it is as good as new */
            assert_int_equal(take_all(&b, 5, 3), 10);
            blocks_done(&b);
        }
    }
}

static void one_takes_over_another(void **state) {
    (void)state;
    blocks none = {0}, one = {0}, other = {0};
    add(&one, 0, 200000);
    add(&other, 200000, 150000);
    blocks_append(&one, &none);
    blocks_append(&none, &one);
    assert_int_equal(one.len, 0);
    blocks_append(&none, &other);
    add(&none, 350000, 1000);
    assert_int_equal(none.len, 351000);
    assert_int_equal(take_all(&none, 0, SIZE_MAX), 351000);
    blocks_done(&none);
}

static void what_is_left_is_freed(void **state) {
    (void)state;
    blocks b = {0};
    add(&b, 0, 500000);
    blocks_drop(&b, 100);
    blocks_done(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(blocks_front(&b).len, 0);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(one_takes_over_another),
        cmocka_unit_test(what_is_left_is_freed),
    };
    return run_watched(tests);
}
