#include "tools/offer.h"

#include "json/json.h"

static bool is_named(json_value names, span name) {
    if (names.type != JSON_ARRAY) return true;
    json_iter it = json_iter_of(names);
    for (json_value v; json_next_element(&it, &v);)
        if (json_is(v, name)) return true;
    return false;
}

/* The first that is not there. */
static bool has_all(const offer *o, json_value names, arena *a, span *ret_name) {
    if (names.type != JSON_ARRAY) return true;
    json_iter it = json_iter_of(names);
    for (json_value v; json_next_element(&it, &v);) {
        *ret_name = json_string(v, a);
        if (!offer_find(o, *ret_name)) return false;
    }
    return true;
}

offer_fault offer_make(const tool_list *l, span client, json_value names, arena *a, offer *ret,
                       span *ret_name) {
    *ret = (offer){.tools = arena_alloc(a, (l->count + 1) * sizeof *ret->tools)};
    for (size_t i = 0; i < l->count; i++)
        if (tool_allows(l->items[i], client) && is_named(names, l->items[i]->name))
            ret->tools[ret->count++] = l->items[i];
    if (!has_all(ret, names, a, ret_name)) return OFFER_UNKNOWN;
    return ret->count > OFFER_TOOLS_MAX ? OFFER_TOO_MANY : OFFER_MADE;
}

void offer_all(const tool_list *l, span client, arena *a, offer *ret) {
    *ret = (offer){.tools = arena_alloc(a, (l->count + 1) * sizeof *ret->tools)};
    for (size_t i = 0; i < l->count; i++)
        if (tool_allows(l->items[i], client) && !tool_asks_approval(l->items[i]))
            ret->tools[ret->count++] = l->items[i];
}
