/* telemetry/genai.h: what OpenTelemetry's GenAI conventions call an endpoint, a provider and a
 * model, and the metrics that they ask for, from a call's record. Pure, but for the counting.
 *
 * Source   open-telemetry/semantic-conventions(-genai): docs/gen-ai.
 */
#ifndef WEIR_TELEMETRY_GENAI_H
#define WEIR_TELEMETRY_GENAI_H

#include "dialect/endpoint.h"
#include "observe/metrics.h"

#include "config/config.h"

/* gen_ai.operation.name: a word of the conventions, or the endpoint's own; empty: of EP_OTHER. */
span genai_operation(endpoint e);

/* The provider of a target, "openai/gpt-4o"; NULL: there is none of that name. */
const config_provider *genai_provider_of(const config *c, span target);
/* gen_ai.provider.name: whose form of telemetry it is. What speaks as OpenAI does is "openai",
 * unless its host tells otherwise. */
span genai_provider_name(const config_provider *p);
/* The model of a target; empty: it names none. */
span genai_model_of(span target);

/* error.type of an attempt: the status that refused it, else why it failed; empty: it has not, or
 * was not wanted any more. text: where a status is written. */
enum { GENAI_STATUS_MAX = 12 };
span genai_attempt_error(const attempt_record *a, char text[GENAI_STATUS_MAX]);
/* Of a call: its error's word; empty: it has none. */
span genai_call_error(const call_record *r);

/* The conventions' metrics of a call and its attempts. step: of another call, which is what its
 * client sees: only its attempts count. */
void genai_count(metrics_shard *s, const config *c, endpoint e, bool step, const call_record *r);

#endif
