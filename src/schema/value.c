#include "schema/value.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

/* Children are gathered on a stack until their parent is whole. */
typedef struct gathered {
    span name;
    schema_value value;
} gathered;

typedef struct value_reader {
    arena *arena;
    json_cursor at;
    gathered *stack;
    size_t count, cap;
    size_t values; /* so far */
} value_reader;

static gathered *push(value_reader *r) {
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->stack = mem_realloc(r->stack, r->cap * sizeof *r->stack);
    }
    gathered *g = &r->stack[r->count++];
    *g = (gathered){0};
    return g;
}

static int compare(span a, span b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b) {
    return compare(((const gathered *)a)->name, ((const gathered *)b)->name);
}

static uint64_t mix(uint64_t hash, uint64_t more) {
    return (hash ^ more) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

/* Takes the children over from the stack's end. */
static void close_container(value_reader *r, size_t from, schema_value *v) {
    v->count = r->count - from;
    v->items = arena_alloc(r->arena, (v->count + 1) * sizeof *v->items);
    gathered *children = v->count ? r->stack + from : NULL;
    if (v->type == JSON_OBJECT) {
        v->names = arena_alloc(r->arena, (v->count + 1) * sizeof *v->names);
        if (v->count > 1) qsort(children, v->count, sizeof *children, by_name);
    }
    for (size_t i = 0; i < v->count; i++) {
        v->items[i] = children[i].value;
        v->hash = mix(v->hash, children[i].value.hash);
        if (v->type != JSON_OBJECT) continue;
        v->names[i] = children[i].name;
        v->hash = mix(v->hash, hash_span(children[i].name));
    }
    r->count = from;
}

static void read_scalar(value_reader *r, schema_value *v) {
    json_value value = json_cursor_take(&r->at);
    v->raw = value.raw;
    if (v->type == JSON_STRING) {
        v->text = json_string(value, r->arena);
        v->hash = mix(v->hash, hash_span(v->text));
    } else if (v->type == JSON_NUMBER) {
        v->number = schema_number_read(value.raw, r->arena);
        v->hash = mix(v->hash, hash_span(v->number.digits) + (uint64_t)v->number.exponent +
                                   v->number.negative);
    }
}

/* As deep as json_scan() lets documents be. */
static bool read_value(value_reader *r, schema_value *ret) {
    schema_value v = {.type = json_cursor_type(&r->at)};
    v.hash = mix(0, v.type);
    if (++r->values > SCHEMA_VALUES_MAX) return false;
    if (v.type != JSON_ARRAY && v.type != JSON_OBJECT) {
        read_scalar(r, &v);
        *ret = v;
        return true;
    }
    size_t from = r->count;
    span key = SPAN_EMPTY;
    const char *begin = r->at.at;
    json_cursor_enter(&r->at);
    while (v.type == JSON_OBJECT ? json_cursor_member(&r->at, &key) : json_cursor_element(&r->at)) {
        gathered child = {0};
        if (v.type == JSON_OBJECT)
            child.name = json_string((json_value){JSON_STRING, span_from(key.ptr - 1, key.len + 2)},
                                     r->arena);
        if (!read_value(r, &child.value)) return false;
        *push(r) = child;
    }
    v.raw = span_from(begin, (size_t)(r->at.at - begin));
    close_container(r, from, &v);
    *ret = v;
    return true;
}

bool schema_value_read(span document, arena *a, schema_value *ret, json_fault *ret_fault) {
    json_value root;
    if (!json_scan(document, NULL, &root, ret_fault)) return false;
    value_reader r = {.arena = a, .at = {root.raw.ptr, root.raw.ptr + root.raw.len}};
    bool ok = read_value(&r, ret);
    free(r.stack);
    if (!ok) *ret_fault = (json_fault){JSON_TOO_MANY, 0, "it has more values than are looked at"};
    return ok;
}

schema_value *schema_value_get(const schema_value *object, span name) {
    if (object->type != JSON_OBJECT) return NULL;
    size_t low = 0, high = object->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, object->names[middle]);
        if (order == 0) return &object->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool schema_value_eq(const schema_value *a, const schema_value *b) {
    if (a->hash != b->hash || a->type != b->type || a->count != b->count) return false;
    if (a->type == JSON_STRING) return span_eq(a->text, b->text);
    if (a->type == JSON_NUMBER) return schema_number_compare(&a->number, &b->number) == 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->type == JSON_OBJECT && !span_eq(a->names[i], b->names[i])) return false;
        if (!schema_value_eq(&a->items[i], &b->items[i])) return false;
    }
    return true;
}
