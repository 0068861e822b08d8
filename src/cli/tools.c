/* weir tools: which tools there are, and whether they can be used. */
#include "cli/cli.h"

#include "cli/configured.h"

#include "json/json.h"
#include "tools/registry.h"

enum { OPT_CONFIG, OPT_JSON };

static const cli_option options[] = {
    {'c', "config", "FILE", "The configuration; else the one that weir serve would find",
     .kind = CLI_FILE},
    {'j', "json", NULL, "Print them as JSON, all that is known of each"},
};

enum { DESCRIPTION_MAX = 60, NAME_WIDTH = 24, KIND_WIDTH = 9 };

/* ---- list ---- */

static void put_line(const tool *t, buf *out) {
    size_t from = out->len;
    buf_add(out, t->name);
    do
        buf_add_char(out, ' ');
    while (out->len < from + NAME_WIDTH);
    from = out->len;
    buf_add_cstr(out, t->kind->name);
    while (out->len < from + KIND_WIDTH)
        buf_add_char(out, ' ');
    buf_add_excerpt(out, t->description, DESCRIPTION_MAX);
    while (out->ptr[out->len - 1] == ' ')
        out->len--;
    buf_add_char(out, '\n');
}

static void put_object(const tool *t, json_writer *w) {
    json_open_object(w);
    json_key(w, "name");
    json_put_string(w, t->name);
    json_key(w, "kind");
    json_put_string(w, span_cstr(t->kind->name));
    json_key(w, "description");
    json_put_string(w, t->description);
    json_key(w, "parameters");
    json_put_raw(w, t->parameters);
    json_key(w, "timeout_ms");
    json_put_i64(w, t->timeout_ms);
    json_key(w, "max_result");
    json_put_u64(w, t->max_result);
    json_key(w, "parallel");
    json_put_bool(w, t->parallel);
    json_key(w, "repeatable");
    json_put_bool(w, t->repeatable);
    json_key(w, "approve");
    static const span approvals[] = {[CONFIG_APPROVE_OFF] = SPAN("off"),
                                     [CONFIG_APPROVE_ASK] = SPAN("ask"),
                                     [CONFIG_APPROVE_WEBHOOK] = SPAN("webhook")};
    json_put_string(w, approvals[tool_approval(t)]);
    json_key(w, "strict");
    json_put_bool(w, t->strict.len > 0);
    json_key(w, "clients");
    json_open_array(w);
    for (size_t i = 0; i < t->client_count; i++)
        json_put_string(w, t->clients[i]);
    json_close_array(w);
    json_close_object(w);
}

static void write_list(const tool_list *l, bool json, buf *out) {
    json_writer w = json_writer_of(out);
    if (json) json_open_array(&w);
    for (size_t i = 0; i < l->count; i++)
        if (json)
            put_object(l->items[i], &w);
        else
            put_line(l->items[i], out);
    if (json) json_close_array(&w);
    if (json) buf_add_char(out, '\n');
}

/* Servers whose tools are not known. */
static bool tell_missing(const snapshot *s) {
    tool_registry *r = snapshot_tools(s);
    buf why = BUF_EMPTY;
    bool whole = true;
    for (size_t i = 0; i < s->config->tool_count; i++) {
        buf_clear(&why);
        if (tool_registry_knows(r, i, &why)) continue;
        whole = false;
        cli_complain("tools.%.*s: its tools are not known: %s", SPAN_ARG(s->config->tools[i].name),
                     buf_cstr(&why));
    }
    buf_done(&why);
    return whole;
}

static int show(config *c, bool json) {
    static const snapshot_part *const parts[] = {&tools_part};
    buf out = BUF_EMPTY, why = BUF_EMPTY;
    int status = CLI_FAILED;
    snapshot *s = snapshot_new(c, parts, ARRAY_LEN(parts), &why);
    if (!s) {
        cli_complain("%s", buf_cstr(&why));
    } else {
        tool_list *l = tool_registry_list(snapshot_tools(s));
        bool whole = tell_missing(s);
        if (!l->count && !json && whole)
            cli_complain(c->tool_count ? "what the configuration has under tools brings none"
                                       : "the configuration has no tools");
        write_list(l, json, &out);
        if (cli_print_as(&out, json)) status = CLI_OK;
        tool_list_unref(l);
    }
    snapshot_unref(s);
    tools_rest();
    buf_done(&out);
    buf_done(&why);
    return status;
}

static int run_list(const cli_args *args) {
    config *c = configured_find(args->values[OPT_CONFIG]);
    int status = c ? show(c, args->values[OPT_JSON]) : CLI_FAILED;
    config_unref(c);
    return status;
}

/* ---- check ---- */

