/* access/token_caller.h: who calls with a token that is good: what its claims say of its client, by
 * the names that auth.jwt.claims gives them. Pure. Any thread.
 *
 * A claim of rights (limits, models) that the configuration names is needed: a token without it
 * would be one that nothing holds. A client that the file has too has its rights from there, and
 * these claims are passed over. The claim of the user may be missing, as a service calls for many.
 */
#ifndef WEIR_ACCESS_TOKEN_CALLER_H
#define WEIR_ACCESS_TOKEN_CALLER_H

#include "access/caller.h"
#include "access/jwt.h"

/* With one reference. NULL: a claim is missing or cannot be used, which *ret_why, a sentence for
 * the client in the arena, names. */
MUST_USE access_key *token_caller(const config *c, const jwt *t, arena *a, span *ret_why);

#endif
