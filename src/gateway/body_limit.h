/* gateway/body_limit.h: how large the body of a request may be, before it is read. Pure. */
#ifndef WEIR_GATEWAY_BODY_LIMIT_H
#define WEIR_GATEWAY_BODY_LIMIT_H

#include "config/config.h"

typedef struct body_limit {
    size_t bytes;
    const char *option; /* that says so */
} body_limit;

/* Of what the file and the client say the least. client may be NULL. What a model says is known
 * when the body has told which one is asked. */
body_limit body_limit_of(const config *c, const config_client *client);

#endif
