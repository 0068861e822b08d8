/* gateway/keys_api.h: /admin/v1/keys: the keys of the store, for those who have an admin's. What
 * the store is asked is asked on another thread; what was changed is in force when that is
 * answered, in this process, and elsewhere within a second.
 */
#ifndef WEIR_GATEWAY_KEYS_API_H
#define WEIR_GATEWAY_KEYS_API_H

#include "gateway/request.h"

extern const request_ops keys_all; /* GET: a page of them; POST: makes one */
extern const request_ops keys_one; /* GET, PATCH */
extern const request_ops keys_rotate;
extern const request_ops keys_revoke;

#endif
