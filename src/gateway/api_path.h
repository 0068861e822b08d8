/* gateway/api_path.h: the ways in which clients spell the paths of the API.
 *
 * OpenAI's SDKs are given a base URL that ends in /v1, or by mistake one that does not. Azure's
 * clients name a deployment in the path, which is a model's name here, or use the newer form.
 *
 *   /v1/chat/completions                              as in the table of routes
 *   /openai/v1/chat/completions                       Azure
 *   /openai/responses                                 Azure, older, what needs no deployment
 *   /openai/deployments/NAME/chat/completions         Azure, older
 *   /chat/completions                                 a base URL without /v1
 *
 * Pure. Nothing is decoded but the deployment's name.
 * Source   learn.microsoft.com/azure/ai-foundry/openai/reference; openai-python lib/azure.py.
 */
#ifndef WEIR_GATEWAY_API_PATH_H
#define WEIR_GATEWAY_API_PATH_H

#include "base/buf.h"

typedef enum api_base {
    API_NONE, /* whatever stands there, the API does not begin there */
    API_V1,
    API_AZURE,
    API_BARE,
} api_base;

typedef struct api_path {
    api_base base;
    span below;      /* "/chat/completions" */
    span deployment; /* as it was sent; empty: the path names none */
} api_path;

api_path api_path_of(span path);

/* The deployment's name, percent-decoded. false: it is no name: a broken escape, no UTF-8, or
 * control characters. */
MUST_USE bool api_path_decode(span text, buf *ret_name);

#endif
