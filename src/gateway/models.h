/* gateway/models.h: GET /v1/models and /v1/models/{id}.
 *
 * The list holds the names of the configuration's models. Patterns ("gpt-*", "*") name nothing that
 * could be listed; where there is nothing else, the question goes on to the provider.
 */
#ifndef WEIR_GATEWAY_MODELS_H
#define WEIR_GATEWAY_MODELS_H

#include "gateway/request.h"

extern const request_ops models_list;
extern const request_ops models_one;

/* ---- pure ---- */

/* Whether the configuration names a model in full. */
bool models_named(const config *c);
/* `{"object":"list","data":[…]}`. created: seconds since 1970. */
void models_write_list(const config *c, int64_t created, buf *out);
void models_write_one(const config_model *m, span id, int64_t created, buf *out);
/* Percent-decodes the part of a path. false: a broken escape. */
MUST_USE bool models_decode_id(span text, buf *ret_id);

#endif
