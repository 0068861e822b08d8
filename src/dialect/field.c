#include "dialect/field.h"

/* The words of fields.def. */
enum {
    CHAT = 1 << DIALECT_OPENAI_CHAT,
    COMPLETIONS = 1 << DIALECT_OPENAI_COMPLETIONS,
    EMBEDDINGS = 1 << DIALECT_OPENAI_EMBEDDINGS,
    RESPONSES = 1 << DIALECT_OPENAI_RESPONSES,
    MODERATIONS = 1 << DIALECT_OPENAI_MODERATIONS,
};
enum {
    OR_NULL = 1 << JSON_NULL,
    BOOLEAN = 1 << JSON_FALSE | 1 << JSON_TRUE,
    NUMBER = 1 << JSON_NUMBER,
    STRING = 1 << JSON_STRING,
    ARRAY = 1 << JSON_ARRAY,
    OBJECT = 1 << JSON_OBJECT,
};

static const field rows[] = {
#define X(name, dialects, types, expected) {SPAN(name), dialects, types, expected},
#include "dialect/fields.def"
#undef X
};

const field *field_table(size_t *ret_count) {
    *ret_count = ARRAY_LEN(rows);
    return rows;
}
