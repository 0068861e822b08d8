#include "dialect/field.h"

/* The words of fields.def. */
enum {
    CHAT = 1 << DIALECT_OPENAI_CHAT,
    COMPLETIONS = 1 << DIALECT_OPENAI_COMPLETIONS,
    EMBEDDINGS = 1 << DIALECT_OPENAI_EMBEDDINGS,
    RESPONSES = 1 << DIALECT_OPENAI_RESPONSES,
    MODERATIONS = 1 << DIALECT_OPENAI_MODERATIONS,
    SIMPLE = 1 << DIALECT_WEIR_CHAT,
};
enum {
    OR_NULL = 1 << JSON_NULL,
    BOOLEAN = 1 << JSON_FALSE | 1 << JSON_TRUE,
    NUMBER = 1 << JSON_NUMBER,
    STRING = 1 << JSON_STRING,
    ARRAY = 1 << JSON_ARRAY,
    OBJECT = 1 << JSON_OBJECT,
};

static const field typed[] = {
#define TYPED(param, name, dialects, types, expected)                                              \
    {PARAM_##param, SPAN(name), dialects, types, expected},
#define KNOWN(param, name, dialects)
#include "dialect/fields.def"
#undef TYPED
#undef KNOWN
};

static const field known[] = {
#define TYPED(param, name, dialects, types, expected)
#define KNOWN(param, name, dialects) {PARAM_##param, SPAN(name), dialects, 0, NULL},
#include "dialect/fields.def"
#undef TYPED
#undef KNOWN
};

const field *field_typed(size_t *ret_count) {
    *ret_count = ARRAY_LEN(typed);
    return typed;
}

static const field *find_in(const field *rows, size_t count, dialect d, json_value name) {
    for (size_t i = 0; i < count; i++)
        if (field_is_of(&rows[i], d) && json_is(name, rows[i].name)) return &rows[i];
    return NULL;
}

const field *field_find(dialect d, json_value name) {
    const field *f = find_in(typed, ARRAY_LEN(typed), d, name);
    return f ? f : find_in(known, ARRAY_LEN(known), d, name);
}
