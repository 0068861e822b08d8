/* schema/value.h: a JSON document as a tree, which is looked into more often than once.
 *
 * Everything lives in the caller's arena; texts without escapes borrow the document. Equal values,
 * as JSON Schema means it (1 is 1.0, the order of members does not count), have equal hashes.
 */
#ifndef WEIR_SCHEMA_VALUE_H
#define WEIR_SCHEMA_VALUE_H

#include "json/json.h"
#include "schema/number.h"

typedef struct schema_value schema_value;

struct schema_value {
    json_type type;
    span raw;
    span text;            /* of a string, its escapes undone */
    schema_number number; /* of a number */
    size_t count;         /* elements or members */
    schema_value *items;  /* in the document's order; members' values ordered by name */
    span *names;          /* of members, ordered */
    uint64_t hash;
    /* Of a schema's document alone. */
    struct schema_node *node;   /* what it was compiled to */
    struct schema_place *place; /* whose part it is (schema/compile.h) */
};

enum { SCHEMA_VALUES_MAX = 1000000 };

/* false: no JSON (*ret_fault says so), or more values than SCHEMA_VALUES_MAX (JSON_TOO_MANY). */
MUST_USE bool schema_value_read(span document, arena *a, schema_value *ret, json_fault *ret_fault);

/* A member's value, or NULL; also when object is none. */
schema_value *schema_value_get(const schema_value *object, span name);

bool schema_value_eq(const schema_value *a, const schema_value *b);

#endif
