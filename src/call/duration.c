#include "call/duration.h"

#include <math.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Hundreds of digits make a number infinite, and a quotient of two of them none. */
static int64_t whole_ms(double ms) {
    ms = ceil(ms);
    return ms < (double)RETRY_HINT_MAX_MS ? (int64_t)ms : RETRY_HINT_MAX_MS;
}

/* The number at the front of *s, cut off it. A dot that no digit follows is the end of a sentence.
 */
static bool cut_number(span *s, double *ret) {
    double value = 0, place = 1;
    bool fraction = false, digits = false;
    size_t n = 0;
    for (; n < s->len; n++) {
        char c = s->ptr[n];
        if (c == '.' && !fraction && n + 1 < s->len && is_digit(s->ptr[n + 1])) {
            fraction = true;
        } else if (is_digit(c)) {
            digits = true;
            value = value * 10 + (c - '0');
            if (fraction) place *= 10;
        } else {
            break;
        }
    }
    *s = span_slice(*s, n, s->len);
    *ret = value / place;
    return digits;
}

bool duration_read_number(span s, int64_t unit_ms, int64_t *ret_ms) {
    double number;
    if (span_ends(s, SPAN_OF("."))) s.len--; /* "1." */
    if (!cut_number(&s, &number) || s.len) return false;
    *ret_ms = whole_ms(number * (double)unit_ms);
    return true;
}

/* ---- with units ---- */

typedef struct unit {
    span name;
    double ms;
} unit;

/* The unit at the front of *s, cut off it; what it has of others as its beginning stands behind
 * them. */
static bool cut_unit(span *s, const unit *units, size_t count, double *ret_ms) {
    for (size_t i = 0; i < count; i++) {
        if (!span_starts(*s, units[i].name)) continue;
        *s = span_slice(*s, units[i].name.len, s->len);
        *ret_ms = units[i].ms;
        return true;
    }
    return false;
}

bool duration_read(span s, int64_t *ret_ms) {
    static const unit units[] = {{SPAN("ms"), 1},           {SPAN("us"), 1e-3},
                                 {SPAN("\xc2\xb5s"), 1e-3}, {SPAN("ns"), 1e-6},
                                 {SPAN("d"), 24 * 3600e3},  {SPAN("h"), 3600e3},
                                 {SPAN("m"), 60e3},         {SPAN("s"), 1e3}};
    double sum_ms = 0;
    if (!s.len) return false;
    while (s.len) {
        double number, unit_ms;
        if (!cut_number(&s, &number) || !cut_unit(&s, units, ARRAY_LEN(units), &unit_ms))
            return false;
        sum_ms += number * unit_ms;
    }
    *ret_ms = whole_ms(sum_ms);
    return true;
}

/* ---- in a sentence ---- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool cut_word_unit(span *s, double *ret_ms) {
    static const unit units[] = {
        {SPAN("milliseconds"), 1},  {SPAN("millisecond"), 1}, {SPAN("minutes"), 60e3},
        {SPAN("minute"), 60e3},     {SPAN("seconds"), 1e3},   {SPAN("second"), 1e3},
        {SPAN("hours"), 3600e3},    {SPAN("hour"), 3600e3},   {SPAN("days"), 24 * 3600e3},
        {SPAN("day"), 24 * 3600e3}, {SPAN("mins"), 60e3},     {SPAN("min"), 60e3},
        {SPAN("secs"), 1e3},        {SPAN("sec"), 1e3},       {SPAN("hrs"), 3600e3},
        {SPAN("hr"), 3600e3},       {SPAN("ms"), 1},          {SPAN("m"), 60e3},
        {SPAN("s"), 1e3},           {SPAN("h"), 3600e3},      {SPAN("d"), 24 * 3600e3}};
    return cut_unit(s, units, ARRAY_LEN(units), ret_ms) && !(s->len && is_letter(s->ptr[0]));
}

/* What may stand between two of its parts. */
static void cut_joint(span *s) {
    static const span joints[] = {SPAN(", and "), SPAN(" and "), SPAN(", "), SPAN(" ")};
    for (size_t i = 0; i < ARRAY_LEN(joints); i++) {
        if (!span_starts(*s, joints[i])) continue;
        *s = span_slice(*s, joints[i].len, s->len);
        return;
    }
}

bool duration_starts(span text, int64_t *ret_ms) {
    double sum_ms = 0, number, unit_ms;
    bool any = false;
    for (span s = text; cut_number(&s, &number); cut_joint(&s)) {
        if (span_starts(s, SPAN_OF(" "))) s = span_slice(s, 1, s.len);
        if (!cut_word_unit(&s, &unit_ms)) break;
        sum_ms += number * unit_ms;
        any = true;
    }
    if (any) *ret_ms = whole_ms(sum_ms);
    return any;
}

/* ---- instants ---- */

int64_t duration_until(int64_t at_us, int64_t now_us) {
    int64_t ms = at_us > now_us ? (at_us - now_us + 999) / 1000 : 0;
    return ms < RETRY_HINT_MAX_MS ? ms : RETRY_HINT_MAX_MS;
}
