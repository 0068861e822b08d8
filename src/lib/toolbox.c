#include "lib/toolbox.h"

#include "base/mem.h"
#include "lib/client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 64 };

struct toolbox {
    atomic_uint refs;
    pthread_mutex_t lock;
    toolbox_tool **items; /* under lock */
    size_t count;         /* likewise */
};

toolbox *toolbox_new(void) {
    toolbox *b = mem_zalloc(sizeof *b);
    atomic_init(&b->refs, 1);
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

toolbox *toolbox_ref(toolbox *b) {
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

static void tool_free(toolbox_tool *t) {
    schema_free(t->checker);
    free(t->name);
    free(t->description);
    free(t->parameters);
    free(t);
}

void toolbox_unref(toolbox *b) {
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < b->count; i++)
        tool_free(b->items[i]);
    free(b->items);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

const toolbox_tool *toolbox_of(const tool *t) {
    return CONTAINER_OF(t, const toolbox_tool, is);
}

/* ---- adding ---- */

static bool is_name(const char *name) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t len = name ? strspn(name, letters) : 0;
    return len && !name[len] && len <= NAME_MAX_LEN;
}

static bool is_object(span text) {
    json_value root;
    json_fault fault;
    return json_scan(text, NULL, &root, &fault) && root.type == JSON_OBJECT;
}

static bool check(const char *name, const char *description, const char *parameters, buf *ret_why) {
    if (!is_name(name))
        buf_addf(ret_why, "'%.100s' is no name of a tool: 1 to %d letters, digits, _ and -",
                 name && span_is_utf8(span_cstr(name)) ? name : "", NAME_MAX_LEN);
    else if (description && !span_is_utf8(span_cstr(description)))
        buf_addf(ret_why, "the description of %s is not valid UTF-8", name);
    else if (parameters && !is_object(span_cstr(parameters)))
        buf_addf(ret_why, "the parameters of %s are no JSON object", name);
    else
        return true;
    return false;
}

static toolbox_tool *tool_new(const char *name, const char *description, const char *parameters,
                              buf *ret_why) {
    static const char none[] = "{\"type\":\"object\",\"properties\":{}}";
    toolbox_tool *t = mem_zalloc(sizeof *t);
    const char *said = description ? description : "", *asked = parameters ? parameters : none;
    t->name = mem_strndup(name, strlen(name));
    t->description = mem_strndup(said, strlen(said));
    t->parameters = mem_strndup(asked, strlen(asked));
    buf_addf(ret_why, "the parameters of %s: ", name);
    t->checker = schema_new(span_cstr(t->parameters), ret_why);
    if (!t->checker) {
        tool_free(t);
        return NULL;
    }
    buf_clear(ret_why);
    t->is = (tool){.name = span_cstr(t->name),
                   .description = span_cstr(t->description),
                   .parameters = span_cstr(t->parameters),
                   .checker = t->checker};
    return t;
}

static bool has(const toolbox *b, const toolbox_tool *t) {
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->items[i]->name, t->name) == 0) return true;
    return false;
}

/* Takes it over. */
static bool put(toolbox *b, toolbox_tool *t, buf *ret_why) {
    pthread_mutex_lock(&b->lock);
    const bool twice = has(b, t), full = b->count == OFFER_TOOLS_MAX;
    if (!twice && !full) {
        b->items = mem_realloc(b->items, (b->count + 1) * sizeof *b->items);
        b->items[b->count++] = t;
    }
    pthread_mutex_unlock(&b->lock);
    if (!twice && !full) return true;
    if (twice)
        buf_addf(ret_why, "there is a tool of the name %s already", t->name);
    else
        buf_addf(ret_why, "there are %d tools already, and a model takes no more", OFFER_TOOLS_MAX);
    tool_free(t);
    return false;
}

bool toolbox_add(toolbox *b, const char *name, const char *description, const char *parameters,
                 weir_tool_fn *function, void *user, buf *ret_why) {
    if (!check(name, description, parameters, ret_why)) return false;
    toolbox_tool *t = tool_new(name, description, parameters, ret_why);
    if (!t) return false;
    t->function = function;
    t->user = user;
    return put(b, t, ret_why);
}

void toolbox_offer(toolbox *b, arena *a, offer *ret) {
    pthread_mutex_lock(&b->lock);
    *ret = (offer){.tools = arena_alloc(a, (b->count + 1) * sizeof *ret->tools)};
    for (size_t i = 0; i < b->count; i++)
        ret->tools[ret->count++] = &b->items[i]->is;
    pthread_mutex_unlock(&b->lock);
}

int weir_client_add_tool(weir_client *c, const char *name, const char *description,
                         const char *parameters, weir_tool_fn *function, void *user,
                         char **ret_why) {
    buf why = BUF_EMPTY;
    bool ok = false;
    if (c)
        ok = toolbox_add(c->toolbox, name, description, parameters, function, user, &why);
    else
        buf_add_cstr(&why, "there is no client: weir_client_new() has failed");
    if (!ok && ret_why) *ret_why = mem_strndup(why.ptr, why.len);
    buf_done(&why);
    return ok;
}
