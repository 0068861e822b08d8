/* cli/locate.h: from the options of a command to the address of a running weir: --url, or the first
 * of the configuration's addresses that this machine can ask without a certificate.
 */
#ifndef WEIR_CLI_LOCATE_H
#define WEIR_CLI_LOCATE_H

#include "config/config.h"

/* url: --url; path: --config; both may be NULL: then the configuration that weir serve would find
 * says, or else it listens where weir serve does by default. In the arena. false after saying on
 * stderr what is wrong. */
MUST_USE bool locate_weir(const char *url, const char *path, arena *a, config_url *ret);

#endif
