/* admin.keys: who sees everybody's records. */
#include "config/reader.h"

enum { KEYS_MAX = 100 };

static bool read_key(reader *r, const option *o, span name, const yaml_node *node,
                     config_admin *admin) {
    if (!type_client_key.read(r, o, name, node, admin->keys[admin->key_count])) return false;
    admin->key_count++;
    return true;
}

static bool read_keys(reader *r, const option *o, span name, const yaml_node *node, void *field) {
    config_admin *admin = CONTAINER_OF(field, config_admin, keys);
    if (yaml_is_null(node)) return true;
    bool many = node->kind == YAML_LIST, ok = true, hidden = r->hidden;
    size_t count = many ? node->count : 1, n = 0;
    r->hidden = true;
    if (count > KEYS_MAX) {
        reader_problem(r, node, "%.*s has %zu keys; allowed up to %d", SPAN_ARG(name), count,
                       KEYS_MAX);
        r->hidden = hidden;
        return false;
    }
    admin->keys = arena_zalloc(r->arena, (count + 1) * sizeof *admin->keys);
    for (const yaml_node *item = many ? node->first : node; item; item = many ? item->next : NULL)
        ok &= read_key(r, o, many ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n++) : name, item,
                       admin);
    r->hidden = hidden;
    return ok;
}

static void write_keys(const option *o, const void *field, buf *out) {
    (void)o;
    const config_admin *admin = CONTAINER_OF(field, config_admin, keys);
    buf_add_char(out, '[');
    for (size_t i = 0; i < admin->key_count; i++) {
        if (i) buf_add_cstr(out, ", ");
        type_client_key.write(o, admin->keys[i], out);
    }
    buf_add_char(out, ']');
}

const option_type type_admin_keys = {"list of keys", "a key or a list of keys", read_keys,
                                     write_keys};
