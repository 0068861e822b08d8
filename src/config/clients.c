/* clients: who may call. */
#include "base/hash.h"
#include "config/callable.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/write.h"

#include <string.h>

enum { CLIENTS_MAX = 10000, CLIENT_NAME_MAX = 64, CLIENT_KEYS_MAX = 8, CLIENT_KEY_SHORT = 16 };

static bool decode_hash(reader *r, span name, const yaml_node *node, const config_key_source *from,
                        unsigned char *ret) {
    if (from->file.len || from->argv) {
        reader_problem(r, node, "%.*s has sha256 and another source; expected one of them",
                       SPAN_ARG(name));
        return false;
    }
    if (from->sha256.len == SHA256_HEX_LEN && hex_decode(from->sha256, ret, SHA256_LEN))
        return true;
    reader_problem(r, node,
                   "%.*s.sha256 has %zu characters; expected the 64 hex digits of a SHA-256",
                   SPAN_ARG(name), from->sha256.len);
    return false;
}

COLD static bool read_client_key(reader *r, const option *o, span name, const yaml_node *node,
                                 unsigned char *ret) {
    secret *key = NULL;
    if (node->kind == YAML_MAP) {
        config_key_source from = {0};
        span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
        reader_defaults(r, &scope_client_key, &from);
        if (!reader_scope(r, &scope_client_key, prefix, node, &from)) return false;
        if (from.sha256.ptr) return decode_hash(r, name, node, &from, ret);
        if (!keys_from_source(r, name, node, &from, &key)) return false;
    } else if (!keys_from_text(r, o, name, node, &key)) {
        return false;
    }
    if (secret_reveal(key).len < CLIENT_KEY_SHORT)
        reader_warning(r, node,
                       "%.*s has fewer than %d characters, which can be guessed; openssl rand -hex "
                       "32 makes a better one",
                       SPAN_ARG(name), CLIENT_KEY_SHORT);
    sha256(secret_reveal(key), ret);
    secret_unref(key);
    return true;
}

/* Of two entries of the list that say the same one is a slip. */
static bool is_new(reader *r, span name, const yaml_node *node, const config_client *client) {
    for (size_t i = 0; i < client->key_count; i++) {
        if (memcmp(client->keys[i], client->keys[client->key_count], SHA256_LEN) != 0) continue;
        reader_problem(r, node, "%.*s is a key that stands in the list already", SPAN_ARG(name));
        return false;
    }
    return true;
}

COLD static bool read_client_keys(reader *r, const option *o, span name, const yaml_node *node,
                                  void *field) {
    config_client *client = CONTAINER_OF(field, config_client, keys);
    bool list = node->kind == YAML_LIST, ok = true;
    size_t count = list ? node->count : 1, n = 0;
    if (count == 0 || count > CLIENT_KEYS_MAX) {
        reader_problem(r, node, "%.*s has %zu keys; allowed 1 to %d", SPAN_ARG(name), count,
                       CLIENT_KEYS_MAX);
        return false;
    }
    client->keys = arena_zalloc(r->arena, count * sizeof *client->keys);
    for (const yaml_node *item = list ? node->first : node; item; item = list ? item->next : NULL) {
        span at = list ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n++) : name;
        if (read_client_key(r, o, at, item, client->keys[client->key_count]) &&
            is_new(r, at, item, client))
            client->key_count++;
        else
            ok = false;
    }
    return ok;
}

COLD static void write_client_keys(const option *o, const void *field, buf *out) {
    (void)o;
    const config_client *client = CONTAINER_OF(field, config_client, keys);
    bool list = client->key_count > 1;
    if (list) buf_add_char(out, '[');
    for (size_t i = 0; i < client->key_count; i++) {
        char hex[SHA256_HEX_LEN + 1];
        hex_encode(client->keys[i], SHA256_LEN, hex);
        buf_addf(out, "%s{sha256: %s}", i ? ", " : "", hex);
    }
    if (list) buf_add_char(out, ']');
}
const option_type type_client_keys = {
    "client key or keys",
    "a key, a reference \"${NAME}\", {file: path}, {sha256: hex} or a list of these",
    read_client_keys, write_client_keys, TELLS_SECRET};

static bool printable(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return true;
}

static bool share_a_key(const config_client *a, const config_client *b) {
    for (size_t i = 0; i < a->key_count; i++)
        for (size_t k = 0; k < b->key_count; k++)
            if (memcmp(a->keys[i], b->keys[k], SHA256_LEN) == 0) return true;
    return false;
}

