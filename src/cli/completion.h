/* cli/completion.h: scripts that complete weir's command line, one writer a shell.
 *
 * All is made from the command table: commands, options, words to choose from, and files
 * where a value is one. Names and words in the table are letters, digits and dashes; sentences are
 * any text, and quoted.
 */
#ifndef WEIR_CLI_COMPLETION_H
#define WEIR_CLI_COMPLETION_H

#include "cli/cli.h"

void completion_write_bash(buf *out);
void completion_write_zsh(buf *out);
void completion_write_fish(buf *out);

/* For the writers. Calls each command that there is, its parts behind it. */
void completion_each(void (*write)(const cli_command *command, buf *out), buf *out);
/* The words of a command's parts, with blanks between. */
void completion_write_parts(const cli_command *command, buf *out);
/* The names of the commands that are listed, with blanks between. */
void completion_write_commands(buf *out);
/* The words that a value of this kind is one of, with blanks between, after before and ahead of
 * behind. false, and nothing is written: it is no word of a list. */
MUST_USE bool completion_write_words(cli_kind kind, const char *const *choices, const char *before,
                                     const char *behind, buf *out);
/* Text with a backslash before each character that is among those. */
void completion_write_escaped(const char *text, const char *those, buf *out);

#endif
