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

stage_result stage_mix(exchange *x) {
    if (x->request.parent || !is_switched_on(x) || !x->env->tools) return STAGE_NEXT;
    if (x->request.form != &form_openai || x->facts.endpoint != EP_CHAT_COMPLETIONS)
        return STAGE_NEXT;
    if (has_functions(x)) return STAGE_NEXT;
    if (x->facts.choices > 1)
        return exchange_refuse(x, ERR_BAD_VALUE, "n",
                               "'n' is %u; it must be 1 where the model may call tools of the "
                               "server (functions.server_tools).",
                               x->facts.choices);
    x->runs = true;
    return STAGE_NEXT;
}
