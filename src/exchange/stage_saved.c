/* saved: what has the cache spared? What the answer would have cost, had its own target been asked.
 */
#include "exchange/cache_use.h"

#include "base/clock.h"
#include "call/price_part.h"

static span target_of(const cache_use *u) {
    if (u->stored) return u->stored->target;
    const bool landed = u->sits && !u->seat.leads && flight_get_state(u->seat.of) == FLIGHT_LANDED;
    return landed ? flight_target(u->seat.of) : SPAN_EMPTY;
}

/* It has been made to its end, and paid for; who made it has heard none of that end. */
static void note_left(exchange *x) {
    call_record *r = &x->record;
    r->outcome = CALL_CANCELLED;
    r->error = x->parting;
    r->error_text = span_cstr(error_get(x->parting)->sentence);
    r->status = error_get(x->parting)->status;
}

static void count(const exchange *x) {
    const cache_use *u = x->cache;
    atomic_fetch_add_explicit(&x->env->cache->calls[u->verdict], 1, memory_order_relaxed);
    if (!x->env->metrics) return;
    metric_series **series = &x->env->cache_calls[u->verdict];
    if (!*series) *series = metrics_series(x->env->metrics, METRIC_CACHE_CALLS, &x->record.cache);
    metric_add(*series, 1);
}

stage_result stage_saved(exchange *x) {
    if (!x->cache) return STAGE_NEXT;
    count(x);
    if (x->cache->recorder && recorder_has_left(x->cache->recorder)) note_left(x);
    const prices *known = snapshot_prices(x->snapshot->snapshot);
    const span target = target_of(x->cache);
    if (x->given && target.len && x->record.error == ERR_NONE)
        x->record.saved_nano =
            known ? prices_cost(known, target, &x->record.usage, clock_wall_us()) : -1;
    return STAGE_NEXT;
}
