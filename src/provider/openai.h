/* provider/openai.h: OpenAI's API, and whatever is asked as it is.
 *
 * Source   github.com/openai/openai-openapi; Azure OpenAI REST reference for api-version.
 */
#ifndef WEIR_PROVIDER_OPENAI_H
#define WEIR_PROVIDER_OPENAI_H

#include "provider/provider.h"

extern const provider_ops provider_openai;

/* openai_added.c: provider_ops.refuses_own. Whether a refusal's body names the member, elsewhere
 * than where it repeats the request; of the usage's option also, whether it speaks of a member that
 * it does not know, without a word as to which. */
unsigned openai_refuses_own(span body, unsigned own);

#endif
