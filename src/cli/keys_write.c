/* weir keys create, set: what a key is to be, from options to the API's object. */
#include "base/clock.h"
#include "cli/keys_place.h"
#include "json/json.h"

#include <string.h>

enum {
    OPT_CONFIG,
    OPT_JSON,
    OPT_EXPIRES,
    OPT_MODELS,
    OPT_ENDPOINTS,
    OPT_ADDRESSES,
    OPT_LIMIT,
    OPT_OWNER,
    OPT_ENVIRONMENT,
    OPT_TAG,
    OPT_METADATA,
    OPT_NAME,
};

#define RIGHTS_ROWS                                                                                \
    KEYS_CONFIG_ROW, KEYS_JSON_ROW,                                                                \
        {0, "expires", "WHEN", "In 30d, at an instant or a date, or never"},                       \
        {0, "models", "A,B", "That it may ask for; a * at the end: any rest", .repeatable = true}, \
        {0, "endpoints", "A,B", "That it may call: /v1/embeddings", .repeatable = true},           \
        {0, "addresses", "CIDR,…", "That it may call from: 10.0.0.0/8", .repeatable = true},       \
        {0, "limit", "KIND=N/PERIOD", "requests, tokens, spend, or parallel=N",                    \
         .repeatable = true},                                                                      \
        {0, "owner", "TEXT", "A person or team"},                                                  \
        {0, "environment", "TEXT", "Of server.environment"},                                       \
        {0, "tag", "NAME=VALUE", "That its calls are marked with", .repeatable = true}, {          \
        0, "metadata", "NAME=VALUE", "Whatever else is to be noted", .repeatable = true            \
    }

static const cli_option create_options[] = {
    RIGHTS_ROWS,
    {0, "name", "NAME", "What records and limits call it"},
};
static const cli_option set_options[] = {RIGHTS_ROWS};

/* ---- the object ---- */

/* "" takes away what is there. */
static void put_text(json_writer *w, const cli_args *args, size_t option, const char *name) {
    const char *value = args->values[option];
    if (!value) return;
    json_key(w, name);
    if (*value)
        json_put_string(w, span_cstr(value));
    else
        json_put_null(w);
}

static void put_list(json_writer *w, const cli_args *args, size_t option, const char *name) {
    const char *value = args->values[option];
    if (!value) return;
    json_key(w, name);
    if (!*value) {
        json_put_null(w);
        return;
    }
    json_open_array(w);
    for (size_t i = 0; (value = cli_value(args, option, i)); i++) {
        span rest = span_cstr(value), part;
        while (span_cut(&rest, ',', &part))
            if (span_trim(part).len) json_put_string(w, span_trim(part));
    }
    json_close_array(w);
}

/* NAME=VALUE: false after saying so. */
static bool split(const char *option, const char *text, span *ret_name, span *ret_value) {
    *ret_value = span_cstr(text);
    const bool pair = strchr(text, '=') && span_cut(ret_value, '=', ret_name) && ret_name->len;
    if (!pair) cli_complain("--%s is %s; expected NAME=VALUE", option, text);
    return pair;
}

static void put_name(json_writer *w, span name) {
    if (w->comma) buf_add_char(w->out, ',');
    json_write_string(w->out, name);
    buf_add_char(w->out, ':');
    w->comma = false;
}

static bool put_pairs(json_writer *w, const cli_args *args, size_t option, const char *name,
                      const char *member) {
    const char *text = args->values[option];
    span left, right;
    if (!text) return true;
    json_key(w, member);
    if (!*text) {
        json_put_null(w);
        return true;
    }
    json_open_object(w);
    for (size_t i = 0; (text = cli_value(args, option, i)); i++) {
        if (!split(name, text, &left, &right)) return false;
        put_name(w, left);
        json_put_string(w, right);
    }
    json_close_object(w);
    return true;
}

/* "parallel" is a number. */
static void put_amount(json_writer *w, span value) {
    uint64_t number;
    if (span_u64(value, &number))
        json_put_u64(w, number);
    else
        json_put_string(w, value);
}

