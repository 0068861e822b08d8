/* provider/openai.h: OpenAI's API, and whatever is asked as it is.
 *
 * Source   github.com/openai/openai-openapi; Azure OpenAI REST reference for api-version.
 */
#ifndef WEIR_PROVIDER_OPENAI_H
#define WEIR_PROVIDER_OPENAI_H

#include "provider/provider.h"

extern const provider_ops provider_openai;

/* Whether the body of a refusal names `stream_options` or its `include_usage`, elsewhere than where
 * it repeats the request (openai_added.c). */
bool openai_names_usage_option(span body);
/* Whether it refuses a member that it does not know, without a word as to which. */
bool openai_names_no_member(span body);

#endif
