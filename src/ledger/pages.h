/* ledger/pages.h: what the API answers of a store, and `weir usage` and `weir calls` beside one:
 * the same objects. Any thread that may block; the store is that thread's meanwhile.
 *
 * false: store_why() tells; what stands in *out is nothing then.
 */
#ifndef WEIR_LEDGER_PAGES_H
#define WEIR_LEDGER_PAGES_H

#include "ledger/query.h"
#include "ledger/store.h"

/* GET /usage/summary. *ret_too_many: there is no page, and summary_complain() says why. */
MUST_USE bool page_summary(store *s, const ledger_query *q, buf *out, bool *ret_too_many);
/* GET /usage/calls: {"data": […], "next": …} */
MUST_USE bool page_calls(store *s, const ledger_query *q, buf *out);
/* GET /usage/calls/ID, of q->client alone where that is set. */
MUST_USE bool page_call(store *s, const ledger_query *q, span id, buf *out, bool *ret_found);

#endif