/* All that is said of one kind, which several options may do: each for a period. */
static bool put_limits_of(json_writer *w, const cli_args *args, span kind, size_t first) {
    span name, value;
    const char *text;
    put_name(w, kind);
    size_t count = 0;
    for (size_t i = first; (text = cli_value(args, OPT_LIMIT, i)); i++) {
        if (!split("limit", text, &name, &value)) return false;
        count += span_eq(name, kind);
    }
    if (count > 1) json_open_array(w);
    for (size_t i = first; (text = cli_value(args, OPT_LIMIT, i)); i++)
        if (split("limit", text, &name, &value) && span_eq(name, kind)) put_amount(w, value);
    if (count > 1) json_close_array(w);
    w->comma = true;
    return true;
}

static bool was_before(const cli_args *args, span kind, size_t at) {
    span name, value;
    for (size_t i = 0; i < at; i++)
        if (split("limit", cli_value(args, OPT_LIMIT, i), &name, &value) && span_eq(name, kind))
            return true;
    return false;
}

static bool put_limits(json_writer *w, const cli_args *args) {
    const char *text = args->values[OPT_LIMIT];
    span kind, value;
    if (!text) return true;
    json_key(w, "limits");
    if (!*text) {
        json_put_null(w);
        return true;
    }
    json_open_object(w);
    for (size_t i = 0; (text = cli_value(args, OPT_LIMIT, i)); i++) {
        if (!split("limit", text, &kind, &value)) return false;
        if (!was_before(args, kind, i) && !put_limits_of(w, args, kind, i)) return false;
    }
    json_close_object(w);
    return true;
}

static bool put_rights(json_writer *w, const cli_args *args) {
    put_text(w, args, OPT_EXPIRES, "expires");
    put_list(w, args, OPT_MODELS, "models");
    put_list(w, args, OPT_ENDPOINTS, "endpoints");
    put_list(w, args, OPT_ADDRESSES, "addresses");
    put_text(w, args, OPT_OWNER, "owner");
    put_text(w, args, OPT_ENVIRONMENT, "environment");
    return put_limits(w, args) && put_pairs(w, args, OPT_TAG, "tag", "tags") &&
           put_pairs(w, args, OPT_METADATA, "metadata", "metadata");
}

/* In the arena. An exit code. */
static int read_wish(const cli_args *args, key_wish_kind kind, arena *a, key_wish *ret) {
    buf json = BUF_EMPTY, why = BUF_EMPTY;
    span param;
    json_writer w = json_writer_of(&json);
    json_open_object(&w);
    if (kind == WISH_NEW) {
        json_key(&w, "name");
        json_put_string(&w, span_cstr(args->values[OPT_NAME]));
    }
    bool good = put_rights(&w, args);
    json_close_object(&w);
    if (good && !key_wish_read(buf_span(&json), kind, clock_wall_us(), a, ret, &param, &why)) {
        cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
        good = false;
    }
    buf_done(&json);
    buf_done(&why);
    return good ? CLI_OK : CLI_USAGE;
}

/* ---- the commands ---- */

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

/* With the first key of a store the gate closes, for all who had none. */
static bool closes_gate(const keys_place *p) {
    const config *c = p->config;
    int64_t changes;
    return c->keys == KEYS_AUTO && !c->client_count && key_store_last_change(p->store, &changes) &&
           !changes;
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
    int status = read_wish(args, WISH_NEW, &a, &wish);
    if (status == CLI_OK) {
        status = keys_open(&p, args->values[OPT_CONFIG]);
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
    const bool told = cli_print(&out);
    buf_done(&out);
    return told ? CLI_OK : CLI_FAILED;
}

static int run_set(const cli_args *args) {
    key_wish wish;
    store_key row;
    keys_place p;
    arena a;
    arena_init(&a, 0);
    int status = read_wish(args, WISH_CHANGE, &a, &wish);
    if (status == CLI_OK && !wish.says_expires && span_eq(wish.rest, SPAN_OF("{}"))) {
        cli_complain("keys set needs to know what to change; see weir keys set --help");
        status = CLI_USAGE;
    }
    if (status == CLI_OK) {
        status = keys_open(&p, args->values[OPT_CONFIG]);
        if (status == CLI_OK) {
            key_outcome o =
                key_store_change(p.store, span_cstr(args->rest[0]), &wish, &p.arena, &row);
            status = keys_outcome(&p, o, args->rest[0]);
        }
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
    .about = "What is given replaces what was there; '' takes it away.",
    .example = "weir keys set app --limit requests=120/m --owner ''",
    .options = set_options,
    .option_count = ARRAY_LEN(set_options),
    .run = run_set,
};
