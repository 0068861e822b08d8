#include "gateway/identify.h"

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

identify_verdict identify(const config *c, key_keeper *k, http_headers headers, span peer, arena *a,
                          caller *ret, weir_error *ret_error, span *ret_text) {
    if (exchange_identify(c, headers, peer, a, ret, ret_error)) return IDENTIFY_KNOWN;
    const bool stranger = ret_error->id == ERR_UNAUTHENTICATED || ret_error->id == ERR_KEY_MISTYPED;
    if (!stranger || !k || c->keys == KEYS_OFF) return IDENTIFY_REFUSED;
    span keys[EXCHANGE_KEYS];
    exchange_find_keys(headers, keys);
    return identify_in_store(c, k, keys, peer, a, ret, ret_error, ret_text);
}
