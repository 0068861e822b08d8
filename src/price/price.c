#include "price/price.h"

#include "config/kinds.h"

typedef struct rule_row {
    span kind;
    price_rule rule;
} rule_row;

static const rule_row rules[] = {
#define X(kind, prompt, completion) {SPAN(#kind), {prompt, completion}},
#include "price/rules.def"
#undef X
};

enum {
#define X(kind, prompt, completion) RULE_##kind,
#include "price/rules.def"
#undef X
};
/* Every kind has a row. */
enum {
#define X(kind, functions, url, key_env, max_tokens, ids) KIND_##kind = RULE_##kind,
#include "config/kinds.def"
#undef X
};

const price_rule *price_rule_of(span kind) {
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (span_eq(rules[i].kind, kind)) return &rules[i].rule;
    return &rules[0].rule;
}

/* ---- the sum ---- */

enum { TOKENS_OF_A_PRICE = 1000 * 1000 };

/* Exact, in millionths of nano units. Tokens are at most INT64_MAX and rates at most 1e15. */
typedef __int128 exact;

typedef struct bill {
    const config_rates *rates;
    exact sum;
    bool unknown; /* something has no price */
} bill;

static int64_t known(int64_t tokens) {
    return tokens > 0 ? tokens : 0;
}

static void charge(bill *b, config_rate own, config_rate general, int64_t tokens) {
    int64_t rate = b->rates->nano[own];
    if (rate < 0) rate = b->rates->nano[general];
    if (tokens && rate < 0) b->unknown = true;
    if (tokens && rate > 0) b->sum += (exact)tokens * rate;
}

/* What overlaps (sound that was cached) is paid once, by the detail that is asked first. */
static void charge_part(bill *b, config_rate own, config_rate general, int64_t tokens,
                        int64_t *total) {
    int64_t part = known(tokens) < *total ? known(tokens) : *total;
    charge(b, own, general, part);
    *total -= part;
}

static void charge_detail(bill *b, config_rate own, config_rate general, int64_t tokens,
                          bool beside, int64_t *total) {
    if (beside)
        charge(b, own, general, known(tokens));
    else
        charge_part(b, own, general, tokens, total);
}

static bool stand_beside(price_details how, const token_usage *u, int64_t details) {
    if (how != DETAILS_BY_SUM) return how == DETAILS_BESIDE;
    int64_t sum;
    return details > 0 && !__builtin_add_overflow(u->prompt, known(u->completion), &sum) &&
           !__builtin_add_overflow(sum, details, &sum) && u->total == sum;
}

static bool holds_at(const config_hours *h, int64_t minute) {
    if (h->from < h->to) return minute >= h->from && minute < h->to;
    return minute >= h->from || minute < h->to;
}

static const config_price *price_at(const config_price *p, int64_t at_us) {
    if (!p->hour_count) return p;
    const int64_t minute = at_us / (60 * 1000 * 1000) % CONFIG_DAY_MINUTES;
    for (size_t i = 0; i < p->hour_count; i++)
        if (holds_at(&p->hours[i], minute)) return &p->hours[i].price;
    return p;
}

/* All of the prompt counts, whatever it costs. */
static const config_rates *rates_for(const config_price *p, uint8_t service, int64_t prompt,
                                     int64_t at_us) {
    if (service < CONFIG_SERVICES && p->services[service])
        p = p->services[service];
    else
        p = price_at(p, at_us);
    const config_rates *rates = &p->rates;
    for (size_t i = 0; i < p->tier_count && prompt > p->tiers[i].above; i++)
        rates = &p->tiers[i].rates;
    return rates;
}

static int64_t rounded(exact sum) {
    exact nano = (sum + TOKENS_OF_A_PRICE / 2) / TOKENS_OF_A_PRICE;
    return nano < INT64_MAX ? (int64_t)nano : INT64_MAX;
}

int64_t price_cost(const config_price *p, const price_rule *rule, const token_usage *u,
                   int64_t at_us) {
    if (u->prompt < 0) return -1;
    int64_t prompt = u->prompt, completion = known(u->completion);
    int64_t cached = known(u->cached), written = known(u->cache_write);
    bool cache_beside = stand_beside(rule->prompt, u, price_add(cached, written));
    bool reasoning_beside = stand_beside(rule->completion, u, known(u->reasoning));
    int64_t length = cache_beside ? price_add(prompt, price_add(cached, written)) : prompt;
    bill b = {.rates = rates_for(p, u->service, length, at_us)};
    charge_detail(&b, RATE_CACHED, RATE_INPUT, cached, cache_beside, &prompt);
    charge_detail(&b, RATE_CACHE_WRITE, RATE_INPUT, written, cache_beside, &prompt);
    charge_part(&b, RATE_AUDIO, RATE_INPUT, u->audio_prompt, &prompt);
    charge_part(&b, RATE_IMAGE, RATE_INPUT, u->image_prompt, &prompt);
    charge(&b, RATE_INPUT, RATE_INPUT, prompt);
    charge_detail(&b, RATE_REASONING, RATE_OUTPUT, u->reasoning, reasoning_beside, &completion);
    charge_part(&b, RATE_AUDIO_OUTPUT, RATE_OUTPUT, u->audio_completion, &completion);
    charge(&b, RATE_OUTPUT, RATE_OUTPUT, completion);
    return b.unknown ? -1 : rounded(b.sum);
}

int64_t price_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
