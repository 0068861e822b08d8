/* weir help, and what weir says when it is asked for no command. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const cli_command *cli_find_command(const char *name) {
    for (size_t i = 0; i < cli_command_count; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    return NULL;
}

const char *cli_own_word(const cli_command *command) {
    const char *blank = strchr(command->name, ' ');
    return blank ? blank + 1 : command->name;
}

const cli_command *cli_find_part(const cli_command *command, const char *word) {
    for (size_t i = 0; command->parts && command->parts[i]; i++)
        if (strcmp(cli_own_word(command->parts[i]), word) == 0) return command->parts[i];
    return NULL;
}

int cli_unknown_command(const char *name) {
    const char *names[CLI_COMMANDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < cli_command_count; i++)
        if (!cli_commands[i]->hidden) names[count++] = cli_commands[i]->name;
    const char *near = cli_nearest(name, names, count);
    if (strcmp(name, "version") == 0)
        cli_complain("unknown command '%s'; did you mean --version?", name);
    else if (near)
        cli_complain("unknown command '%s'; did you mean '%s'?", name, near);
    else
        cli_complain("unknown command '%s'; weir --help lists them", name);
    return CLI_USAGE;
}

static void write_heading(const char *text, bool colour, buf *out) {
    buf_add_char(out, '\n');
    cli_write_heading(text, colour, out);
    buf_add_char(out, '\n');
}

static void write_overview(bool colour, buf *out) {
    size_t width = strlen("completion");
    buf_add_cstr(out, "weir: a gateway between your applications and chat-model APIs\n");
    cli_write_heading("Usage", colour, out);
    buf_add_cstr(out, " weir COMMAND [options], weir COMMAND --help, weir --version\n");
    write_heading("Commands", colour, out);
    for (size_t i = 0; i < cli_command_count; i++)
        if (!cli_commands[i]->hidden)
            cli_write_row(cli_commands[i]->name, width, cli_commands[i]->summary, out);
    buf_add_char(out, '\n');
    cli_write_heading("Example", colour, out);
    buf_add_cstr(out, " weir chat \"What is a weir?\"\n");
}

static int print_and_free(buf *text) {
    bool ok = cli_print(text);
    buf_done(text);
    return ok ? CLI_OK : CLI_FAILED;
}

int cli_show_help(const cli_command *command) {
    buf text = BUF_EMPTY;
    bool colour = terminal_has_colour(STDOUT_FILENO);
    if (command)
        cli_write_help(command, colour, &text);
    else
        write_overview(colour, &text);
    return print_and_free(&text);
}

int cli_show_version(void) {
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "weir " WEIR_VERSION "\n");
    return print_and_free(&text);
}

int cli_miss_command(void) {
    buf text = BUF_EMPTY;
    write_overview(terminal_has_colour(STDERR_FILENO), &text);
    fputs(buf_cstr(&text), stderr);
    buf_done(&text);
    return CLI_USAGE;
}

static int run(const cli_args *args) {
    if (!args->rest_count) return cli_show_help(NULL);
    const cli_command *command = cli_find_command(args->rest[0]);
    return command ? cli_show_help(command) : cli_unknown_command(args->rest[0]);
}

const cli_command cli_help = {
    .name = "help",
    .summary = "Show a command's options and an example",
    .operands = {"[COMMAND]", CLI_COMMAND, .max = 1},
    .example = "  weir help serve",
    .run = run,
};
