/* tools/registry.h: the tools of a configuration: one part that never changes, and for each entry
 * that brings tools of its own (an MCP server) what that lists at the moment.
 *
 * A part of a snapshot. Whoever asks gets a list: counted, immutable, what there is at that
 * moment. Who runs several steps holds one list for all of them, or asks anew for each.
 */
#ifndef WEIR_TOOLS_REGISTRY_H
#define WEIR_TOOLS_REGISTRY_H

#include "call/snapshot.h"
#include "tools/set.h"

typedef struct tool_registry tool_registry;

/* Making it compiles the schemas, reads the CA files and tries what a sandbox needs. */
extern const snapshot_part tools_part;

/* Borrowed from the snapshot, whose table names the part. Any thread. */
tool_registry *snapshot_tools(const snapshot *s);

/* Whether that row of config->tools can be made a tool, as making the part does. false: *ret_why
 * has a sentence appended, *ret_at is the field that it is about (config_problem_at()). May block.
 */
MUST_USE bool tool_config_check(const config *c, size_t entry, const void **ret_at, buf *ret_why);

/* Whether what it names is there (a command's program), as far as is seen without calling it. The
 * same way; of one that can be made. */
MUST_USE bool tool_config_try(const config *c, size_t entry, const void **ret_at, buf *ret_why);

/* The tools at a moment, in the order of the configuration. */
typedef struct tool_list {
    atomic_uint refs;
    tool_set **sets; /* counted */
    size_t set_count;
    const tool **items;
    const tool **by_name; /* the same, ordered by name */
    size_t count;
} tool_list;

/* With a reference. Any thread; one short lock. */
MUST_USE tool_list *tool_registry_list(tool_registry *r);
tool_list *tool_list_ref(tool_list *l);
/* Any thread; NULL is allowed. */
void tool_list_unref(tool_list *l);

/* The tool of that name, or NULL. Whether a client may use it is tool_allows()'s to say. */
const tool *tool_list_find(const tool_list *l, span name);

/* Puts what that entry lists now in place of what it listed before; s: NULL: nothing. Takes over
 * the caller's reference. Of tools that have one name that of the entry which is configured first
 * keeps it, and others have that of their entry before it, as "files" and "read" with an underscore
 * between. entry: the index of its row in config->tools. Any thread. */
void tool_registry_publish(tool_registry *r, size_t entry, tool_set *s);

/* Whether it is known what that entry brings. false: *ret_why has appended why not. */
MUST_USE bool tool_registry_knows(tool_registry *r, size_t entry, buf *ret_why);

/* An entry whose tools are another's, an MCP server. */
typedef struct tool_source {
    span entry;
    bool down;       /* it is away at the moment */
    uint64_t losses; /* how often it went away, or could not be reached */
    span why;        /* the last time; borrowed for the call of each, as is the next */
    size_t left_out; /* of what it lists none of its tools is made of so many */
    span why_left;   /* mcp_key_left_out() */
} tool_source;

/* Those of the configuration. Any thread. */
void tool_registry_sources(tool_registry *r, void (*each)(void *user, const tool_source *s),
                           void *user);

/* What an MCP server lists, and what of it is none of its tools here. */
typedef struct tool_reached {
    size_t count, left_out;
    buf why_left; /* mcp_key_left_out(); whoever asked frees it */
} tool_reached;
/* Starts or reaches what an entry that brings tools stands for, and asks it for them; of one that
 * can be made, and brings none, true at once. Waits. */
MUST_USE bool tool_config_reach(config *c, size_t entry, tool_reached *ret, buf *ret_why);

/* Before the process ends, after the last snapshot: what was started for tools ends in peace. Waits
 * for some seconds at most. */
void tools_rest(void);

#endif
