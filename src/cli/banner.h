/* cli/banner.h: what `weir serve` tells the person who started it. */
#ifndef WEIR_CLI_BANNER_H
#define WEIR_CLI_BANNER_H

#include "gateway/gateway.h"

/* A command that works when pasted: one call to the first of the addresses (as gateway_address()
 * writes them). */
void banner_write_curl(const config *c, const char *address, buf *out);
/* What is served, and to whom. note: where the configuration came from, where that is no file. */
void banner_write_served(const config *c, const char *note, buf *out);
/* All that is told, as lines of the log in JSON. */
void banner_write_events(const config *c, const char *note, const gateway *g, buf *out);

#endif
