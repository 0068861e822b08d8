#include "access/token_caller.h"

#include "base/hash.h"
#include "config/rights.h"

enum { NAME_BYTES = 64 };

static bool refuse(span claim, bool missing, arena *a, span *ret_why) {
    buf why = BUF_EMPTY;
    buf_addf(&why,
             missing ? "The token lacks the claim '%.*s', which this gateway needs."
                     : "The token's claim '%.*s' cannot be used here.",
             SPAN_ARG(claim));
    *ret_why = arena_dup(a, buf_span(&why));
    buf_done(&why);
    return false;
}

/* JSON_NONE: it is not there, or is null. */
static json_value find(json_value claims, span name) {
    const json_value v = name.len ? json_get(claims, name) : (json_value){JSON_NONE, SPAN_EMPTY};
    return v.type == JSON_NULL ? (json_value){JSON_NONE, SPAN_EMPTY} : v;
}

/* ---- names ---- */

static bool is_name(span s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7F) return false;
    return s.len > 0 && s.len <= NAME_BYTES;
}

static bool read_client(const config_jwt *o, json_value claims, arena *a, span *ret,
                        span *ret_why) {
    const json_value v = find(claims, o->client);
    if (v.type == JSON_NONE) return refuse(o->client, true, a, ret_why);
    *ret = v.type == JSON_STRING ? json_string(v, a) : SPAN_EMPTY;
    return is_name(*ret) || refuse(o->client, false, a, ret_why);
}

/* One that is there and cannot be read does not leave it to the caller to say who he is. */
static bool read_user(const config_jwt *o, json_value claims, arena *a, span *ret, span *ret_why) {
    const json_value v = find(claims, o->user);
    *ret = v.type == JSON_STRING ? json_string(v, a) : SPAN_EMPTY;
    return v.type == JSON_NONE || ret->len || refuse(o->user, false, a, ret_why);
}

/* ---- rights ---- */

/* Reads one claim as the option is read; no claim is named: as where it is not written. An empty
 * list would stand for all, as in a file, which an issuer hardly means. */
static bool read_right(const char *option, span name, json_value claims, arena *a, access_key *key,
                       config_client *ret, span *ret_why) {
    const json_value v = find(claims, name);
    if (name.len && v.type == JSON_NONE) return refuse(name, true, a, ret_why);
    if (v.type == JSON_ARRAY && json_is_empty(v)) return refuse(name, false, a, ret_why);
    buf text = BUF_EMPTY, why = BUF_EMPTY;
    buf_add_char(&text, '{');
    if (name.len) buf_addf(&text, "\"%s\":%.*s", option, SPAN_ARG(v.raw));
    buf_add_char(&text, '}');
    *ret = (config_client){0};
    const bool good = config_rights_parse(buf_span(&text), &key->arena, ret, &why);
    buf_done(&text);
    buf_done(&why);
    return good || refuse(name, false, a, ret_why);
}

static bool read_rights(const config_jwt *o, json_value claims, arena *a, access_key *key,
                        span *ret_why) {
    config_client of_models;
    if (!read_right("limits", o->limits, claims, a, key, &key->client, ret_why) ||
        !read_right("models", o->models, claims, a, key, &of_models, ret_why))
        return false;
    key->client.models = of_models.models;
    key->client.model_count = of_models.model_count;
    return true;
}

/* ---- all of it ---- */

static const config_client *client_named(const config *c, span name) {
    for (size_t i = 0; i < c->client_count; i++)
        if (span_eq(c->clients[i].name, name)) return &c->clients[i];
    return NULL;
}

access_key *token_caller(const config *c, const jwt *t, arena *a, span *ret_why) {
    const config_jwt *o = &c->jwt;
    span name, user;
    if (!read_client(o, t->claims, a, &name, ret_why) ||
        !read_user(o, t->claims, a, &user, ret_why))
        return NULL;
    const config_client *known = client_named(c, name);
    access_key *key = access_key_new();
    if (known) {
        key->client = config_client_copy(known, &key->arena);
    } else if (!read_rights(o, t->claims, a, key, ret_why)) {
        access_key_unref(key);
        return NULL;
    }
    key->client.name = arena_dup(&key->arena, name);
    key->client.holder = hash_span(key->client.name);
    key->user = arena_dup(&key->arena, user);
    key->until_us = t->until_us;
    return key;
}
