/* tools/strict_schema.h: what a JSON Schema says, as tools/strict.h asks it. For that alone.
 *
 * Any schema may be asked anything: what is no object says nothing. Pure.
 */
#ifndef WEIR_TOOLS_STRICT_SCHEMA_H
#define WEIR_TOOLS_STRICT_SCHEMA_H

#include "json/json.h"

enum { STRICT_DEPTH_MAX = 10 }; /* of objects within each other; what a provider takes */

json_value strict_get(json_value schema, const char *key);
bool strict_has(json_value schema, const char *key);
/* Whether a list has it, byte for byte. */
bool strict_is_in(json_value array, json_value v);
/* type: a name, or a list of them. */
bool strict_has_type(json_value schema, span name);
bool strict_is_required(json_value schema, span name);
bool strict_is_object(json_value schema);
bool strict_is_array(json_value schema);
/* What a $ref names, of those that strict mode follows: "#", "#/$defs/NAME", "#/definitions/NAME".
 */
json_value strict_refers_to(json_value root, json_value ref);
/* depth: 0. */
bool strict_allows_null(json_value root, json_value schema, unsigned depth);

#endif
