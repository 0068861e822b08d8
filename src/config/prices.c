/* prices: what the tokens of which targets cost. */
#include "config/reader.h"
#include "config/units.h"
#include "config/write.h"

enum { PRICES_MAX = 10000, TIERS_MAX = 8, HOURS_MAX = 8, PATTERN_MAX = 200 };

const span config_rate_names[CONFIG_RATES] = {
#define X(id, name, sentence) [RATE_##id] = SPAN(#name),
#include "config/prices.def"
#undef X
};

const span config_service_names[CONFIG_SERVICES] = {
    [SERVICE_STANDARD] = SPAN("standard"),
#define X(id, name) [SERVICE_##id] = SPAN(#name),
#include "config/services.def"
#undef X
};

/* ---- one figure ---- */

COLD static bool read_money(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    span text;
    int64_t nano;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!unit_money(text, &nano)) return reader_expected(r, o, name, node);
    if (nano > CONFIG_RATE_MAX) {
        span said = reader_number(r, node, "out of range");
        reader_problem(r, node, "%.*s is %.*s; allowed 0 to 1000000", SPAN_ARG(name),
                       SPAN_ARG(said));
        return false;
    }
    *(int64_t *)field = nano;
    return true;
}
COLD static void write_money(const option *o, const void *field, buf *out) {
    (void)o;
    unit_write_money(*(const int64_t *)field, out);
}
const option_type type_money = {"price",
                                "a price of 1,000,000 tokens such as 2.50, with up to 9 decimals",
                                read_money, write_money, TELLS_VALUE};

static void no_rates(config_rates *rates) {
    for (size_t i = 0; i < CONFIG_RATES; i++)
        rates->nano[i] = -1;
}

/* ---- tiers ---- */

/* What a tier leaves out costs what it costs below. */
static void inherit(config_rates *rates, const config_rates *below) {
    for (size_t i = 0; i < CONFIG_RATES; i++)
        if (rates->nano[i] < 0) rates->nano[i] = below->nano[i];
}

COLD static bool read_tier(reader *r, span name, const yaml_node *node, config_tier *tiers,
                           size_t at) {
    config_tier *t = &tiers[at];
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
    reader_defaults(r, &scope_price_tier, t);
    no_rates(&t->rates);
    if (!reader_scope(r, &scope_price_tier, prefix, node, t)) return false;
    if (!at || t->above > tiers[at - 1].above) return true;
    reader_problem(r, node, "%.*sabove is no more than that of the tier before it",
                   SPAN_ARG(prefix));
    return false;
}

COLD static bool read_tiers(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config_price *price = CONTAINER_OF(field, config_price, tiers);
    if (node->kind != YAML_LIST || node->count > TIERS_MAX)
        return reader_expected(r, o, name, node);
    config_tier *tiers = arena_zalloc(r->arena, (node->count + 1) * sizeof *tiers);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *item = node->first; item; item = item->next, n++)
        ok &= read_tier(r, reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n), item, tiers, n);
    price->tiers = tiers;
    price->tier_count = n;
    return ok;
}
const option_type type_price_tiers = {"list of tiers", "a list of up to 8 tiers, each a mapping",
                                      read_tiers, NULL, TELLS_PARTS};

/* Only now are the entry's own prices known. */
static void settle_tiers(config_price *price) {
    config_tier *tiers = (config_tier *)price->tiers; /* the reader's own, until it is read */
    const config_rates *below = &price->rates;
    for (size_t i = 0; i < price->tier_count; i++) {
        inherit(&tiers[i].rates, below);
        below = &tiers[i].rates;
    }
}

/* ---- tiers of service ---- */

COLD static bool read_service(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    if (node->kind != YAML_MAP) return reader_expected(r, o, name, node);
    config_price *service = arena_zalloc(r->arena, sizeof *service);
    no_rates(&service->rates);
    *(const config_price **)field = service;
    return reader_scope(r, &scope_price_service, reader_name(r, "%.*s.", SPAN_ARG(name)), node,
                        service);
}
const option_type type_price_service = {"prices", "a mapping of prices", read_service, NULL,
                                        TELLS_PARTS};

static void settle_services(config_price *price) {
    for (size_t i = 0; i < CONFIG_SERVICES; i++) {
        config_price *service = (config_price *)price->services[i]; /* the reader's own */
        if (!service) continue;
        inherit(&service->rates, &price->rates);
        settle_tiers(service);
    }
}

