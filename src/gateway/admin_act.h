/* gateway/admin_act.h: what somebody orders over HTTP, for the audit trail: who, from where, to
 * what, and how it went. On the request's loop.
 */
#ifndef WEIR_GATEWAY_ADMIN_ACT_H
#define WEIR_GATEWAY_ADMIN_ACT_H

#include "gateway/request.h"

/* "admin.keys[0]", a client's name, or "anyone"; in the arena. */
span admin_act_who(const request *q, arena *a);

/* Whether a trail is kept. */
bool admin_acts_kept(const request *q);
/* outcome: "ok" or an error's code: a constant word. */
void admin_act_note(const request *q, span what, span subject, const char *outcome);
/* That somebody who is no admin wanted something: kept where the journal has room. */
void admin_act_refused(const request *q, span subject, const char *why);

#endif
