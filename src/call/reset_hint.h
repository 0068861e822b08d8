/* call/reset_hint.h: when a limit that is used up begins anew, for a 429 that says nothing of when
 * to come again (call/retry.h): what providers tell beside their answers anyway. Pure.
 *
 * Sources  OpenAI, "Rate limits in headers": x-ratelimit-remaining-{requests,tokens} and
 *          x-ratelimit-reset-{requests,tokens}, a duration ("6m0s"); Groq and others likewise.
 *          Anthropic, "Response headers": anthropic-ratelimit-{requests,tokens,input-tokens,
 *          output-tokens}-{remaining,reset}, an instant of RFC 3339.
 */
#ifndef WEIR_CALL_RESET_HINT_H
#define WEIR_CALL_RESET_HINT_H

#include "http/message.h"

/* In ms from wall_us, at most RETRY_HINT_MAX_MS; -1: none. Of several limits that have nothing
 * left the one that lasts longest: before it no call gets through. One that has something left, or
 * whose reset cannot be read, says nothing. */
int64_t reset_hint_read(http_headers headers, int64_t wall_us);

#endif
