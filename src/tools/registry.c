#include "tools/registry.h"

#include "tools/kinds.h"
#include "tools/mcp_house.h"
#include "tools/secrets.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { START_MS = 10000 }; /* that a start waits for what brings tools */

struct tool_registry {
    const config *config; /* borrowed: its snapshot's, as this is */
    tool_set *own;  /* what the configuration describes, by index in config->tools; no kind: the
                       entry brings tools of its own */
    mcp_key **keys; /* by index in config->tools; NULL: no MCP server */
    pthread_mutex_t lock;
    /* Under the lock. */
    tool_set **brought; /* by index in config->tools; NULL: nothing */
    tool_list *list;    /* of now */
};

static const tool_kind_ops *const kinds[CONFIG_TOOL_KINDS] = {
    [CONFIG_TOOL_BUILTIN] = &tool_builtin,
    [CONFIG_TOOL_HTTP] = &tool_http,
    [CONFIG_TOOL_COMMAND] = &tool_command,
    [CONFIG_TOOL_MCP] = &tool_mcp,
};

/* ---- lists ---- */

tool_list *tool_list_ref(tool_list *l) {
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void tool_list_unref(tool_list *l) {
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < l->set_count; i++)
        tool_set_unref(l->sets[i]);
    free(l->sets);
    free(l->items);
    free(l->by_name);
    free(l);
}

