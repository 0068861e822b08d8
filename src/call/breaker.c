#include "call/breaker.h"

#include <string.h>

enum { SECONDED = 2, SECONDED_PART = 10 };

void breaker_init(breaker *b, int64_t now_ms) {
    *b = (breaker){.slot_began_ms = now_ms};
}

void breaker_done(breaker *b) {
    holders_done(&b->clients);
}

static breaker_client *at(const breaker *b, unsigned i) {
    return (breaker_client *)b->clients.rows + i;
}

static breaker_client *find(const breaker *b, uint64_t client) {
    return holders_find(&b->clients, sizeof(breaker_client), client);
}

/* ---- the window ---- */

static breaker_counts sum(const breaker_counts *slots) {
    breaker_counts all = {0, 0};
    for (unsigned i = 0; i < BREAKER_SLOTS; i++) {
        all.calls += slots[i].calls;
        all.failures += slots[i].failures;
    }
    return all;
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
        b->slots[b->slot] = (breaker_counts){0, 0};
        for (unsigned k = 0; k < b->clients.count; k++)
            at(b, k)->slots[b->slot] = (breaker_counts){0, 0};
    }
}

static void add(breaker_counts *slot, bool failed) {
    slot->calls++;
    slot->failures += failed;
}

static bool reaches(breaker_counts c, const config_breaker *policy) {
    return c.failures && c.failures >= policy->failure_ratio * c.calls;
}

static bool fails(breaker_counts c, const config_breaker *policy) {
    return c.calls >= policy->of && reaches(c, policy);
}

/* What was counted before the rest says nothing about now. */
static void forget_window(breaker *b, int64_t now_ms) {
    memset(b->slots, 0, sizeof b->slots);
    for (unsigned i = 0; i < b->clients.count; i++)
        memset(at(b, i)->slots, 0, sizeof at(b, i)->slots);
    b->slot_began_ms = now_ms;
}

static void forget_own(breaker *b, breaker_client *c) {
    for (unsigned i = 0; i < BREAKER_SLOTS; i++) {
        b->slots[i].calls -= c->slots[i].calls;
        b->slots[i].failures -= c->slots[i].failures;
    }
    memset(c->slots, 0, sizeof c->slots);
}

/* ---- clients ---- */

/* Of those that have no failure and no rest the one that called longest ago; NULL: there is none.
 */
static breaker_client *oldest_well(const breaker *b) {
    breaker_client *oldest = NULL;
    for (unsigned i = 0; i < b->clients.count; i++) {
        breaker_client *c = at(b, i);
        if (c->gate.state != BREAKER_CLOSED || sum(c->slots).failures) continue;
        if (!oldest || c->used_ms < oldest->used_ms) oldest = c;
    }
    return oldest;
}

static breaker_client *make(breaker *b, uint64_t client) {
    breaker_client *c = holders_add(&b->clients, sizeof *c, BREAKER_CLIENTS);
    if (!c) c = oldest_well(b);
    if (c) *c = (breaker_client){.client = client};
    return c;
}

/* NULL: it is not told apart. */
static breaker_client *client_of(breaker *b, uint64_t client, int64_t now_ms) {
    if (!client) {
        b->clients.count = 0; /* everybody is one from now on */
        return NULL;
    }
    breaker_client *c = find(b, client);
    if (!c) c = make(b, client);
    if (c) c->used_ms = now_ms;
    return c;
}

/* Its own gate has opened of late, or a probe of its has failed: that counts as long as calls do.
 */
static bool rests(const breaker_client *c, const config_breaker *policy, int64_t now_ms) {
    return c->gate.state != BREAKER_CLOSED && now_ms - c->gate.opened_ms < policy->window_ms;
}

