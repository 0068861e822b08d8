/* cli/configured.h: the configuration that a command goes by, or its user told why there is none.
 * What is loaded is counted and the caller's. May block: files, key commands.
 */
#ifndef WEIR_CLI_CONFIGURED_H
#define WEIR_CLI_CONFIGURED_H

#include "config/config.h"

/* What stands at path; path NULL: what holds without a file. NULL after saying on stderr what is
 * wrong. */
MUST_USE config *configured_load(const char *path);
/* path: --config; NULL: the configuration that weir serve would find, unless it is not to be read
 * (connect_may_read()), or else what holds without a file. NULL as above. */
MUST_USE config *configured_find(const char *path);

#endif
