/* Numbers, read and written. The C library's conversions follow the locale (a program that links
 * weir may have set one with a decimal comma), so they are called in the "C" locale. */
#include "json/number.h"

#include "base/mem.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t locale_made = PTHREAD_ONCE_INIT;

static void make_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Enters the "C" locale in this thread; the caller gives the result back to uselocale(). */
static locale_t enter_c_locale(void) {
    (void)pthread_once(&locale_made, make_locale);
    return uselocale(c_locale);
}

bool json_i64(json_value value, int64_t *ret) {
    if (value.type != JSON_NUMBER) return false;
    bool negative = value.raw.len && value.raw.ptr[0] == '-';
    uint64_t magnitude;
    if (!span_u64(span_slice(value.raw, negative, value.raw.len), &magnitude)) return false;
    if (magnitude > (uint64_t)INT64_MAX + negative) return false;
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* Of up to 15 digits and without an exponent, as people write them: both numbers are exact as
 * doubles, so the one division rounds as strtod() does. false: it is none of these. */
static bool read_few(span raw, double *ret) {
    enum { DIGITS = 15 };
    static const double powers[DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    const bool negative = p < end && *p == '-';
    const char *point = NULL;
    uint64_t digits = 0;
    if (raw.len > DIGITS) return false;
    for (p += negative; p < end; p++) {
        if (*p == '.' && !point)
            point = p + 1;
        else if (*p >= '0' && *p <= '9')
            digits = digits * 10 + (uint64_t)(*p - '0');
        else
            return false;
    }
    if (raw.len == negative || point == end) return false;
    const double number = (double)digits / powers[point ? end - point : 0];
    *ret = negative ? -number : number;
    return true;
}

bool json_double(json_value value, double *ret) {
    if (value.type != JSON_NUMBER) return false;
    if (read_few(value.raw, ret)) return true;
    char few[64];
    char *text = value.raw.len < sizeof few ? few : mem_alloc(value.raw.len + 1);
    memcpy(text, value.raw.ptr, value.raw.len);
    text[value.raw.len] = '\0';
    char *end;
    locale_t caller = enter_c_locale();
    double number = strtod(text, &end);
    (void)uselocale(caller);
    bool ok = end == text + value.raw.len && isfinite(number);
    if (text != few) free(text);
    if (ok) *ret = number;
    return ok;
}

/* Writes with the fewest decimals, for values of up to 15 digits: nearly every figure that people
 * write. value * 10^decimals, rounded, and 10^decimals are both exact as doubles, so the one
 * division is what a reader of the decimal gets, correctly rounded. */
static bool write_decimal(buf *out, double value) {
    static const double largest = 1e15;
    double magnitude = fabs(value), power = 1;
    for (int decimals = 0; decimals <= 15; decimals++, power *= 10) {
        double scaled = nearbyint(magnitude * power);
        if (scaled >= largest) return false;
        if (scaled / power != magnitude) continue;
        uint64_t digits = (uint64_t)scaled, unit = (uint64_t)power;
        if (signbit(value)) buf_add_char(out, '-');
        buf_add_u64(out, digits / unit);
        if (decimals) buf_add_char(out, '.');
        for (unit /= 10; unit; unit /= 10)
            buf_add_char(out, (char)('0' + digits / unit % 10));
        return true;
    }
    return false;
}

/* The fewest significant digits that read back as value. */
static void write_by_trials(buf *out, double value) {
    char text[32];
    locale_t caller = enter_c_locale();
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    (void)uselocale(caller);
    buf_add_cstr(out, text);
}

void json_write_double(buf *out, double value) {
    if (!isfinite(value))
        buf_add_cstr(out, "null");
    else if (!write_decimal(out, value))
        write_by_trials(out, value);
}

void json_write_fixed(buf *out, double value, int decimals) {
    enum { DECIMALS_MAX = 17, LONGEST = 1 + 309 + 1 + DECIMALS_MAX + 1 };
    if (!isfinite(value)) {
        buf_add_cstr(out, "null");
        return;
    }
    if (decimals < 0) decimals = 0;
    if (decimals > DECIMALS_MAX) decimals = DECIMALS_MAX;
    char text[LONGEST];
    locale_t caller = enter_c_locale();
    (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    (void)uselocale(caller);
    buf_add_cstr(out, text);
}