/* Of those that rest, else of all, the one with most failures; NULL: none is told apart. */
static const breaker_client *worst_of(const breaker *b, const config_breaker *policy,
                                      int64_t now_ms) {
    const breaker_client *worst = NULL;
    bool worst_rests = false;
    unsigned most = 0;
    for (unsigned i = 0; i < b->clients.count; i++) {
        const breaker_client *c = at(b, i);
        bool resting = rests(c, policy, now_ms);
        unsigned failures = sum(c->slots).failures;
        bool worse = resting != worst_rests ? resting : failures > most;
        if (worst && !worse) continue;
        worst = c;
        worst_rests = resting;
        most = failures;
    }
    return worst;
}

/* ---- when it opens ---- */

static unsigned seconded(const config_breaker *policy) {
    unsigned part = policy->of / SECONDED_PART;
    unsigned least = part > SECONDED ? part : SECONDED;
    return least < policy->of ? least : policy->of;
}

static bool fails_for_all(const breaker *b, const config_breaker *policy, int64_t now_ms) {
    breaker_counts all = sum(b->slots);
    const breaker_client *worst = worst_of(b, policy, now_ms);
    if (!worst) return fails(all, policy);
    if (!fails(all, policy) && !rests(worst, policy, now_ms)) return false;
    breaker_counts own = sum(worst->slots);
    breaker_counts others = {all.calls - own.calls, all.failures - own.failures};
    return others.failures >= seconded(policy) && reaches(others, policy);
}

static void open_for_all(breaker *b, int64_t now_ms) {
    breaker_gate_open(&b->gate, now_ms);
    for (unsigned i = 0; i < b->clients.count; i++)
        breaker_gate_close(&at(b, i)->gate);
}

static void close_for_all(breaker *b, int64_t now_ms) {
    breaker_gate_close(&b->gate);
    forget_window(b, now_ms);
}

static void close_for_one(breaker *b, breaker_client *c) {
    breaker_gate_close(&c->gate);
    forget_own(b, c);
}

/* ---- reports ---- */

static breaker_change change_of(const breaker_gate *g, breaker_state before, bool for_one) {
    return (breaker_change){g->state != before, for_one, g->state};
}

static breaker_change report_probe(breaker *b, uint64_t client, bool failed, int64_t now_ms) {
    breaker_state before = b->gate.state;
    if (failed)
        breaker_gate_probe_failed(&b->gate, client, now_ms);
    else
        close_for_all(b, now_ms);
    return change_of(&b->gate, before, false);
}

static breaker_change report_own(breaker *b, breaker_client *c, const config_breaker *policy,
                                 bool failed, breaker_probe probe, int64_t now_ms) {
    breaker_state before = c->gate.state;
    if (before == BREAKER_CLOSED) {
        if (failed && fails(sum(c->slots), policy)) breaker_gate_open(&c->gate, now_ms);
    } else if (before == BREAKER_HALF_OPEN && probe == PROBE_FOR_ONE) {
        if (failed)
            breaker_gate_probe_failed(&c->gate, 0, now_ms);
        else
            close_for_one(b, c);
    }
    return change_of(&c->gate, before, true);
}

static breaker_change report_off(breaker *b, int64_t now_ms) {
    breaker_state before = b->gate.state;
    b->clients.count = 0;
    if (before != BREAKER_CLOSED) close_for_all(b, now_ms);
    return change_of(&b->gate, before, false);
}

breaker_change breaker_report(breaker *b, const config_breaker *policy, uint64_t client,
                              bool failed, breaker_probe probe, int64_t now_ms) {
    if (!policy->on) return report_off(b, now_ms);
    if (b->gate.state == BREAKER_HALF_OPEN && probe == PROBE_FOR_ALL)
        return report_probe(b, client, failed, now_ms);
    if (b->gate.state != BREAKER_CLOSED) return change_of(&b->gate, b->gate.state, false);
    turn(b, policy, now_ms);
    breaker_client *c = client_of(b, client, now_ms);
    add(&b->slots[b->slot], failed);
    if (c) add(&c->slots[b->slot], failed);
    if (failed && fails_for_all(b, policy, now_ms)) {
        open_for_all(b, now_ms);
        return change_of(&b->gate, BREAKER_CLOSED, false);
    }
    if (c) return report_own(b, c, policy, failed, probe, now_ms);
    return change_of(&b->gate, BREAKER_CLOSED, false);
}

