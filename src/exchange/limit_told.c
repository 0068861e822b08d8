#include "exchange/limit_told.h"

#include "config/units.h"

#include <inttypes.h>
#include <string.h>

/* Nobody knows when a call ends that is in progress. */
enum { PARALLEL_AGAIN_MS = 1000 };

enum { DURATION_MAX = 20 + sizeof "h59m59.999s" };

enum { EACH = 3 }; /* what there is at most, what is left of it, until it is all there again */

static char *put_number(char *at, int64_t n) {
    char digits[20];
    size_t from = sizeof digits;
    do
        digits[--from] = (char)('0' + n % 10);
    while ((n /= 10));
    memcpy(at, digits + from, sizeof digits - from);
    return at + sizeof digits - from;
}

/* ".25" of 250. */
static char *put_thousandths(char *at, int64_t n) {
    if (n) *at++ = '.';
    for (int64_t of = 100; n; n %= of, of /= 10)
        *at++ = (char)('0' + n / of);
    return at;
}

static char *put_unit(char *at, int64_t n, const char *unit) {
    at = put_number(at, n);
    while (*unit)
        *at++ = *unit++;
    return at;
}

/* As OpenAI's headers have it, which is Go's: "20ms", "1.5s", "6m0s". It goes out with each answer:
 * no printf. */
static span go_duration(arena *a, int64_t us) {
    const int64_t ms = (us + 999) / 1000, s = ms / 1000;
    char text[DURATION_MAX], *at = text;
    if (ms < 1000) {
        at = put_unit(at, ms, "ms");
    } else {
        if (s >= 3600) at = put_unit(at, s / 3600, "h");
        if (s >= 60) at = put_unit(at, s % 3600 / 60, "m");
        at = put_thousandths(put_number(at, s % 60), ms % 1000);
        *at++ = 's';
    }
    return arena_dup(a, span_from(text, (size_t)(at - text)));
}

/* Of several limits that of which the least is left. */
static const limit_ask *tightest(const limit_asks *asks, const limit_ask *by, limit_kind kind) {
    const limit_ask *best = by && by->kind == kind ? by : NULL;
    for (size_t i = 0; i < asks->count; i++) {
        const limit_ask *a = &asks->items[i];
        if (a->kind == kind && (!best || a->left < best->left)) best = a;
    }
    return best;
}

static size_t add_headers(exchange *x, const limit_ask *a, const span names[EACH], http_header *h) {
    if (!a) return 0;
    h[0] = (http_header){names[0], arena_u64(&x->arena, (uint64_t)a->quota.amount)};
    h[1] = (http_header){names[1], arena_u64(&x->arena, (uint64_t)a->left)};
    h[2] = (http_header){names[2], go_duration(&x->arena, a->reset_us)};
    return EACH;
}

static bool is_named(const http_header *h, size_t n, span name) {
    for (size_t i = 0; i < n; i++)
        if (span_eq(h[i].name, name)) return true;
    return false;
}

static void keep(exchange *x, const http_header *h, size_t n) {
    http_header *kept = arena_alloc(&x->arena, n * sizeof *kept);
    memcpy(kept, h, n * sizeof *kept);
    x->more_headers = (http_headers){kept, n};
}

/* A run counts its request, and its steps what they use: its client is told both, the latter as the
 * last step left it. h: the step's, whose arena goes with it. */
static void tell_run(exchange *run, const http_header *step, size_t n) {
    http_header h[EXCHANGE_MORE_HEADERS_MAX];
    size_t all = 0;
    for (size_t i = 0; i < run->more_headers.count; i++)
        if (!is_named(step, n, run->more_headers.items[i].name))
            h[all++] = run->more_headers.items[i];
    for (size_t i = 0; i < n && all < ARRAY_LEN(h); i++)
        h[all++] = (http_header){step[i].name, arena_dup(&run->arena, step[i].value)};
    keep(run, h, all);
}

