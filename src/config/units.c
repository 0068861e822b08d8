#include "config/units.h"

#include "json/json.h"

#include <math.h>

typedef struct unit {
    span name;
    int64_t factor;
} unit;

static const unit durations[] = {
    {SPAN("ms"), 1},      {SPAN("s"), 1000},     {SPAN("m"), 60000},
    {SPAN("h"), 3600000}, {SPAN("d"), 86400000}, {SPAN("y"), 31536000000},
};

static const unit sizes[] = {
    {SPAN("B"), 1},         {SPAN("KB"), 1 << 10},  {SPAN("MB"), 1 << 20},  {SPAN("GB"), 1 << 30},
    {SPAN("KiB"), 1 << 10}, {SPAN("MiB"), 1 << 20}, {SPAN("GiB"), 1 << 30},
};

enum { FRACTION_DIGITS = 6, WHOLE_DIGITS = 15 };

/* Digits, perhaps with a fraction, at the start of *text, which is moved behind them. The value is
 * *ret_scaled / 10^*ret_digits. */
static bool cut_decimal(span *text, int64_t *ret_scaled, unsigned *ret_digits) {
    int64_t value = 0;
    size_t whole = 0, fraction = 0, i = 0;
    for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++, whole++)
        if (whole < WHOLE_DIGITS) value = value * 10 + (text->ptr[i] - '0');
    if (i + 1 < text->len && text->ptr[i] == '.' && whole) {
        for (i++; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++, fraction++)
            if (fraction < FRACTION_DIGITS && whole + fraction < WHOLE_DIGITS)
                value = value * 10 + (text->ptr[i] - '0');
        if (!fraction) return false;
    }
    if (!whole || fraction > FRACTION_DIGITS || whole + fraction > WHOLE_DIGITS) return false;
    *text = span_slice(*text, i, text->len);
    *ret_scaled = value;
    *ret_digits = (unsigned)fraction;
    return true;
}

static int64_t power_of_ten(unsigned n) {
    int64_t power = 1;
    while (n--)
        power *= 10;
    return power;
}

/* Fails where the value is no whole number of the smallest unit, or beyond int64_t. */
static bool with_unit(span text, const unit *units, size_t count, int64_t *ret) {
    int64_t scaled, value;
    unsigned digits;
    if (!cut_decimal(&text, &scaled, &digits)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!(units == sizes ? span_ieq : span_eq)(text, units[i].name)) continue;
        if (__builtin_mul_overflow(scaled, units[i].factor, &value)) return false;
        if (value % power_of_ten(digits) != 0) return false;
        *ret = value / power_of_ten(digits);
        return true;
    }
    return false;
}

bool unit_duration(span text, int64_t *ret_ms) {
    return with_unit(text, durations, ARRAY_LEN(durations), ret_ms);
}

bool unit_size(span text, int64_t *ret_bytes) {
    return with_unit(text, sizes, ARRAY_LEN(sizes), ret_bytes);
}

bool unit_number(span text, double *ret) {
    bool negative = text.len && text.ptr[0] == '-';
    if (negative) text = span_slice(text, 1, text.len);
    int64_t scaled;
    unsigned digits;
    if (!cut_decimal(&text, &scaled, &digits) || text.len) return false;
    double value = (double)scaled / (double)power_of_ten(digits);
    *ret = negative ? -value : value;
    return true;
}

bool unit_ratio(span text, double *ret) {
    double percent;
    if (!span_ends(text, SPAN_OF("%"))) return false;
    if (!unit_number(span_slice(text, 0, text.len - 1), &percent) || percent < 0) return false;
    *ret = percent / 100;
    return true;
}

bool unit_count(span text, int64_t *ret) {
    uint64_t value;
    if (!span_u64(text, &value) || value > INT64_MAX) return false;
    *ret = (int64_t)value;
    return true;
}

bool unit_money(span text, int64_t *ret_nano) {
    enum { DECIMALS = 9, DIGITS = 9 };
    size_t point = span_find(text, 0, '.'), i = 0;
    span fraction = span_slice(text, point + 1, text.len);
    int64_t nano = 0;
    if (!point || point > DIGITS || fraction.len > DECIMALS) return false;
    if (point < text.len && !fraction.len) return false;
    for (; i < text.len; i++) {
        if (i == point) continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        nano = nano * 10 + (text.ptr[i] - '0');
    }
    *ret_nano = nano * power_of_ten(DECIMALS - (unsigned)fraction.len);
    return true;
}

void unit_write_money(int64_t nano, buf *out) {
    buf_add_i64(out, nano / 1000000000);
    if (nano % 1000000000 == 0) return;
    buf_addf(out, ".%09lld", (long long)(nano % 1000000000));
    while (out->ptr[out->len - 1] == '0')
        out->len--;
}

void unit_write_duration(int64_t ms, buf *out) {
    /* From two of a unit on: 60s reads better than 1m beside 75s. */
    size_t best = 0;
    for (size_t i = 0; i < ARRAY_LEN(durations); i++)
        if (ms % durations[i].factor == 0 && ms >= durations[i].factor * (i > 1 ? 2 : 1)) best = i;
    if (ms == 0) best = 1;
    buf_add_i64(out, ms / durations[best].factor);
    buf_add(out, durations[best].name);
}

void unit_write_size(int64_t bytes, buf *out) {
    size_t best = 0;
    for (size_t i = 0; i < 4; i++)
        if (bytes && bytes % sizes[i].factor == 0) best = i;
    buf_add_i64(out, bytes / sizes[best].factor);
    buf_add(out, sizes[best].name);
}

void unit_write_number(double number, buf *out) {
    json_writer w = json_writer_of(out);
    json_put_fixed(&w, number, FRACTION_DIGITS); /* with a point, whatever the locale has */
    while (out->ptr[out->len - 1] == '0')
        out->len--;
    if (out->ptr[out->len - 1] == '.') out->len--;
}

void unit_write_ratio(double ratio, buf *out) {
    unit_write_number(round(ratio * 1e8) / 1e6, out);
    buf_add_char(out, '%');
}
