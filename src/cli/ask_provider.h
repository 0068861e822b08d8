/* cli/ask_provider.h: asks a provider which models it has, with one of its keys. Blocks. */
#ifndef WEIR_CLI_ASK_PROVIDER_H
#define WEIR_CLI_ASK_PROVIDER_H

#include "http/fetch.h"

/* key: which of its list, from 0; nothing is sent where it has none. fetched_done() always follows.
 */
void ask_provider_models(const config_provider *p, size_t key, fetched *ret);
/* How many times it is to be asked to have used each of its keys: at least once. */
size_t ask_provider_keys(const config_provider *p);

#endif
