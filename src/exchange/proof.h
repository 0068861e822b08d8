/* exchange/proof.h: what an audit trail is told of a call's bytes: the SHA-256 of the request's
 * body as it came, and of the answer's as it went out; and both, where bodies are kept. Put up by
 * stage_prove(); where no trail is kept there is none, and the bytes are not looked at.
 */
#ifndef WEIR_EXCHANGE_PROOF_H
#define WEIR_EXCHANGE_PROOF_H

#include "base/hash.h"
#include "exchange/exchange.h"

typedef struct exchange_proof {
    sha256_stream *answer;
    bool has_prompt;
    unsigned char prompt[SHA256_LEN];
    struct kept_bodies *bodies; /* exchange/keep.h; NULL: none are kept */
} exchange_proof;

#endif
