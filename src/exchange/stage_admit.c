/* admit: is there room for another call, and for another one of this client? */
#include "exchange/internal.h"

#include <inttypes.h>

enum { TRY_AGAIN_MS = 1000 };

static stage_result try_again(exchange *x) {
    x->failure.client_after_ms = TRY_AGAIN_MS;
    return STAGE_ANSWER;
}

/* The client's share of limits.calls. */
static bool take_share(exchange *x, uint64_t most, uint64_t share) {
    if (!x->client || share >= most) return true;
    x->holds_share = shares_take(&x->env->calls, x->client->holder, 1, most, share) == SHARE_TAKEN;
    return x->holds_share;
}

void stage_admit_done(exchange *x) {
    if (x->holds_share) shares_give(&x->env->calls, x->client->holder, 1);
}

stage_result stage_admit(exchange *x) {
    const unsigned most = exchange_config(x)->limits.calls;
    const uint64_t share = config_share(exchange_config(x), most);
    if (x->env->closing) {
        (void)exchange_refuse(x, ERR_DRAINING, NULL, NULL);
        return try_again(x);
    }
    if (x->env->open - x->env->open_children > most) {
        (void)exchange_refuse(x, ERR_TOO_BUSY, NULL,
                              "This worker is at its limit of %u concurrent calls (limits.calls).",
                              most);
        return try_again(x);
    }
    if (!take_share(x, most, share)) {
        (void)exchange_refuse(x, ERR_OVER_SHARE, NULL,
                              "This client has %" PRIu64 " calls in progress, its share of this "
                              "worker's %u (limits.client_share, limits.calls).",
                              share, most);
        return try_again(x);
    }
    return STAGE_NEXT;
}
