/* exchange/approvals.h: asking functions.approval.url about a call of a tool, for an exchange; and
 * what of its answer goes into metrics, the log, and to who called. Inside exchange/.
 */
#ifndef WEIR_EXCHANGE_APPROVALS_H
#define WEIR_EXCHANGE_APPROVALS_H

#include "exchange/internal.h"

#include "tools/approval.h"

/* Whether it is to be asked about that call: not about one that would be refused anyhow. */
bool approvals_wanted(const tool *t, span arguments);

/* call_id: empty: it has none. confirmed: the run's client has said that it may be made. As
 * approval_start(). */
MUST_USE approval *approvals_ask(exchange *x, const tool *t, span call, span arguments,
                                 bool confirmed, int64_t due_ms, approval_waiter *w);

/* Counts it, and logs that there was no answer. */
void approvals_note(const exchange *x, const tool *t, const approval_result *result);

/* "the call was not approved: …": of any answer but GIVEN, appended. LATER: that nothing waits. */
void approvals_write_why(const approval_result *result, buf *out);

#endif
