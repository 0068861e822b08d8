/* gateway/resumed.h: POST /chat/functions/{id}: a run that waits goes on, when somebody has said
 * whether its calls may be made. It is taken out of the ledger's store, and is this worker's from
 * then on; where it could not begin (a limit, a word that is missing) it is put back.
 */
#ifndef WEIR_GATEWAY_RESUMED_H
#define WEIR_GATEWAY_RESUMED_H

#include "gateway/request.h"

extern const request_ops run_resumed;

#endif
