/* identify: whose key is it? */
#include "exchange/internal.h"

#include <string.h>

/* A key as the OpenAI SDKs send it; Azure's, Anthropic's and Google's clients use headers of their
 * own. Clients that can send one of these alone put anything into the others: the first that is
 * known here counts. */
static span bearer(span authorization) {
    if (!span_istarts(authorization, SPAN_OF("bearer "))) return SPAN_EMPTY;
    return span_trim(span_slice(authorization, strlen("bearer "), authorization.len));
}

enum { KEYS = 4 };

static void find_keys(http_headers headers, span ret[KEYS]) {
    ret[0] = bearer(http_header_get(headers, SPAN_OF("authorization")));
    ret[1] = http_header_get(headers, SPAN_OF("api-key"));
    ret[2] = http_header_get(headers, SPAN_OF("x-api-key"));
    ret[3] = http_header_get(headers, SPAN_OF("x-goog-api-key"));
}

bool exchange_identify_admin(const config *c, http_headers headers) {
    if (!c->admin.key_count) return !c->client_count;
    span keys[KEYS];
    find_keys(headers, keys);
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].len && config_is_admin(c, keys[i])) return true;
    return false;
}

bool exchange_identify(const config *c, http_headers headers, caller *ret, weir_error *ret_error) {
    *ret = (caller){NULL, NULL};
    if (c->client_count == 0) return true;
    span keys[KEYS];
    find_keys(headers, keys);
    bool sent = false;
    for (size_t i = 0; i < KEYS; i++) {
        if (!keys[i].len) continue;
        sent = true;
        ret->client = config_find_client(c, keys[i]);
        if (ret->client) return true;
    }
    *ret_error = error_of(ERR_UNAUTHENTICATED);
    ret_error->message =
        sent ? SPAN_OF("The API key is not known to this gateway.")
             : SPAN_OF("No API key was given. Send it as 'Authorization: Bearer KEY'.");
    return false;
}

stage_result stage_identify(exchange *x) {
    weir_error error;
    if (x->request.identified) {
        exchange_set_caller(x, caller_ref(x->request.caller));
    } else {
        caller found;
        if (!exchange_identify(exchange_config(x), x->request.headers, &found, &error)) {
            x->failure = failure_of(&error);
            return STAGE_ANSWER;
        }
        exchange_set_caller(x, found);
    }
    if (x->client) {
        x->record.client = x->client->name;
        x->record.environment = x->client->environment;
    }
    return STAGE_NEXT;
}
