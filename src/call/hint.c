#include "call/hint.h"

#include "base/clock.h"

static span header(http_headers h, span name) {
    return span_trim(http_header_get(h, name));
}

/* ---- in so many words ---- */

static const http_names hints[] = {
    [11] = HTTP_NAMES(SPAN("retry-after")),
    [14] = HTTP_NAMES(SPAN("retry-after-ms"), SPAN("x-should-retry")),
    [19] = HTTP_NAMES(SPAN("x-ms-retry-after-ms")),
};

bool hint_is_told(http_headers headers) {
    for (size_t i = 0; i < headers.count; i++)
        if (http_names_have(hints, ARRAY_LEN(hints), headers.items[i].name)) return true;
    return false;
}

static int64_t read_after(http_headers h, int64_t wall_us) {
    int64_t ms, at_us;
    if (duration_read_number(header(h, SPAN_OF("retry-after-ms")), 1, &ms)) return ms;
    if (duration_read_number(header(h, SPAN_OF("x-ms-retry-after-ms")), 1, &ms)) return ms;
    span after = header(h, SPAN_OF("retry-after"));
    if (duration_read_number(after, 1000, &ms)) return ms;
    return clock_parse_http_date(after, &at_us) ? duration_until(at_us, wall_us) : -1;
}

retry_hint hint_read(http_headers headers, int64_t wall_us) {
    span should = header(headers, SPAN_OF("x-should-retry"));
    return (retry_hint){
        .after_ms = read_after(headers, wall_us),
        .should_retry = span_ieq(should, SPAN_OF("true"))    ? 1
                        : span_ieq(should, SPAN_OF("false")) ? 0
                                                             : -1,
    };
}

/* ---- limits that begin anew ---- */

static bool read_instant(span s, int64_t wall_us, int64_t *ret_ms) {
    int64_t at_us;
    if (!clock_parse_rfc3339(s, &at_us)) return false;
    *ret_ms = duration_until(at_us, wall_us);
    return true;
}

static bool read_duration(span s, int64_t wall_us, int64_t *ret_ms) {
    (void)wall_us;
    return duration_read(s, ret_ms);
}

/* Seconds from now; or since 1970, or ms since then: nobody waits for so long. */
static bool read_number(span s, int64_t wall_us, int64_t *ret_ms) {
    const uint64_t year_2001_s = 1000 * 1000 * 1000, most = INT64_MAX / 1000 / 1000;
    uint64_t n;
    if (!span_u64(s, &n) || n < year_2001_s) return duration_read_number(s, 1000, ret_ms);
    if (n > most) return false;
    *ret_ms = duration_until((int64_t)(n < year_2001_s * 1000 ? n * 1000 : n) * 1000, wall_us);
    return true;
}

static bool is_used_up(span remaining) {
    uint64_t left;
    return span_u64(remaining, &left) && left == 0;
}

static int64_t later(int64_t a_ms, int64_t b_ms) {
    return a_ms > b_ms ? a_ms : b_ms;
}

/* Of two headers, what is left and when it begins anew. */
static int64_t of_pairs(http_headers headers, int64_t wall_us) {
    static const struct {
        span remaining, reset;
        bool (*read)(span s, int64_t wall_us, int64_t *ret_ms);
    } limits[] = {
        {SPAN("x-ratelimit-remaining-requests"), SPAN("x-ratelimit-reset-requests"), read_duration},
        {SPAN("x-ratelimit-remaining-tokens"), SPAN("x-ratelimit-reset-tokens"), read_duration},
        {SPAN("x-ratelimit-remaining"), SPAN("x-ratelimit-reset"), read_number},
        {SPAN("ratelimit-remaining"), SPAN("ratelimit-reset"), read_number},
        {SPAN("anthropic-ratelimit-requests-remaining"), SPAN("anthropic-ratelimit-requests-reset"),
         read_instant},
        {SPAN("anthropic-ratelimit-tokens-remaining"), SPAN("anthropic-ratelimit-tokens-reset"),
         read_instant},
        {SPAN("anthropic-ratelimit-input-tokens-remaining"),
         SPAN("anthropic-ratelimit-input-tokens-reset"), read_instant},
        {SPAN("anthropic-ratelimit-output-tokens-remaining"),
         SPAN("anthropic-ratelimit-output-tokens-reset"), read_instant},
    };
    int64_t longest_ms = -1, ms;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (is_used_up(header(headers, limits[i].remaining)) &&
            limits[i].read(header(headers, limits[i].reset), wall_us, &ms))
            longest_ms = later(longest_ms, ms);
    return longest_ms;
}

/* The next of what stands between marks that are not in quotes, cut off *list. */
static span cut_at(span *list, char mark) {
    bool quoted = false;
    size_t n = 0;
    for (; n < list->len && (quoted || list->ptr[n] != mark); n++)
        if (list->ptr[n] == '"') quoted = !quoted;
    span item = span_slice(*list, 0, n);
    *list = span_slice(*list, n + 1, list->len);
    return span_trim(item);
}

/* "name";r=0;t=30 */
static int64_t of_policy(span policy) {
    span remaining = SPAN_EMPTY, reset = SPAN_EMPTY;
    while (policy.len) {
        span parameter = cut_at(&policy, ';');
        if (span_starts(parameter, SPAN_OF("r=")))
            remaining = span_slice(parameter, 2, parameter.len);
        if (span_starts(parameter, SPAN_OF("t="))) reset = span_slice(parameter, 2, parameter.len);
    }
    int64_t ms;
    return is_used_up(remaining) && duration_read_number(reset, 1000, &ms) ? ms : -1;
}

int64_t hint_of_reset(http_headers headers, int64_t wall_us) {
    int64_t longest_ms = of_pairs(headers, wall_us);
    for (span policies = header(headers, SPAN_OF("ratelimit")); policies.len;)
        longest_ms = later(longest_ms, of_policy(cut_at(&policies, ',')));
    return longest_ms;
}

/* ---- in a sentence ---- */

/* Behind the first of these that a time follows. */
static const span leads[] = {SPAN("try again in "), SPAN("try again after "), SPAN("retry in "),
                             SPAN("retry after "),  SPAN("wait for "),        SPAN("wait ")};

static int64_t time_behind(span text) {
    int64_t ms;
    for (size_t i = 0; i < ARRAY_LEN(leads); i++)
        if (span_istarts(text, leads[i]) &&
            duration_starts(span_slice(text, leads[i].len, text.len), &ms))
            return ms;
    return -1;
}

int64_t hint_in_text(span text) {
    for (size_t i = 0; i < text.len; i++) {
        int64_t ms = time_behind(span_slice(text, i, text.len));
        if (ms >= 0) return ms;
    }
    return -1;
}
