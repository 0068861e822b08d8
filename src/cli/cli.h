/* cli/cli.h: the door of the command line: what a subcommand is.
 *
 * A subcommand is one file with one cli_command, and one line in the table in main.c. Its options
 * and operands are data: the parser, the checks of their values, the messages, `--help` and the
 * shells' completion come from them.
 *
 * Exit codes: 0 done, 1 failed, 2 not understood. Data goes to stdout, messages to stderr.
 */
#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

#include "config/config.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
enum { CLI_SOME_FAILED = 3 }; /* of weir batch: it is done, but for some of the lines */
enum { CLI_OPTIONS_MAX = 32, CLI_COMMANDS_MAX = 24 };

/* What a value is: for the check before the command runs, and for completion. */
typedef enum cli_kind {
    CLI_TEXT,    /* anything; as an option's value, in UTF-8 */
    CLI_FILE,    /* a path; that it exists is not asked */
    CLI_COUNT,   /* a whole number from min to max */
    CLI_NUMBER,  /* a decimal number from min to max: 0.7 */
    CLI_URL,     /* of a gateway or provider, as the configuration takes it */
    CLI_ADDRESS, /* to listen on: HOST:PORT or unix:PATH */
    CLI_CHOICE,  /* one of the words in choices */
    CLI_COMMAND  /* a subcommand's name; who runs checks it */
} cli_kind;

typedef struct cli_option {
    char letter;          /* 'c'; 0: none */
    const char *name;     /* "config" for --config */
    const char *argument; /* "FILE"; NULL: a switch */
    const char *sentence;
    double min, max;  /* of CLI_COUNT (up to 2^53) and CLI_NUMBER; both count as allowed */
    const char *unit; /* "milliseconds", for the message; may be NULL */
    const char *const *choices; /* of CLI_CHOICE; NULL after the last */
    const char *excludes;       /* the name of an option that may not be given too; or NULL */
    const char *https_of; /* the name of the option without whose https address it means nothing */
    cli_kind kind;
    bool rare;       /* not on the screen of --help, whose lines are few */
    bool repeatable; /* every value counts: cli_value(); else the last one does */
    bool once;       /* of two values neither is taken: who gives both hardly means the last */
} cli_option;

/* What is no option. */
typedef struct cli_operands {
    const char *usage; /* "FILE…", "[FILE]"; NULL: none are taken */
    cli_kind kind;
    const char *const *choices;
    size_t min, max; /* how many; max 0: any number */
} cli_operands;

typedef struct cli_args cli_args;

typedef struct cli_command cli_command;
struct cli_command {
    const char *name;    /* of a part: "batch join" */
    const char *summary; /* one line */
    cli_operands operands;
    const char *about;   /* a paragraph or two for --help; may be NULL */
    const char *example; /* lines for --help, each a whole command */
    const cli_option *options;
    size_t option_count; /* up to CLI_OPTIONS_MAX */
    bool hidden;         /* not in the list of `weir --help` */
    /* Commands that are called behind the name of this one, where its first operand would stand;
     * NULL after the last; NULL: it has none. They have no parts of their own. */
    const cli_command *const *parts;
    int (*run)(const cli_args *args);
};

extern const cli_command cli_audit;
extern const cli_command cli_audit_export;
extern const cli_command cli_audit_tail;
extern const cli_command cli_audit_verify;
extern const cli_command cli_batch;
extern const cli_command cli_batch_join;
extern const cli_command cli_cache;
extern const cli_command cli_calls;
extern const cli_command cli_chat;
extern const cli_command cli_check;
extern const cli_command cli_guard;
extern const cli_command cli_guard_list;
extern const cli_command cli_guard_test;
extern const cli_command cli_keys;
extern const cli_command cli_keys_create;
extern const cli_command cli_keys_list;
extern const cli_command cli_keys_revoke;
extern const cli_command cli_keys_rotate;
extern const cli_command cli_keys_set;
extern const cli_command cli_keys_show;
extern const cli_command cli_models;
extern const cli_command cli_prices;
extern const cli_command cli_serve;
extern const cli_command cli_reference;
extern const cli_command cli_sim;
extern const cli_command cli_status;
extern const cli_command cli_tools;
extern const cli_command cli_tools_call;
extern const cli_command cli_tools_check;
extern const cli_command cli_tools_list;
extern const cli_command cli_usage;
extern const cli_command cli_completion;
extern const cli_command cli_help;

