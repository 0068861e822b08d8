#include "cli/completion.h"

static const char head[] =
    "# fish completion for weir, made from its option table: weir completion fish\n"
    "function __weir_is --description 'The command that is being typed is this one; none: not "
    "yet'\n"
    "    set -l words (commandline -opc)\n"
    "    test \"$words[2]\" = \"$argv[1]\"; or return 1\n"
    "    test (count $argv) -lt 2; or contains -- \"$words[3]\" $argv[2..-1]\n"
    "end\n"
    "complete -c weir -f\n"
    "complete -c weir -n '__weir_is' -s h -l help -d 'Show the commands'\n"
    "complete -c weir -n '__weir_is' -s V -l version -d 'Show the version'\n";

static void write_quoted(const char *text, buf *out) {
    buf_add_char(out, '\'');
    completion_write_escaped(text, "\\'", out);
    buf_add_char(out, '\'');
}

static void write_action(cli_kind kind, const char *const *choices, buf *out) {
    if (completion_write_words(kind, choices, " -f -a '", "'", out)) return;
    buf_add_cstr(out, kind == CLI_FILE ? " -F" : " -f");
}

/* Where the command is typed, and none of its parts. */
static void write_condition(const cli_command *command, buf *out) {
    buf_addf(out, "complete -c weir -n '__weir_is %s", command->name);
    if (command->parts) {
        buf_addf(out, "; and not __weir_is %s ", command->name);
        completion_write_parts(command, out);
    }
    buf_add_char(out, '\'');
}

static void write_option(const cli_command *command, const cli_option *o, buf *out) {
    write_condition(command, out);
    if (o->letter) buf_addf(out, " -s %c", o->letter);
    buf_addf(out, " -l %s", o->name);
    if (o->argument) {
        buf_add_cstr(out, " -r");
        write_action(o->kind, o->choices, out);
    }
    buf_add_cstr(out, " -d ");
    write_quoted(o->sentence, out);
    buf_add_char(out, '\n');
}

static void write_command(const cli_command *command, buf *out) {
    const char *word = cli_own_word(command);
    if (word != command->name) {
        int len = (int)(word - 1 - command->name);
        buf_addf(out, "complete -c weir -n '__weir_is %.*s \"\"' -a %s -d ", len, command->name,
                 word);
        write_quoted(command->summary, out);
        buf_add_char(out, '\n');
    } else if (!command->hidden) {
        buf_addf(out, "complete -c weir -n '__weir_is' -a %s -d ", command->name);
        write_quoted(command->summary, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < command->option_count; i++)
        write_option(command, &command->options[i], out);
    write_condition(command, out);
    buf_add_cstr(out, " -s h -l help -d 'Show the options and an example'\n");
    if (!command->operands.usage) return;
    write_condition(command, out);
    write_action(command->operands.kind, command->operands.choices, out);
    buf_add_char(out, '\n');
}

void completion_write_fish(buf *out) {
    buf_add_cstr(out, head);
    completion_each(write_command, out);
}
