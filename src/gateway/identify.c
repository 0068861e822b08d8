#include "gateway/identify.h"

#include "access/jwt.h"
#include "access/key_text.h"
#include "base/clock.h"

static identify_verdict refuse(error_id id, weir_error *ret_error) {
    *ret_error = error_of(id);
    ret_error->message = span_cstr(error_get(id)->sentence);
    return IDENTIFY_REFUSED;
}

static identify_verdict refuse_stranger(const shown_key *keys, weir_error *ret_error) {
    *ret_error = exchange_stranger(keys);
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

typedef enum key_word { KEY_TOLD, KEY_MISSES, KEY_NO_STORE, KEY_NO_KEY } key_word;

/* What is known of it in the store. */
static key_word ask_store(const identify_by *by, const shown_key *key, key_entry *ret) {
    unsigned char made[SHA256_LEN];
    const unsigned char *hash = key->text.len ? key_hashes_find(by->lately, key->hash) : NULL;
    if (hash) return key_keeper_find(by->keys, hash, ret) ? KEY_TOLD : KEY_MISSES;
    if (key_text_form(key->text) != KEY_WELL_FORMED) return KEY_NO_KEY;
    if (!key_keeper_hash(by->keys, key->text, made)) return KEY_NO_STORE;
    if (!key_keeper_find(by->keys, made, ret)) return KEY_MISSES;
    /* Strangers, of which anybody can make more, drive out nobody. */
    if (ret->standing != KEY_UNKNOWN) key_hashes_put(by->lately, key->hash, made);
    return KEY_TOLD;
}

/* The first of the keys that is known in the store counts, as it does in the configuration. */
static identify_verdict identify_in_store(const config *c, const identify_by *by,
                                          const shown_key *keys, span peer, arena *a, caller *ret,
                                          weir_error *ret_error, span *ret_text) {
    key_entry e;
    for (size_t i = 0; i < EXCHANGE_KEYS; i++) {
        const key_word word = ask_store(by, &keys[i], &e);
        if (word == KEY_NO_STORE) return refuse(ERR_KEYS_UNAVAILABLE, ret_error);
        if (word == KEY_MISSES) {
            *ret_text = keys[i].text;
            return IDENTIFY_WAITS;
        }
        if (word == KEY_TOLD && e.standing != KEY_UNKNOWN)
            return judge(c, &e, peer, a, ret, ret_error);
    }
    return refuse_stranger(keys, ret_error);
}

/* The first that looks like a token is one. */
static span token_of(const shown_key *keys) {
    for (size_t i = 0; i < EXCHANGE_KEYS; i++)
        if (jwt_is_one(keys[i].text)) return keys[i].text;
    return SPAN_EMPTY;
}

static identify_verdict identify_token(const config *c, token_keeper *tokens, span token, span peer,
                                       arena *a, caller *ret, weir_error *ret_error) {
    caller found;
    const token_verdict v = token_keeper_find(tokens, c, token, a, &found, ret_error);
    if (v == TOKEN_WAITS) return IDENTIFY_FETCHES;
    if (v == TOKEN_REFUSED) return IDENTIFY_REFUSED;
    if (exchange_may_enter(c, found.client, peer, a, ret_error)) {
        *ret = found;
        return IDENTIFY_KNOWN;
    }
    caller_unref(found);
    return IDENTIFY_REFUSED;
}

identify_verdict identify(const config *c, const identify_by *by, http_headers headers, span peer,
                          arena *a, caller *ret, weir_error *ret_error, span *ret_text) {
    shown_key keys[EXCHANGE_KEYS];
    *ret = (caller){NULL, NULL};
    if (!config_asks_keys(c)) return IDENTIFY_KNOWN;
    exchange_find_keys(headers, keys);
    const config_client *client = exchange_find_client(c, keys);
    if (client) {
        if (!exchange_may_enter(c, client, peer, a, ret_error)) return IDENTIFY_REFUSED;
        ret->client = client;
        return IDENTIFY_KNOWN;
    }
    const span token = c->jwt.on ? token_of(keys) : SPAN_EMPTY;
    if (token.len) return identify_token(c, by->tokens, token, peer, a, ret, ret_error);
    if (!by->keys || c->keys == KEYS_OFF) return refuse_stranger(keys, ret_error);
    return identify_in_store(c, by, keys, peer, a, ret, ret_error, ret_text);
}
