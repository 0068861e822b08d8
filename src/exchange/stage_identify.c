/* identify: whose key is it? */
#include "exchange/internal.h"

/* The key as the OpenAI SDKs send it; Azure's and Anthropic's clients use a header of their own. */
static span key_sent(http_headers headers) {
    span value = http_header_get(headers, SPAN_OF("authorization"));
    if (span_istarts(value, SPAN_OF("bearer "))) return span_trim(span_slice(value, 7, value.len));
    span key = http_header_get(headers, SPAN_OF("api-key"));
    return key.len ? key : http_header_get(headers, SPAN_OF("x-api-key"));
}

bool exchange_identify(const config *c, http_headers headers, const config_client **ret_client,
                       weir_error *ret_error) {
    if (c->client_count == 0) {
        *ret_client = NULL;
        return true;
    }
    span key = key_sent(headers);
    const config_client *client = key.len ? config_find_client(c, key) : NULL;
    if (client) {
        *ret_client = client;
        return true;
    }
    *ret_error = error_of(ERR_UNAUTHENTICATED);
    ret_error->message =
        key.len ? SPAN_OF("The API key is not known to this gateway.")
                : SPAN_OF("No API key was given. Send it as 'Authorization: Bearer KEY'.");
    return false;
}

stage_result stage_identify(exchange *x) {
    weir_error error;
    if (x->request.identified) {
        x->client = x->request.client;
    } else if (!exchange_identify(exchange_config(x), x->request.headers, &x->client, &error)) {
        x->failure = failure_of(&error);
        return STAGE_ANSWER;
    }
    if (x->client) {
        x->record.client = x->client->name;
        x->record.environment = x->client->environment;
    }
    return STAGE_NEXT;
}