/* ---- hours ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool parse_time_of_day(span text, int64_t *ret_minutes) {
    const char *t = text.ptr;
    if (text.len != 5 || t[2] != ':') return false;
    if (!is_digit(t[0]) || !is_digit(t[1]) || !is_digit(t[3]) || !is_digit(t[4])) return false;
    const int hour = (t[0] - '0') * 10 + (t[1] - '0'), minute = (t[3] - '0') * 10 + (t[4] - '0');
    *ret_minutes = hour * 60 + minute;
    return minute < 60 && *ret_minutes <= CONFIG_DAY_MINUTES;
}

COLD static bool read_time_of_day(reader *r, const option *o, span name, const yaml_node *node,
                                  void *field) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    return parse_time_of_day(text, field) || reader_expected(r, o, name, node);
}

void config_time_of_day_write(int64_t minutes, buf *out) {
    buf_addf(out, "\"%02d:%02d\"", (int)(minutes / 60), (int)(minutes % 60));
}

COLD static void write_time_of_day(const option *o, const void *field, buf *out) {
    (void)o;
    config_time_of_day_write(*(const int64_t *)field, out);
}
const option_type type_time_of_day = {"time of day", "a time of day such as 01:30, up to 24:00",
                                      read_time_of_day, write_time_of_day, TELLS_VALUE};

COLD static bool read_hours(reader *r, span name, const yaml_node *node, config_hours *h) {
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
    reader_defaults(r, &scope_price_hours, h);
    no_rates(&h->price.rates);
    if (!reader_scope(r, &scope_price_hours, prefix, node, h)) return false;
    if (h->from != h->to) return true;
    reader_problem(r, node, "%.*sto is when they begin; expected another time", SPAN_ARG(prefix));
    return false;
}

COLD static bool read_all_hours(reader *r, const option *o, span name, const yaml_node *node,
                                void *field) {
    config_price *price = CONTAINER_OF(field, config_price, hours);
    if (node->kind != YAML_LIST || node->count > HOURS_MAX)
        return reader_expected(r, o, name, node);
    config_hours *hours = arena_zalloc(r->arena, (node->count + 1) * sizeof *hours);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *item = node->first; item; item = item->next, n++)
        ok &= read_hours(r, reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n), item, &hours[n]);
    price->hours = hours;
    price->hour_count = n;
    return ok;
}
const option_type type_price_hours = {"list of hours", "a list of up to 8 hours, each a mapping",
                                      read_all_hours, NULL, TELLS_PARTS};

static void settle_hours(config_price *price) {
    config_hours *hours = (config_hours *)price->hours; /* the reader's own */
    for (size_t i = 0; i < price->hour_count; i++) {
        inherit(&hours[i].price.rates, &price->rates);
        settle_tiers(&hours[i].price);
    }
}

/* ---- an entry ---- */

static bool good_pattern(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return text.len > 0 && text.len <= PATTERN_MAX && span_find(text, 0, '*') + 1 >= text.len;
}

COLD static bool read_price(reader *r, const yaml_node *map, const yaml_node *key,
                            config_price *price) {
    price->pattern = arena_dup(r->arena, key->text);
    reader_origin(r, price, key);
    no_rates(&price->rates);
    span name = reader_member(r, SPAN_OF("prices"), map, key);
    if (!good_pattern(price->pattern)) {
        reader_problem(
            r, key,
            "%.*s is no such name; expected PROVIDER/MODEL or a model, 1 to %d printable "
            "characters, and a * only at the end",
            SPAN_ARG(name), PATTERN_MAX);
        return false;
    }
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
    if (!reader_scope(r, &scope_price, prefix, key->value, price)) return false;
    settle_tiers(price);
    settle_services(price);
    settle_hours(price);
    return true;
}

COLD static bool read_prices(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    config *c = CONTAINER_OF(field, config, prices);
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_MAP || node->count > PRICES_MAX)
        return reader_expected(r, o, name, node);
    config_price *prices = arena_zalloc(r->arena, (node->count + 1) * sizeof *prices);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *key = node->first; key; key = key->next)
        ok &= read_price(r, node, key, &prices[n++]);
    c->prices = prices;
    c->price_count = n;
    return ok;
}
const option_type type_prices = {"mapping of prices", "a mapping from targets to their prices",
                                 read_prices, NULL, TELLS_PARTS};

/* ---- as it is written ---- */

COLD static void write_rates(const config_rates *rates, const config_rates *below, buf *out) {
    for (size_t i = 0; i < CONFIG_RATES; i++) {
        if (rates->nano[i] < 0 || (below && below->nano[i] == rates->nano[i])) continue;
        if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
        buf_add(out, config_rate_names[i]);
        buf_add_cstr(out, ": ");
        unit_write_money(rates->nano[i], out);
    }
}

COLD static void write_tiers(const config_price *p, buf *out) {
    const config_rates *below = &p->rates;
    for (size_t i = 0; i < p->tier_count; i++) {
        if (!i && out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
        buf_addf(out, "%s{above: %lld", i ? ", " : "tiers: [", (long long)p->tiers[i].above);
        write_rates(&p->tiers[i].rates, below, out);
        buf_add_char(out, '}');
        below = &p->tiers[i].rates;
    }
    if (p->tier_count) buf_add_char(out, ']');
}

COLD static void write_hours(const config_price *p, buf *out) {
    for (size_t i = 0; i < p->hour_count; i++) {
        const config_hours *h = &p->hours[i];
        buf_add_cstr(out, i ? ", {from: " : ", hours: [{from: ");
        config_time_of_day_write(h->from, out);
        buf_add_cstr(out, ", to: ");
        config_time_of_day_write(h->to, out);
        write_rates(&h->price.rates, &p->rates, out);
        write_tiers(&h->price, out);
        buf_add_char(out, '}');
    }
    if (p->hour_count) buf_add_char(out, ']');
}

void config_price_write(const config_price *p, buf *out) {
    bool any = false;
    buf_add_char(out, '{');
    write_rates(&p->rates, NULL, out);
    write_tiers(p, out);
    for (size_t i = 0; i < CONFIG_SERVICES; i++) {
        const config_price *service = p->services[i];
        if (!service) continue;
        buf_addf(out, "%s%s: {", any ? ", " : ", service_tiers: {", config_service_names[i].ptr);
        write_rates(&service->rates, &p->rates, out);
        write_tiers(service, out);
        buf_add_char(out, '}');
        any = true;
    }
    buf_add_cstr(out, any ? "}" : "");
    write_hours(p, out);
    buf_add_char(out, '}');
}

void config_price_origin(const config *c, const config_price *p, buf *out) {
    const config_origin *from = config_origin_of(c, p);
    if (from && from->setting.len)
        buf_add(out, from->setting);
    else if (from)
        buf_addf(out, "%.*s:%u", SPAN_ARG(c->own->file), from->line);
}
