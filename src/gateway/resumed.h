/* gateway/resumed.h: POST /chat/functions/{id}: a run that waits goes on, when somebody has said
 * whether its calls may be made. Here it is looked for; it stays in the ledger's store until its
 * exchange claims it (exchange/functions.h), and where that is refused before, it goes on waiting.
 */
#ifndef WEIR_GATEWAY_RESUMED_H
#define WEIR_GATEWAY_RESUMED_H

#include "gateway/request.h"

extern const request_ops run_resumed;

#endif
