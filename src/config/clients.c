/* clients: who may call. */
#include "base/hash.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/write.h"

#include <string.h>

enum { CLIENTS_MAX = 10000, CLIENT_NAME_MAX = 64 };

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

static bool read_client_key(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    secret *key = NULL;
    if (node->kind == YAML_MAP) {
        config_key_source from = {0};
        span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
        reader_defaults(r, &scope_client_key, &from);
        if (!reader_scope(r, &scope_client_key, prefix, node, &from)) return false;
        if (from.sha256.ptr) return decode_hash(r, name, node, &from, field);
        if (!keys_from_source(r, name, node, &from, &key)) return false;
    } else if (!keys_from_text(r, o, name, node, &key)) {
        return false;
    }
    sha256(secret_reveal(key), field);
    secret_unref(key);
    return true;
}
static void write_client_key(const option *o, const void *field, buf *out) {
    (void)o;
    char hex[SHA256_HEX_LEN + 1];
    hex_encode(field, SHA256_LEN, hex);
    buf_addf(out, "{sha256: %s}", hex);
}
const option_type type_client_key = {
    "client key", "a key, a reference \"${NAME}\", {file: path} or {sha256: hex}", read_client_key,
    write_client_key};

static bool printable(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return true;
}

static bool check_client(reader *r, span name, const yaml_node *node, const config_client *client) {
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
        if (!same_name && memcmp(other->key_sha256, client->key_sha256, SHA256_LEN) != 0) continue;
        reader_problem(r, node, "%.*s has the %s of an earlier client; each has its own",
                       SPAN_ARG(name), same_name ? "name" : "key");
        return false;
    }
    return true;
}

static bool read_clients(reader *r, const option *o, span name, const yaml_node *node,
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
        reader_defaults(r, &scope_client, client);
        reader_origin(r, client, item);
        if (reader_scope(r, &scope_client, reader_name(r, "%.*s.", SPAN_ARG(at)), item, client) &&
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
const option_type type_clients = {"list of clients", "a list of clients", read_clients, NULL};
