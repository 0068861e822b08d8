/* access/permit.h: whether a client may do what it asks. Pure. Any thread.
 *
 * ERR_NONE: it may. Otherwise *ret_why gets a sentence for the client, which names what it asked
 * and not what others may.
 */
#ifndef WEIR_ACCESS_PERMIT_H
#define WEIR_ACCESS_PERMIT_H

#include "base/errors.h"
#include "config/config.h"

/* At the door: when, where, and for which weir. environment: the weir's; empty: any client's will
 * do. peer: an address, with a port or without. */
error_id permit_caller(const config_client *c, int64_t now_us, span environment, span peer,
                       buf *ret_why);

/* What is called: the endpoint's name in records, and its path. An entry is either of them, with or
 * without /v1/ before it, and a * at its end stands for any rest. */
error_id permit_endpoint(const config_client *c, span name, span path, buf *ret_why);

/* model: as asked for; empty: the request names none. */
error_id permit_model(const config_client *c, span model, buf *ret_why);
/* The same without words. */
bool permit_has_model(const config_client *c, span model);

#endif
