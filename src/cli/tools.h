/* cli/tools.h: what the parts of `weir tools` share. */
#ifndef WEIR_CLI_TOOLS_H
#define WEIR_CLI_TOOLS_H

#include "cli/cli.h"

/* The configuration of -c, or the one that weir serve would find; NULL after saying what is wrong
 * with it. */
MUST_USE config *tools_load(const char *path);

#endif
