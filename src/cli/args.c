#include "base/mem.h"
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_ONLY = 0x100 }; /* getopt's value for the option i is LONG_ONLY + i */

/* A row of every command's table, behind its own. */
static const cli_option help_option = {.letter = 'h', .name = "help"};

static const cli_option *option_at(const cli_command *command, size_t i) {
    return i < command->option_count ? &command->options[i] : &help_option;
}

/* Options and operands in any order, unless POSIXLY_CORRECT asks for the old way. */
static void build_tables(const cli_command *command, struct option *longs, char *shorts) {
    *shorts++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i <= command->option_count; i++) {
        const cli_option *o = option_at(command, i);
        longs[i] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL,
                                   LONG_ONLY + (int)i};
        if (!o->letter) continue;
        *shorts++ = o->letter;
        if (o->argument) *shorts++ = ':';
    }
    longs[command->option_count + 1] = (struct option){0};
    *shorts = '\0';
}

static size_t option_index(const cli_command *command, int found) {
    if (found >= LONG_ONLY) return (size_t)(found - LONG_ONLY);
    size_t i = 0;
    while (i < command->option_count && command->options[i].letter != found)
        i++;
    return i;
}

/* ---- what was not understood ---- */

static void complain_unknown(const cli_command *command, const char *word) {
    const char *names[CLI_OPTIONS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i <= command->option_count; i++)
        names[count++] = option_at(command, i)->name;
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word, "="), word);
    const char *near = strncmp(bare, "--", 2) == 0 ? cli_nearest(bare + 2, names, count) : NULL;
    if (near)
        cli_complain("%s: unknown option %s; did you mean --%s?", command->name, bare, near);
    else
        cli_complain("%s: unknown option %s; see weir %s --help", command->name, bare,
                     command->name);
}

/* getopt takes beginnings of names, where only one option begins so. */
static bool complain_ambiguous(const cli_command *command, const char *word) {
    buf fitting = BUF_EMPTY;
    size_t count = 0, len = strcspn(word, "=");
    if (strncmp(word, "--", 2) != 0 || len == 2) return false;
    for (size_t i = 0; i <= command->option_count; i++) {
        const char *name = option_at(command, i)->name;
        if (strncmp(name, word + 2, len - 2) != 0) continue;
        buf_addf(&fitting, "%s--%s", count++ ? ", " : "", name);
    }
    if (count > 1)
        cli_complain("%s: %.*s may be any of %s", command->name, (int)len, word,
                     buf_cstr(&fitting));
    buf_done(&fitting);
    return count > 1;
}

static void complain(const cli_command *command, int found, char **argv) {
    char letter[] = {'-', (char)optopt, '\0'};
    const char *word = optopt && optopt < LONG_ONLY ? letter : argv[optind - 1];
    const cli_option *o = option_at(command, option_index(command, optopt));
    if (found == ':')
        cli_complain("%s: --%s needs a value: --%s %s", command->name, o->name, o->name,
                     o->argument);
    else if (optopt >= LONG_ONLY)
        cli_complain("%s: --%s takes no value", command->name, o->name);
    else if (!complain_ambiguous(command, word))
        complain_unknown(command, word);
}

/* ---- parsing ---- */

typedef struct tables {
    struct option longs[CLI_OPTIONS_MAX + 2];
    char shorts[2 * (CLI_OPTIONS_MAX + 1) + 2];
} tables;

static int next_option(const tables *t, int argc, char **argv) {
    return getopt_long(argc, argv, t->shorts, t->longs, NULL);
}

/* Also behind what is not understood, and where an option would take it for its value: whoever
 * writes it wants the help. */
static bool has_help(const cli_command *command, const tables *t, int argc, char **argv) {
    optind = 0; /* glibc: start anew */
    for (int found; (found = next_option(t, argc, argv)) != -1;) {
        if (found == '?' || found == ':') continue;
        if (option_index(command, found) == command->option_count) return true;
        if (optarg && strcmp(optarg, "--help") == 0) return true;
    }
    return false;
}

/* Looks at a copy: getopt reorders what it reads, and would read another line the second time. */
static bool asks_for_help(const cli_command *command, const tables *t, int argc, char **argv) {
    char **copy = mem_zalloc_array((size_t)argc + 1, sizeof *copy);
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    bool help = has_help(command, t, argc, copy);
    free(copy);
    return help;
}

static bool take(cli_args *args, size_t i, const char *value) {
    const cli_option *o = &args->command->options[i];
    if (o->once && args->values[i]) {
        cli_complain("%s: --%s is given twice; one is taken", args->command->name, o->name);
        return false;
    }
    args->values[i] = value ? value : "";
    if (o->repeatable && value) {
        args->given[args->given_count].option = i;
        args->given[args->given_count++].value = args->values[i];
    }
    return !value || cli_check_option(args->command, o, value);
}

static bool take_options(cli_args *args, const tables *t, int argc, char **argv) {
    optind = 0;
    for (int found; (found = next_option(t, argc, argv)) != -1;) {
        if (found == '?' || found == ':') {
            complain(args->command, found, argv);
            return false;
        }
        if (!take(args, option_index(args->command, found), optarg)) return false;
    }
    return true;
}

/* Of an option by its name; NULL: not given. */
static const char *value_of(const cli_args *args, const char *name) {
    for (size_t i = 0; i < args->command->option_count; i++)
        if (strcmp(args->command->options[i].name, name) == 0) return args->values[i];
    return NULL;
}

static bool check_pair(const cli_args *args, const cli_option *o) {
    const char *name = args->command->name;
    const char *url = o->https_of ? value_of(args, o->https_of) : NULL;
    if (o->excludes && value_of(args, o->excludes)) {
        cli_complain("%s: --%s and --%s exclude each other; give one of them", name, o->name,
                     o->excludes);
        return false;
    }
    if (o->https_of && (!url || !span_istarts(span_cstr(url), SPAN_OF("https:")))) {
        cli_complain("%s: --%s is for an https address, which --%s says", name, o->name,
                     o->https_of);
        return false;
    }
    return true;
}

static bool check_pairs(const cli_args *args) {
    for (size_t i = 0; i < args->command->option_count; i++)
        if (args->values[i] && !check_pair(args, &args->command->options[i])) return false;
    return true;
}

/* A command that has nothing but parts was given a word that is none of them: this is what is
 * wrong, and not the options behind it. */
static bool is_no_part(const cli_command *command, int argc, char **argv) {
    return command->parts && !command->option_count && argc > 1 && argv[1][0] != '-';
}

cli_parsed cli_parse(const cli_command *command, int argc, char **argv, cli_args *ret) {
    tables t;
    build_tables(command, t.longs, t.shorts);
    *ret = (cli_args){.command = command};
    opterr = 0;
    if (asks_for_help(command, &t, argc, argv)) return CLI_PARSED_HELP;
    if (is_no_part(command, argc, argv)) {
        ret->rest = argv + 1;
        ret->rest_count = 1;
        return CLI_PARSED;
    }
    ret->given = mem_zalloc_array((size_t)argc, sizeof *ret->given);
    if (!take_options(ret, &t, argc, argv) || !check_pairs(ret)) return CLI_PARSED_BADLY;
    ret->rest = argv + optind;
    ret->rest_count = (size_t)(argc - optind);
    return cli_check_operands(command, ret->rest, ret->rest_count) ? CLI_PARSED : CLI_PARSED_BADLY;
}

void cli_args_done(cli_args *args) {
    free(args->given);
    *args = (cli_args){0};
}
