/* The tools of an MCP server as tools of a registry: names that models may have, schemas compiled.
 */
#include "tools/mcp_house.h"
#include "tools/mcp_tool.h"

#include "mcp/result.h"

static const span any = SPAN("{\"type\":\"object\"}");

static bool is_taken(const tool_set *s, size_t count, span name) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(s->items[i].name, name)) return true;
    return false;
}

/* A schema that weir cannot hold arguments against is the server's affair: it checks them too. */
static void take_schema(tool *t, span text) {
    buf why = BUF_EMPTY;
    t->parameters = text.len ? text : any;
    t->checker = schema_new(t->parameters, &why);
    if (!t->checker) t->checker = schema_new(any, &why);
    buf_done(&why);
}

static bool is_strict(const config *c, span entry) {
    for (size_t i = 0; i < c->tool_count; i++)
        if (span_eq(c->tools[i].name, entry)) return c->tools[i].strict;
    return false;
}

static void fill(tool_set *s, size_t i, const tool *like, mcp_guest *g,
                 const struct mcp_tool_text *from) {
    tool *t = &s->items[i];
    mcp_tool *made = arena_zalloc(&s->arena, sizeof *made);
    made->guest = mcp_guest_ref(g);
    made->name = arena_dup(&s->arena, from->name);
    *t = *like;
    t->set = s;
    t->kind = &tool_mcp;
    t->made = made;
    t->secrets = like->secrets ? secret_set_ref(like->secrets) : NULL;
    t->name = mcp_model_name(SPAN_EMPTY, from->name, false, &s->arena);
    if (is_taken(s, i, t->name)) t->name = mcp_model_name(SPAN_EMPTY, from->name, true, &s->arena);
    t->description = arena_dup(&s->arena, from->description);
    take_schema(t, arena_dup(&s->arena, from->schema));
    if (is_strict(s->config, like->entry)) tool_set_strict(s, t);
    s->prefixed[i] = *t;
    s->prefixed[i].name = mcp_model_name(like->entry, t->name, false, &s->arena);
}

tool_set *mcp_set_new(config *c, const tool *like, mcp_guest *g, const mcp_listing *l) {
    tool_set *s = tool_set_new(c, l->count);
    s->prefixed = arena_zalloc(&s->arena, (l->count + 1) * sizeof *s->prefixed);
    for (size_t i = 0; i < l->count; i++)
        fill(s, i, like, g, &l->items[i]);
    return s;
}
