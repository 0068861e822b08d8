/* weir keys create, set. */
#include "base/clock.h"
#include "cli/keys_wish.h"
#include "config/rights.h"

static const cli_option create_options[] = {
    RIGHTS_ROWS,
    {0, "name", "NAME", "What records and limits call it"},
};
static const cli_option set_options[] = {RIGHTS_ROWS};

/* Records and limits go by the name, and could not tell the two apart. */
static bool is_free(const keys_place *p, span name) {
    for (size_t i = 0; i < p->config->client_count; i++) {
        if (!span_eq(p->config->clients[i].name, name)) continue;
        cli_complain("the configuration has a client named %.*s; each has its own name",
                     SPAN_ARG(name));
        return false;
    }
    return true;
}

/* What it may do, by the configuration. */
static int judge(keys_place *p, const key_wish *wish) {
    buf why = BUF_EMPTY;
    span param;
    const bool good = key_wish_fits(wish, p->config, &p->arena, &param, &why);
    if (!good) cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return good ? CLI_OK : CLI_USAGE;
}

/* A key that is there is no worse for it. */
static void warn_of_budget(keys_place *p, const store_key *row) {
    config_client rights = {0};
    buf why = BUF_EMPTY;
    if (config_rights_parse(row->options, &p->arena, &rights, &why) &&
        config_rights_are_forgotten(p->config, &rights, &why))
        cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
}

/* With the first key of a store the gate closes, for all who had none. */
static bool closes_gate(const keys_place *p) {
    const config *c = p->config;
    int64_t changes;
    return c->keys == KEYS_AUTO && !config_asks_keys(c) &&
           key_store_last_change(p->store, &changes) && !changes;
}

static int create(keys_place *p, const cli_args *args, const key_wish *wish) {
    char text[KEY_TEXT_LEN + 1];
    store_key row;
    if (!is_free(p, wish->name)) return CLI_FAILED;
    const bool closes = closes_gate(p);
    key_outcome o = key_store_create(p->store, wish, clock_wall_us(), &p->arena, &row, text);
    int status = keys_outcome(p, o, args->values[OPT_NAME]);
    if (status == CLI_OK && closes)
        cli_complain("this is the first key of the store: from now on every call needs one, also "
                     "when all are revoked (keys: off asks for none)");
    if (status == CLI_OK) warn_of_budget(p, &row);
    return status == CLI_OK ? keys_tell_new(&row, text, args->values[OPT_JSON]) : status;
}

static int run_create(const cli_args *args) {
    key_wish wish;
    keys_place p;
    if (!args->values[OPT_NAME]) {
        cli_complain("keys create needs --name NAME");
        return CLI_USAGE;
    }
    arena a;
    arena_init(&a, 0);
    int status = keys_read_wish(args, WISH_NEW, &a, &wish);
    if (status == CLI_OK) {
        status = keys_open(&p, args->values[OPT_CONFIG]);
        if (status == CLI_OK) status = judge(&p, &wish);
        if (status == CLI_OK) status = create(&p, args, &wish);
        keys_close(&p);
    }
    arena_done(&a);
    return status;
}

static int tell_change(const store_key *row, bool json) {
    buf out = BUF_EMPTY;
    if (json) {
        store_key_write(row, NULL, clock_wall_us(), &out);
        buf_add_char(&out, '\n');
    } else {
        buf_addf(&out, "%.*s is changed\n", SPAN_ARG(row->name));
    }
    const bool told = cli_print_as(&out, json);
    buf_done(&out);
    return told ? CLI_OK : CLI_FAILED;
}

static int run_set(const cli_args *args) {
    key_wish wish;
    store_key row;
    keys_place p;
    arena a;
    arena_init(&a, 0);
    int status = keys_read_wish(args, WISH_CHANGE, &a, &wish);
    if (status == CLI_OK && !wish.says_expires && span_eq(wish.rest, SPAN_OF("{}"))) {
        cli_complain("keys set needs to know what to change; see weir keys set --help");
        status = CLI_USAGE;
    }
    if (status == CLI_OK) {
        status = keys_open(&p, args->values[OPT_CONFIG]);
        if (status == CLI_OK) status = judge(&p, &wish);
        if (status == CLI_OK) {
            key_outcome o =
                key_store_change(p.store, span_cstr(args->rest[0]), &wish, &p.arena, &row);
            status = keys_outcome(&p, o, args->rest[0]);
        }
        if (status == CLI_OK) warn_of_budget(&p, &row);
        if (status == CLI_OK) status = tell_change(&row, args->values[OPT_JSON]);
        keys_close(&p);
    }
    arena_done(&a);
    return status;
}

const cli_command cli_keys_create = {
    .name = "keys create",
    .summary = "Make a key, and tell it this once",
    .example = "weir keys create --name app --expires 30d --models 'gpt-4o*'",
    .options = create_options,
    .option_count = ARRAY_LEN(create_options),
    .run = run_create,
};

const cli_command cli_keys_set = {
    .name = "keys set",
    .summary = "Change what a key may do",
    .operands = {"NAME", CLI_TEXT, NULL, 1, 1},
    .about = "What is given replaces what was there, of limits, tags and metadata what is named;\n"
             "'' takes it away (--limit spend= that limit, --limit '' alone all).",
    .example = "weir keys set app --limit requests=120/m --owner ''",
    .options = set_options,
    .option_count = ARRAY_LEN(set_options),
    .run = run_set,
};
