/* config/explain.h: how `weir check --explain` writes what an option comes to, between explain.c,
 * which has the lines, and explain_parts.c, which has what stands within one.
 *
 * Nothing that is written is a secret: an option's type says what may be told of it (option_tells).
 */
#ifndef WEIR_CONFIG_EXPLAIN_H
#define WEIR_CONFIG_EXPLAIN_H

#include "config/option.h"

typedef struct explainer {
    const config *config;
    buf *out;
    bool compared; /* nobody reads it: without where each value came from, and what a ${…} stands
                      for as it is */
} explainer;

/* What o comes to at base; where a ${…} may be a secret, as it is written, or (set). */
void explain_value(const explainer *e, const option *o, const void *base, buf *out);
/* An entry of a list that has no secret parts; the same. false: there is no ${…} in it, and nothing
 * was written. */
bool explain_entry(const explainer *e, const void *entry, buf *out);
/* Whether that is what holds where nothing is said. */
bool explain_says_nothing(const option *o, span written);

/* In flow style, as write() of any other type: a type_webhooks, type_guard_rules, type_redis or
 * type_cache_store. false: o is none of these. */
bool explain_parts(const explainer *e, const option *o, const void *field, buf *out);

#endif
