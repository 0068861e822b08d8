#include "cli/completion.h"

/* COMP_WORDS is cut at '=' too: --format=x is three words. For files readline's own way is switched
 * on, which knows quotes and blanks. */
static const char head[] =
    "# bash completion for weir, made from its option table: weir completion bash\n"
    "_weir_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
    "_weir_files() { compopt -o default; }\n"
    "_weir_words_or_files() {\n"
    "    _weir_words \"$1\"\n"
    "    [[ $word && ${COMPREPLY[*]} ]] || { COMPREPLY=(); _weir_files; return; }\n"
    "    compopt -o filenames\n"
    "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$word\")\n"
    "}\n"
    "_weir() {\n"
    "    local command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]}\n"
    "    local before=${COMP_WORDS[COMP_CWORD - 1]} i\n"
    "    COMPREPLY=()\n"
    "    if [[ $word == = ]]; then\n"
    "        word=\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    ((COMP_CWORD > 2)) && case $command:${COMP_WORDS[2]} in\n";

static const char operands_alone[] =
    "    esac\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == -- ]] && command=$command:operands before=\n"
    "    done\n";

/* "batch-join", in a pattern. */
static void write_label(const cli_command *command, buf *out) {
    for (const char *c = command->name; *c; c++)
        buf_add_char(out, *c == ' ' ? '-' : *c);
}

static void write_part(const cli_command *command, buf *out) {
    const char *word = cli_own_word(command);
    if (word == command->name) return;
    buf_addf(out, "    %.*s:%s) command=", (int)(word - 1 - command->name), command->name, word);
    write_label(command, out);
    buf_add_cstr(out, " ;;\n");
}

static void write_action(cli_kind kind, const char *const *choices, buf *out) {
    if (completion_write_words(kind, choices, "_weir_words '", "'", out)) return;
    buf_add_cstr(out, kind == CLI_FILE ? "_weir_files" : ":");
}

/* What stands behind an option that takes a value. */
static void write_value(const cli_command *command, const cli_option *o, buf *out) {
    buf_add_cstr(out, "    ");
    write_label(command, out);
    buf_addf(out, ":--%s", o->name);
    if (o->letter) {
        buf_add_cstr(out, " | ");
        write_label(command, out);
        buf_addf(out, ":-%c", o->letter);
    }
    buf_add_cstr(out, ") ");
    write_action(o->kind, o->choices, out);
    buf_add_cstr(out, "; return ;;\n");
}

static void write_values(const cli_command *command, buf *out) {
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].argument) write_value(command, &command->options[i], out);
}

/* Where there are no operands, <tab> alone shows the options. */
static void write_options(const cli_command *command, buf *out) {
    buf_add_cstr(out, "    ");
    write_label(command, out);
    buf_add_cstr(out, ":-*");
    if (!command->operands.usage) {
        buf_add_cstr(out, " | ");
        write_label(command, out);
        buf_add_char(out, ':');
    }
    buf_add_cstr(out, ") _weir_words '");
    for (size_t i = 0; i < command->option_count; i++)
        buf_addf(out, "--%s ", command->options[i].name);
    buf_add_cstr(out, "--help' ;;\n");
}

static void write_operands(const cli_command *command, buf *out) {
    if (!command->operands.usage) return;
    buf_add_cstr(out, "    ");
    write_label(command, out);
    buf_add_cstr(out, ":*) ");
    if (command->parts && command->operands.kind == CLI_FILE) {
        buf_addf(out, "((COMP_CWORD == 2)) && _weir_words_or_files '");
        completion_write_parts(command, out);
        buf_add_cstr(out, "' || ");
    }
    write_action(command->operands.kind, command->operands.choices, out);
    buf_add_cstr(out, " ;;\n");
}

static void write_command(const cli_command *command, buf *out) {
    write_options(command, out);
    write_operands(command, out);
}

void completion_write_bash(buf *out) {
    buf_add_cstr(out, head);
    completion_each(write_part, out);
    buf_add_cstr(out, operands_alone);
    buf_add_cstr(out, "    if ((COMP_CWORD == 1)); then\n        _weir_words '");
    completion_write_commands(out);
    buf_add_cstr(out, " --help --version'\n        return\n    fi\n    case $command:$before in\n");
    completion_each(write_values, out);
    buf_add_cstr(out, "    esac\n    case $command:$word in\n");
    completion_each(write_command, out);
    buf_add_cstr(out, "    esac\n}\ncomplete -F _weir weir\n");
}
