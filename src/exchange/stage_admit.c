/* admit: is there room for another call? */
#include "exchange/internal.h"

enum { TRY_AGAIN_MS = 1000 };

stage_result stage_admit(exchange *x) {
    unsigned most = exchange_config(x)->limits.calls;
    if (x->env->closing) {
        stage_result r = exchange_refuse(x, ERR_DRAINING, NULL, NULL);
        x->failure.client_after_ms = TRY_AGAIN_MS;
        return r;
    }
    if (x->env->open - x->env->open_children > most) {
        stage_result r = exchange_refuse(
            x, ERR_TOO_BUSY, NULL,
            "This worker is at its limit of %u concurrent calls (limits.calls).", most);
        x->failure.client_after_ms = TRY_AGAIN_MS;
        return r;
    }
    return STAGE_NEXT;
}
