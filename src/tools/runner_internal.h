/* tools/runner_internal.h: a runner as this room knows it. */
#ifndef WEIR_TOOLS_RUNNER_INTERNAL_H
#define WEIR_TOOLS_RUNNER_INTERNAL_H

#include "loop/aside.h"
#include "tools/runner.h"

struct tool_runner {
    loop *loop;
    http_client *client;
    aside_lane files; /* what is read for tools, beside the loop */
    unsigned calls;   /* that run */
};

#endif
