#include "cli/cli.h"

#include <stdio.h>

static void write_option(const cli_option *o, buf *out) {
    char left[64];
    const char *argument = o->argument ? o->argument : "";
    if (o->letter)
        snprintf(left, sizeof left, "-%c, --%s %s", o->letter, o->name, argument);
    else
        snprintf(left, sizeof left, "    --%s %s", o->name, argument);
    buf_addf(out, "  %-24s %s\n", left, o->sentence);
}

void cli_write_help(const cli_command *command, buf *out) {
    buf_addf(out, "weir %s: %s\n\nUsage: weir %s%s%s%s\n", command->name, command->summary,
             command->name, command->option_count ? " [options]" : "",
             command->operands.usage ? " " : "",
             command->operands.usage ? command->operands.usage : "");
    if (command->about) buf_addf(out, "\n%s\n", command->about);
    buf_add_cstr(out, "\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        write_option(&command->options[i], out);
    write_option(&(cli_option){'h', "help", NULL, "Show this"}, out);
    buf_addf(out, "\nExample:\n%s\n", command->example);
}
