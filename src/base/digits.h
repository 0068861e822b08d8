/* base/digits.h: the decimal digits of a number, two at a time. */
#ifndef WEIR_BASE_DIGITS_H
#define WEIR_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 20 };

/* Written to the end of out; returns where they begin. */
static inline unsigned digits_u64(char out[DIGITS_MAX], uint64_t value) {
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    unsigned n = DIGITS_MAX;
    for (; value >= 100; value /= 100) {
        n -= 2;
        memcpy(out + n, pairs + 2 * (value % 100), 2);
    }
    if (value < 10) {
        out[--n] = (char)('0' + value);
        return n;
    }
    n -= 2;
    memcpy(out + n, pairs + 2 * value, 2);
    return n;
}

#endif
