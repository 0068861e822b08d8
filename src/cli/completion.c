/* weir completion: the script that teaches a shell to complete weir's command line. */
#include "cli/completion.h"

#include <string.h>

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static void (*const writers[])(buf *out) = {completion_write_bash, completion_write_zsh,
                                            completion_write_fish};

void completion_each(void (*write)(const cli_command *command, buf *out), buf *out) {
    for (size_t i = 0; i < cli_command_count; i++) {
        const cli_command *const *parts = cli_commands[i]->parts;
        write(cli_commands[i], out);
        for (size_t p = 0; parts && parts[p]; p++)
            write(parts[p], out);
    }
}

void completion_write_parts(const cli_command *command, buf *out) {
    for (size_t i = 0; command->parts[i]; i++)
        buf_addf(out, "%s%s", i ? " " : "", cli_own_word(command->parts[i]));
}

void completion_write_commands(buf *out) {
    bool first = true;
    for (size_t i = 0; i < cli_command_count; i++) {
        if (cli_commands[i]->hidden) continue;
        buf_addf(out, "%s%s", first ? "" : " ", cli_commands[i]->name);
        first = false;
    }
}

bool completion_write_words(cli_kind kind, const char *const *choices, const char *before,
                            const char *behind, buf *out) {
    if (kind != CLI_CHOICE && kind != CLI_COMMAND) return false;
    buf_add_cstr(out, before);
    if (kind == CLI_COMMAND)
        completion_write_commands(out);
    else
        for (size_t i = 0; choices[i]; i++)
            buf_addf(out, "%s%s", i ? " " : "", choices[i]);
    buf_add_cstr(out, behind);
    return true;
}

void completion_write_escaped(const char *text, const char *those, buf *out) {
    for (; *text; text++) {
        if (strchr(those, *text)) buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

static int run(const cli_args *args) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; shells[i]; i++)
        if (strcmp(shells[i], args->rest[0]) == 0) writers[i](&text);
    bool ok = cli_print(&text);
    buf_done(&text);
    return ok ? CLI_OK : CLI_FAILED;
}

const cli_command cli_completion = {
    .name = "completion",
    .summary = "Print the completion script of a shell",
    .operands = {"SHELL", CLI_CHOICE, shells, .min = 1, .max = 1},
    .about = "For bash, zsh and fish. An installed weir has brought them along; another one is\n"
             "completed after:",
    .example = "  source <(weir completion bash)\n"
               "  weir completion zsh > ~/.zfunc/_weir    # a folder of $fpath\n"
               "  weir completion fish > ~/.config/fish/completions/weir.fish",
    .run = run,
};
