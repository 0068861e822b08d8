/* gateway/identify.h: whose key it is, of all that the gateway knows: the clients of the
 * configuration, the tokens of an issuer's, and the keys of the store.
 */
#ifndef WEIR_GATEWAY_IDENTIFY_H
#define WEIR_GATEWAY_IDENTIFY_H

#include "exchange/exchange.h"
#include "gateway/key_keeper.h"
#include "gateway/token_keeper.h"

typedef enum identify_verdict {
    IDENTIFY_KNOWN,   /* *ret is the caller's to give back; client NULL: no keys are asked */
    IDENTIFY_REFUSED, /* *ret_error is the answer, its message in the arena or constant */
    IDENTIFY_WAITS,   /* *ret_text has to be looked up first; it borrows the headers */
    IDENTIFY_FETCHES, /* the keys that verify tokens have to be there first */
} identify_verdict;

/* k may be NULL: there is no store. */
identify_verdict identify(const config *c, key_keeper *k, token_keeper *tokens,
                          http_headers headers, span peer, arena *a, caller *ret,
                          weir_error *ret_error, span *ret_text);

#endif
