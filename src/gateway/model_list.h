/* gateway/model_list.h: the models that a provider lists, read from its answer to GET /models.
 *
 * Pure. A provider is not trusted: what has no name that a request could have, or repeats weir's
 * key, is left out, and their number is bounded.
 */
#ifndef WEIR_GATEWAY_MODEL_LIST_H
#define WEIR_GATEWAY_MODEL_LIST_H

#include "base/secret_set.h"
#include "json/json.h"

typedef struct listed_model {
    span id;           /* printable UTF-8 */
    json_value object; /* as the provider describes it */
} listed_model;

typedef struct model_list {
    arena arena; /* everything of it */
    listed_model *items;
    size_t count;
} model_list;

/* {"data":[{"id":…},…]}, or the array alone, as some send it. What repeats a secret is left out.
 * false: it is neither, and nothing is to be given back. */
MUST_USE bool model_list_read(span body, const secret_set *secrets, model_list *ret);
void model_list_done(model_list *l);
/* NULL: it is not listed. */
const listed_model *model_list_find(const model_list *l, span id);

#endif
