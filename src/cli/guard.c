/* weir guard: what the guard's rules are, and what they make of a text. */
#include "cli/guard_rules.h"

#include "cli/cli.h"
#include "json/json.h"

static const cli_command *const parts[] = {&cli_guard_test, &cli_guard_list, NULL};

static int run(const cli_args *args) {
    if (args->rest_count)
        cli_complain("weir guard has no part \"%s\"; it has test and list", args->rest[0]);
    else
        cli_complain("guard needs to know what for: test or list; see weir guard --help");
    return CLI_USAGE;
}

const cli_command cli_guard = {
    .name = "guard",
    .parts = parts,
    .summary = "Try the guard's rules on a text, or list them",
    .operands = {"test FILE | list", CLI_TEXT},
    .about = "weir guard test FILE shows which rule finds what in a text, and where;\n"
             "weir guard list shows the rules. Each has a --help of its own.",
    .example = "  weir guard test prompt.txt\n  weir guard list",
    .run = run,
};

/* ---- weir guard list ---- */

enum { OPT_RULES, OPT_CONFIG, OPT_JSON };

static const cli_option options[] = {
    {'r', "rules", "FILE", "Rules of your own, in YAML, that join or change weir's",
     .kind = CLI_FILE},
    {'c', "config", "FILE", "The rules of this configuration", .kind = CLI_FILE,
     .excludes = "rules"},
    {'j', "json", NULL, "Print them as JSON, with patterns and sources"},
};

static void put_member(json_writer *w, const char *key, span text) {
    json_key(w, key);
    json_put_string(w, text);
}

static void put_object(json_writer *w, const guard_rule *r) {
    json_open_object(w);
    put_member(w, "name", r->name);
    put_member(w, "kind", r->kind);
    put_member(w, "label", r->label);
    json_key(w, "action");
    if (r->has_action)
        json_put_string(w, span_cstr(guard_action_name(r->action)));
    else
        json_put_null(w);
    put_member(w, "where",
               r->where == GUARD_IN    ? SPAN_OF("in")
               : r->where == GUARD_OUT ? SPAN_OF("out")
                                       : SPAN_OF("both"));
    json_key(w, "score");
    json_put_u64(w, r->score);
    put_member(w, "pattern", r->pattern);
    put_member(w, "source", r->source);
    json_close_object(w);
}

static void put_line(buf *out, const guard_rule *r) {
    buf_addf(out, "%-28.*s %-10.*s [%.*s]", SPAN_ARG(r->name), SPAN_ARG(r->kind),
             SPAN_ARG(r->label));
    if (r->has_action) buf_addf(out, "  %s", guard_action_name(r->action));
    if (r->score) buf_addf(out, "  score %u", r->score);
    buf_add_char(out, '\n');
}

static int list(const cli_args *args) {
    const char *path = args->values[OPT_CONFIG];
    guard_policy *p = NULL;
    guard_set *s = path ? guard_rules_configured(path, GUARD_IN, &p)
                        : guard_rules_load(args->values[OPT_RULES]);
    guard_policy_free(p);
    if (!s) return CLI_FAILED;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    bool json = args->values[OPT_JSON];
    if (json) json_open_array(&w);
    for (size_t i = 0; i < guard_set_count(s); i++) {
        const guard_rule *r = guard_set_rule(s, i);
        if (json)
            put_object(&w, r);
        else
            put_line(&out, r);
    }
    if (json) json_close_array(&w);
    if (json) buf_add_char(&out, '\n');
    int status = cli_print_as(&out, json) ? CLI_OK : CLI_FAILED;
    buf_done(&out);
    guard_set_unref(s);
    return status;
}

const cli_command cli_guard_list = {
    .name = "guard list",
    .summary = "List the guard's rules",
    .about = "A line for each rule: its name, its kind and the label of its placeholders; its\n"
             "action where it has one of its own, and the score by which rules of a kind add up.",
    .example = "  weir guard list --json",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = list,
};
