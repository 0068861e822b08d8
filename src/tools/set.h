/* tools/set.h: tools that come and go together: those that a configuration describes, or what one
 * MCP server lists at a time.
 *
 * Filled by one thread, then immutable, and shared by count. Everything of its tools lives in its
 * arena, or in the configuration that it holds.
 */
#ifndef WEIR_TOOLS_SET_H
#define WEIR_TOOLS_SET_H

#include "config/config.h"
#include "tools/tool.h"

#include <stdatomic.h>

struct tool_set {
    atomic_uint refs;
    arena arena;
    config *config; /* counted; what its tools' spans may point into */
    size_t count;
    tool *items;
    tool *prefixed; /* the same under other names, for a list that has one of that name; it borrows
                       of items all that is counted. NULL: there are none */
};

/* With room for count tools, none of them there yet; items[i].set is set. */
MUST_USE tool_set *tool_set_new(config *c, size_t count);
/* Of a tool whose parameters are there, while its set is filled: makes t->strict. */
void tool_set_strict(tool_set *s, tool *t);
/* Any thread. */
tool_set *tool_set_ref(tool_set *s);
/* Any thread; NULL is allowed. The last one frees the tools' checkers and what their kinds made. */
void tool_set_unref(tool_set *s);

#endif
