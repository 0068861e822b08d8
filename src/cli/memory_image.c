#include "cli/cli.h"

#include <sys/prctl.h>

/* Not by RLIMIT_CORE: where images go to a program (systemd-coredump), the kernel does not look at
 * that. See prctl(2), PR_SET_DUMPABLE. */
void cli_keep_memory_private(void) {
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
