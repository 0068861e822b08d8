#include "tools/strict_schema.h"

json_value strict_get(json_value schema, const char *key) {
    static const json_value none = {JSON_NONE, {NULL, 0}};
    return schema.type == JSON_OBJECT ? json_get(schema, span_cstr(key)) : none;
}

bool strict_has(json_value schema, const char *key) {
    return strict_get(schema, key).type != JSON_NONE;
}

bool strict_is_in(json_value array, json_value v) {
    json_iter it = json_iter_of(array);
    if (array.type != JSON_ARRAY) return false;
    for (json_value e; json_next_element(&it, &e);)
        if (e.type == v.type && span_eq(e.raw, v.raw)) return true;
    return false;
}

bool strict_has_type(json_value schema, span name) {
    json_value type = strict_get(schema, "type"), e;
    if (type.type == JSON_STRING) return json_is(type, name);
    if (type.type != JSON_ARRAY) return false;
    for (json_iter it = json_iter_of(type); json_next_element(&it, &e);)
        if (json_is(e, name)) return true;
    return false;
}

bool strict_is_required(json_value schema, span name) {
    json_value required = strict_get(schema, "required"), e;
    if (required.type != JSON_ARRAY) return false;
    for (json_iter it = json_iter_of(required); json_next_element(&it, &e);)
        if (json_is(e, name)) return true;
    return false;
}

bool strict_is_object(json_value schema) {
    return strict_has_type(schema, SPAN_OF("object")) ||
           (!strict_has(schema, "type") && strict_has(schema, "properties"));
}

bool strict_is_array(json_value schema) {
    return strict_has_type(schema, SPAN_OF("array")) ||
           (!strict_has(schema, "type") && strict_has(schema, "items"));
}

json_value strict_refers_to(json_value root, json_value ref) {
    static const json_value none = {JSON_NONE, {NULL, 0}};
    static const char *const places[] = {"$defs", "definitions"};
    if (json_is(ref, SPAN_OF("#"))) return root;
    const span text =
        ref.type == JSON_STRING ? span_slice(ref.raw, 1, ref.raw.len - 1) : SPAN_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        span rest = text;
        if (!span_starts(rest, SPAN_OF("#/"))) return none;
        rest = span_slice(rest, 2, rest.len);
        if (!span_starts(rest, span_cstr(places[i]))) continue;
        rest = span_slice(rest, strlen(places[i]), rest.len);
        if (rest.len < 2 || rest.ptr[0] != '/') return none;
        rest = span_slice(rest, 1, rest.len);
        if (span_find(rest, 0, '/') < rest.len || span_find(rest, 0, '~') < rest.len ||
            span_find(rest, 0, '\\') < rest.len || span_find(rest, 0, '%') < rest.len)
            return none;
        return json_get(strict_get(root, places[i]), rest);
    }
    return none;
}

static bool any_allows_null(json_value root, json_value list, unsigned depth) {
    json_iter it = json_iter_of(list);
    if (list.type != JSON_ARRAY) return false;
    for (json_value e; json_next_element(&it, &e);)
        if (strict_allows_null(root, e, depth + 1)) return true;
    return false;
}

bool strict_allows_null(json_value root, json_value schema, unsigned depth) {
    static const json_value null = {JSON_NULL, SPAN("null")};
    if (schema.type != JSON_OBJECT) return schema.type == JSON_TRUE;
    if (depth > STRICT_DEPTH_MAX) return false;
    if (strict_has(schema, "type") && !strict_has_type(schema, SPAN_OF("null"))) return false;
    if (strict_has(schema, "enum") && !strict_is_in(strict_get(schema, "enum"), null)) return false;
    if (strict_has(schema, "const") && strict_get(schema, "const").type != JSON_NULL) return false;
    if (strict_has(schema, "anyOf") && !any_allows_null(root, strict_get(schema, "anyOf"), depth))
        return false;
    if (strict_has(schema, "oneOf") && !any_allows_null(root, strict_get(schema, "oneOf"), depth))
        return false;
    json_value ref = strict_get(schema, "$ref");
    return ref.type == JSON_NONE ||
           strict_allows_null(root, strict_refers_to(root, ref), depth + 1);
}
