/* ledger/tries.h: the attempts of a call, in few bytes: lost hedges and broken streams have cost
 * something too. Pure; any thread.
 *
 * The code: each attempt is a length and as many bytes, in which its fields stand as in that of a
 * call (ledger/call.h).
 */
#ifndef WEIR_LEDGER_TRIES_H
#define WEIR_LEDGER_TRIES_H

#include "json/json.h"
#include "observe/record.h"

/* Numbers are -1 where nothing is known. Times are microseconds since the call began. */
typedef struct ledger_try {
    span target;
    span outcome; /* "ok", "cancelled", or why it failed; empty: it had not ended */
    span provider_request_id;
    int64_t status;
    bool hedge;
    int64_t began_us, sent_us, head_us, first_content_us, ended_us;
    int64_t prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens;
    bool estimated;
    int64_t cost_nano;
} ledger_try;

/* The code of all that the record has, behind what out holds. */
void tries_write(const call_record *r, buf *out);
/* The next one, off the front of *rest. false: there is none, or it is no such code. */
MUST_USE bool tries_take(span *rest, ledger_try *ret);
/* How often a target was left for another, hedges aside. */
int64_t tries_fallbacks(const call_record *r);

/* The API's list of objects. */
void tries_json(span code, json_writer *w);

#endif
