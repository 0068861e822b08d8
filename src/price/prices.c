#include "price/prices.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

typedef struct known_target {
    span name; /* the configuration's */
    price_found found;
} known_target;

typedef struct table_range {
    size_t from, to; /* rows of one vendor */
} table_range;

struct prices {
    const config *config;
    table_range *ranges; /* by index in config->providers */
    uint16_t *covers; /* of each row: the row that is the next shorter pattern for all that it holds
                         for, + 1; 0: none */
    size_t count;
    known_target *known;
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

/* bare: another name of its model; empty: it has none. */
static const config_price *find_configured(const config *c, span target, span bare) {
    best b = {0};
    span model = model_of(target);
    buf named = BUF_EMPTY;
    if (bare.len)
        buf_addf(&named, "%.*s/%.*s", SPAN_ARG(span_slice(target, 0, span_find(target, 0, '/'))),
                 SPAN_ARG(bare));
    for (size_t i = 0; i < c->price_count; i++) {
        try(&b, &c->prices[i], target);
        if (model.len) try(&b, &c->prices[i], model);
        if (!bare.len) continue;
        try(&b, &c->prices[i], buf_span(&named));
        try(&b, &c->prices[i], bare);
    }
    buf_done(&named);
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
#define HOURS(...)                                                                                 \
    (const config_hours[]) {                                                                       \
        __VA_ARGS__                                                                                \
    }
#define HOURLY(vendor, name, flat, ...)                                                            \
    {SPAN(#vendor),                                                                                \
     {.pattern = SPAN(name),                                                                       \
      .rates = flat,                                                                               \
      .hours = HOURS(__VA_ARGS__),                                                                 \
      .hour_count = sizeof(HOURS(__VA_ARGS__)) / sizeof(config_hours)}},
#define FROM_TO(since, until, flat)                                                                \
    {                                                                                              \
        since, until, {                                                                            \
            .rates = flat                                                                          \
        }                                                                                          \
    }
#include "price/table.def"
};
const char price_table_source[] = PRICE_TABLE_SOURCE;
#undef FLAT
#undef HOURLY
#undef HOURS
#undef FROM_TO
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

/* The table is sorted by vendor and then by bytes, and a * comes before all signs that names have:
 * between a pattern and a name that it holds for stand only patterns that begin as it does. So the
 * last row that is not beyond a name, or one that covers it, is the longest that holds. */
static bool is_beyond(span pattern, span name) {
    size_t len = pattern.len < name.len ? pattern.len : name.len;
    int order = len ? memcmp(pattern.ptr, name.ptr, len) : 0;
    if (order) return order > 0;
    return pattern.len > name.len + 1 || (pattern.len > name.len && pattern.ptr[name.len] != '*');
}

static bool holds_for(span pattern, span name) {
    if (!span_ends(pattern, SPAN_OF("*"))) return span_eq(pattern, name);
    return span_starts(name, span_slice(pattern, 0, pattern.len - 1));
}

static const config_price *find_in_table(const prices *p, table_range range, span model) {
    size_t from = range.from, to = range.to; /* the first that is beyond it is in [from, to] */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (is_beyond(table[middle].price.pattern, model))
            to = middle;
        else
            from = middle + 1;
    }
    for (size_t row = from > range.from ? from : 0; row; row = p->covers[row - 1])
        if (holds_for(table[row - 1].price.pattern, model)) return &table[row - 1].price;
    return NULL;
}

/* Each row is covered by the one before it, or by one that covers that. */
static void note_covers(prices *p) {
    for (size_t i = 1; i < ARRAY_LEN(table); i++) {
        size_t row = span_eq(table[i].vendor, table[i - 1].vendor) ? i : 0;
        span text = table[i].price.pattern;
        while (row && (!span_ends(table[row - 1].price.pattern, SPAN_OF("*")) ||
                       !holds_for(table[row - 1].price.pattern, text)))
            row = p->covers[row - 1];
        p->covers[i] = (uint16_t)row;
    }
}

static table_range range_of(const config_provider *provider) {
    span vendor = price_vendor(provider);
    table_range r = {0, 0};
    if (!vendor.len) return r;
    while (r.from < ARRAY_LEN(table) && !span_eq(table[r.from].vendor, vendor))
        r.from++;
    for (r.to = r.from; r.to < ARRAY_LEN(table) && span_eq(table[r.to].vendor, vendor);)
        r.to++;
    return r;
}

/* ---- of a target ---- */

static const config_provider *provider_of(const config *c, span target) {
    span name = span_slice(target, 0, span_find(target, 0, '/'));
    for (size_t i = 0; i < c->provider_count; i++)
        if (span_eq(c->providers[i].name, name)) return &c->providers[i];
    return NULL;
}

/* Google lists "models/gemini-2.5-pro", and answers to that as to gemini-2.5-pro, which its pages
 * and prices have. */
static span bare_model(const config_provider *p, span model) {
    const span prefix = SPAN_OF("models/");
    if (!p || !span_starts(model, prefix) || !span_eq(price_vendor(p), SPAN_OF("google")))
        return SPAN_EMPTY;
    return span_slice(model, prefix.len, model.len);
}

static price_found look_up(const prices *p, span target) {
    const config *c = p->config;
    const config_provider *provider = provider_of(c, target);
    const span model = model_of(target), bare = bare_model(provider, model);
    price_found f = {.price = find_configured(c, target, bare),
                     .rule = price_rule_of(provider ? provider->kind : SPAN_EMPTY)};
    if (f.price || !provider) return f;
    f.price = find_in_table(p, p->ranges[provider - c->providers], bare.len ? bare : model);
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
    prices *p = mem_zalloc(sizeof *p);
    p->config = c;
    p->ranges = mem_zalloc_array(c->provider_count + 1, sizeof *p->ranges);
    p->covers = mem_zalloc_array(ARRAY_LEN(table), sizeof *p->covers);
    p->known = mem_zalloc_array(count_targets(c) + 1, sizeof *p->known);
    note_covers(p);
    for (size_t i = 0; i < c->provider_count; i++)
        p->ranges[i] = range_of(&c->providers[i]);
    for (size_t i = 0; i < c->model_count; i++)
        for (size_t k = 0; k < c->models[i].target_count; k++) {
            const config_target *t = &c->models[i].targets[k];
            if (t->model.len) p->known[p->count++] = (known_target){t->name, look_up(p, t->name)};
        }
    return p;
}

void prices_free(prices *p) {
    free(p->ranges);
    free(p->covers);
    free(p->known);
    free(p);
}

price_found prices_find(const prices *p, span target) {
    for (size_t i = 0; i < p->count; i++)
        if (span_eq(p->known[i].name, target)) return p->known[i].found;
    return look_up(p, target);
}

int64_t prices_cost(const prices *p, span target, const token_usage *u, int64_t at_us) {
    const price_found f = prices_find(p, target);
    return f.price ? price_cost(f.price, f.rule, u, at_us) : -1;
}
