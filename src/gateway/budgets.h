/* gateway/budgets.h: what was spent before this process began. The counters of budgets are in
 * memory (limit/limiter.h); they begin with what the records of the day and the month come to, so
 * that no restart, however it comes, gives a budget out twice.
 *
 * Without a ledger, and for addresses, which records are not added up by, a budget begins anew.
 * Belongs to the main loop.
 */
#ifndef WEIR_GATEWAY_BUDGETS_H
#define WEIR_GATEWAY_BUDGETS_H

#include "config/config.h"
#include "ledger/ledger.h"
#include "limit/limiter.h"
#include "loop/loop.h"
#include "observe/log.h"

typedef struct budgets budgets;

/* l may be NULL: there are no records. */
MUST_USE budgets *budgets_new(loop *on, log_shard *log, ledger *l, limiter *to);
/* Before any call is taken: reads them on this thread, for a second or so. Where the store is away,
 * or does not have all records yet, calls are taken all the same, which the log says, and it is
 * asked again until it has told. */
void budgets_begin(budgets *b, config *c);
/* After a reload, which may have brought budgets: on another thread. */
void budgets_apply(budgets *b, config *c);
/* Of a client that no configuration names, before its first call: on any thread that may block,
 * which it does for a second or so. Where the store does not have all records yet, that is told and
 * it is asked again, as above. false: it could not be asked. */
MUST_USE bool budgets_seed(budgets *b, const config_client *c, buf *ret_why);
/* NULL is allowed, of both. */
void budgets_stop(budgets *b);
/* After budgets_stop(). */
void budgets_free(budgets *b);

#endif
