/* cli/cli.h: the door of the command line: what a subcommand is.
 *
 * A subcommand is one file with one cli_command, and one line in the table in main.c. Its options
 * are data: the parser, `--help` and the messages come from them.
 *
 * Exit codes: 0 done, 1 failed, 2 not understood. Data goes to stdout, messages to stderr.
 */
#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

#include "base/buf.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
enum { CLI_OPTIONS_MAX = 16, CLI_ARGUMENTS_MAX = 16 };

typedef struct cli_option {
    char letter;          /* 'c'; 0: none */
    const char *name;     /* "config" for --config */
    const char *argument; /* "FILE"; NULL: a switch */
    const char *sentence;
} cli_option;

/* The arguments of one call, in the order of the command's own option table. */
typedef struct cli_args {
    const char *values[CLI_OPTIONS_MAX]; /* NULL: not given; a switch that was given: "" */
    const char *rest[CLI_ARGUMENTS_MAX]; /* what is no option */
    size_t rest_count;
} cli_args;

typedef struct cli_command {
    const char *name;
    const char *summary;  /* one line */
    const char *operands; /* "FILE…" for the usage line; NULL: none are taken */
    const char *about;    /* a paragraph or two for --help; may be NULL */
    const char *example;  /* lines for --help, each a whole command */
    const cli_option *options;
    size_t option_count;
    bool hidden; /* not in the list of `weir --help` */
    int (*run)(const cli_args *args);
} cli_command;

extern const cli_command cli_check;
extern const cli_command cli_serve;
extern const cli_command cli_reference;
extern const cli_command cli_sim;

/* args.c: false after saying on stderr what was not understood: then exit with CLI_USAGE. argv[0]
 * is the command's name. */
MUST_USE bool cli_parse(const cli_command *command, int argc, char **argv, cli_args *ret);
/* Usage, options and an example, within a screen. */
void cli_write_help(const cli_command *command, buf *out);
/* The nearest of count names to word, or NULL. */
const char *cli_nearest(const char *word, const char *const *names, size_t count);

/* descriptors.c: as many open files as the system allows; for commands that serve. */
void cli_raise_descriptor_limit(void);

/* Writes all of text; false (after saying so on stderr) when stdout does not take it. */
MUST_USE bool cli_print(const buf *text);
/* "weir: …" and a line end on stderr. */
void cli_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
