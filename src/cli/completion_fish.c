#include "cli/completion.h"

static const char head[] =
    "# fish completion for weir, made from its option table: weir completion fish\n"
    "function __weir_is --description 'The command that is being typed is this one; none: not "
    "yet'\n"
    "    set -l words (commandline -opc)\n"
    "    test \"$words[2]\" = \"$argv[1]\"\n"
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

static void write_option(const cli_command *command, const cli_option *o, buf *out) {
    buf_addf(out, "complete -c weir -n '__weir_is %s'", command->name);
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
    if (!command->hidden) {
        buf_addf(out, "complete -c weir -n '__weir_is' -a %s -d ", command->name);
        write_quoted(command->summary, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < command->option_count; i++)
        write_option(command, &command->options[i], out);
    buf_addf(out,
             "complete -c weir -n '__weir_is %s' -s h -l help -d 'Show the options and an "
             "example'\n",
             command->name);
    if (!command->operands.usage) return;
    buf_addf(out, "complete -c weir -n '__weir_is %s'", command->name);
    write_action(command->operands.kind, command->operands.choices, out);
    buf_add_char(out, '\n');
}

void completion_write_fish(buf *out) {
    buf_add_cstr(out, head);
    for (size_t i = 0; i < cli_command_count; i++)
        write_command(cli_commands[i], out);
}
