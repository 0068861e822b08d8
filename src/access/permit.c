#include "access/permit.h"

#include "base/clock.h"
#include "config/callable.h"
#include "config/pattern.h"

/* Of what a client names, in a sentence. */
enum { SHOWN_BYTES = 100 };

static error_id refuse_environment(const config_client *c, span environment, buf *ret_why) {
    if (c->environment.len)
        buf_addf(ret_why, "This API key is for the environment '%.*s'; this gateway serves '%.*s'.",
                 SPAN_ARG(c->environment), SPAN_ARG(environment));
    else
        buf_addf(ret_why, "This API key is for no environment; this gateway serves '%.*s'.",
                 SPAN_ARG(environment));
    return ERR_KEY_ENVIRONMENT;
}

/* What cannot be read as an address, such as a Unix socket, is in no network. */
static bool calls_from(const config_client *c, span peer) {
    ip_address a;
    if (!c->address_count) return true;
    if (!ip_parse_peer(peer, &a)) return false;
    for (size_t i = 0; i < c->address_count; i++)
        if (cidr_has(&c->addresses[i], &a)) return true;
    return false;
}

error_id permit_caller(const config_client *c, int64_t now_us, span environment, span peer,
                       buf *ret_why) {
    if (c->expires_us && now_us >= c->expires_us) {
        char since[CLOCK_RFC3339_LEN + 1];
        clock_rfc3339(c->expires_us, since);
        buf_addf(ret_why, "This API key has expired (%s).", since);
        return ERR_KEY_EXPIRED;
    }
    if (environment.len && !span_eq(environment, c->environment))
        return refuse_environment(c, environment, ret_why);
    if (calls_from(c, peer)) return ERR_NONE;
    buf_addf(ret_why, "This API key may not be used from %.*s.",
             SPAN_ARG(span_clip(peer, SHOWN_BYTES)));
    return ERR_KEY_ADDRESS;
}

error_id permit_endpoint(const config_client *c, span name, span path, buf *ret_why) {
    if (!c->endpoint_count) return ERR_NONE;
    for (size_t i = 0; i < c->endpoint_count; i++)
        if (callable_fits(c->endpoints[i], name, path)) return ERR_NONE;
    buf_addf(ret_why, "This API key may not be used for %.*s.", SPAN_ARG(name));
    return ERR_KEY_ENDPOINT;
}

bool permit_has_model(const config_client *c, span model) {
    for (size_t i = 0; model.len && i < c->model_count; i++)
        if (pattern_fits(c->models[i], model)) return true;
    return !c->model_count;
}

error_id permit_model(const config_client *c, span model, buf *ret_why) {
    if (permit_has_model(c, model)) return ERR_NONE;
    if (model.len)
        buf_addf(ret_why, "This API key may not be used for the model '%.*s'.",
                 SPAN_ARG(span_clip(model, SHOWN_BYTES)));
    else
        buf_add_cstr(ret_why, "This API key is for certain models, and the request names none.");
    return ERR_KEY_MODEL;
}
