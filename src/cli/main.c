/* weir: the program. The table below is the list of its subcommands. */
#include "cli/cli.h"

#include "ledger/sql.h"
#include "tools/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

const cli_command *const cli_commands[] = {
    &cli_serve, &cli_chat,  &cli_batch,  &cli_models,    &cli_check,      &cli_status,
    &cli_usage, &cli_calls, &cli_prices, &cli_audit,     &cli_cache,      &cli_keys,
    &cli_guard, &cli_tools, &cli_sim,    &cli_reference, &cli_completion, &cli_help,
};
const size_t cli_command_count = ARRAY_LEN(cli_commands);
_Static_assert(ARRAY_LEN(cli_commands) <= CLI_COMMANDS_MAX, "room for every command");

/* Of a standard stream that is closed (`>&-`) the next file or socket would get the number, and
 * then what is meant for the stream. Its place is taken by a descriptor that fails for it. */
static bool hold_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

static int unknown_option(const char *word) {
    static const char *const names[] = {"help", "version"};
    const char *near =
        strncmp(word, "--", 2) == 0 ? cli_nearest(word + 2, names, ARRAY_LEN(names)) : NULL;
    if (near)
        cli_complain("unknown option %s; did you mean --%s?", word, near);
    else
        cli_complain("unknown option %s; a command comes first; see weir --help", word);
    return CLI_USAGE;
}

static int run_command(const cli_command *command, int argc, char **argv) {
    cli_args args;
    int status = CLI_USAGE;
    switch (cli_parse(command, argc, argv, &args)) {
    case CLI_PARSED: status = command->run(&args); break;
    case CLI_PARSED_HELP: status = cli_show_help(command); break;
    case CLI_PARSED_BADLY: break;
    }
    cli_args_done(&args);
    return status;
}

static bool is_one_of(const char *word, const char *a, const char *b) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int main(int argc, char **argv) {
    if (guard_is_asked(argc, argv)) return guard_main(argc, argv);
    if (!hold_standard_streams()) return CLI_FAILED;
    sql_sqlite_count_no_memory();
    if (argc < 2) return cli_miss_command();
    const char *word = argv[1];
    if (is_one_of(word, "-V", "--version")) return cli_show_version();
    if (is_one_of(word, "-h", "--help")) return run_command(&cli_help, argc - 1, argv + 1);
    if (word[0] == '-') return unknown_option(word);
    const cli_command *command = cli_find_command(word);
    if (!command) return cli_unknown_command(word);
    const cli_command *part = argc > 2 ? cli_find_part(command, argv[2]) : NULL;
    return part ? run_command(part, argc - 2, argv + 2) : run_command(command, argc - 1, argv + 1);
}