COLD static bool check_client(reader *r, span name, const yaml_node *node,
                              const config_client *client) {
    if (client->name.len == 0 || client->name.len > CLIENT_NAME_MAX || !printable(client->name)) {
        reader_problem(r, node, "%.*s.name has %zu bytes; expected 1 to %d printable ones",
                       SPAN_ARG(name), client->name.len, CLIENT_NAME_MAX);
        return false;
    }
    if (client->environment.len > CLIENT_NAME_MAX || !printable(client->environment)) {
        reader_problem(r, node, "%.*s.environment has %zu bytes; expected up to %d printable ones",
                       SPAN_ARG(name), client->environment.len, CLIENT_NAME_MAX);
        return false;
    }
    const config *c = r->config;
    for (const config_client *other = c->clients; other < client; other++) {
        bool same_name = span_eq(other->name, client->name);
        if (!same_name && !share_a_key(other, client)) continue;
        reader_problem(r, node, "%.*s has the %s of an earlier client; each has its own",
                       SPAN_ARG(name), same_name ? "name" : "key");
        return false;
    }
    return true;
}

COLD static bool read_clients(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    (void)field;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_LIST) return reader_expected(r, o, name, node);
    if (node->count > CLIENTS_MAX) {
        reader_problem(r, node, "%.*s has %zu entries; allowed up to %d", SPAN_ARG(name),
                       node->count, CLIENTS_MAX);
        return false;
    }
    config *c = r->config;
    c->clients = arena_zalloc(r->arena, (node->count + 1) * sizeof *c->clients);
    bool ok = true, hidden = r->hidden;
    size_t n = 0;
    r->hidden = true;
    for (const yaml_node *item = node->first; item; item = item->next) {
        span at = reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n++);
        config_client *client = &c->clients[c->client_count];
        *client = (config_client){0}; /* the one before may have been a bad one */
        reader_defaults(r, &scope_client, client);
        reader_origin(r, client, item);
        const span prefix = reader_name(r, "%.*s.", SPAN_ARG(at));
        if (reader_scope(r, &scope_client, prefix, item, client) && sizes_check(r, prefix, item) &&
            check_client(r, at, item, client)) {
            client->holder = hash_span(client->name);
            c->client_count++;
        } else {
            ok = false;
        }
    }
    r->hidden = hidden;
    return ok;
}
const option_type type_clients = {"list of clients", "a list of clients", read_clients, NULL,
                                  TELLS_PARTS};

/* ---- what no single option can tell ---- */

/* A path may be one that passthrough has let through, or will. */
COLD static void check_endpoint(reader *r, span name, const yaml_node *node, span entry) {
    if (callable_is_any(r->config, entry)) return;
    span said = reader_said(r, node, "another text");
    if (span_starts(entry, SPAN_OF("/"))) {
        reader_warning(r, node,
                       "%.*s is %.*s, which nobody can call here: a path that is no endpoint's "
                       "needs passthrough",
                       SPAN_ARG(name), SPAN_ARG(said));
        return;
    }
    buf expected = BUF_EMPTY;
    callable_add_expected(&expected);
    reader_problem(r, node, "%.*s is %.*s; expected %.*s", SPAN_ARG(name), SPAN_ARG(said),
                   SPAN_ARG(buf_span(&expected)));
    buf_done(&expected);
}

COLD static void check_endpoints(reader *r, size_t at, const yaml_node *map,
                                 const config_client *client) {
    const yaml_node *node = yaml_get(map, SPAN_OF("endpoints"));
    if (!node) return;
    const span name = reader_name(r, "clients[%zu].endpoints", at);
    const yaml_node *item = node->kind == YAML_LIST ? node->first : node;
    for (size_t i = 0; i < client->endpoint_count; i++, item = item->next)
        check_endpoint(r, item == node ? name : reader_name(r, "%.*s[%zu]", SPAN_ARG(name), i),
                       item, client->endpoints[i]);
}

/* Those that were refused are not among the configuration's. */
COLD void clients_check(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *list = yaml_get(root, SPAN_OF("clients"));
    const yaml_node *map = list ? list->first : NULL;
    if (!c->client_count || c->client_count != list->count) return;
    for (size_t i = 0; i < c->client_count; i++, map = map->next)
        check_endpoints(r, i, map, &c->clients[i]);
}
