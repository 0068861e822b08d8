/* call/hint.h: how long to wait, as a provider says it. Pure.
 *
 * Sources  RFC 9110 section 10.2.3 (Retry-After); the SDKs' retry-after-ms and x-should-retry.
 *          OpenAI, "Rate limits in headers": x-ratelimit-remaining-{requests,tokens} and
 *          x-ratelimit-reset-{requests,tokens}, a duration ("6m0s"); Groq and others likewise.
 *          Anthropic, "Response headers": anthropic-ratelimit-{requests,tokens,input-tokens,
 *          output-tokens}-{remaining,reset}, an instant of RFC 3339.
 *          OpenRouter, "Limits": x-ratelimit-reset in ms since 1970; others write seconds since
 *          1970, or from now. draft-ietf-httpapi-ratelimit-headers: RateLimit-Remaining and -Reset
 *          (up to 07), and RateLimit: "name";r=0;t=30 (from 08), in seconds from now.
 */
#ifndef WEIR_CALL_HINT_H
#define WEIR_CALL_HINT_H

#include "call/duration.h"
#include "dialect/failure.h"

/* Whether there is any that hint_read() reads: few answers have one. */
bool hint_is_told(http_headers headers);
/* What the headers say in so many words. */
retry_hint hint_read(http_headers headers, int64_t wall_us);

/* For a 429 that says nothing of when to come again: when a limit that is used up begins anew. In
 * ms from wall_us, at most RETRY_HINT_MAX_MS; -1: none. Of several limits that have nothing left
 * the one that lasts longest: before it no call gets through. One that has something left, or
 * whose reset cannot be read, says nothing. */
int64_t hint_of_reset(http_headers headers, int64_t wall_us);

/* The same from the text of a refusal: "Please try again in 7m12s." (OpenAI, Groq), "Please retry
 * after 26 seconds." (Azure), "Please retry in 34.07s." (Gemini); -1: it says no time. */
int64_t hint_in_text(span text);

#endif
