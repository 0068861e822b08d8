/* weir check: is the configuration good, and what does it come to? */
#include "cli/check_alerts.h"
#include "cli/check_ask.h"
#include "cli/check_files.h"
#include "cli/cli.h"

#include "base/clock.h"

enum { OPT_CONFIG, OPT_EXPLAIN, OPT_ASK, OPT_ALERTS };

static const cli_option options[] = {
    {'c', "config", "FILE", "The file to check; else the one that weir serve would find",
     .kind = CLI_FILE},
    {0, "explain", NULL, "Print what each option comes to, and where it was set"},
    {0, "ask", NULL, "Ask each provider for its models: are its keys good, is it there?"},
    {0, "alerts", NULL, "Send each webhook of alerts a test"},
};

static void print_warnings(const config *c, const buf *of_files) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < c->warning_count; i++)
        config_warning_print(&c->warnings[i], &text);
    buf_add(&text, buf_span(of_files));
    cli_tell(&text);
}

static int print_bad(buf *text, size_t count) {
    buf_addf(text, "weir: %zu problem%s\n", count, count == 1 ? "" : "s");
    cli_tell(text);
    return CLI_FAILED;
}

static int print_good(const cli_args *args, config *c) {
    buf text = BUF_EMPTY;
    if (args->values[OPT_EXPLAIN])
        config_explain(c, &text);
    else if (c->path.len)
        buf_addf(&text, "%.*s is good\n", SPAN_ARG(c->path));
    else
        buf_add_cstr(&text, "no configuration file was found; the defaults are good\n");
    bool ok = cli_print(&text);
    buf_done(&text);
    if (ok && args->values[OPT_ASK]) ok = check_ask(c);
    if (args->values[OPT_ALERTS]) ok = check_alerts(c) && ok;
    return ok ? CLI_OK : CLI_FAILED;
}

/* It could be read. */
static int check(const cli_args *args, config *c) {
    buf problems = BUF_EMPTY, warnings = BUF_EMPTY;
    size_t count = check_files(c, clock_wall_us(), &problems, &warnings);
    cli_fit_descriptors(c);
    print_warnings(c, &warnings);
    int status = count ? print_bad(&problems, count) : print_good(args, c);
    buf_done(&problems);
    buf_done(&warnings);
    return status;
}

static int complain(const config_problems *problems) {
    buf text = BUF_EMPTY;
    config_problems_print(problems, &text);
    return print_bad(&text, problems->count);
}

static int run(const cli_args *args) {
    buf found = BUF_EMPTY;
    const char *path = args->values[OPT_CONFIG];
    if (!path && config_find(&found)) path = buf_cstr(&found);
    config_problems problems;
    config *c = path ? config_load(path, &problems) : config_default(NULL, &problems);
    int status = c ? check(args, c) : complain(&problems);
    config_unref(c);
    config_problems_done(&problems);
    buf_done(&found);
    return status;
}

const cli_command cli_check = {
    .name = "check",
    .summary = "Check the configuration",
    .about = "Reads the configuration as weir serve would, with key files, key commands,\n"
             "certificates and authorities, and prints every problem with its line. Nothing\n"
             "is changed; nobody is called without --ask, which costs no tokens, or --alerts.",
    .example = "  weir check -c weir.yaml --explain\n  weir check --ask",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
