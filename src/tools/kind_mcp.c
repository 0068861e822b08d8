/* Tools of MCP servers: a call is an errand to the thread where the servers live. */
#include "tools/mcp_tool.h"
#include "tools/sandbox.h"

#include "http/tls.h"
#include "mcp/mirror.h"

typedef struct mcp_tool_call {
    mcp_errand *errand; /* NULL: none */
} mcp_tool_call;

static void on_done(void *user, const mcp_errand_result *result) {
    tool_call *c = user;
    if (result->outcome == TOOL_DONE) {
        if (tool_call_add(c, result->text)) tool_call_done(c);
        return;
    }
    span why = span_clip(result->text, tool_call_tool(c)->max_result);
    tool_call_fail(c, result->outcome, "%.*s", SPAN_ARG(why));
}

static void start(tool_call *c) {
    const tool *t = tool_call_tool(c);
    const mcp_tool *made = t->made;
    mcp_tool_call *own = tool_call_own(c);
    buf repeated = BUF_EMPTY;
    mirror_arguments(t->parameters, tool_call_ask(c)->arguments, &repeated);
    own->errand = mcp_errand_new(made->guest, tool_call_loop(c), made->name, buf_span(&repeated),
                                 tool_call_ask(c), t->max_result, on_done, c);
    buf_done(&repeated);
}

static void stop(tool_call *c) {
    mcp_tool_call *own = tool_call_own(c);
    if (own->errand) mcp_errand_drop(own->errand);
    own->errand = NULL;
}

static bool trusts_somebody(const config_tool *from, buf *ret_why) {
    tls_context *tls = tls_client_new(from->ca_file, ret_why);
    tls_context_unref(tls);
    return tls != NULL;
}

/* Its entry: nothing is made, but what it needs has to be there. */
static bool make(tool *t, const config_tool *from, buf *ret_why) {
    (void)t;
    size_t before = ret_why->len;
    if (!from->argv) return !from->url.tls || trusts_somebody(from, ret_why);
    buf_add_cstr(ret_why, "sandbox: ");
    if (!sandbox_is_possible(&from->sandbox, ret_why)) return false;
    ret_why->len = before;
    return true;
}

static void unmake(tool *t) {
    const mcp_tool *made = t->made;
    mcp_guest_unref(made->guest);
}

const tool_kind_ops tool_mcp = {
    .name = "mcp",
    .brings = true,
    .call_size = sizeof(mcp_tool_call),
    .start = start,
    .stop = stop,
    .make = make,
    .unmake = unmake,
};
