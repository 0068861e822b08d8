/* weir prices: what do tokens cost, and who says so? */
#include "cli/cli.h"
#include "cli/configured.h"
#include "cli/prices_text.h"
#include "cli/records.h"

#include "price/listing.h"

enum { OPT_CONFIG, OPT_URL, OPT_CA, OPT_JSON };

static const cli_option options[] = {
    {'c', "config", "FILE", "The configuration; else the one that weir serve would find",
     .kind = CLI_FILE},
    {0, "url", "URL", "Ask the weir at this address (key: $OPENAI_API_KEY)", .excludes = "config",
     .kind = CLI_URL},
    {0, "ca", "FILE", "Trust the authorities of this file, for an https address", .kind = CLI_FILE,
     .https_of = "url"},
    {'j', "json", NULL, "Print them as JSON, prices as decimal numbers"},
};

static const char *pattern_of(const cli_args *args) {
    return args->rest_count ? args->rest[0] : NULL;
}

static void complain_of(prices_said said, const char *pattern) {
    if (said == PRICES_NO_LIST)
        cli_complain("what was answered is no list of prices");
    else if (pattern)
        cli_complain("no price is known for %s", pattern);
    else
        cli_complain("no price is known: the configuration has none, and no provider in it is one "
                     "of those whose prices weir brings");
}

/* list: an array, which somebody else may have written. JSON is printed where it is empty, too. */
static int show(const cli_args *args, span list) {
    buf out = BUF_EMPTY;
    const prices_said said = prices_write(list, &out);
    if (args->values[OPT_JSON]) {
        buf_clear(&out);
        buf_addf(&out, "%.*s\n", SPAN_ARG(list));
    }
    if (said != PRICES_SOME) complain_of(said, pattern_of(args));
    bool good = said == PRICES_NO_LIST || !out.len || cli_print_as(&out, args->values[OPT_JSON]);
    buf_done(&out);
    return good && said == PRICES_SOME ? CLI_OK : CLI_FAILED;
}

/* ---- of a running weir ---- */

static int ask(const cli_args *args) {
    records r;
    buf list = BUF_EMPTY;
    int status = records_open_url(&r, QUERY_PRICES, args->values[OPT_URL], args->values[OPT_CA]);
    if (pattern_of(args)) records_set(&r, "pattern", pattern_of(args));
    if (status == CLI_OK)
        status = records_ask(&r, NULL, &list) ? show(args, buf_span(&list)) : CLI_FAILED;
    records_close(&r);
    buf_done(&list);
    return status;
}

/* ---- of a configuration ---- */

static int list(const cli_args *args, const config *c) {
    prices *known = prices_new(c);
    buf list = BUF_EMPTY;
    const price_wish wish = {.pattern =
                                 pattern_of(args) ? span_cstr(pattern_of(args)) : SPAN_EMPTY};
    (void)price_list(c, known, &wish, &list);
    int status = show(args, buf_span(&list));
    buf_done(&list);
    prices_free(known);
    return status;
}

static int run(const cli_args *args) {
    if (pattern_of(args) && !*pattern_of(args)) {
        cli_complain("prices: PATTERN is empty; a target, or the beginning of some, is needed");
        return CLI_USAGE;
    }
    if (args->values[OPT_URL]) return ask(args);
    config *c = configured_find(args->values[OPT_CONFIG]);
    int status = c ? list(args, c) : CLI_FAILED;
    config_unref(c);
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
