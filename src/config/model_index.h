/* config/model_index.h: finds the entry of models for a client's word, however many there are. Made
 * once for a configuration, immutable; any thread. */
#ifndef WEIR_CONFIG_MODEL_INDEX_H
#define WEIR_CONFIG_MODEL_INDEX_H

#include "base/arena.h"
#include "config/config.h"

/* In the arena, and borrows models, no two of one name. A name of more than CONFIG_MODEL_NAME_MAX
 * bytes, which is a mistake that has been told, is not found. */
const model_index *model_index_new(arena *a, const config_model *models, size_t count);

/* Exact, then the longest prefix pattern, then "*"; NULL. */
const config_model *model_index_find(const model_index *index, span name);

#endif
