/* admin.keys: who sees everybody's records. They are written as a client's are. */
#include "config/reader.h"

COLD static bool read_keys(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    config_admin *admin = CONTAINER_OF(field, config_admin, keys);
    if (yaml_is_null(node) || (node->kind == YAML_LIST && !node->count)) return true;
    config_client like = {0};
    bool hidden = r->hidden;
    r->hidden = true;
    bool ok = type_client_keys.read(r, o, name, node, &like.keys);
    r->hidden = hidden;
    *admin = (config_admin){like.keys, like.key_count};
    return ok;
}

COLD static void write_keys(const option *o, const void *field, buf *out) {
    const config_admin *admin = CONTAINER_OF(field, config_admin, keys);
    const config_client like = {.keys = admin->keys, .key_count = admin->key_count};
    if (like.key_count)
        type_client_keys.write(o, &like.keys, out);
    else
        buf_add_cstr(out, "[]");
}

const option_type type_admin_keys = {"key or keys", "a key or a list of keys", read_keys,
                                     write_keys, TELLS_SECRET};
