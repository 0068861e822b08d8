#include "call/breaker_gate.h"

void breaker_gate_open(breaker_gate *g, int64_t now_ms) {
    *g = (breaker_gate){.state = BREAKER_IS_OPEN, .opened_ms = now_ms};
}

void breaker_gate_close(breaker_gate *g) {
    *g = (breaker_gate){.state = BREAKER_CLOSED};
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* As if it had opened so long ago: where one client's probe fails the others have no rest left. */
void breaker_gate_hasten(breaker_gate *g, const config_breaker *policy, bool again,
                         int64_t now_ms) {
    if (g->state != BREAKER_IS_OPEN || (g->hastened && !again)) return;
    int64_t rested_ms = now_ms - policy->probe_ms;
    *g = (breaker_gate){.state = BREAKER_HALF_OPEN,
                        .opened_ms = g->opened_ms < rested_ms ? g->opened_ms : rested_ms,
                        .probe_began_ms = now_ms,
                        .hastened = true};
}

/* When the place of the probe is free for this client. */
static int64_t place_free_ms(const breaker_gate *g, const config_breaker *policy, uint64_t client) {
    bool own = g->prober == client;
    if (g->state == BREAKER_IS_OPEN) return g->opened_ms + policy->probe_ms;
    if (g->probing)
        return g->probe_began_ms + (own ? BREAKER_PROBE_PATIENCE : 1) * policy->probe_ms;
    /* Who gives its place back again and again would keep it all the same. */
    return own && client ? g->probe_began_ms + policy->probe_ms : g->probe_began_ms;
}

int64_t breaker_gate_wait_ms(const breaker_gate *g, const config_breaker *policy, uint64_t client,
                             int64_t now_ms) {
    if (g->state == BREAKER_CLOSED) return 0;
    int64_t at_ms = place_free_ms(g, policy, client);
    if (client && g->failed_for == client) at_ms = later(at_ms, g->failed_ms + policy->probe_ms);
    return at_ms - now_ms;
}

void breaker_gate_probe(breaker_gate *g, uint64_t client, int64_t now_ms) {
    g->state = BREAKER_HALF_OPEN;
    g->prober = client;
    g->probing = true;
    g->probe_began_ms = now_ms;
}

void breaker_gate_probe_failed(breaker_gate *g, uint64_t client, int64_t now_ms) {
    bool alone = client && (!g->failed_for || g->failed_for == client);
    if (!alone) {
        bool hastened = g->hastened;
        breaker_gate_open(g, now_ms);
        g->hastened = hastened;
        return;
    }
    g->failed_for = client;
    g->failed_ms = now_ms;
    if (g->probing && g->prober != client) return; /* another's is under way, and may succeed */
    g->state = BREAKER_IS_OPEN;
    g->probing = false;
}

void breaker_gate_probe_returned(breaker_gate *g, uint64_t client) {
    if (g->prober == client) g->probing = false;
}
