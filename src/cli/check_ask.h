/* cli/check_ask.h: asks each provider, with each of its keys, which models it has. Blocks.
 *
 * Costs no tokens. Says for each key whether it is accepted and how long the answer took, and for
 * each model that the configuration names there whether the provider lists it.
 */
#ifndef WEIR_CLI_CHECK_ASK_H
#define WEIR_CLI_CHECK_ASK_H

#include "config/config.h"

/* Writes its lines to stdout as the answers come. false: a key is refused, somebody is not reached,
 * or the lines were not taken. */
MUST_USE bool check_ask(const config *c);

#endif
