/* Whether an attempt may begin, as whoever brought the call says: at once, or when he knows. */
#include "call/internal.h"

/* So long a call does not come again to where it was told later that it is full: else it could go
 * round between targets whose limits are short. */
enum { LOOK_AGAIN_MS = 1000 };

/* Whoever brought the gate may not know how long. */
static failure full(call *c, slot *s, const weir_error *why, bool waited) {
    const int64_t holds_ms = why->retry_after_ms > 0 ? why->retry_after_ms : LOOK_AGAIN_MS;
    failure f = failure_of(why);
    f.class = FAIL_LIMIT;
    f.hint.after_ms = f.client_after_ms = why->retry_after_ms;
    s->full = call_keep(c, &f);
    s->full_until_ms = call_now_ms(c) + holds_ms;
    s->shut_until_ms = s->full_until_ms;
    if (waited && holds_ms < LOOK_AGAIN_MS) s->shut_until_ms = call_now_ms(c) + LOOK_AGAIN_MS;
    return f;
}

bool lane_is_full(const failure *f) {
    return f->error == ERR_OVER_LIMIT || f->error == ERR_OVER_BUDGET;
}

/* The call may be gone after it. */
static void on_told(gate_wait *w) {
    lane *l = CONTAINER_OF(w, lane, wait);
    call *c = l->call;
    const entry e = l->entry;
    entry_end end = ENTRY_FULL;
    failure f;
    if (w->word == GATE_OPEN) {
        end = lane_begin(l, &f) ? ENTRY_BEGUN : ENTRY_FAILED;
    } else {
        l->stands = false;
        f = full(c, lane_slot(l), &w->why, true);
    }
    call_entered(c, &e, end, &f);
}

gate_word lane_enter(lane *l, failure *ret_failure) {
    call *c = l->call;
    const call_gate *gate = c->spec.gate;
    if (!gate) return GATE_OPEN;
    l->number = c->entered++;
    l->wait = (gate_wait){.why = error_of(ERR_OVER_LIMIT), .told = on_told};
    const gate_word word = gate->enter(gate->user, lane_slot(l)->name, l->number, &l->wait);
    if (word == GATE_SHUT) *ret_failure = full(c, lane_slot(l), &l->wait.why, false);
    l->stands = word == GATE_WAIT;
    return word;
}

void lane_leave(const lane *l, int tried) {
    const call_gate *gate = l->call->spec.gate;
    if (gate) gate->leave(gate->user, l->number, tried);
}

void lane_withdraw(lane *l) {
    const entry e = l->entry;
    l->stands = false;
    lane_leave(l, GATE_NOT_TRIED);
    if (e.why == ENTRY_HEDGE) hedge_entered(l->call, &e, ENTRY_FULL);
}
