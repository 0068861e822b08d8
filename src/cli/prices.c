/* weir prices: what do tokens cost, and who says so? */
#include "cli/cli.h"
#include "cli/connect.h"

#include "config/units.h"
#include "config/write.h"
#include "json/json.h"
#include "price/prices.h"

enum { OPT_CONFIG, OPT_JSON };

static const cli_option options[] = {
    {'c', "config", "FILE", "The configuration; else the one that weir serve would find",
     .kind = CLI_FILE},
    {'j', "json", NULL, "Print them as JSON, prices as decimal numbers"},
};

/* ---- one price ---- */

typedef struct listing {
    const config *config;
    const prices *prices;
    span wanted; /* the operand; empty: all */
    bool json;
    size_t count;
    buf out;
    json_writer writer;
} listing;

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
    json_close_object(w);
}

/* A line as it may stand in a file. */
static void put_line(listing *l, span name, const config_price *p, span from) {
    write_string(name, &l->out);
    buf_add_cstr(&l->out, ": ");
    config_price_write(p, &l->out);
    buf_addf(&l->out, "  # %.*s\n", SPAN_ARG(from));
}

static void put(listing *l, span name, const config_price *p, bool of_table) {
    buf from = BUF_EMPTY;
    if (of_table)
        buf_add_cstr(&from, price_table_source);
    else
        config_price_origin(l->config, p, &from);
    if (l->json)
        put_object(&l->writer, name, p, buf_span(&from));
    else
        put_line(l, name, p, buf_span(&from));
    buf_done(&from);
    l->count++;
}

/* ---- all of them ---- */

static bool is_wanted(const listing *l, span name) {
    span beginning = l->wanted;
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
    const price_found f = prices_find(l->prices, l->wanted);
    if (f.price) put(l, l->wanted, f.price, f.of_table);
}

/* ---- the command ---- */

static int complain_of_none(const listing *l) {
    if (l->wanted.len)
        cli_complain("no price is known for %.*s", SPAN_ARG(l->wanted));
    else
        cli_complain("no price is known: the configuration has none, and no provider in it is one "
                     "of those whose prices weir brings");
    return CLI_FAILED;
}

static int list(const cli_args *args, const config *c) {
    prices *known = prices_new(c);
    listing l = {.config = c, .prices = known, .json = args->values[OPT_JSON] != NULL};
    l.wanted = args->rest_count ? span_cstr(args->rest[0]) : SPAN_EMPTY;
    l.writer = json_writer_of(&l.out);
    bool one = span_find(l.wanted, 0, '/') < l.wanted.len && !span_ends(l.wanted, SPAN_OF("*"));
    if (l.json) json_open_array(&l.writer);
    (one ? put_target : put_all)(&l);
    if (l.json) json_close_array(&l.writer);
    if (l.json) buf_add_char(&l.out, '\n');
    int status = l.count ? CLI_OK : complain_of_none(&l);
    if (l.out.len && !cli_print(&l.out)) status = CLI_FAILED;
    buf_done(&l.out);
    prices_free(known);
    return status;
}

static int complain(const config_problems *problems) {
    buf text = BUF_EMPTY;
    config_problems_print(problems, &text);
    cli_tell(&text);
    return CLI_FAILED;
}

static int run(const cli_args *args) {
    buf found = BUF_EMPTY;
    const char *path = args->values[OPT_CONFIG];
    if (!path && config_find(&found)) path = buf_cstr(&found);
    if (found.len && !connect_may_read(path)) {
        buf_done(&found);
        return CLI_FAILED;
    }
    config_problems problems;
    config *c = path ? config_load(path, &problems) : config_default(NULL, &problems);
    int status = c ? list(args, c) : complain(&problems);
    config_unref(c);
    config_problems_done(&problems);
    buf_done(&found);
    return status;
}

const cli_command cli_prices = {
    .name = "prices",
    .summary = "Show what tokens cost",
    .operands = {"[PATTERN]", CLI_TEXT, .max = 1},
    .about = "The prices in force, each for 1,000,000 tokens, as they may stand in a\n"
             "configuration, and where each comes from: a line there, or the table that weir\n"
             "brings. PATTERN is a target (openai/gpt-4o-mini), whose one price is shown, or\n"
             "the beginning of some, with a * at its end, or of a model's name.",
    .example = "  weir prices -c weir.yaml 'openai/gpt-4o*'",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
