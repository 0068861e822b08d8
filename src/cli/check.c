/* weir check: is the configuration good, and what does it come to? */
#include "cli/cli.h"
#include "config/config.h"

enum { OPT_CONFIG, OPT_EXPLAIN };

static const cli_option options[] = {
    {'c', "config", "FILE", "The file to check; else the one that weir serve would find",
     .kind = CLI_FILE},
    {0, "explain", NULL, "Print what each option comes to, and where it was set"},
};

static void print_warnings(const config *c) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < c->warning_count; i++) {
        buf_add_cstr(&text, "warning: ");
        config_problem_print(&c->warnings[i], &text);
    }
    cli_tell(&text);
}

static int print_good(const config *c, bool explain) {
    buf text = BUF_EMPTY;
    print_warnings(c);
    if (explain)
        config_explain(c, &text);
    else if (c->path.len)
        buf_addf(&text, "%.*s is good\n", SPAN_ARG(c->path));
    else
        buf_add_cstr(&text, "no configuration file was found; the defaults are good\n");
    bool ok = cli_print(&text);
    buf_done(&text);
    return ok ? CLI_OK : CLI_FAILED;
}

static int print_bad(const config_problems *problems) {
    buf text = BUF_EMPTY;
    config_problems_print(problems, &text);
    buf_addf(&text, "weir: %zu problem%s\n", problems->count, problems->count == 1 ? "" : "s");
    cli_tell(&text);
    return CLI_FAILED;
}

static int run(const cli_args *args) {
    buf found = BUF_EMPTY;
    const char *path = args->values[OPT_CONFIG];
    if (!path && config_find(&found)) path = buf_cstr(&found);
    config_problems problems;
    config *c = path ? config_load(path, &problems) : config_default(NULL, &problems);
    if (c) cli_fit_descriptors(c);
    int status = c ? print_good(c, args->values[OPT_EXPLAIN] != NULL) : print_bad(&problems);
    config_unref(c);
    config_problems_done(&problems);
    buf_done(&found);
    return status;
}

const cli_command cli_check = {
    .name = "check",
    .summary = "Check the configuration",
    .about = "Reads the configuration as weir serve would, key files and key commands\n"
             "included, and prints every problem with its line. Nothing is changed, nobody is\n"
             "called.",
    .example = "  weir check -c weir.yaml --explain",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
