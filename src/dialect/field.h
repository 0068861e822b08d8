/* dialect/field.h: the members that requests have (fields.def). Pure.
 *
 * Any thread. Rows are constant.
 * Source   OpenAI's API reference.
 */
#ifndef WEIR_DIALECT_FIELD_H
#define WEIR_DIALECT_FIELD_H

#include "dialect/dialect.h"
#include "json/json.h"

/* What a member means, whatever a dialect calls it. */
typedef enum param_id {
    PARAM_UNKNOWN,
    PARAM_CONTENT,      /* what the model is to read: messages, input, prompt */
    PARAM_INSTRUCTIONS, /* what it is to read before that */
    PARAM_TEMPLATE,     /* a prompt that the provider keeps, and the texts to be put into it */
    PARAM_PREDICTION,   /* what the answer will probably be */
    PARAM_SUFFIX,       /* what is to follow the answer */
    PARAM_MODEL,
    PARAM_STREAM,
    PARAM_STREAM_OPTIONS,
    PARAM_MAX_TOKENS, /* a request may have more than one */
    PARAM_TEMPERATURE,
    PARAM_TOP_P,
    PARAM_STOP,
    PARAM_N, /* how many answers */
    PARAM_SEED,
    PARAM_TOOLS,
    PARAM_TOOL_CHOICE,
    PARAM_PARALLEL_CALLS,
    PARAM_FORMAT, /* of the answer: text, JSON, a schema */
    PARAM_EFFORT, /* of reasoning */
    PARAM_USER,
    PARAM_STATE,   /* what the provider remembers of earlier calls */
    PARAM_SETTING, /* any other: told apart by its name alone */
} param_id;

typedef struct field {
    param_id param;
    span name;            /* a C string too */
    unsigned dialects;    /* a bit per dialect */
    unsigned types;       /* a bit per json_type; 0: any */
    const char *expected; /* "a string"; NULL where any type will do */
} field;

/* The rows whose types are to be checked, in that order. */
const field *field_typed(size_t *ret_count);
/* By name; NULL: the dialect has no such member that weir knows. */
const field *field_find(dialect d, json_value name);

static inline bool field_is_of(const field *f, dialect d) {
    return f->dialects >> d & 1u;
}
static inline bool field_may_be(const field *f, json_type type) {
    return !f->types || f->types >> type & 1u;
}

#endif
