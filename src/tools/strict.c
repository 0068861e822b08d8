#include "tools/strict.h"

#include "tools/strict_schema.h"

/* A schema while it is rewritten. */
typedef struct writing {
    json_value root;
    json_writer w;
    unsigned depth;
    bool possible;
} writing;

static void write_schema(writing *s, json_value schema, bool optional);

static void give_up(writing *s) {
    s->possible = false;
}

/* Words that say what is allowed in a way that strict mode has no other for. Those that only narrow
 * it are left to the check of the call. */
static bool has_what_cannot_be(json_value schema) {
    static const char *const words[] = {"allOf",       "patternProperties", "prefixItems",
                                        "$dynamicRef", "$recursiveRef",     "additionalItems"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strict_has(schema, words[i])) return true;
    return false;
}

static void put_kept(writing *s, json_value schema) {
    static const char *const words[] = {"title",    "description",      "pattern", "multipleOf",
                                        "minimum",  "exclusiveMinimum", "maximum", "minItems",
                                        "maxItems", "exclusiveMaximum"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        json_value v = strict_get(schema, words[i]);
        if (v.type == JSON_NONE || v.type == JSON_TRUE || v.type == JSON_FALSE) continue;
        json_key(&s->w, words[i]);
        json_put_raw(&s->w, v.raw);
    }
}

static void put_format(writing *s, json_value schema) {
    static const span known[] = {SPAN("date-time"), SPAN("time"),  SPAN("date"),
                                 SPAN("duration"),  SPAN("email"), SPAN("hostname"),
                                 SPAN("ipv4"),      SPAN("ipv6"),  SPAN("uuid")};
    json_value format = strict_get(schema, "format");
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!json_is(format, known[i])) continue;
        json_key(&s->w, "format");
        json_put_raw(&s->w, format.raw);
    }
}

static const char *type_name(json_value v) {
    switch (v.type) {
    case JSON_NULL: return "null";
    case JSON_FALSE:
    case JSON_TRUE: return "boolean";
    case JSON_NUMBER: return "number";
    case JSON_STRING: return "string";
    default: return NULL;
    }
}

/* Of a list of values: the one type that they have, but for null. */
static const char *type_of_values(json_value list) {
    const char *type = NULL;
    json_iter it = json_iter_of(list);
    for (json_value v; list.type == JSON_ARRAY && json_next_element(&it, &v);) {
        const char *name = type_name(v);
        if (!name || (type && v.type != JSON_NULL && strcmp(type, name) != 0)) return NULL;
        if (v.type != JSON_NULL) type = name;
    }
    return type;
}

static void put_type_or_null(writing *s, span name, bool optional) {
    json_key(&s->w, "type");
    if (!optional || span_eq(name, SPAN_OF("null"))) {
        json_put_string(&s->w, name);
        return;
    }
    json_open_array(&s->w);
    json_put_string(&s->w, name);
    json_put_string(&s->w, SPAN_OF("null"));
    json_close_array(&s->w);
}

static void put_types_or_null(writing *s, json_value schema, bool optional) {
    json_value type = strict_get(schema, "type");
    json_key(&s->w, "type");
    json_open_array(&s->w);
    json_put_raw(&s->w, span_strip(span_slice(type.raw, 1, type.raw.len - 1)));
    if (optional && !strict_has_type(schema, SPAN_OF("null")))
        json_put_string(&s->w, SPAN_OF("null"));
    json_close_array(&s->w);
}

static void put_type(writing *s, json_value schema, json_value values, bool optional) {
    json_value type = strict_get(schema, "type");
    const char *found = values.type == JSON_ARRAY ? type_of_values(values) : NULL;
    if (type.type == JSON_STRING)
        put_type_or_null(s, span_slice(type.raw, 1, type.raw.len - 1), optional);
    else if (type.type == JSON_ARRAY && !json_is_empty(type))
        put_types_or_null(s, schema, optional);
    else if (strict_is_object(schema))
        put_type_or_null(s, SPAN_OF("object"), optional);
    else if (strict_is_array(schema))
        put_type_or_null(s, SPAN_OF("array"), optional);
    else if (found)
        put_type_or_null(s, span_cstr(found), optional);
    else
        give_up(s); /* any value */
}

static void put_enum(writing *s, json_value values, bool optional) {
    static const json_value null = {JSON_NULL, SPAN("null")};
    json_key(&s->w, "enum");
    json_open_array(&s->w);
    if (!json_is_empty(values))
        json_put_raw(&s->w, span_strip(span_slice(values.raw, 1, values.raw.len - 1)));
    if (optional && !strict_is_in(values, null)) json_put_null(&s->w);
    json_close_array(&s->w);
}

/* ---- objects ---- */

static bool is_open(json_value schema) {
    json_value more = strict_get(schema, "additionalProperties");
    return more.type != JSON_NONE && more.type != JSON_FALSE;
}

