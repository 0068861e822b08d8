/* lib/simulated.h: the built-in simulator, where a client's options name it in the place of a URL:
 * a server on a free port of this machine, with a thread of its own. Private to the room.
 *
 * Any thread.
 */
#ifndef WEIR_LIB_SIMULATED_H
#define WEIR_LIB_SIMULATED_H

#include "lib/options.h"

/* The word that names it. */
#define SIMULATED_NAME "simulator"

typedef struct simulated simulated;

bool simulated_is_named(const char *url);
/* Starts it where one of the URLs (or $OPENAI_BASE_URL, where it counts) names it, and notes its
 * address in the options. *ret NULL: none does. false: *ret_why says why it cannot be started. */
MUST_USE bool simulated_start(weir_options *o, simulated **ret, buf *ret_why);
/* NULL is allowed. */
void simulated_stop(simulated *s);

#endif
