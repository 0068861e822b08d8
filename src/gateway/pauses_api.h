/* gateway/pauses_api.h: clients that may not call until an admin says so (alert/pauses.h):
 * /admin/v1/clients/…
 */
#ifndef WEIR_GATEWAY_PAUSES_API_H
#define WEIR_GATEWAY_PAUSES_API_H

#include "gateway/request.h"

extern const request_ops pauses_all, pauses_pause, pauses_resume;

#endif
