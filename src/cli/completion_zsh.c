#include "cli/completion.h"

#include <string.h>

/* A part of a specification of _arguments or _describe, in single quotes: where ':' and brackets
 * mean something. */
static void write_text(const char *text, buf *out) {
    buf inner = BUF_EMPTY;
    completion_write_escaped(text, "\\:[]", &inner);
    for (const char *c = buf_cstr(&inner); *c; c++) {
        if (*c == '\'')
            buf_add_cstr(out, "'\\''");
        else
            buf_add_char(out, *c);
    }
    buf_done(&inner);
}

static void write_action(cli_kind kind, const char *const *choices, buf *out) {
    if (kind == CLI_FILE)
        buf_add_cstr(out, "_files");
    else if (kind == CLI_COMMAND)
        buf_add_cstr(out, "_weir_commands"); /* which tells their summaries too */
    else if (!completion_write_words(kind, choices, "(", ")", out))
        buf_add_char(out, ' '); /* nothing to choose from: the name of what is wanted is shown */
}

static bool exclude(const cli_option *a, const cli_option *b) {
    return a == b ? !a->repeatable
                  : (a->excludes && strcmp(a->excludes, b->name) == 0) ||
                        (b->excludes && strcmp(b->excludes, a->name) == 0);
}

/* "(-c --config --url)": what is not offered any more behind this option. */
static void write_exclusions(const cli_command *command, const cli_option *o, buf *out) {
    const char *before = "(";
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *other = &command->options[i];
        if (!exclude(o, other)) continue;
        buf_add_cstr(out, before);
        if (other->letter) buf_addf(out, "-%c ", other->letter);
        buf_addf(out, "--%s", other->name);
        before = " ";
    }
    if (*before == ' ') buf_add_char(out, ')');
    if (o->repeatable) buf_add_char(out, '*');
}

/* '(-c --config)'{-c+,--config=}'[sentence]:FILE:_files' */
static void write_option(const cli_command *command, const cli_option *o, buf *out) {
    const char *joint = o->argument ? "+" : "", *equals = o->argument ? "=" : "";
    buf_add_cstr(out, "        '");
    write_exclusions(command, o, out);
    if (o->letter)
        buf_addf(out, "'{-%c%s,--%s%s}'[", o->letter, joint, o->name, equals);
    else
        buf_addf(out, "--%s%s[", o->name, equals);
    write_text(o->sentence, out);
    buf_add_char(out, ']');
    if (o->argument) {
        buf_add_char(out, ':');
        write_text(o->argument, out);
        buf_add_char(out, ':');
        write_action(o->kind, o->choices, out);
    }
    buf_add_cstr(out, "' \\\n");
}

static void write_operands(const cli_command *command, buf *out) {
    const cli_operands *operands = &command->operands;
    if (!operands->usage) return;
    for (size_t i = 1; i <= (operands->max ? operands->max : 1); i++) {
        if (operands->max)
            buf_addf(out, "        '%zu:", i);
        else
            buf_add_cstr(out, "        '*:");
        write_text(operands->usage, out);
        buf_add_char(out, ':');
        if (operands->kind == CLI_TEXT) {
            buf_add_cstr(out, "()"); /* a message would keep zsh from completing an option */
        } else if (command->parts && operands->kind == CLI_FILE && i == 1) {
            buf_add_cstr(out, "{compadd ");
            completion_write_parts(command, out);
            buf_add_cstr(out, "; _files}");
        } else {
            write_action(operands->kind, operands->choices, out);
        }
        buf_add_cstr(out, "' \\\n");
    }
}

/* Both words become the command's name. */
static void write_part(const cli_command *command, buf *out) {
    if (cli_own_word(command) == command->name) return;
    buf_addf(out, "    '%s') words=('%s' \"${(@)words[3,-1]}\"); ((CURRENT--)) ;;\n", command->name,
             command->name);
}

static void write_command(const cli_command *command, buf *out) {
    buf_addf(out, "    '%s') _arguments -s -S : \\\n", command->name);
    for (size_t i = 0; i < command->option_count; i++)
        write_option(command, &command->options[i], out);
    write_operands(command, out);
    buf_add_cstr(out, "        '(- *)'{-h,--help}'[Show the options and an example]' ;;\n");
}

void completion_write_zsh(buf *out) {
    buf_add_cstr(out, "#compdef weir\n"
                      "# zsh completion for weir, made from its option table: weir completion zsh\n"
                      "_weir_commands() {\n    local -a commands=(\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        if (cli_commands[i]->hidden) continue;
        buf_addf(out, "        '%s:", cli_commands[i]->name);
        write_text(cli_commands[i]->summary, out);
        buf_add_cstr(out, "'\n");
    }
    buf_add_cstr(out, "    )\n    _describe -t commands 'command of weir' commands\n}\n"
                      "_weir() {\n"
                      "    local context state state_descr line curcontext=$curcontext ret=1\n"
                      "    typeset -A opt_args\n"
                      "    _arguments -C \\\n"
                      "        '(- *)'{-h,--help}'[Show the commands]' \\\n"
                      "        '(- *)'{-V,--version}'[Show the version]' \\\n"
                      "        '1:command:_weir_commands' '*::argument:->arguments' && ret=0\n"
                      "    [[ $state == arguments ]] || return ret\n"
                      "    ((CURRENT > 2)) && case \"$words[1] $words[2]\" in\n");
    completion_each(write_part, out);
    buf_add_cstr(out, "    esac\n    case $words[1] in\n");
    completion_each(write_command, out);
    buf_add_cstr(out, "    esac\n}\n"
                      "if [[ $funcstack[1] == _weir ]]; then\n    _weir \"$@\"\nelse\n"
                      "    compdef _weir weir\nfi\n");
}
