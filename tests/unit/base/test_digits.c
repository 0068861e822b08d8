/* The digits of numbers: at each power of ten, beside it, and everywhere. */
#include "unit.h"

#include "base/buf.h"
#include "base/digits.h"
#include "base/random.h"

#include <inttypes.h>

static void expect(uint64_t value) {
    char digits[DIGITS_MAX], wanted[DIGITS_MAX + 1];
    const unsigned n = digits_u64(digits, value);
    snprintf(wanted, sizeof wanted, "%" PRIu64, value);
    assert_int_equal(DIGITS_MAX - n, strlen(wanted));
    assert_memory_equal(digits + n, wanted, DIGITS_MAX - n);
}

static void as_printf_has_them(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 53);
    for (uint64_t ten = 1, i = 0; i < DIGITS_MAX; ten *= 10, i++) {
        expect(ten - 1);
        expect(ten);
        expect(ten + 1);
    }
    expect(UINT64_MAX);
    for (int i = 0; i < 100000; i++)
        expect(rng_u64(&r) >> (i % 64));
}

static void in_a_buffer(void **state) {
    (void)state;
    buf b = BUF_EMPTY;
    buf_add_i64(&b, 0);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, -10);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    assert_string_equal(buf_cstr(&b), "0 -10 -9223372036854775808");
    buf_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_printf_has_them),
                                       cmocka_unit_test(in_a_buffer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
