/* weir keys: the keys of clients that are kept in the store. */
#include "cli/cli.h"

static int run(const cli_args *args) {
    static const char *const names[] = {"create", "list", "show", "set", "rotate", "revoke"};
    if (!args->rest_count) {
        cli_complain("keys needs to know what for: create, list, show, set, rotate or revoke; see "
                     "weir keys --help");
        return CLI_USAGE;
    }
    const char *near = cli_nearest(args->rest[0], names, ARRAY_LEN(names));
    if (near)
        cli_complain("keys has no part %s; did you mean %s?", args->rest[0], near);
    else
        cli_complain("keys has no part %s; see weir keys --help", args->rest[0]);
    return CLI_USAGE;
}

static const cli_command *const parts[] = {&cli_keys_create,
                                           &cli_keys_list,
                                           &cli_keys_show,
                                           &cli_keys_set,
                                           &cli_keys_rotate,
                                           &cli_keys_revoke,
                                           NULL};

const cli_command cli_keys = {
    .name = "keys",
    .summary = "Make and revoke clients' keys, kept in the store",
    .operands = {"create|list|show|set|rotate|revoke", CLI_TEXT, NULL, 0, 0},
    .about = "  create   a key, which is told once\n"
             "  list     all of them\n"
             "  show     one of them, by its name or id\n"
             "  set      what it may do\n"
             "  rotate   a new text for it; the old one works on for a while\n"
             "  revoke   for ever\n"
             "\n"
             "A running weir follows within a second.",
    .example = "weir keys create --name app --expires 30d --limit requests=60/m\n"
               "weir keys rotate app --overlap 1h\n"
               "weir keys revoke app",
    .parts = parts,
    .run = run,
};
