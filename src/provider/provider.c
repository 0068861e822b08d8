/* The provider table, and what all providers share. */
#include "provider/provider.h"

/* One declaration and one entry for each row of config/kinds.def. */
#define X(kind, functions, url, key_env, max_tokens, ids) extern const provider_ops functions;
#include "config/kinds.def"
#undef X

static const struct {
    span kind;
    const provider_ops *ops;
} table[] = {
#define X(kind, functions, url, key_env, max_tokens, ids) {SPAN(#kind), &functions},
#include "config/kinds.def"
#undef X
};

const provider_ops *provider_find(span kind) {
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (span_eq(kind, table[i].kind)) return table[i].ops;
    return NULL;
}
