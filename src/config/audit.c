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
    return keys_read_one(r, o, name, node, is_long_enough, field);
}

const option_type type_audit_key = {"key", KEYS_ONE_EXPECTED, read_key, keys_write_one,
                                    TELLS_SECRET};
