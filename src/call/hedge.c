/* A second target beside one that is slow to say anything, so that the quicker of the two is heard.
 *
 * At most one at a time, and only so many of all calls (call/target.h); what may be asked and what
 * became of it is the call's affair like that of any attempt.
 */
#include "call/internal.h"

/* No content yet: the next target is started beside the slow one. */
static void on_hedge(timer *t) {
    call *c = CONTAINER_OF(t, call, hedge);
    const config_hedge *policy = &call_config(c)->hedge;
    size_t slow = c->at, next = slots_other(&c->slots, call_now_ms(c));
    if (lanes_taken(c) != 1 || !lanes_running(c) || next == c->slots.count) return;
    target_state *payer = c->slots.items[slow].payer;
    if (!target_take_hedge(payer, policy, c->spec.client, call_now_ms(c))) return;
    call_try(c, (entry){ENTRY_HEDGE, next, .hedge = true, .from = slow});
}

void hedge_entered(call *c, const entry *e, entry_end end) {
    if (end != ENTRY_BEGUN) {
        target_return_hedge(c->slots.items[e->from].payer, c->spec.client, call_now_ms(c));
        return;
    }
    target_take_budget(c->slots.items[e->at].payer, c->spec.client, call_now_ms(c));
    c->hedges++;
}

void hedge_init(call *c) {
    timer_init(&c->hedge, on_hedge);
}

/* Measured from the attempt that the hedge would stand beside. */
void hedge_arm(call *c) {
    const config_hedge *policy = &call_config(c)->hedge;
    if (!policy->on || c->slots.count < 2) return;
    int64_t after = target_hedge_after_ms(c->slots.items[c->at].state, policy);
    if (after >= 0) loop_timer_start(c->spec.loop, &c->hedge, after);
}

void hedge_stop(call *c) {
    loop_timer_stop(c->spec.loop, &c->hedge);
    for (int i = 0; i < c->lane_count; i++)
        if (c->lanes[i]->stands && c->lanes[i]->entry.why == ENTRY_HEDGE) lane_drop(c->lanes[i]);
}
