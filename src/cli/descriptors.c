#include "cli/cli.h"
#include "config/config.h"

#include <sys/resource.h>

/* Each connection is a descriptor; the usual soft limit of 1024 is less than weir serves. */
void cli_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void cli_fit_descriptors(config *c) {
    struct rlimit limit;
    if (!getrlimit(RLIMIT_NOFILE, &limit)) config_fit_descriptors(c, limit.rlim_max);
}
