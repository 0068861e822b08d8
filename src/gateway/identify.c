#include "gateway/identify.h"

#include "access/jwt.h"
#include "access/key_text.h"
#include "base/clock.h"

static identify_verdict refuse(error_id id, weir_error *ret_error) {
    *ret_error = error_of(id);
    ret_error->message = span_cstr(error_get(id)->sentence);
    return IDENTIFY_REFUSED;
}

static bool is_over(const key_entry *e) {
    return e->standing == KEY_ROTATED && clock_wall_us() >= e->until_us;
}

static identify_verdict judge(const config *c, const key_entry *e, span peer, arena *a, caller *ret,
                              weir_error *ret_error) {
    if (e->standing == KEY_GONE) return refuse(ERR_KEY_REVOKED, ret_error);
    const bool over = is_over(e);
    if (!over && exchange_may_enter(c, &e->key->client, peer, a, ret_error)) {
        *ret = (caller){&e->key->client, e->key};
        return IDENTIFY_KNOWN;
    }
    access_key_unref(e->key);
    return over ? refuse(ERR_KEY_ROTATED, ret_error) : IDENTIFY_REFUSED;
}

/* The first of the keys that is known in the store counts, as it does in the configuration. */
static identify_verdict identify_in_store(const config *c, key_keeper *k, const span *keys,
                                          span peer, arena *a, caller *ret, weir_error *ret_error,
                                          span *ret_text) {
    key_entry e;
    for (size_t i = 0; i < EXCHANGE_KEYS; i++) {
        if (key_text_form(keys[i]) != KEY_WELL_FORMED) continue;
        const key_verdict found = key_keeper_find(k, keys[i], &e);
        if (found == KEY_NO_STORE) return refuse(ERR_KEYS_UNAVAILABLE, ret_error);
        if (found == KEY_MISSING) {
            *ret_text = keys[i];
            return IDENTIFY_WAITS;
        }
        if (e.standing != KEY_UNKNOWN) return judge(c, &e, peer, a, ret, ret_error);
    }
    return IDENTIFY_REFUSED; /* as it was told */
}

/* The first that looks like a token is one. */
static span token_of(const span keys[EXCHANGE_KEYS]) {
    for (size_t i = 0; i < EXCHANGE_KEYS; i++)
        if (jwt_is_one(keys[i])) return keys[i];
    return SPAN_EMPTY;
}

static identify_verdict identify_token(const config *c, token_keeper *tokens, span token, span peer,
                                       arena *a, caller *ret, weir_error *ret_error) {
    caller found;
    error_id why;
    const token_verdict v = token_keeper_find(tokens, c, token, &found, &why);
    if (v == TOKEN_WAITS) return IDENTIFY_FETCHES;
    if (v == TOKEN_REFUSED) return refuse(why, ret_error);
    if (exchange_may_enter(c, found.client, peer, a, ret_error)) {
        *ret = found;
        return IDENTIFY_KNOWN;
    }
    caller_unref(found);
    return IDENTIFY_REFUSED;
}

identify_verdict identify(const config *c, key_keeper *k, token_keeper *tokens,
                          http_headers headers, span peer, arena *a, caller *ret,
                          weir_error *ret_error, span *ret_text) {
    if (exchange_identify(c, headers, peer, a, ret, ret_error)) return IDENTIFY_KNOWN;
    const bool stranger = ret_error->id == ERR_UNAUTHENTICATED || ret_error->id == ERR_KEY_MISTYPED;
    const bool stored = k && c->keys != KEYS_OFF;
    if (!stranger || (!stored && !c->jwt.on)) return IDENTIFY_REFUSED;
    span keys[EXCHANGE_KEYS];
    exchange_find_keys(headers, keys);
    const span token = c->jwt.on ? token_of(keys) : SPAN_EMPTY;
    if (token.len) return identify_token(c, tokens, token, peer, a, ret, ret_error);
    if (!stored) return IDENTIFY_REFUSED;
    return identify_in_store(c, k, keys, peer, a, ret, ret_error, ret_text);
}