static void put_properties(writing *s, json_value schema) {
    json_value properties = strict_get(schema, "properties");
    json_member m;
    arena a;
    if (is_open(schema) || properties.type != JSON_OBJECT) {
        give_up(s);
        return;
    }
    arena_init(&a, 0);
    json_key(&s->w, "properties");
    json_open_object(&s->w);
    for (json_iter it = json_iter_of(properties); json_next_member(&it, &m);) {
        json_value name = json_member_name(&m);
        json_put_name(&s->w, name);
        write_schema(s, m.value, !strict_is_required(schema, json_string(name, &a)));
    }
    arena_done(&a);
    json_close_object(&s->w);
    json_key(&s->w, "required");
    json_open_array(&s->w);
    for (json_iter it = json_iter_of(properties); json_next_member(&it, &m);)
        json_put_raw(&s->w, json_member_name(&m).raw);
    json_close_array(&s->w);
    json_key(&s->w, "additionalProperties");
    json_put_bool(&s->w, false);
}

/* An object of whose members nothing is said may have any; the arguments themselves are none then.
 */
static void put_object(writing *s, json_value schema) {
    json_value properties = strict_get(schema, "properties");
    const bool empty = properties.type != JSON_OBJECT || json_is_empty(properties);
    const bool closed = strict_get(schema, "additionalProperties").type == JSON_FALSE;
    if (empty && s->depth > 1 && !closed) give_up(s);
    if (properties.type == JSON_OBJECT || !empty) {
        put_properties(s, schema);
        return;
    }
    if (is_open(schema)) give_up(s);
    buf_add_cstr(s->w.out, ",\"properties\":{},\"required\":[],\"additionalProperties\":false");
}

/* ---- any schema ---- */

static void put_each(writing *s, json_value list, bool optional) {
    bool null = false;
    json_key(&s->w, "anyOf");
    json_open_array(&s->w);
    json_iter it = json_iter_of(list);
    for (json_value e; json_next_element(&it, &e);) {
        null |= strict_allows_null(s->root, e, 0);
        write_schema(s, e, false);
    }
    if (optional && !null) json_put_raw(&s->w, SPAN_OF("{\"type\":\"null\"}"));
    json_close_array(&s->w);
}

static void put_ref(writing *s, json_value ref, bool optional) {
    json_value to = strict_refers_to(s->root, ref);
    if (to.type != JSON_OBJECT) give_up(s);
    const bool more = optional && !strict_allows_null(s->root, to, 0);
    if (more) buf_add_cstr(s->w.out, "\"anyOf\":[{");
    json_key(&s->w, "$ref");
    json_put_raw(&s->w, ref.raw);
    if (more) buf_add_cstr(s->w.out, "},{\"type\":\"null\"}]");
}

static void put_plain(writing *s, json_value schema, bool optional) {
    json_value values = strict_get(schema, "enum"), one = strict_get(schema, "const");
    arena a;
    arena_init(&a, 0);
    if (one.type != JSON_NONE) {
        const span list[] = {SPAN("["), one.raw, SPAN("]")};
        values = (json_value){JSON_ARRAY, arena_join(&a, list, ARRAY_LEN(list))};
    }
    put_type(s, schema, values, optional);
    put_kept(s, schema);
    put_format(s, schema);
    if (values.type == JSON_ARRAY) put_enum(s, values, optional);
    if (strict_is_object(schema)) put_object(s, schema);
    if (strict_is_array(schema)) {
        json_key(&s->w, "items");
        write_schema(s, strict_get(schema, "items"), false);
    }
    arena_done(&a);
}

static void put_definitions(writing *s, json_value schema) {
    static const char *const places[] = {"$defs", "definitions"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        json_value all = strict_get(schema, places[i]);
        json_member m;
        if (all.type != JSON_OBJECT) continue;
        if (s->depth > 1) give_up(s); /* nobody finds them there */
        json_key(&s->w, places[i]);
        json_open_object(&s->w);
        for (json_iter it = json_iter_of(all); json_next_member(&it, &m);) {
            json_put_name(&s->w, json_member_name(&m));
            write_schema(s, m.value, false);
        }
        json_close_object(&s->w);
    }
}

static void write_body(writing *s, json_value schema, bool optional) {
    json_value ref = strict_get(schema, "$ref"), any = strict_get(schema, "anyOf"),
               one = strict_get(schema, "oneOf");
    const bool several = any.type == JSON_ARRAY || one.type == JSON_ARRAY;
    if (has_what_cannot_be(schema) || (several && strict_is_object(schema))) give_up(s);
    if (ref.type != JSON_NONE) {
        put_ref(s, ref, optional);
    } else if (several) {
        if (strict_has(schema, "anyOf") && strict_has(schema, "oneOf")) give_up(s);
        put_each(s, any.type == JSON_ARRAY ? any : one, optional);
        json_value about = strict_get(schema, "description");
        if (about.type == JSON_STRING) {
            json_key(&s->w, "description");
            json_put_raw(&s->w, about.raw);
        }
    } else {
        put_plain(s, schema, optional);
    }
    put_definitions(s, schema);
}

static void write_schema(writing *s, json_value schema, bool optional) {
    if (schema.type != JSON_OBJECT || s->depth == STRICT_DEPTH_MAX) give_up(s);
    if (!s->possible) return;
    s->depth++;
    json_open_object(&s->w);
    write_body(s, schema, optional);
    json_close_object(&s->w);
    s->depth--;
}

bool strict_write(json_value schema, buf *out) {
    const size_t before = out->len;
    writing s = {.root = schema, .w = json_writer_of(out), .possible = true};
    if (!strict_is_object(schema) || strict_has(schema, "$ref") ||
        strict_has_type(schema, SPAN_OF("null")))
        return false;
    write_schema(&s, schema, false);
    if (!s.possible) out->len = before;
    return s.possible;
}
