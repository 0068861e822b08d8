/* provider/openai.h: OpenAI's wire format, which weir's own clients speak too, and the helpers that
 * other formats share with it.
 *
 * Source   github.com/openai/openai-openapi; Azure OpenAI REST reference for api-version.
 */
#ifndef WEIR_PROVIDER_OPENAI_H
#define WEIR_PROVIDER_OPENAI_H

#include "provider/provider.h"

extern const provider_ops provider_openai;

/* Facts of one chunk or answer in OpenAI's form (openai_facts.c). data is the JSON text. */
void openai_read_facts(endpoint e, span data, bool chunk, answer_facts *ret);
/* The figures of a `usage` object of either family (chat, responses). */
void openai_read_usage(json_value usage, token_usage *ret);

/* Reads an answer that is not 2xx (openai_refusal.c): the rules that also serve look-alikes. */
void openai_refuse(int status, http_headers headers, span body, const secret *key, arena *a,
                   provider_refusal *ret);
/* The class of a refusal by status, error code, type and message. */
failure_class openai_classify(int status, span code, span type, span message);

#endif
