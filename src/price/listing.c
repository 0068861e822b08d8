#include "price/listing.h"

#include "config/units.h"
#include "config/write.h"
#include "json/json.h"

typedef struct listing {
    const config *config;
    const prices *prices;
    const price_wish *wish;
    size_t count;
    json_writer writer;
} listing;

/* ---- one price ---- */

static void put_rates(json_writer *w, const config_rates *rates) {
    for (size_t i = 0; i < CONFIG_RATES; i++) {
        buf figure = BUF_EMPTY;
        if (rates->nano[i] < 0) continue;
        unit_write_money(rates->nano[i], &figure);
        json_key(w, config_rate_names[i].ptr);
        json_put_raw(w, buf_span(&figure));
        buf_done(&figure);
    }
}

static void put_prices(json_writer *w, const config_price *p) {
    put_rates(w, &p->rates);
    json_key(w, "tiers");
    json_open_array(w);
    for (size_t i = 0; i < p->tier_count; i++) {
        json_open_object(w);
        json_key(w, "above");
        json_put_i64(w, p->tiers[i].above);
        put_rates(w, &p->tiers[i].rates);
        json_close_object(w);
    }
    json_close_array(w);
}

static void put_time_of_day(json_writer *w, const char *key, int64_t minutes) {
    buf text = BUF_EMPTY;
    config_time_of_day_write(minutes, &text);
    json_key(w, key);
    json_put_raw(w, buf_span(&text));
    buf_done(&text);
}

static void put_hours(json_writer *w, const config_price *p) {
    json_key(w, "hours");
    json_open_array(w);
    for (size_t i = 0; i < p->hour_count; i++) {
        json_open_object(w);
        put_time_of_day(w, "from", p->hours[i].from);
        put_time_of_day(w, "to", p->hours[i].to);
        put_prices(w, &p->hours[i].price);
        json_close_object(w);
    }
    json_close_array(w);
}

static void put_object(json_writer *w, span name, const config_price *p, span from) {
    json_open_object(w);
    json_key(w, "pattern");
    json_put_string(w, name);
    json_key(w, "from");
    json_put_string(w, from);
    put_prices(w, p);
    json_key(w, "service_tiers");
    json_open_object(w);
    for (size_t i = 0; i < CONFIG_SERVICES; i++) {
        if (!p->services[i]) continue;
        json_key(w, config_service_names[i].ptr);
        json_open_object(w);
        put_prices(w, p->services[i]);
        json_close_object(w);
    }
    json_close_object(w);
    put_hours(w, p);
    json_close_object(w);
}

static void put(listing *l, span name, const config_price *p, bool of_table) {
    buf from = BUF_EMPTY;
    if (of_table)
        buf_add_cstr(&from, price_table_source);
    else if (l->wish->without_lines)
        buf_add_cstr(&from, "the configuration");
    else
        config_price_origin(l->config, p, &from);
    put_object(&l->writer, name, p, buf_span(&from));
    buf_done(&from);
    l->count++;
}

/* ---- all of them ---- */

static bool is_wanted(const listing *l, span name) {
    span beginning = l->wish->pattern;
    if (span_ends(beginning, SPAN_OF("*"))) beginning.len--;
    span model = span_slice(name, span_find(name, 0, '/') + 1, name.len);
    return span_starts(name, beginning) || span_starts(model, beginning);
}

/* A row that the configuration's prices cover is not in force. */
static void put_row(listing *l, const config_provider *provider, const config_price *p) {
    buf name = BUF_EMPTY, target = BUF_EMPTY;
    bool exact = !span_ends(p->pattern, SPAN_OF("*"));
    buf_addf(&name, "%.*s/%.*s", SPAN_ARG(provider->name), SPAN_ARG(p->pattern));
    buf_add(&target, span_slice(buf_span(&name), 0, name.len - !exact));
    if (is_wanted(l, buf_span(&name)) && prices_find(l->prices, buf_span(&target)).of_table)
        put(l, buf_span(&name), p, true);
    buf_done(&name);
    buf_done(&target);
}

static void put_all(listing *l) {
    const config *c = l->config;
    for (size_t i = 0; i < c->price_count; i++)
        if (is_wanted(l, c->prices[i].pattern)) put(l, c->prices[i].pattern, &c->prices[i], false);
    for (size_t i = 0; i < c->provider_count; i++) {
        const span vendor = price_vendor(&c->providers[i]);
        const config_price *p;
        span of;
        for (size_t row = 0; price_table_row(row, &of, &p); row++)
            if (vendor.len && span_eq(of, vendor)) put_row(l, &c->providers[i], p);
    }
}

/* The one of a target. */
static void put_target(listing *l) {
    const price_found f = prices_find(l->prices, l->wish->pattern);
    if (f.price) put(l, l->wish->pattern, f.price, f.of_table);
}

size_t price_list(const config *c, const prices *p, const price_wish *wish, buf *out) {
    const span pattern = wish->pattern;
    listing l = {.config = c, .prices = p, .wish = wish, .writer = json_writer_of(out)};
    json_open_array(&l.writer);
    if (span_find(pattern, 0, '/') < pattern.len && !span_ends(pattern, SPAN_OF("*")))
        put_target(&l);
    else
        put_all(&l);
    json_close_array(&l.writer);
    return l.count;
}
