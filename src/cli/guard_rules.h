/* cli/guard_rules.h: the rules that a subcommand of weir guard works with. */
#ifndef WEIR_CLI_GUARD_RULES_H
#define WEIR_CLI_GUARD_RULES_H

#include "guard/guard.h"

/* What weir brings, and the rules of the file at path, which may be NULL. NULL after saying what is
 * wrong. */
MUST_USE guard_set *guard_rules_load(const char *path);

/* Those of the configuration at path, and what it does about them in requests (GUARD_IN) or answers
 * where neither a model nor a client says more; *ret is NULL where it does not look. NULL after
 * saying what is wrong. */
MUST_USE guard_set *guard_rules_configured(const char *path, guard_where way, guard_policy **ret);

/* The whole of a file, "-" is the standard input; false after saying why not. */
MUST_USE bool guard_rules_slurp(const char *path, buf *ret);

#endif
