/* tools/mcp_house.h: where the MCP servers of this process live: one thread with a loop of its own,
 * started when the first is configured and ended after the last.
 *
 * A server is a guest, of all registries (tools/registry.h) that have an entry which asks for the
 * same: it stays through a reload that does not change it. Each registry has a key to it, by which
 * it hears what tools there are. Calls come from any loop: they go over to the thread and come
 * back.
 */
#ifndef WEIR_TOOLS_MCP_HOUSE_H
#define WEIR_TOOLS_MCP_HOUSE_H

#include "tools/mcp_server.h"
#include "tools/set.h"

typedef struct mcp_guest mcp_guest;
typedef struct mcp_key mcp_key;

/* What a registry hears: the tools that there are now, with a reference, on any thread, also before
 * mcp_key_new() returns. */
typedef void mcp_publish(void *user, size_t entry, tool_set *s);

/* For an entry of that configuration. like: a tool with all that its tools have in common; lives as
 * long as the key. May block, for files. NULL: *ret_why, a sentence. */
MUST_USE mcp_key *mcp_key_new(config *c, size_t entry, const tool *like, mcp_publish *publish,
                              void *user, buf *ret_why);
/* Waits until its tools are known, or it is known why not, until that instant (clock_mono_ms())
 * at the latest. Not on a loop. */
void mcp_key_wait(mcp_key *k, int64_t until_ms);
/* Whether its tools are known. false: *ret_why has why not appended. Any thread. */
MUST_USE bool mcp_key_good(mcp_key *k, buf *ret_why);
/* How many of those that it lists are left out, and why: "2 whose name another has; ...", appended.
 * Any thread. */
size_t mcp_key_left_out(mcp_key *k, buf *ret_why);
/* Whether the server is away at the moment. *ret_losses: how often it went away, or could not be
 * reached; *ret_why has the reason of the last time appended. Any thread. */
MUST_USE bool mcp_key_is_down(mcp_key *k, uint64_t *ret_losses, buf *ret_why);
/* Nothing is published any more. Any thread; does not wait. NULL is allowed. */
void mcp_key_free(mcp_key *k);

/* Waits for threads that end, and with them the servers: before the process does. */
void mcp_house_wait(void);

/* ---- for the kind (kind_mcp.c) ---- */

mcp_guest *mcp_guest_ref(mcp_guest *g);
void mcp_guest_unref(mcp_guest *g);

/* A call on its way, counted. */
typedef struct mcp_errand mcp_errand;
typedef struct mcp_errand_result {
    tool_outcome outcome;
    span text; /* the result, perhaps a byte more than there may be; or why not */
} mcp_errand_result;
/* done: on the loop that it was asked on, once, unless it is dropped; never from inside
 * mcp_errand_new(). What is asked is copied. */
typedef void mcp_errand_done(void *user, const mcp_errand_result *result);
MUST_USE mcp_errand *mcp_errand_new(mcp_guest *g, loop *on, span name, span params,
                                    const tool_ask *ask, size_t max_result, mcp_errand_done *done,
                                    void *user);
/* Gives it up; done is not called. After done: forgets it. */
void mcp_errand_drop(mcp_errand *e);

/* tools/mcp_set.c: the tools of a listing, as the entry's registry has them. */
MUST_USE tool_set *mcp_set_new(config *c, const tool *like, mcp_guest *g, const mcp_listing *l);

#endif
