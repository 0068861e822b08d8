#include "price/prices.h"

#include "base/mem.h"

#include <stdlib.h>

typedef struct known_target {
    span name; /* the configuration's */
    price_found found;
} known_target;

struct prices {
    const config *config;
    size_t count;
    known_target known[];
};

/* ---- which of two ---- */

typedef struct best {
    const config_price *price;
    size_t length;
    bool exact;
} best;

static void try(best *b, const config_price *p, span name) {
    span text = p->pattern;
    bool exact = !span_ends(text, SPAN_OF("*"));
    if (!exact) text.len--;
    if (exact ? !span_eq(text, name) : !span_starts(name, text)) return;
    if (b->price && (text.len < b->length || (text.len == b->length && exact <= b->exact))) return;
    *b = (best){p, text.len, exact};
}

static span model_of(span target) {
    return span_slice(target, span_find(target, 0, '/') + 1, target.len);
}

static const config_price *find_configured(const config *c, span target) {
    best b = {0};
    span model = model_of(target);
    for (size_t i = 0; i < c->price_count; i++) {
        try(&b, &c->prices[i], target);
        if (model.len) try(&b, &c->prices[i], model);
    }
    return b.price;
}

/* ---- the table ---- */

#define RATES(...)                                                                                 \
    {                                                                                              \
        { __VA_ARGS__ }                                                                            \
    }
#define NONE -1
#define TIERS(...)                                                                                 \
    (const config_tier[]) {                                                                        \
        __VA_ARGS__                                                                                \
    }

typedef struct table_row {
    span vendor;
    config_price price;
} table_row;

static const table_row table[] = {
#define FLAT(vendor, pattern, ...) {SPAN(#vendor), {SPAN(pattern), __VA_ARGS__, NULL, 0}},
#define TIERED(vendor, pattern, rates, ...)                                                        \
    {SPAN(#vendor),                                                                                \
     {SPAN(pattern), rates, TIERS(__VA_ARGS__),                                                    \
      sizeof(TIERS(__VA_ARGS__)) / sizeof(config_tier)}},
#include "price/table.def"
};
const char price_table_source[] = PRICE_TABLE_SOURCE;
#undef FLAT
#undef TIERED
#undef RATES
#undef NONE

typedef struct vendor_row {
    span name, host;
} vendor_row;

/* As their SDKs and pages of documentation have them. */
static const vendor_row vendors[] = {
    {SPAN("openai"), SPAN("api.openai.com")},
    {SPAN("anthropic"), SPAN("api.anthropic.com")},
    {SPAN("google"), SPAN("generativelanguage.googleapis.com")},
    {SPAN("mistral"), SPAN("api.mistral.ai")},
    {SPAN("deepseek"), SPAN("api.deepseek.com")},
    {SPAN("xai"), SPAN("api.x.ai")},
    {SPAN("groq"), SPAN("api.groq.com")},
    {SPAN("cohere"), SPAN("api.cohere.ai")},
    {SPAN("perplexity"), SPAN("api.perplexity.ai")},
};

bool price_table_row(size_t i, span *ret_vendor, const config_price **ret_price) {
    if (i >= ARRAY_LEN(table)) return false;
    *ret_vendor = table[i].vendor;
    *ret_price = &table[i].price;
    return true;
}

span price_vendor(const config_provider *p) {
    if (!span_eq(p->kind, SPAN_OF("openai"))) return SPAN_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
        if (span_ieq(p->url.host, vendors[i].host)) return vendors[i].name;
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
        if (span_eq(p->name, vendors[i].name)) return vendors[i].name;
    return SPAN_EMPTY;
}

static const config_price *find_in_table(span vendor, span model) {
    best b = {0};
    if (!vendor.len || !model.len) return NULL;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (span_eq(table[i].vendor, vendor)) try(&b, &table[i].price, model);
    return b.price;
}

/* ---- of a target ---- */

static const config_provider *provider_of(const config *c, span target) {
    span name = span_slice(target, 0, span_find(target, 0, '/'));
    for (size_t i = 0; i < c->provider_count; i++)
        if (span_eq(c->providers[i].name, name)) return &c->providers[i];
    return NULL;
}

static price_found look_up(const config *c, span target) {
    const config_provider *provider = provider_of(c, target);
    price_found f = {.price = find_configured(c, target),
                     .rule = price_rule_of(provider ? provider->kind : SPAN_EMPTY)};
    if (f.price || !provider) return f;
    f.price = find_in_table(price_vendor(provider), model_of(target));
    f.of_table = f.price != NULL;
    return f;
}

static size_t count_targets(const config *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->model_count; i++)
        n += c->models[i].target_count;
    return n;
}

prices *prices_new(const config *c) {
    prices *p = mem_zalloc(sizeof *p + count_targets(c) * sizeof p->known[0]);
    p->config = c;
    for (size_t i = 0; i < c->model_count; i++)
        for (size_t k = 0; k < c->models[i].target_count; k++) {
            const config_target *t = &c->models[i].targets[k];
            if (t->model.len) p->known[p->count++] = (known_target){t->name, look_up(c, t->name)};
        }
    return p;
}

void prices_free(prices *p) {
    free(p);
}

/* Names that are not written anywhere are looked up each time: some hundred short comparisons. */
price_found prices_find(const prices *p, span target) {
    for (size_t i = 0; i < p->count; i++)
        if (span_eq(p->known[i].name, target)) return p->known[i].found;
    return look_up(p->config, target);
}

int64_t prices_cost(const prices *p, span target, const token_usage *u) {
    const price_found f = prices_find(p, target);
    return f.price ? price_cost(f.price, f.rule, u) : -1;
}
