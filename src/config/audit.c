/* audit.key: what signs the heads of an audit trail and encrypts the bodies in it. One key, written
 * as a provider's is. */
#include "config/keys.h"
#include "config/reader.h"

#include <string.h>

enum { KEY_BYTES_MIN = 16 };

static bool is_long_enough(reader *r, span name, const yaml_node *node, const secret *key) {
    size_t len = secret_reveal(key).len;
    if (len >= KEY_BYTES_MIN) return true;
    reader_problem(r, node, "%.*s has %zu characters; expected at least %d that nobody can guess",
                   SPAN_ARG(name), len, KEY_BYTES_MIN);
    return false;
}

COLD static bool read_key(reader *r, const option *o, span name, const yaml_node *node,
                          void *field) {
    config_provider like = {0};
    if (yaml_is_null(node) || (node->kind == YAML_LIST && !node->count)) return true;
    if (node->kind == YAML_LIST) return reader_expected(r, o, name, node);
    bool hidden = r->hidden;
    r->hidden = true;
    bool ok = type_keys.read(r, o, name, node, &like.keys) && like.key_count == 1 &&
              is_long_enough(r, name, node, like.keys[0]);
    r->hidden = hidden;
    if (ok)
        *(secret **)field = like.keys[0];
    else if (like.key_count)
        secret_unref(like.keys[0]);
    return ok;
}

COLD static void write_key(const option *o, const void *field, buf *out) {
    (void)o;
    buf_add_cstr(out, *(secret *const *)field ? "(set)" : "[]");
}

const option_type type_audit_key = {
    "key", "a reference \"${NAME}\", {file: path} or {command: [program, argument]}", read_key,
    write_key, TELLS_SECRET};