breaker_change breaker_alive(breaker *b, const config_breaker *policy, uint64_t client,
                             breaker_probe probe, int64_t now_ms) {
    breaker_client *c = probe == PROBE_FOR_ONE ? find(b, client) : NULL;
    if (policy->on && c && c->gate.state == BREAKER_HALF_OPEN) {
        close_for_one(b, c);
        return change_of(&c->gate, BREAKER_HALF_OPEN, true);
    }
    if (policy->on && probe == PROBE_FOR_ALL && b->gate.state == BREAKER_HALF_OPEN)
        return report_probe(b, client, false, now_ms);
    return change_of(&b->gate, b->gate.state, false);
}

void breaker_hasten(breaker *b, const config_breaker *policy, bool again, int64_t now_ms) {
    breaker_gate_hasten(&b->gate, policy, again, now_ms);
    for (unsigned i = 0; i < b->clients.count; i++)
        breaker_gate_hasten(&at(b, i)->gate, policy, again, now_ms);
}

void breaker_abandon(breaker *b, uint64_t client, breaker_probe probe) {
    breaker_client *c = probe == PROBE_FOR_ONE ? find(b, client) : NULL;
    if (probe == PROBE_FOR_ALL) breaker_gate_probe_returned(&b->gate, client);
    if (c) breaker_gate_probe_returned(&c->gate, 0);
}

/* ---- who passes ---- */

/* The gate that this client stands before, and as whom: before its own it is alone. */
static const breaker_gate *gate_before(const breaker *b, uint64_t client, uint64_t *ret_as) {
    const breaker_client *c = client && b->gate.state == BREAKER_CLOSED ? find(b, client) : NULL;
    *ret_as = c ? 0 : client;
    return c ? &c->gate : &b->gate;
}

static int64_t wait_ms(const breaker *b, const config_breaker *policy, uint64_t client,
                       int64_t now_ms) {
    uint64_t as;
    if (!policy->on) return 0;
    const breaker_gate *g = gate_before(b, client, &as);
    return breaker_gate_wait_ms(g, policy, as, now_ms);
}

bool breaker_ready(const breaker *b, const config_breaker *policy, uint64_t client,
                   int64_t now_ms) {
    return wait_ms(b, policy, client, now_ms) <= 0;
}

bool breaker_admit(breaker *b, const config_breaker *policy, uint64_t client, int64_t now_ms,
                   breaker_probe *ret_probe) {
    if (!breaker_ready(b, policy, client, now_ms)) return false;
    *ret_probe = NO_PROBE;
    if (!policy->on) return true;
    breaker_client *c = find(b, client);
    if (b->gate.state != BREAKER_CLOSED) {
        breaker_gate_probe(&b->gate, client, now_ms);
        *ret_probe = PROBE_FOR_ALL;
    } else if (c && c->gate.state != BREAKER_CLOSED) {
        breaker_gate_probe(&c->gate, 0, now_ms);
        *ret_probe = PROBE_FOR_ONE;
    }
    return true;
}

int64_t breaker_wait_ms(const breaker *b, const config_breaker *policy, uint64_t client,
                        int64_t now_ms) {
    int64_t wait = wait_ms(b, policy, client, now_ms);
    if (wait < 0) return 0;
    return wait < policy->probe_ms ? wait : policy->probe_ms;
}

/* ---- what pages show ---- */

breaker_state breaker_get_state(const breaker *b, const config_breaker *policy) {
    return policy->on ? b->gate.state : BREAKER_CLOSED;
}

unsigned breaker_clients_apart(const breaker *b, const config_breaker *policy) {
    unsigned apart = 0;
    for (unsigned i = 0; policy->on && i < b->clients.count; i++)
        apart += at(b, i)->gate.state != BREAKER_CLOSED;
    return apart;
}
