/* Arguments that were written by a strict schema, as the tool wants them. */
#include "tools/strict.h"
#include "tools/strict_schema.h"

typedef struct dropping {
    json_value root;
    span text;
    json_splice edits;
} dropping;

static void look(dropping *d, json_value schema, json_value v, unsigned depth);

static json_value resolve(json_value root, json_value schema) {
    for (unsigned i = 0; i < STRICT_DEPTH_MAX && strict_has(schema, "$ref"); i++)
        schema = strict_refers_to(root, strict_get(schema, "$ref"));
    return schema;
}

/* Whether all members of the value are told in the schema. */
static bool knows_all(json_value schema, json_value v, arena *a) {
    json_value properties = strict_get(schema, "properties");
    json_iter it = json_iter_of(v);
    for (json_member m; json_next_member(&it, &m);)
        if (properties.type != JSON_OBJECT ||
            json_get(properties, json_string(json_member_name(&m), a)).type == JSON_NONE)
            return false;
    return true;
}

/* The one of several that the value is of, as far as its form tells. */
static void look_at_each(dropping *d, json_value list, json_value v, unsigned depth) {
    json_value e;
    if (list.type != JSON_ARRAY) return;
    for (json_iter it = json_iter_of(list); json_next_element(&it, &e);) {
        json_value schema = resolve(d->root, e);
        const bool fits = v.type == JSON_OBJECT
                              ? strict_is_object(schema) && knows_all(schema, v, d->edits.arena)
                              : v.type == JSON_ARRAY && strict_is_array(schema);
        if (!fits) continue;
        look(d, schema, v, depth);
        return;
    }
}

/* A member with one of the commas around it. */
static void drop(dropping *d, json_value object, const json_member *m, bool kept_before) {
    const char *from = json_member_name(m).raw.ptr, *to = m->value.raw.ptr + m->value.raw.len;
    const char *end = object.raw.ptr + object.raw.len - 1;
    if (kept_before) {
        while (*from != ',')
            from--;
    } else {
        while (to < end && *to != ',')
            to++;
        if (to < end) to++;
    }
    (void)!json_splice_add(&d->edits, (size_t)(from - d->text.ptr), (size_t)(to - d->text.ptr),
                           SPAN_EMPTY);
}

static void look_at_members(dropping *d, json_value schema, json_value object, unsigned depth) {
    json_value properties = strict_get(schema, "properties");
    json_iter it = json_iter_of(object);
    bool kept = false;
    if (properties.type != JSON_OBJECT) return;
    for (json_member m; json_next_member(&it, &m);) {
        const span name = json_string(json_member_name(&m), d->edits.arena);
        json_value of = json_get(properties, name);
        const bool goes = m.value.type == JSON_NULL && of.type != JSON_NONE &&
                          !strict_is_required(schema, name) && !strict_allows_null(d->root, of, 0);
        if (goes) {
            drop(d, object, &m, kept);
            continue;
        }
        kept = true;
        look(d, of, m.value, depth);
    }
}

static void look(dropping *d, json_value schema, json_value v, unsigned depth) {
    schema = resolve(d->root, schema);
    if (depth > 2 * STRICT_DEPTH_MAX || schema.type != JSON_OBJECT || v.type < JSON_ARRAY) return;
    if (strict_has(schema, "anyOf")) look_at_each(d, strict_get(schema, "anyOf"), v, depth + 1);
    if (strict_has(schema, "oneOf")) look_at_each(d, strict_get(schema, "oneOf"), v, depth + 1);
    if (v.type == JSON_OBJECT) {
        look_at_members(d, schema, v, depth + 1);
        return;
    }
    json_iter it = json_iter_of(v);
    for (json_value e; json_next_element(&it, &e);)
        look(d, strict_get(schema, "items"), e, depth + 1);
}

span strict_drop_nulls(json_value schema, span arguments, arena *a) {
    static const json_limits limits = {.depth = 64, .members = 4096};
    dropping d = {.root = schema, .text = arguments};
    json_value root;
    json_fault fault;
    if (span_find_span(arguments, 0, SPAN_OF("null")) == arguments.len) return arguments;
    if (!json_scan(arguments, &limits, &root, &fault)) return arguments;
    size_t count = 0;
    json_splice_init(&d.edits, a);
    look(&d, schema, root, 0);
    if (!d.edits.count) return arguments;
    const span *pieces = json_splice_pieces(&d.edits, arguments, &count);
    return arena_join(a, pieces, count);
}
