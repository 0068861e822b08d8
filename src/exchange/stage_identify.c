/* identify: whose key is it? */
#include "access/key_text.h"
#include "access/permit.h"
#include "base/clock.h"
#include "exchange/internal.h"

#include <string.h>

/* A key as the OpenAI SDKs send it; Azure's, Anthropic's and Google's clients use headers of their
 * own. Clients that can send one of these alone put anything into the others: the first that is
 * known here counts. */
static span bearer(span authorization) {
    if (!span_istarts(authorization, SPAN_OF("bearer "))) return SPAN_EMPTY;
    return span_trim(span_slice(authorization, strlen("bearer "), authorization.len));
}

void exchange_find_keys(http_headers headers, shown_key ret[EXCHANGE_KEYS]) {
    ret[0].text = bearer(http_header_get(headers, SPAN_OF("authorization")));
    ret[1].text = http_header_get(headers, SPAN_OF("api-key"));
    ret[2].text = http_header_get(headers, SPAN_OF("x-api-key"));
    ret[3].text = http_header_get(headers, SPAN_OF("x-goog-api-key"));
    for (size_t i = 0; i < EXCHANGE_KEYS; i++)
        if (ret[i].text.len) sha256(ret[i].text, ret[i].hash);
}

bool exchange_identify_admin(const config *c, http_headers headers, size_t *ret_number) {
    *ret_number = 0;
    if (!c->admin.key_count) return !config_asks_keys(c);
    shown_key keys[EXCHANGE_KEYS];
    exchange_find_keys(headers, keys);
    for (size_t i = 0; i < EXCHANGE_KEYS; i++)
        if (keys[i].text.len && (*ret_number = config_find_admin(c, keys[i].hash))) return true;
    return false;
}

static bool refuse(error_id id, span message, weir_error *ret_error) {
    *ret_error = error_of(id);
    ret_error->message = message;
    return false;
}

/* Whose key it is stands; whether he may come in, and from there. */
bool exchange_may_enter(const config *c, const config_client *client, span peer, arena *a,
                        weir_error *ret_error) {
    buf why = BUF_EMPTY;
    int64_t now_us = client->expires_us ? clock_wall_us() : 0;
    error_id id = permit_caller(client, now_us, c->server.environment, peer, &why);
    bool good = id == ERR_NONE || refuse(id, arena_dup(a, buf_span(&why)), ret_error);
    buf_done(&why);
    return good;
}

const config_client *exchange_find_client(const config *c, const shown_key keys[EXCHANGE_KEYS]) {
    const config_client *client = NULL;
    for (size_t i = 0; i < EXCHANGE_KEYS && !client; i++)
        if (keys[i].text.len) client = config_find_client(c, keys[i].hash);
    return client;
}

weir_error exchange_stranger(const shown_key keys[EXCHANGE_KEYS]) {
    bool sent = false, mistyped = false;
    for (size_t i = 0; i < EXCHANGE_KEYS; i++) {
        sent |= keys[i].text.len > 0;
        mistyped |= key_text_form(keys[i].text) == KEY_MISTYPED;
    }
    weir_error e = error_of(mistyped ? ERR_KEY_MISTYPED : ERR_UNAUTHENTICATED);
    e.message = mistyped ? span_cstr(error_get(ERR_KEY_MISTYPED)->sentence)
                : sent   ? SPAN_OF("The API key is not known to this gateway.")
                         : SPAN_OF("No API key was given. Send it as 'Authorization: Bearer KEY'.");
    return e;
}

bool exchange_identify(const config *c, http_headers headers, span peer, arena *a, caller *ret,
                       weir_error *ret_error) {
    shown_key keys[EXCHANGE_KEYS];
    *ret = (caller){NULL, NULL};
    if (!config_asks_keys(c)) return true;
    exchange_find_keys(headers, keys);
    const config_client *client = exchange_find_client(c, keys);
    if (!client) {
        *ret_error = exchange_stranger(keys);
        return false;
    }
    if (!exchange_may_enter(c, client, peer, a, ret_error)) return false;
    ret->client = client;
    return true;
}

stage_result stage_identify(exchange *x) {
    weir_error error;
    if (x->request->identified) {
        exchange_set_caller(x, caller_ref(x->request->caller));
    } else {
        caller found;
        if (!exchange_identify(exchange_config(x), x->request->headers, x->request->peer, &x->arena,
                               &found, &error)) {
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
