/* cli/guard_rules.h: the rules that a subcommand of weir guard works with. */
#ifndef WEIR_CLI_GUARD_RULES_H
#define WEIR_CLI_GUARD_RULES_H

#include "guard/guard.h"

/* What weir brings, and the rules of the file at path, which may be NULL. NULL after saying what is
 * wrong. */
MUST_USE guard_set *guard_rules_load(const char *path);

/* The whole of a file, "-" is the standard input; false after saying why not. */
MUST_USE bool guard_rules_slurp(const char *path, buf *ret);

#endif