static int compare(span a, span b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

const tool *tool_list_find(const tool_list *l, span name) {
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, l->by_name[middle]->name);
        if (order == 0) return l->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* false: there is one of that name. */
static bool list_add(tool_list *l, const tool *t) {
    size_t at = l->count;
    while (at && compare(t->name, l->by_name[at - 1]->name) < 0)
        at--;
    if (at && span_eq(t->name, l->by_name[at - 1]->name)) return false;
    memmove(l->by_name + at + 1, l->by_name + at, (l->count - at) * sizeof *l->by_name);
    l->by_name[at] = t;
    l->items[l->count++] = t;
    return true;
}

/* What is configured has its name, whatever others are called. */
static void list_add_own(tool_list *l, const tool_set *own) {
    for (size_t i = 0; i < own->count; i++)
        if (own->items[i].kind) (void)!list_add(l, &own->items[i]);
}

static void list_add_brought(tool_list *l, const tool_set *s) {
    for (size_t i = 0; i < s->count; i++)
        if (!list_add(l, &s->items[i]) && s->prefixed) (void)!list_add(l, &s->prefixed[i]);
}

static tool_list *list_new(const tool_registry *r) {
    tool_list *l = mem_zalloc(sizeof *l);
    size_t most = r->own->count;
    atomic_init(&l->refs, 1);
    l->sets = mem_zalloc_array(r->own->count + 1, sizeof *l->sets);
    l->sets[l->set_count++] = tool_set_ref(r->own);
    for (size_t i = 0; i < r->own->count; i++) {
        if (!r->brought[i]) continue;
        most += r->brought[i]->count;
        l->sets[l->set_count++] = tool_set_ref(r->brought[i]);
    }
    l->items = mem_zalloc_array(most + 1, sizeof *l->items);
    l->by_name = mem_zalloc_array(most + 1, sizeof *l->by_name);
    list_add_own(l, r->own);
    for (size_t i = 0; i < r->own->count; i++)
        if (r->brought[i]) list_add_brought(l, r->brought[i]);
    return l;
}

/* ---- the registry ---- */

/* As the entry says that it came from, whatever its kind made of that. */
config_tool_approve tool_approval(const tool *t) {
    const config *c = t->set ? t->set->config : NULL;
    for (size_t i = 0; c && i < c->tool_count; i++)
        if (span_eq(c->tools[i].name, t->entry)) return c->tools[i].approve;
    return CONFIG_APPROVE_OFF;
}

bool tool_asks_approval(const tool *t) {
    return tool_approval(t) == CONFIG_APPROVE_ASK;
}

static void fill(tool *t, const config_tool *from) {
    static const span none = SPAN("{\"type\":\"object\",\"properties\":{}}");
    t->name = t->entry = from->name;
    t->description = from->description;
    t->parameters = from->parameters.len ? from->parameters : none;
    t->timeout_ms = from->timeout_ms;
    t->max_result = from->max_result;
    t->parallel = from->parallel;
    t->repeatable = from->repeatable;
    t->clients = from->clients;
    t->client_count = from->client_count;
    t->secrets = tool_secrets_of(from);
}

/* *ret_at: the field of `from` that cannot be used, and *ret_why why not. */
static bool make_tool(tool *t, const config *c, const config_tool *from, const void **ret_at,
                      buf *ret_why) {
    const tool_kind_ops *kind = kinds[from->kind];
    size_t before = ret_why->len;
    fill(t, from);
    t->own = span_eq(from->name, c->guard.external.tool);
    *ret_at = from;
    buf_addf(ret_why, "tools.%.*s: ", SPAN_ARG(from->name));
    if (!kind->brings) t->kind = kind;
    if (!kind->make(t, from, ret_why)) return false;
    if (kind->brings) {
        ret_why->len = before;
        return true;
    }
    *ret_at = &from->parameters;
    ret_why->len = before;
    buf_addf(ret_why, "tools.%.*s.parameters: ", SPAN_ARG(from->name));
    t->checker = schema_new(t->parameters, ret_why);
    if (!t->checker) return false;
    if (from->strict) tool_set_strict(t->set, t);
    ret_why->len = before;
    return true;
}

bool tool_config_check(const config *c, size_t entry, const void **ret_at, buf *ret_why) {
    tool_set *s = tool_set_new((config *)c, 1);
    bool ok = make_tool(&s->items[0], c, &c->tools[entry], ret_at, ret_why);
    tool_set_unref(s);
    return ok;
}

static void registry_free(void *made, const config *c) {
    (void)c;
    tool_registry *r = made;
    for (size_t i = 0; i < r->own->count; i++)
        mcp_key_free(r->keys[i]);
    free(r->keys);
    tool_list_unref(r->list);
    for (size_t i = 0; i < r->own->count; i++)
        tool_set_unref(r->brought[i]);
    tool_set_unref(r->own);
    pthread_mutex_destroy(&r->lock);
    free(r->brought);
    free(r);
}

bool tool_config_try(const config *c, size_t entry, const void **ret_at, buf *ret_why) {
    const config_tool *t = &c->tools[entry];
    size_t before = ret_why->len;
    if (!t->argv) return true;
    *ret_at = &t->argv;
    buf_addf(ret_why, "tools.%.*s.command: ", SPAN_ARG(t->name));
    if (!tool_command_is_there(t, ret_why)) return false;
    ret_why->len = before;
    return true;
}

/* Says where in the file stands what cannot be used. */
static bool make_own(tool_registry *r, buf *ret_why) {
    const config *c = r->config;
    buf why = BUF_EMPTY;
    bool ok = true;
    for (size_t i = 0; i < c->tool_count && ok; i++) {
        const void *at;
        buf_clear(&why);
        ok = make_tool(&r->own->items[i], c, &c->tools[i], &at, &why);
        if (ok) continue;
        config_problem p = config_problem_at(c, at, buf_span(&why));
        if (p.line) buf_addf(ret_why, "%.*s:%u:%u: ", SPAN_ARG(p.file), p.line, p.column);
        buf_add(ret_why, buf_span(&why));
    }
    buf_done(&why);
    return ok;
}

static void publish(void *user, size_t entry, tool_set *s) {
    tool_registry_publish(user, entry, s);
}

static bool open_server(tool_registry *r, size_t entry, buf *ret_why) {
    config *c = (config *)r->config;
    buf why = BUF_EMPTY;
    r->keys[entry] = mcp_key_new(c, entry, &r->own->items[entry], publish, r, &why);
    if (!r->keys[entry])
        buf_addf(ret_why, "tools.%.*s: %s", SPAN_ARG(c->tools[entry].name), buf_cstr(&why));
    buf_done(&why);
    return r->keys[entry] != NULL;
}

/* All at once, so that the slowest is waited for alone. */
static bool open_servers(tool_registry *r, buf *ret_why) {
    const config *c = r->config;
    for (size_t i = 0; i < c->tool_count; i++)
        if (c->tools[i].kind == CONFIG_TOOL_MCP && !open_server(r, i, ret_why)) return false;
    int64_t until_ms = clock_mono_ms() + START_MS;
    for (size_t i = 0; i < c->tool_count; i++)
        if (r->keys[i]) mcp_key_wait(r->keys[i], until_ms);
    return true;
}

static void *registry_make(const config *c, buf *ret_why) {
    tool_registry *r = mem_zalloc(sizeof *r);
    r->config = c;
    /* The snapshot's own reference goes when it does, which tools that are still called outlive. */
    r->own = tool_set_new((config *)c, c->tool_count);
    r->brought = mem_zalloc_array(c->tool_count + 1, sizeof *r->brought);
    r->keys = mem_zalloc_array(c->tool_count + 1, sizeof *r->keys);
    pthread_mutex_init(&r->lock, NULL);
    bool ok = make_own(r, ret_why);
    if (ok) r->list = list_new(r);
    if (ok && open_servers(r, ret_why)) return r;
    registry_free(r, c);
    return NULL;
}

const snapshot_part tools_part = {"tools", registry_make, registry_free};

tool_registry *snapshot_tools(const snapshot *s) {
    return (tool_registry *)snapshot_made(s, &tools_part);
}

tool_list *tool_registry_list(tool_registry *r) {
    pthread_mutex_lock(&r->lock);
    tool_list *l = tool_list_ref(r->list);
    pthread_mutex_unlock(&r->lock);
    return l;
}

void tool_registry_publish(tool_registry *r, size_t entry, tool_set *s) {
    pthread_mutex_lock(&r->lock);
    tool_set *before = r->brought[entry];
    tool_list *was = r->list;
    r->brought[entry] = s;
    r->list = list_new(r);
    pthread_mutex_unlock(&r->lock);
    tool_list_unref(was);
    tool_set_unref(before);
}

bool tool_registry_knows(tool_registry *r, size_t entry, buf *ret_why) {
    return !r->keys[entry] || mcp_key_good(r->keys[entry], ret_why);
}

void tool_registry_sources(tool_registry *r, void (*each)(void *user, const tool_source *s),
                           void *user) {
    buf why = BUF_EMPTY, why_left = BUF_EMPTY;
    for (size_t i = 0; i < r->config->tool_count; i++) {
        tool_source s = {.entry = r->config->tools[i].name};
        if (!r->keys[i]) continue;
        buf_clear(&why);
        buf_clear(&why_left);
        s.down = mcp_key_is_down(r->keys[i], &s.losses, &why);
        s.left_out = mcp_key_left_out(r->keys[i], &why_left);
        s.why = buf_span(&why);
        s.why_left = buf_span(&why_left);
        each(user, &s);
    }
    buf_done(&why);
    buf_done(&why_left);
}

static void count_tools(void *user, size_t entry, tool_set *s) {
    (void)entry;
    *(size_t *)user = s->count;
    tool_set_unref(s);
}

bool tool_config_reach(config *c, size_t entry, tool_reached *ret, buf *ret_why) {
    *ret = (tool_reached){0};
    if (c->tools[entry].kind != CONFIG_TOOL_MCP) return true;
    tool_set *like = tool_set_new(c, 1);
    size_t before = ret_why->len;
    fill(&like->items[0], &c->tools[entry]);
    buf_addf(ret_why, "tools.%.*s: ", SPAN_ARG(c->tools[entry].name));
    mcp_key *k = mcp_key_new(c, entry, &like->items[0], count_tools, &ret->count, ret_why);
    if (k) mcp_key_wait(k, clock_mono_ms() + START_MS);
    bool good = k && mcp_key_good(k, ret_why);
    if (good) ret->left_out = mcp_key_left_out(k, &ret->why_left);
    mcp_key_free(k);
    tool_set_unref(like);
    if (good) ret_why->len = before;
    return good;
}

void tools_rest(void) {
    mcp_house_wait();
}
