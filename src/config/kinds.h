/* config/kinds.h: the kinds of provider that the configuration knows, with their defaults. */
#ifndef WEIR_CONFIG_KINDS_H
#define WEIR_CONFIG_KINDS_H

#include "config/config.h"

typedef struct config_kind {
    span name;
    const char *url;     /* the default */
    const char *key_env; /* the variable that holds the key for the default URL; NULL: no key */
    config_max_tokens max_tokens;
    config_completion_ids ids;
} config_kind;

extern const config_kind config_kinds[];
extern const size_t config_kind_count;

const config_kind *config_kind_find(span name); /* NULL: unknown */

#endif
