/* mix: may the model that is asked call the server's tools, too? Then the request is answered by a
 * run (stage_functions.c), whatever its form. */
#include "exchange/internal.h"

static bool is_switched_on(const exchange *x) {
    const config_server_tools own = x->client ? x->client->server_tools : CONFIG_SERVER_TOOLS_UNSET;
    return own ? own == CONFIG_SERVER_TOOLS : exchange_config(x)->functions.server_tools;
}

/* The older way of calling, which no provider takes together with tools. */
static bool has_functions(const exchange *x) {
    json_value v = json_get(x->facts.root, SPAN_OF("functions"));
    return v.type == JSON_ARRAY && !json_is_empty(v);
}

/* A response that goes on by itself, or into a conversation that the provider has: what follows it
 * is not weir's to ask. */
static bool is_kept_elsewhere(const exchange *x) {
    json_value talk = json_get(x->facts.root, SPAN_OF("conversation"));
    return x->facts.background || talk.type > JSON_NULL;
}

static bool may_mix(const exchange *x) {
    if (x->form != &form_openai) return false;
    switch (x->facts.endpoint) {
    case EP_CHAT_COMPLETIONS: return !has_functions(x);
    case EP_RESPONSES: return !is_kept_elsewhere(x);
    default: return false;
    }
}

stage_result stage_mix(exchange *x) {
    if (!is_switched_on(x) || !x->env->tools || !may_mix(x)) return STAGE_NEXT;
    if (x->facts.choices > 1)
        return exchange_refuse(x, ERR_BAD_VALUE, "n",
                               "'n' is %u; it must be 1 where the model may call tools of the "
                               "server (functions.server_tools).",
                               x->facts.choices);
    x->runs = true;
    return STAGE_NEXT;
}
