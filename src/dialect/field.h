/* dialect/field.h: the members that requests have (fields.def). Pure.
 *
 * Any thread. Rows are constant.
 * Source   OpenAI's API reference.
 */
#ifndef WEIR_DIALECT_FIELD_H
#define WEIR_DIALECT_FIELD_H

#include "dialect/dialect.h"
#include "json/json.h"

typedef struct field {
    span name;            /* a C string too */
    unsigned dialects;    /* a bit per dialect */
    unsigned types;       /* a bit per json_type */
    const char *expected; /* "a string" */
} field;

/* All rows, in the order in which they are to be checked. */
const field *field_table(size_t *ret_count);

static inline bool field_is_of(const field *f, dialect d) {
    return f->dialects >> d & 1u;
}
static inline bool field_may_be(const field *f, json_type type) {
    return f->types >> type & 1u;
}

#endif
