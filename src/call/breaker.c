#include "call/breaker.h"

#include <string.h>

void breaker_init(breaker *b, int64_t now_ms) {
    *b = (breaker){.state = BREAKER_CLOSED, .slot_began_ms = now_ms};
}

static void enter(breaker *b, breaker_state state, int64_t now_ms) {
    b->state = state;
    b->probing = false;
    if (state == BREAKER_IS_OPEN) b->opened_ms = now_ms;
    if (state == BREAKER_CLOSED) { /* what was counted before the rest says nothing about now */
        memset(b->slots, 0, sizeof b->slots);
        b->slot_began_ms = now_ms;
    }
}

/* Moves the ring to now_ms, emptying the slices that it passes. */
static void turn(breaker *b, const config_breaker *policy, int64_t now_ms) {
    int64_t slice_ms = policy->window_ms / BREAKER_SLOTS;
    if (slice_ms < 1) slice_ms = 1;
    int64_t slices = (now_ms - b->slot_began_ms) / slice_ms;
    if (slices <= 0) return;
    b->slot_began_ms += slices * slice_ms;
    for (int64_t i = 0; i < slices && i < BREAKER_SLOTS; i++) {
        b->slot = (b->slot + 1) % BREAKER_SLOTS;
        b->slots[b->slot].calls = b->slots[b->slot].failures = 0;
    }
}

static bool failing(const breaker *b, const config_breaker *policy) {
    unsigned calls = 0, failures = 0;
    for (unsigned i = 0; i < BREAKER_SLOTS; i++) {
        calls += b->slots[i].calls;
        failures += b->slots[i].failures;
    }
    return failures && calls >= policy->of && failures >= policy->failure_ratio * calls;
}

/* Is the place of the probe free, in a state that has one? */
static bool probe_due(const breaker *b, const config_breaker *policy, int64_t now_ms) {
    if (b->state == BREAKER_IS_OPEN) return now_ms - b->opened_ms >= policy->probe_ms;
    return !b->probing || now_ms - b->probe_began_ms >= BREAKER_PROBE_PATIENCE * policy->probe_ms;
}

bool breaker_ready(const breaker *b, const config_breaker *policy, int64_t now_ms) {
    return !policy->on || b->state == BREAKER_CLOSED || probe_due(b, policy, now_ms);
}

bool breaker_admit(breaker *b, const config_breaker *policy, int64_t now_ms, bool *ret_probe) {
    if (!breaker_ready(b, policy, now_ms)) return false;
    *ret_probe = policy->on && b->state != BREAKER_CLOSED;
    if (*ret_probe) {
        enter(b, BREAKER_HALF_OPEN, now_ms);
        b->probing = true;
        b->probe_began_ms = now_ms;
    }
    return true;
}

bool breaker_report(breaker *b, const config_breaker *policy, bool failed, bool probe,
                    int64_t now_ms) {
    breaker_state before = b->state;
    if (!policy->on) {
        if (before != BREAKER_CLOSED) enter(b, BREAKER_CLOSED, now_ms);
        return before != BREAKER_CLOSED;
    }
    if (b->state == BREAKER_CLOSED) {
        turn(b, policy, now_ms);
        b->slots[b->slot].calls++;
        b->slots[b->slot].failures += failed;
        if (failed && failing(b, policy)) enter(b, BREAKER_IS_OPEN, now_ms);
    } else if (b->state == BREAKER_HALF_OPEN && probe) {
        enter(b, failed ? BREAKER_IS_OPEN : BREAKER_CLOSED, now_ms);
    }
    return b->state != before;
}

void breaker_abandon(breaker *b, bool probe) {
    if (probe) b->probing = false;
}

int64_t breaker_wait_ms(const breaker *b, const config_breaker *policy, int64_t now_ms) {
    if (breaker_ready(b, policy, now_ms)) return 0;
    if (b->state == BREAKER_IS_OPEN) return b->opened_ms + policy->probe_ms - now_ms;
    int64_t left = b->probe_began_ms + BREAKER_PROBE_PATIENCE * policy->probe_ms - now_ms;
    return left < policy->probe_ms ? left : policy->probe_ms;
}
