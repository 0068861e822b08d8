/* gateway/mcp_watch.h: the MCP servers whose tools weir has: which are away, and what they list
 * that no tool is made of, is told in the log and in the metrics. Looked at each second, on the
 * main thread: a server lives on a thread of its own.
 */
#ifndef WEIR_GATEWAY_MCP_WATCH_H
#define WEIR_GATEWAY_MCP_WATCH_H

#include "call/snapshot.h"
#include "observe/log.h"
#include "observe/metrics.h"

typedef struct mcp_watch mcp_watch;

/* Both are borrowed. */
MUST_USE mcp_watch *mcp_watch_new(log_shard *log, metrics_shard *shard);
/* s: in force. A server that it does not have any more is away no more. */
void mcp_watch_tick(mcp_watch *w, const snapshot *s, int64_t now_ms);
void mcp_watch_free(mcp_watch *w); /* NULL is allowed */

#endif
