/* alert/signed_post.h: what is posted to a webhook of an operator's, whoever posts it: where it may
 * lead, and the headers that sign it.
 *
 * Pure but for memory; any thread.
 * Source  standardwebhooks.com.
 */
#ifndef WEIR_ALERT_SIGNED_POST_H
#define WEIR_ALERT_SIGNED_POST_H

#include "base/arena.h"
#include "config/alerts.h"
#include "http/client.h"

/* Straight there, and to no address of a private network unless it may be, over so many connections
 * at most. tls is borrowed, NULL where the URL has none. */
http_origin_spec signed_post_origin(const config_webhook *hook, tls_context *tls,
                                    unsigned connections);

/* Of a post of this moment, so that a receiver may refuse what is old; in the arena. id: the same
 * for each try of one thing. The signature is left out where there is no secret. */
http_headers signed_post_headers(const config_webhook *hook, span id, span body, arena *a);

#endif
