/* sim/schema.h: the smallest JSON value that fits a JSON Schema, for the arguments of the
 * simulator's tool calls and its structured answers. Pure; any thread.
 *
 * Knows   const, enum, default, $ref within the document, anyOf, oneOf, allOf, type, properties,
 *         required, items, prefixItems, minItems, minLength, maxLength, format, minimum, maximum,
 *         exclusiveMinimum, exclusiveMaximum, multipleOf. Not pattern.
 */
#ifndef WEIR_SIM_SCHEMA_H
#define WEIR_SIM_SCHEMA_H

#include "json/json.h"

/* Appends the value. schema is any scanned value; what is no schema yields {}. scratch holds
 * decoded names. Nesting, items and lengths are bounded, so that a schema cannot ask for much. */
void sim_schema_write(json_value schema, arena *scratch, buf *out);

#endif
