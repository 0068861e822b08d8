/* weir: the program. The table below is the list of its subcommands. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const cli_command *const commands[] = {
    &cli_serve,
    &cli_check,
    &cli_reference,
    &cli_sim,
};

static const cli_command *find_command(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static int print_and_free(buf *text) {
    bool ok = cli_print(text);
    buf_done(text);
    return ok ? CLI_OK : CLI_FAILED;
}

static void write_overview(buf *out) {
    buf_add_cstr(out, "weir: a gateway between your applications and chat-model APIs\n\n"
                      "Usage: weir COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!commands[i]->hidden)
            buf_addf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    buf_add_cstr(out, "  help COMMAND Show a command's options and an example\n\n"
                      "Options:\n"
                      "  -h, --help     Show this\n"
                      "  -V, --version  Show the version\n");
}

static int show_overview(void) {
    buf text = BUF_EMPTY;
    write_overview(&text);
    return print_and_free(&text);
}

static int show_version(void) {
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "weir " WEIR_VERSION "\n");
    return print_and_free(&text);
}

static int show_help(const cli_command *command) {
    buf text = BUF_EMPTY;
    cli_write_help(command, &text);
    return print_and_free(&text);
}

static int unknown_command(const char *name) {
    const char *names[ARRAY_LEN(commands) + 1];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!commands[i]->hidden) names[count++] = commands[i]->name;
    names[count++] = "help";
    const char *near = cli_nearest(name, names, count);
    if (near)
        cli_complain("unknown command '%s'; did you mean '%s'?", name, near);
    else
        cli_complain("unknown command '%s'; weir --help lists them", name);
    return CLI_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int run_help(const char *name) {
    if (!name) return show_overview();
    const cli_command *command = find_command(name);
    return command ? show_help(command) : unknown_command(name);
}

static int run_command(const cli_command *command, int argc, char **argv) {
    cli_args args;
    int status = CLI_USAGE;
    switch (cli_parse(command, argc, argv, &args)) {
    case CLI_PARSED: status = command->run(&args); break;
    case CLI_PARSED_HELP: status = show_help(command); break;
    case CLI_PARSED_BADLY: break;
    }
    cli_args_done(&args);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        buf text = BUF_EMPTY;
        write_overview(&text);
        fputs(buf_cstr(&text), stderr);
        buf_done(&text);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (is_one_of(word, "-h", "--help")) return show_overview();
    if (is_one_of(word, "-V", "--version")) return show_version();
    if (strcmp(word, "help") == 0) return run_help(argv[2]);
    if (word[0] == '-') {
        cli_complain("unknown option %s; weir --help lists them", word);
        return CLI_USAGE;
    }
    const cli_command *command = find_command(word);
    return command ? run_command(command, argc - 1, argv + 1) : unknown_command(word);
}
