/* weir keys rotate, revoke: how a key's text comes to its end. */
#include "base/clock.h"
#include "cli/keys_place.h"
#include "config/units.h"

enum { OPT_CONFIG, OPT_JSON, OPT_OVERLAP };

static const cli_option rotate_options[] = {
    KEYS_CONFIG_ROW,
    KEYS_JSON_ROW,
    {0, "overlap", "TIME", "How long the old one works on, such as 1h (default: not at all)"},
};
static const cli_option revoke_options[] = {KEYS_CONFIG_ROW, KEYS_JSON_ROW};

static int rotate(keys_place *p, const cli_args *args, int64_t overlap_ms) {
    char text[KEY_TEXT_LEN + 1];
    store_key row;
    const char *who = args->rest[0];
    key_outcome o = key_store_rotate(p->store, span_cstr(who), overlap_ms * 1000, clock_wall_us(),
                                     &p->arena, &row, text);
    int status = keys_outcome(p, o, who);
    return status == CLI_OK ? keys_tell_new(&row, text, args->values[OPT_JSON]) : status;
}

static int run_rotate(const cli_args *args) {
    const char *overlap = args->values[OPT_OVERLAP];
    keys_place p;
    int64_t ms = 0;
    if (overlap && !key_overlap_parse(span_cstr(overlap), &ms)) {
        cli_complain("--overlap is %s; expected a time such as 30m, 1h or 7d, or 0s", overlap);
        return CLI_USAGE;
    }
    int status = keys_open(&p, args->values[OPT_CONFIG]);
    if (status == CLI_OK) status = rotate(&p, args, ms);
    keys_close(&p);
    return status;
}

static int tell_revoked(const store_key *row, bool json) {
    buf out = BUF_EMPTY;
    if (json) {
        store_key_write(row, NULL, clock_wall_us(), &out);
        buf_add_char(&out, '\n');
    } else {
        buf_addf(&out, "%.*s is revoked\n", SPAN_ARG(row->name));
    }
    const bool told = cli_print_as(&out, json);
    buf_done(&out);
    return told ? CLI_OK : CLI_FAILED;
}

static int run_revoke(const cli_args *args) {
    keys_place p;
    store_key row;
    int status = keys_open(&p, args->values[OPT_CONFIG]);
    if (status == CLI_OK) {
        key_outcome o =
            key_store_revoke(p.store, span_cstr(args->rest[0]), clock_wall_us(), &p.arena, &row);
        status = keys_outcome(&p, o, args->rest[0]);
    }
    if (status == CLI_OK) status = tell_revoked(&row, args->values[OPT_JSON]);
    keys_close(&p);
    return status;
}

const cli_command cli_keys_rotate = {
    .name = "keys rotate",
    .summary = "Give a key a new text, and tell it this once",
    .operands = {"NAME", CLI_TEXT, NULL, 1, 1},
    .example = "weir keys rotate app --overlap 1h",
    .options = rotate_options,
    .option_count = ARRAY_LEN(rotate_options),
    .run = run_rotate,
};

const cli_command cli_keys_revoke = {
    .name = "keys revoke",
    .summary = "Refuse a key from now on, for ever",
    .operands = {"NAME", CLI_TEXT, NULL, 1, 1},
    .example = "weir keys revoke app",
    .options = revoke_options,
    .option_count = ARRAY_LEN(revoke_options),
    .run = run_revoke,
};
