/* tools/runner_internal.h: a runner as this room knows it. */
#ifndef WEIR_TOOLS_RUNNER_INTERNAL_H
#define WEIR_TOOLS_RUNNER_INTERNAL_H

#include "loop/aside.h"
#include "tools/process.h"
#include "tools/runner.h"

enum { TOOL_ORIGINS = 32 };

struct tool_runner {
    loop *loop;
    http_client *client;
    http_origin *origins[TOOL_ORIGINS]; /* counted, the one that was asked last first: so
                                           connections outlive the calls */
    size_t origin_count;
    process_yard yard; /* of commands */
    aside_lane files;  /* what is read for tools, beside the loop */
    unsigned calls;    /* that run */
    list ended;        /* of them: whose waiters are told at the end of the turn */
    loop_hook tell;
};

/* call.c: the hook that tells. */
void tool_calls_tell(loop_hook *hook);

/* With a reference. */
MUST_USE http_origin *tool_runner_origin(tool_runner *r, const http_origin_spec *spec);

#endif
