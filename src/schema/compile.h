/* schema/compile.h: a schema while it is compiled. */
#ifndef WEIR_SCHEMA_COMPILE_H
#define WEIR_SCHEMA_COMPILE_H

#include "schema/node.h"

enum {
    SCHEMA_BYTES_MAX = 1 << 20,
    SCHEMA_NODES_MAX = 20000,
    SCHEMA_PATTERNS_MAX = 1000,
};

/* A pattern that the schema owns. */
typedef struct schema_kept {
    struct schema_kept *next;
    schema_pattern *pattern;
} schema_kept;

struct schema_compiler {
    schema *schema;
    buf *why;
    const schema_step *at; /* in the schema's document */
    size_t nodes, patterns;
};

/* places.c: the place of the whole document. */
schema_place *schema_first_place(schema_compiler *c, schema_value *document);
/* Finds what has a name of its own: $id, $anchor, $dynamicAnchor in v and its parts. */
MUST_USE bool schema_find_places(schema_compiler *c, schema_value *v, schema_place *place);
/* The value that a reference from there names; NULL: told why. *ret_place: whose part it is;
 * *ret_anchor: by which dynamic anchor. */
schema_value *schema_find(schema_compiler *c, const schema_place *from, span reference,
                          schema_place **ret_place, span *ret_anchor);

#endif
