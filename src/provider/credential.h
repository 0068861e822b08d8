/* provider/credential.h: what an attempt authenticates with: a provider's key.
 *
 * Counted, any thread. An attempt keeps its own until it ends, whatever is in force meanwhile: what
 * it was sent with is what must not come back in its answer. What is to be refreshed is replaced as
 * a whole; one never changes.
 */
#ifndef WEIR_PROVIDER_CREDENTIAL_H
#define WEIR_PROVIDER_CREDENTIAL_H

#include "base/secret.h"

typedef struct credential credential;

/* Takes a reference of its own. */
MUST_USE credential *credential_new(secret *key);
credential *credential_ref(credential *c);
/* NULL is allowed. */
void credential_unref(credential *c);
/* NULL for NULL. */
const secret *credential_key(const credential *c);

#endif
