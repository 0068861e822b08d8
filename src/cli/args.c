#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void cli_complain(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fputs("weir: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

bool cli_print(const buf *text) {
    bool ok = fwrite(text->ptr ? text->ptr : "", 1, text->len, stdout) == text->len &&
              fflush(stdout) == 0;
    if (!ok) cli_complain("cannot write to standard output: %m");
    return ok;
}

const char *cli_nearest(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t best_distance = strlen(word) <= 3 ? 2 : 3;
    for (size_t i = 0; i < count; i++) {
        size_t distance = span_distance(span_cstr(word), span_cstr(names[i]));
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = names[i];
    }
    return best;
}

/* ---- parsing ---- */

enum { LONG_ONLY = 0x100 }; /* getopt's value for the option i is LONG_ONLY + i */

static void build_tables(const cli_command *command, struct option *longs, char *shorts) {
    *shorts++ = '+'; /* no reordering behind the caller's back */
    *shorts++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *o = &command->options[i];
        longs[i] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL,
                                   LONG_ONLY + (int)i};
        if (!o->letter) continue;
        *shorts++ = o->letter;
        if (o->argument) *shorts++ = ':';
    }
    longs[command->option_count] = (struct option){0};
    *shorts = '\0';
}

static size_t option_index(const cli_command *command, int found) {
    if (found >= LONG_ONLY) return (size_t)(found - LONG_ONLY);
    size_t i = 0;
    while (i < command->option_count && command->options[i].letter != found)
        i++;
    return i;
}

static void complain_unknown(const cli_command *command, const char *word) {
    const char *names[CLI_OPTIONS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < command->option_count; i++)
        names[count++] = command->options[i].name;
    names[count++] = "help";
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word, "="), word);
    const char *near = strncmp(bare, "--", 2) == 0 ? cli_nearest(bare + 2, names, count) : NULL;
    if (near)
        cli_complain("%s: unknown option %s; did you mean --%s?", command->name, bare, near);
    else
        cli_complain("%s: unknown option %s; see weir %s --help", command->name, bare,
                     command->name);
}

static void complain(const cli_command *command, int found, char **argv) {
    char letter[] = {'-', (char)optopt, '\0'};
    const char *word = optopt && optopt < LONG_ONLY ? letter : argv[optind - 1];
    if (found != ':') {
        complain_unknown(command, word);
        return;
    }
    const cli_option *o = &command->options[option_index(command, optopt)];
    cli_complain("%s: --%s needs a value: --%s %s", command->name, o->name, o->name, o->argument);
}

static bool take_rest(const cli_command *command, int argc, char **argv, cli_args *ret) {
    for (int i = optind; i < argc; i++) {
        if (!command->operands) {
            cli_complain("%s: takes no arguments, but was given '%s'; see weir %s --help",
                         command->name, argv[i], command->name);
            return false;
        }
        if (ret->rest_count == CLI_ARGUMENTS_MAX) {
            cli_complain("%s: takes up to %d arguments", command->name, CLI_ARGUMENTS_MAX);
            return false;
        }
        ret->rest[ret->rest_count++] = argv[i];
    }
    return true;
}

bool cli_parse(const cli_command *command, int argc, char **argv, cli_args *ret) {
    struct option longs[CLI_OPTIONS_MAX + 1];
    char shorts[2 * CLI_OPTIONS_MAX + 3];
    *ret = (cli_args){0};
    build_tables(command, longs, shorts);
    opterr = 0;
    optind = 1;
    for (int found; (found = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (found == '?' || found == ':') {
            complain(command, found, argv);
            return false;
        }
        ret->values[option_index(command, found)] = optarg ? optarg : "";
    }
    return take_rest(command, argc, argv, ret);
}

/* ---- help ---- */

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
             command->name, command->option_count ? " [options]" : "", command->operands ? " " : "",
             command->operands ? command->operands : "");
    if (command->about) buf_addf(out, "\n%s\n", command->about);
    buf_add_cstr(out, "\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        write_option(&command->options[i], out);
    write_option(&(cli_option){'h', "help", NULL, "Show this"}, out);
    buf_addf(out, "\nExample:\n%s\n", command->example);
}
