#include "cli/completion.h"

/* COMP_WORDS is cut at '=' too: --format=x is three words. For files readline's own way is switched
 * on, which knows quotes and blanks. */
static const char head[] =
    "# bash completion for weir, made from its option table: weir completion bash\n"
    "_weir_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
    "_weir_files() { compopt -o default; }\n"
    "_weir() {\n"
    "    local command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]}\n"
    "    local before=${COMP_WORDS[COMP_CWORD - 1]} i\n"
    "    COMPREPLY=()\n"
    "    if [[ $word == = ]]; then\n"
    "        word=\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == -- ]] && command=$command:operands before=\n"
    "    done\n";

static void write_action(cli_kind kind, const char *const *choices, buf *out) {
    if (completion_write_words(kind, choices, "_weir_words '", "'", out)) return;
    buf_add_cstr(out, kind == CLI_FILE ? "_weir_files" : ":");
}

/* What stands behind an option that takes a value. */
static void write_value(const cli_command *command, const cli_option *o, buf *out) {
    buf_addf(out, "    %s:--%s", command->name, o->name);
    if (o->letter) buf_addf(out, " | %s:-%c", command->name, o->letter);
    buf_add_cstr(out, ") ");
    write_action(o->kind, o->choices, out);
    buf_add_cstr(out, "; return ;;\n");
}

/* Where there are no operands, <tab> alone shows the options. */
static void write_options(const cli_command *command, buf *out) {
    buf_addf(out, "    %s:-*", command->name);
    if (!command->operands.usage) buf_addf(out, " | %s:", command->name);
    buf_add_cstr(out, ") _weir_words '");
    for (size_t i = 0; i < command->option_count; i++)
        buf_addf(out, "--%s ", command->options[i].name);
    buf_add_cstr(out, "--help' ;;\n");
}

static void write_operands(const cli_command *command, buf *out) {
    if (!command->operands.usage) return;
    buf_addf(out, "    %s:*) ", command->name);
    write_action(command->operands.kind, command->operands.choices, out);
    buf_add_cstr(out, " ;;\n");
}

void completion_write_bash(buf *out) {
    buf_add_cstr(out, head);
    buf_add_cstr(out, "    if ((COMP_CWORD == 1)); then\n        _weir_words '");
    completion_write_commands(out);
    buf_add_cstr(out, " --help --version'\n        return\n    fi\n    case $command:$before in\n");
    for (size_t c = 0; c < cli_command_count; c++)
        for (size_t i = 0; i < cli_commands[c]->option_count; i++)
            if (cli_commands[c]->options[i].argument)
                write_value(cli_commands[c], &cli_commands[c]->options[i], out);
    buf_add_cstr(out, "    esac\n    case $command:$word in\n");
    for (size_t c = 0; c < cli_command_count; c++) {
        write_options(cli_commands[c], out);
        write_operands(cli_commands[c], out);
    }
    buf_add_cstr(out, "    esac\n}\ncomplete -F _weir weir\n");
}
