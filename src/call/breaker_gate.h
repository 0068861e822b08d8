/* call/breaker_gate.h: whether calls pass, of a breaker (call/breaker.h): of that for all, or of
 * one client's own. Pure: the caller owns the clock and the lock.
 *
 *   closed ──breaker_gate_open()▶ open ──probe_ms──▶ half open ──the probe succeeds──▶ closed
 *                            ▲                     │
 *                            └───the probe fails───┘
 *
 * Who knows by other means that the target is back ends the rest early (breaker_gate_hasten()).
 *
 * client: who asks, of several (config_client.holder); 0: everybody is one. Of several none keeps
 * the probe's place from the others: who is slow, leaves or fails comes later than they do. A
 * failure of one client's probe is its word alone: the others may probe at once, and where the next
 * one fails too all have to wait.
 */
#ifndef WEIR_CALL_BREAKER_GATE_H
#define WEIR_CALL_BREAKER_GATE_H

#include "config/config.h"

typedef enum breaker_state { BREAKER_CLOSED, BREAKER_IS_OPEN, BREAKER_HALF_OPEN } breaker_state;

/* A probe that never reports is given up by its own client after so many probe_ms, by others after
 * one. */
enum { BREAKER_PROBE_PATIENCE = 12 };

/* All zero: closed. */
typedef struct breaker_gate {
    breaker_state state;
    int64_t opened_ms;
    uint64_t prober; /* half open: who probed last */
    bool probing;    /* that probe is under way */
    int64_t probe_began_ms;
    uint64_t failed_for; /* since it opened a probe has failed of this client alone; 0: of none */
    int64_t failed_ms;
    bool hastened; /* since it was closed its rest has been ended early */
} breaker_gate;

void breaker_gate_open(breaker_gate *g, int64_t now_ms);
void breaker_gate_close(breaker_gate *g);
/* Half open at once, where it rests: the next call is the probe. Once until it closes, unless
 * `again`: where that probe fails the means say nothing of what calls meet. */
void breaker_gate_hasten(breaker_gate *g, const config_breaker *policy, bool again, int64_t now_ms);
/* 0 or less: a call of this client passes now; else how long it has to wait as things are. */
int64_t breaker_gate_wait_ms(const breaker_gate *g, const config_breaker *policy, uint64_t client,
                             int64_t now_ms);
/* Not closed, and nothing to wait for: the call that passes is the probe. */
void breaker_gate_probe(breaker_gate *g, uint64_t client, int64_t now_ms);
void breaker_gate_probe_failed(breaker_gate *g, uint64_t client, int64_t now_ms);
/* It has told nothing. */
void breaker_gate_probe_returned(breaker_gate *g, uint64_t client);

#endif
