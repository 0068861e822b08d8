/* exchange/tool_use.h: a client that calls a tool itself, as one of weir as an MCP server does:
 * what it asks, and the call. Inside exchange/.
 *
 *   stage_tool.c   the rows: what is asked, whether this client may, the call as the source of the
 *                  answer
 *   tool_guard.c   a row: what of its arguments may go to the tool
 *   form_mcp.c     how the client is answered
 *
 * No model is asked, so such an exchange costs nothing and has no target; its record names the tool
 * in that place ("tool/weather"), and how its call ended as the reason.
 */
#ifndef WEIR_EXCHANGE_TOOL_USE_H
#define WEIR_EXCHANGE_TOOL_USE_H

#include "exchange/approvals.h"
#include "exchange/verdict.h"

#include "mcp/asked.h"
#include "tools/registry.h"

typedef struct tool_use {
    answer_source source;
    exchange *x;
    mcp_asked asked;
    tool_list *list;              /* counted; NULL: not yet */
    const tool *tool;             /* of it */
    struct exchange_guard *guard; /* NULL: nothing is looked at */
    approval_waiter approver;
    approval *asking; /* NULL: nobody is being asked whether it may be called */
    tool_waiter waiter;
    tool_call *running; /* NULL: it is not called yet, or has answered */
    verdict verdict;    /* from outside, of what it has said */
    buf told;           /* that, for which the verdict is awaited */
    memory_hold hold;   /* what it takes meanwhile */
    bool failed;        /* and as what it is told */
    bool began;
} tool_use;

/* The figures of a call that has ended, whoever made it. */
void tool_use_count(metrics_shard *m, const tool *t, const tool_result *result);

#endif
