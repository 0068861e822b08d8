/* schema/schema.h: JSON Schema, compiled once, checked against any number of documents.
 *
 * Speaks draft-07 and 2020-12 (a $schema says which; without one 2020-12, in which draft-07's words
 * are understood too where they mean one thing only), as far as one document goes: $ref may name
 * what is in the schema itself, and nothing is ever fetched. What a schema asks
 * for beyond that is refused when it is compiled, by name: no word that would narrow what is
 * allowed is passed over. `format` and what else only describes (title, default, examples …) is
 * passed over, as the specification has it.
 *
 * Compiled: immutable, any thread. A check is bounded in depth, steps and memory whatever schema
 * and document are; one that would take more is an error of the document.
 *
 * Sources  json-schema.org/draft/2020-12/json-schema-{core,validation}, draft-07 likewise;
 *          RFC 6901.
 */
#ifndef WEIR_SCHEMA_SCHEMA_H
#define WEIR_SCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct schema schema;

/* text: JSON, which is copied. NULL: *ret_why has a sentence appended, which says where. */
MUST_USE schema *schema_new(span text, buf *ret_why);
/* NULL is allowed. */
void schema_free(schema *s);

/* Whether a document, JSON text, is as the schema says. false: *ret_why has what is wrong appended,
 * for whoever wrote the document: one problem a line, "at /city: expected a string, got 5", a few
 * at most. A text that is no JSON is wrong too. */
MUST_USE bool schema_check(const schema *s, span document, buf *ret_why);

#endif
