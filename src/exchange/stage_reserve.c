/* reserve: is there room for the record of a call? What a crash would cut off is known from here
 * on.
 */
#include "exchange/internal.h"

#include "ledger/ledger.h"

stage_result stage_reserve(exchange *x) {
    switch (ledger_reserve(x->env->ledger, &x->record)) {
    case LEDGER_TAKEN: x->reserved = true; break;
    case LEDGER_PASSED: break;
    case LEDGER_FULL: return exchange_refuse(x, ERR_LEDGER_FULL, NULL, NULL);
    }
    return STAGE_NEXT;
}
