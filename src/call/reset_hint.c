#include "call/reset_hint.h"

#include "base/clock.h"
#include "call/retry.h"

/* ---- durations: "1s", "6m0s", "120ms", "1h2m3.5s" ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The number at the front of *s, cut off it. Hundreds of digits only make it large. */
static bool cut_number(span *s, double *ret) {
    double value = 0, place = 1;
    bool fraction = false, digits = false;
    size_t n = 0;
    for (; n < s->len && (is_digit(s->ptr[n]) || (s->ptr[n] == '.' && !fraction)); n++) {
        if (s->ptr[n] == '.') {
            fraction = true;
            continue;
        }
        digits = true;
        if (fraction)
            value += (s->ptr[n] - '0') / (place *= 10);
        else
            value = value * 10 + (s->ptr[n] - '0');
    }
    *s = span_slice(*s, n, s->len);
    *ret = value;
    return digits;
}

/* The unit at the front of *s, cut off it; in ms. */
static bool cut_unit(span *s, double *ret_ms) {
    static const struct {
        span name;
        double ms;
    } units[] = {{SPAN("d"), 24 * 3600e3},  {SPAN("h"), 3600e3}, {SPAN("m"), 60e3},
                 {SPAN("s"), 1e3},          {SPAN("ms"), 1},     {SPAN("us"), 1e-3},
                 {SPAN("\xc2\xb5s"), 1e-3}, {SPAN("ns"), 1e-6}};
    size_t n = 0;
    while (n < s->len && !is_digit(s->ptr[n]) && s->ptr[n] != '.')
        n++;
    span name = span_slice(*s, 0, n);
    *s = span_slice(*s, n, s->len);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!span_eq(name, units[i].name)) continue;
        *ret_ms = units[i].ms;
        return true;
    }
    return false;
}

/* Up to a whole ms: the end of a limit is not before it. */
static bool read_duration(span s, int64_t *ret_ms) {
    double sum_ms = 0;
    if (!s.len) return false;
    while (s.len) {
        double number, unit_ms;
        if (!cut_number(&s, &number) || !cut_unit(&s, &unit_ms)) return false;
        sum_ms += number * unit_ms;
    }
    if (!(sum_ms < (double)RETRY_HINT_MAX_MS)) {
        *ret_ms = RETRY_HINT_MAX_MS;
        return true;
    }
    *ret_ms = (int64_t)sum_ms;
    *ret_ms += (double)*ret_ms < sum_ms;
    return true;
}

static bool read_instant(span s, int64_t wall_us, int64_t *ret_ms) {
    int64_t at_us;
    if (!clock_parse_rfc3339(s, &at_us)) return false;
    int64_t ms = at_us > wall_us ? (at_us - wall_us + 999) / 1000 : 0;
    *ret_ms = ms < RETRY_HINT_MAX_MS ? ms : RETRY_HINT_MAX_MS;
    return true;
}

/* ---- the headers ---- */

static span header(http_headers h, span name) {
    return span_trim(http_header_get(h, name));
}

static bool is_used_up(http_headers h, span remaining) {
    uint64_t left;
    return span_u64(header(h, remaining), &left) && left == 0;
}

int64_t reset_hint_read(http_headers headers, int64_t wall_us) {
    static const struct {
        span remaining, reset;
        bool instant;
    } limits[] = {
        {SPAN("x-ratelimit-remaining-requests"), SPAN("x-ratelimit-reset-requests"), false},
        {SPAN("x-ratelimit-remaining-tokens"), SPAN("x-ratelimit-reset-tokens"), false},
        {SPAN("anthropic-ratelimit-requests-remaining"), SPAN("anthropic-ratelimit-requests-reset"),
         true},
        {SPAN("anthropic-ratelimit-tokens-remaining"), SPAN("anthropic-ratelimit-tokens-reset"),
         true},
        {SPAN("anthropic-ratelimit-input-tokens-remaining"),
         SPAN("anthropic-ratelimit-input-tokens-reset"), true},
        {SPAN("anthropic-ratelimit-output-tokens-remaining"),
         SPAN("anthropic-ratelimit-output-tokens-reset"), true},
    };
    int64_t longest_ms = -1;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        int64_t ms;
        if (!is_used_up(headers, limits[i].remaining)) continue;
        span reset = header(headers, limits[i].reset);
        bool read =
            limits[i].instant ? read_instant(reset, wall_us, &ms) : read_duration(reset, &ms);
        if (read && ms > longest_ms) longest_ms = ms;
    }
    return longest_ms;
}