void limit_tell(exchange *x, const limit_asks *asks, const limit_ask *by) {
    static const struct {
        limit_kind kind;
        span names[EACH];
    } told[] = {
        {LIMIT_REQUESTS,
         {SPAN("x-ratelimit-limit-requests"), SPAN("x-ratelimit-remaining-requests"),
          SPAN("x-ratelimit-reset-requests")}},
        {LIMIT_TOKENS,
         {SPAN("x-ratelimit-limit-tokens"), SPAN("x-ratelimit-remaining-tokens"),
          SPAN("x-ratelimit-reset-tokens")}},
        {LIMIT_SPEND,
         {SPAN("x-weir-budget-limit"), SPAN("x-weir-budget-remaining"),
          SPAN("x-weir-budget-reset")}},
    };
    _Static_assert(ARRAY_LEN(told) * EACH < EXCHANGE_MORE_HEADERS_MAX, "others come to these");
    http_header h[ARRAY_LEN(told) * EACH];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        n += add_headers(x, tightest(asks, by, told[i].kind), told[i].names, h + n);
    x->more_headers = (http_headers){0};
    if (!n) return;
    keep(x, h, n);
    if (x->parent && x->parent->runs && !x->parent->head_sent) tell_run(x->parent, h, n);
}

static span amount_text(exchange *x, limit_kind kind, int64_t amount) {
    buf out = BUF_EMPTY;
    if (kind == LIMIT_SPEND)
        unit_write_money(amount, &out);
    else
        buf_add_i64(&out, amount);
    span text = arena_dup(&x->arena, buf_span(&out));
    buf_done(&out);
    return text;
}

static const char *subject_sentence(const limit_ask *a) {
    static const char *const who[] = {
#define X(id, word, sentence) sentence,
#include "limit/scopes.def"
#undef X
    };
    return who[a->scope];
}

static const char *period_words(config_period per) {
    static const char *const words[] = {"a second", "a minute", "an hour", "a day", "a month"};
    return words[per];
}

static span sentence_of(exchange *x, const limit_ask *a, int64_t wait_us) {
    arena *to = &x->arena;
    const span option = limit_option(a, to);
    const span most = amount_text(x, a->kind, a->quota.amount);
    const char *who = subject_sentence(a), *per = period_words(a->quota.per);
    const char *of = a->kind == LIMIT_REQUESTS ? "requests" : "tokens";
    if (a->kind == LIMIT_PARALLEL)
        return arena_printf(to, "%s has %.*s calls in progress, as many as it may (%.*s).", who,
                            SPAN_ARG(most), SPAN_ARG(option));
    if (a->kind == LIMIT_SPEND)
        return arena_printf(to,
                            "%s may spend %.*s %s; this call may cost %.*s, and %.*s is left "
                            "(%.*s).",
                            who, SPAN_ARG(most), per, SPAN_ARG(amount_text(x, a->kind, a->amount)),
                            SPAN_ARG(amount_text(x, a->kind, a->left)), SPAN_ARG(option));
    if (wait_us < 0)
        return arena_printf(to,
                            "This call may use %" PRId64 " tokens, prompt and answer together, "
                            "more than the %.*s %s that there are at most (%.*s). A lower "
                            "max_tokens makes it smaller.",
                            a->amount, SPAN_ARG(most), per, SPAN_ARG(option));
    const span wait = go_duration(to, wait_us);
    if (a->kind == LIMIT_REQUESTS)
        return arena_printf(to, "%s has made its %.*s %s %s; try again in %.*s (%.*s).", who,
                            SPAN_ARG(most), of, per, SPAN_ARG(wait), SPAN_ARG(option));
    return arena_printf(to,
                        "%s may use %.*s %s %s; this call may use %" PRId64 ", and %" PRId64
                        " are left; try again in %.*s (%.*s).",
                        who, SPAN_ARG(most), of, per, a->amount, a->left, SPAN_ARG(wait),
                        SPAN_ARG(option));
}

weir_error limit_error(exchange *x, const limit_ask *by, int64_t wait_us) {
    weir_error e = error_of(by->kind == LIMIT_SPEND ? ERR_OVER_BUDGET : ERR_OVER_LIMIT);
    e.message = sentence_of(x, by, wait_us);
    e.retry_after_ms = wait_us < 0 ? -1 : (wait_us + 999) / 1000;
    if (by->kind == LIMIT_PARALLEL) e.retry_after_ms = PARALLEL_AGAIN_MS;
    return e;
}

void limit_count(const exchange *x, const limit_ask *by) {
    if (!x->env->metrics) return;
    const span labels[] = {span_cstr(limit_scope_word(by->scope)),
                           span_cstr(limit_kind_word(by->kind))};
    metric_add(metrics_series(x->env->metrics, METRIC_LIMITED, labels), 1);
}
