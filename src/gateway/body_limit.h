/* gateway/body_limit.h: how large the body of a request may be, before it is read. Pure.
 *
 * Those of calls are read where no loop stands still for them, and may have what the configuration
 * says. What else has a body (a message to /mcp, an order of an admin's, the word that a run waits
 * for) is read on the loop, and pages have none, for which anybody could have room kept.
 */
#ifndef WEIR_GATEWAY_BODY_LIMIT_H
#define WEIR_GATEWAY_BODY_LIMIT_H

#include "gateway/routes.h"

typedef struct body_limit {
    size_t bytes;
    const char *option; /* that says so; of what none says, words for it */
} body_limit;

/* Of bodies that are no call's: with a method that brings one, and with another. */
enum { BODY_MESSAGE_MAX = 4 << 20, BODY_PAGE_MAX = 4096 };

/* Of what the file and the client say the least. client may be NULL. What a model says is known
 * when the body has told which one is asked. */
body_limit body_limit_of(const config *c, const config_client *client);
/* The same at a row, with a method. */
body_limit body_limit_at(const route *row, http_method method, const config *c,
                         const config_client *client);

#endif
