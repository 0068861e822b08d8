#include "json/canonical_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* 0.DIGITS times ten to the power of point; digits without zeros at either end. */
typedef struct decimal {
    bool negative;
    bool plain; /* an integer without fraction and exponent */
    buf *digits;
    int64_t point;
} decimal;

enum { EXPONENT_MAX = 100 * 1000 * 1000 };

/* false: an exponent beyond all reason. */
static bool read_decimal(span raw, decimal *d) {
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    bool fraction = false;
    d->plain = true;
    d->point = 0;
    if ((d->negative = p < end && *p == '-')) p++;
    for (; p < end && (*p == '.' || (*p >= '0' && *p <= '9')); p++) {
        if (*p == '.') {
            fraction = true;
            d->plain = false;
            continue;
        }
        if (*p == '0' && !d->digits->len) {
            if (fraction) d->point--;
            continue;
        }
        buf_add_char(d->digits, *p);
        if (!fraction) d->point++;
    }
    if (p < end) { /* e or E */
        d->plain = false;
        bool minus = false;
        int64_t exponent = 0;
        for (p++; p < end; p++) {
            if (*p == '-') minus = true;
            if (*p < '0' || *p > '9') continue;
            exponent = exponent * 10 + (*p - '0');
            if (exponent > EXPONENT_MAX) return false;
        }
        d->point += minus ? -exponent : exponent;
    }
    while (d->digits->len && d->digits->ptr[d->digits->len - 1] == '0')
        d->digits->len--;
    return true;
}

static void put_zeros(int64_t n, buf *out) {
    while (n-- > 0)
        buf_add_char(out, '0');
}

/* As ECMAScript writes numbers, of as many digits as there are. */
static void put_decimal(const decimal *d, buf *out) {
    const span digits = buf_span(d->digits);
    const int64_t k = (int64_t)digits.len, n = d->point;
    if (!k) {
        buf_add_char(out, '0');
        return;
    }
    if (d->negative) buf_add_char(out, '-');
    if (k <= n && n <= 21) {
        buf_add(out, digits);
        put_zeros(n - k, out);
    } else if (0 < n && n <= 21) {
        buf_add(out, span_slice(digits, 0, (size_t)n));
        buf_add_char(out, '.');
        buf_add(out, span_slice(digits, (size_t)n, digits.len));
    } else if (-6 < n && n <= 0) {
        buf_add(out, SPAN_OF("0."));
        put_zeros(-n, out);
        buf_add(out, digits);
    } else {
        buf_add_char(out, digits.ptr[0]);
        if (k > 1) buf_add_char(out, '.');
        buf_add(out, span_slice(digits, 1, digits.len));
        buf_add_char(out, 'e');
        if (n > 0) buf_add_char(out, '+');
        buf_add_i64(out, n - 1);
    }
}

/* As many digits as it takes to read the same double; false: it is none, or 0. */
static bool shorten(decimal *d) {
    char text[40];
    buf all = BUF_EMPTY;
    buf_addf(&all, "0.%.*se%lld", SPAN_ARG(buf_span(d->digits)), (long long)d->point);
    const double value = strtod(buf_cstr(&all), NULL);
    buf_done(&all);
    if (!isfinite(value) || value == 0) return false;
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) break;
    }
    buf_clear(d->digits);
    decimal again = {.digits = d->digits};
    const bool good = read_decimal(span_cstr(text), &again);
    d->point = again.point;
    return good;
}

enum { EXACT_DIGITS = 15 }; /* of which any two doubles differ */

/* An integer, or with a point and neither an exponent nor a zero at its end, of few digits; not -0,
 * nor what is below 10^-6. */
bool canonical_number_is(span raw) {
    enum { ZEROS = 5 };
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    bool point = false;
    size_t digits = 0, zeros = 0;
    if (p < end && *p == '-') p++;
    for (; p < end; p++) {
        const bool digit = *p >= '0' && *p <= '9';
        if (!digit && (*p != '.' || point)) return false;
        point |= !digit;
        digits += digit;
        if (digits == zeros + digit && (!digit || *p == '0')) zeros += digit;
    }
    if (digits == zeros) return digits == 1 && !point && raw.ptr[0] != '-';
    return digits <= EXACT_DIGITS && zeros <= ZEROS + 1 && !(point && p[-1] == '0');
}

void canonical_number(span raw, buf *digits, buf *out) {
    buf_clear(digits);
    decimal d = {.digits = digits};
    if (!read_decimal(raw, &d)) {
        buf_add(out, raw);
        return;
    }
    const int64_t k = (int64_t)digits->len;
    const bool whole = d.point >= k; /* an integer: digit by digit */
    if (!whole && k > EXACT_DIGITS && !shorten(&d)) {
        buf_add(out, raw);
        return;
    }
    put_decimal(&d, out);
}
