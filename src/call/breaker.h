/* call/breaker.h: the circuit breaker of one target. Pure: the caller owns the clock and the lock.
 *
 * It is one gate for all (call/breaker_gate.h), which opens when too many calls fail within a
 * window: a ring of BREAKER_SLOTS equal slices of window_ms. Where there are several clients each
 * has besides a gate and a count of its own, and the failures of one alone open its own gate alone:
 *
 *   for one   as if it were alone at the target: enough calls of its own, and too many failed.
 *   for all   too many of all calls have failed, or one client's gate has opened within the window;
 *             and without the calls of that client, or of the one that fails most, too many of the
 *             others' have failed as well: at least a tenth of policy.of, and two. So a few of
 *             quiet clients second those of a busy one, and one alone never has the word.
 *
 * The gate for all, while it is not closed, goes before those of clients, which it closes. A policy
 * that is off admits all, and the next report closes what was open.
 *
 * client: who calls, of several clients (config_client.holder); 0: everybody is one.
 */
#ifndef WEIR_CALL_BREAKER_H
#define WEIR_CALL_BREAKER_H

#include "base/holders.h"
#include "call/breaker_gate.h"

/* Clients that are told apart. One that has not failed within the window makes room for another;
 * where there is none, those that come later are counted together. */
enum { BREAKER_SLOTS = 10, BREAKER_CLIENTS = 64 };

typedef struct breaker_counts {
    unsigned calls, failures;
} breaker_counts;

typedef struct breaker_client {
    uint64_t client;
    int64_t used_ms;
    breaker_gate gate;
    breaker_counts slots[BREAKER_SLOTS];
} breaker_client;

typedef struct breaker {
    breaker_gate gate;
    int64_t slot_began_ms;
    unsigned slot;
    breaker_counts slots[BREAKER_SLOTS]; /* of all; what clients have of their own is part of it */
    holders clients;                     /* of breaker_client */
} breaker;

/* Whose breaker a call that was admitted probes. */
typedef enum breaker_probe { NO_PROBE, PROBE_FOR_ALL, PROBE_FOR_ONE } breaker_probe;

/* What a report has changed, for the log and the gauge. */
typedef struct breaker_change {
    bool changed;
    bool for_one; /* of the client that was reported, not of all */
    breaker_state state;
} breaker_change;

void breaker_init(breaker *b, int64_t now_ms);
void breaker_done(breaker *b);
/* May a call go out? In half open the first to ask becomes the probe (*ret_probe): it must report
 * with breaker_report() or breaker_alive(), or give the place back with breaker_abandon(). */
MUST_USE bool breaker_admit(breaker *b, const config_breaker *policy, uint64_t client,
                            int64_t now_ms, breaker_probe *ret_probe);
/* Would breaker_admit() say yes? Changes nothing. */
bool breaker_ready(const breaker *b, const config_breaker *policy, uint64_t client, int64_t now_ms);
/* The outcome of a call. Calls that were admitted before it opened and end afterwards change
 * nothing; only a failure opens it. */
breaker_change breaker_report(breaker *b, const config_breaker *policy, uint64_t client,
                              bool failed, breaker_probe probe, int64_t now_ms);
/* The call was neither a success nor the target's failure, but the target has answered: that closes
 * what it probes. */
breaker_change breaker_alive(breaker *b, const config_breaker *policy, uint64_t client,
                             breaker_probe probe, int64_t now_ms);
/* The target is known to be back by other means than calls: as breaker_gate_hasten() says. */
void breaker_hasten(breaker *b, const config_breaker *policy, bool again, int64_t now_ms);
/* A probe that was cancelled tells nothing. */
void breaker_abandon(breaker *b, uint64_t client, breaker_probe probe);
/* How long a caller should wait before it asks again; 0 when it admits now. While a probe is under
 * way nobody knows how it will end: then at most one probe_ms. */
int64_t breaker_wait_ms(const breaker *b, const config_breaker *policy, uint64_t client,
                        int64_t now_ms);

/* What callers meet: the state for all, and for how many clients alone it is not closed. */
breaker_state breaker_get_state(const breaker *b, const config_breaker *policy);
unsigned breaker_clients_apart(const breaker *b, const config_breaker *policy);

#endif
