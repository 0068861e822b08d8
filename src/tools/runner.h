/* tools/runner.h: what a loop runs tools with: its HTTP client, its connections to those who are
 * asked by HTTP, the processes that are under way.
 *
 * One a loop. Calls that run when it is closed are cancelled by whoever started them, before; what
 * is left of their processes then is killed by their guards.
 *
 * A program that runs commands is its own guard (tools/guard.h): its main() asks guard_is_asked()
 * first.
 */
#ifndef WEIR_TOOLS_RUNNER_H
#define WEIR_TOOLS_RUNNER_H

#include "http/client.h"
#include "tools/tool.h"

/* The client is borrowed, and belongs to the same loop. */
MUST_USE tool_runner *tool_runner_new(loop *l, http_client *client);
/* No call runs any more, and none begins; before the loop is stopped, and the client closed. */
void tool_runner_close(tool_runner *r);
/* After that, when the loop has ended. NULL is allowed. */
void tool_runner_free(tool_runner *r);

http_client *tool_runner_client(const tool_runner *r);
/* Calls that run. */
unsigned tool_runner_calls(const tool_runner *r);

#endif
