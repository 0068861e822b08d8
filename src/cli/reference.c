/* weir reference (hidden): the reference page and the example file, made from the option table. */
#include "cli/cli.h"
#include "config/config.h"

enum { OPT_EXAMPLE };

static const cli_option options[] = {
    {0, "example", NULL, "Print an example file instead of the reference page"},
};

static int run(const cli_args *args) {
    buf text = BUF_EMPTY;
    if (args->values[OPT_EXAMPLE])
        config_write_example(&text);
    else
        config_write_reference(&text);
    bool ok = cli_print(&text);
    buf_done(&text);
    return ok ? CLI_OK : CLI_FAILED;
}

const cli_command cli_reference = {
    .name = "reference",
    .summary = "Print the reference of all options, in Markdown",
    .example = "  weir reference > docs/configuration.md",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .hidden = true,
    .run = run,
};
