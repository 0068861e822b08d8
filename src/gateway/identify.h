/* gateway/identify.h: whose key it is, of all that the gateway knows: the clients of the
 * configuration, the tokens of an issuer's, and the keys of the store.
 */
#ifndef WEIR_GATEWAY_IDENTIFY_H
#define WEIR_GATEWAY_IDENTIFY_H

#include "access/key_hashes.h"
#include "exchange/exchange.h"
#include "gateway/key_keeper.h"
#include "gateway/token_keeper.h"

typedef enum identify_verdict {
    IDENTIFY_KNOWN,   /* *ret is the caller's to give back; client NULL: no keys are asked */
    IDENTIFY_REFUSED, /* *ret_error is the answer, its message in the arena or constant */
    IDENTIFY_WAITS,   /* *ret_text has to be looked up first; it borrows the headers */
    IDENTIFY_FETCHES, /* the keys that verify tokens have to be there first */
} identify_verdict;

/* Where keys are known from beside the configuration. */
typedef struct identify_by {
    key_keeper *keys;   /* NULL: there is no store */
    key_hashes *lately; /* of that store's, this thread's */
    token_keeper *tokens;
} identify_by;

identify_verdict identify(const config *c, const identify_by *by, http_headers headers, span peer,
                          arena *a, caller *ret, weir_error *ret_error, span *ret_text);

#endif