/* main.c: every subcommand, the hidden ones too, in the order of the list. */
extern const cli_command *const cli_commands[];
extern const size_t cli_command_count;

/* ---- one call's arguments ---- */

/* Borrows argv. Values have been checked by their kind. */
struct cli_args {
    const cli_command *command;
    /* By the command's own option table. NULL: not given; a switch that was given: "". */
    const char *values[CLI_OPTIONS_MAX];
    char **rest; /* the operands, in order */
    size_t rest_count;
    /* private */
    struct cli_given {
        size_t option;
        const char *value;
    } * given; /* of repeatable options, in order */
    size_t given_count;
};

typedef enum cli_parsed {
    CLI_PARSED,
    CLI_PARSED_HELP, /* --help was among them: nothing else counts */
    CLI_PARSED_BADLY /* said on stderr: exit with CLI_USAGE */
} cli_parsed;

/* args.c: options and operands in any order; "--" ends the options, "-" is an operand. argv[0] is
 * the command's name; argv is reordered. cli_args_done() always follows. */
MUST_USE cli_parsed cli_parse(const cli_command *command, int argc, char **argv, cli_args *ret);
void cli_args_done(cli_args *args);

/* values.c. A repeatable option's values in the order given: i from 0; NULL after the last. */
const char *cli_value(const cli_args *args, size_t option, size_t i);
/* Of a CLI_COUNT, a CLI_NUMBER; otherwise: where it was not given. */
int64_t cli_count(const cli_args *args, size_t option, int64_t otherwise);
double cli_number(const cli_args *args, size_t option, double otherwise);

/* Checks one value; false after saying on stderr what is wrong. */
MUST_USE bool cli_check_option(const cli_command *command, const cli_option *o, const char *value);
MUST_USE bool cli_check_operands(const cli_command *command, char *const *values, size_t count);

/* ---- what a command says ---- */

/* help.c: usage, options and an example, 80 columns wide. The sentences of options are broken into
 * lines here, about and example are not. A command's help fits 24 lines: a test insists. */
void cli_write_help(const cli_command *command, bool colour, buf *out);
/* "Text:", without a line end. */
void cli_write_heading(const char *text, bool colour, buf *out);
/* left, and the sentence behind left_width columns for it. */
void cli_write_row(const char *left, size_t left_width, const char *sentence, buf *out);

/* overview.c: they return the exit code. command NULL: the list of commands. */
int cli_show_help(const cli_command *command);
int cli_show_version(void);
int cli_miss_command(void); /* the list on stderr */
int cli_unknown_command(const char *name);
const cli_command *cli_find_command(const char *name); /* or NULL */
/* A command's part, by the word behind the command's name; NULL: there is none. */
const cli_command *cli_find_part(const cli_command *command, const char *word);
/* That word: "join" of "batch join"; of another command its name. */
const char *cli_own_word(const cli_command *command);

/* say.c */
/* The nearest of count names to word, or NULL. */
const char *cli_nearest(const char *word, const char *const *names, size_t count);
/* Writes all of text; false (after saying so on stderr) when stdout does not take it. */
MUST_USE bool cli_print(const buf *text);
/* The same; of JSON what would steer a terminal goes to it as escapes (print_json.c). */
MUST_USE bool cli_print_as(const buf *text, bool json);
/* Makes control characters, but lines and tabs, and marks of writing direction '?'. */
void cli_disarm(char *text, size_t len);
/* Lines for people on stderr, control characters in them disarmed; frees text. */
void cli_tell(buf *text);
/* The same: "weir: …" and a line end. */
void cli_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* descriptors.c: as many open files as the system allows; for commands that serve. */
void cli_raise_descriptor_limit(void);
/* Of a configuration, what these leave room for (config_fit_descriptors()). */
void cli_fit_descriptors(config *c);

/* memory_image.c: no image of what is in this process's memory is written when it crashes, and no
 * other process of its user may look into it. Until it is replaced by another program. */
void cli_keep_memory_private(void);

#endif
