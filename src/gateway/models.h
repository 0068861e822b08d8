/* gateway/models.h: GET /v1/models and /v1/models/{id}.
 *
 * The list holds the names of the configuration's models, then what patterns ("gpt-*", "*") let
 * through of what their providers list (gateway/catalog.h), unless server.list_models says names.
 * A single model is described for every name that a call could use.
 */
#ifndef WEIR_GATEWAY_MODELS_H
#define WEIR_GATEWAY_MODELS_H

#include "gateway/model_list.h"
#include "gateway/request.h"

extern const request_ops models_list;
extern const request_ops models_one;

/* ---- pure ---- */

/* What is known of the models that a provider lists; NULL: nothing. */
typedef struct models_known {
    const model_list *(*of)(const void *user, const config_provider *p);
    const void *user;
} models_known;

/* Whether some pattern lets through names that a provider's list may tell. */
bool models_are_open(const config *c);
/* `{"object":"list","data":[…]}`: names, then what patterns let through, each id once, as far as
 * `who` may ask for it (NULL: anybody). known may be NULL. created: seconds since 1970, where
 * nobody says when. */
void models_write_list(const config *c, const config_client *who, const models_known *known,
                       int64_t created, buf *out);
/* As its provider describes it, where one of the entry's lists it. */
void models_write_one(const config_model *m, const models_known *known, span id, int64_t created,
                      buf *out);

#endif