typedef struct checking {
    config *config;
    bool json;
    json_writer writer;
    buf out; /* what goes to stdout, of --json */
    buf problems;
    size_t bad, good; /* tools, or servers of which none is known */
} checking;

static void put_checked(checking *k, size_t entry, const tool_reached *brought,
                        const config_problem *problem) {
    json_writer *w = &k->writer;
    json_open_object(w);
    json_key(w, "name");
    json_put_string(w, k->config->tools[entry].name);
    json_key(w, "good");
    json_put_bool(w, !problem);
    if (k->config->tools[entry].kind == CONFIG_TOOL_MCP) {
        json_key(w, "tools");
        json_put_u64(w, brought->count);
        json_key(w, "left_out");
        json_put_u64(w, brought->left_out);
    }
    if (problem) {
        json_key(w, "problem");
        json_put_string(w, problem->text);
        json_key(w, "line");
        json_put_u64(w, problem->line);
    }
    json_close_object(w);
}

static void warn_of_left_out(checking *k, size_t entry, const tool_reached *brought) {
    buf text = BUF_EMPTY;
    if (!brought->left_out) return;
    buf_addf(&text, "tools.%.*s: some that it lists are left out: %.*s",
             SPAN_ARG(k->config->tools[entry].name), SPAN_ARG(buf_span(&brought->why_left)));
    const config_problem p =
        config_problem_at(k->config, &k->config->tools[entry], buf_span(&text));
    config_warning_print(&p, &k->problems);
    buf_done(&text);
}

static void check_tool(checking *k, size_t entry) {
    buf why = BUF_EMPTY;
    const void *at;
    tool_reached brought = {0};
    bool good = tool_config_check(k->config, entry, &at, &why) &&
                tool_config_try(k->config, entry, &at, &why);
    if (good) {
        at = &k->config->tools[entry];
        good = tool_config_reach(k->config, entry, &brought, &why);
    }
    config_problem problem = config_problem_at(k->config, good ? NULL : at, buf_span(&why));
    if (!good) config_problem_print(&problem, &k->problems);
    if (k->json) put_checked(k, entry, &brought, good ? NULL : &problem);
    k->bad += !good;
    k->good += k->config->tools[entry].kind == CONFIG_TOOL_MCP ? brought.count : good;
    if (good) warn_of_left_out(k, entry, &brought);
    buf_done(&brought.why_left);
    buf_done(&why);
}

static int check(config *c, bool json) {
    checking k = {.config = c, .json = json};
    k.writer = json_writer_of(&k.out);
    if (json) json_open_array(&k.writer);
    for (size_t i = 0; i < c->tool_count; i++)
        check_tool(&k, i);
    if (json) json_close_array(&k.writer);
    if (!json && !k.bad) buf_addf(&k.out, "%zu tool%s good", k.good, k.good == 1 ? " is" : "s are");
    if (k.out.len) buf_add_char(&k.out, '\n');
    bool ok = cli_print_as(&k.out, json) && !k.bad;
    buf_done(&k.out);
    cli_tell(&k.problems);
    tools_rest();
    return ok ? CLI_OK : CLI_FAILED;
}

static int run_check(const cli_args *args) {
    config *c = configured_find(args->values[OPT_CONFIG]);
    int status = c ? check(c, args->values[OPT_JSON]) : CLI_FAILED;
    config_unref(c);
    return status;
}

const cli_command cli_tools_list = {
    .name = "tools list",
    .summary = "List the tools of the configuration",
    .about = "A line each: the name that models are told, the kind, the description.",
    .example = "  weir tools list -c weir.yaml --json",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_list,
};

const cli_command cli_tools_check = {
    .name = "tools check",
    .summary = "Check that the tools can be used",
    .about =
        "Compiles their schemas, reads the files that they name, looks for the programs of\n"
        "commands and whether this system has what a sandbox needs. MCP servers are started or\n"
        "reached, and asked for their tools. No tool is called.",
    .example = "  weir tools check -c weir.yaml",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_check,
};

static const char *const words[] = {"list", "call", "check", NULL};
static const cli_command *const parts[] = {&cli_tools_list, &cli_tools_call, &cli_tools_check,
                                           NULL};

const cli_command cli_tools = {
    .name = "tools",
    .parts = parts,
    .operands = {"[PART]", CLI_CHOICE, words, .max = 1},
    .summary = "List, call and check the tools that models may call",
    .about = "weir tools list     the tools of the configuration; also without a word\n"
             "weir tools call     call one as a model would\n"
             "weir tools check    can they be used?",
    .example = "  weir tools list\n  weir tools call get_current_time '{\"timezone\": \"UTC\"}'",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_list,
};
