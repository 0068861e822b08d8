/* gateway/reload.h: takes a changed configuration into force without a word to running calls.
 *
 *   idle ─asked─▶ loading ─▶ opening ─▶ applying ─▶ idle
 *                    └────bad───┴──────────────────────▲
 *
 * loading   on a thread of its own: the file, its secrets, certificates and CA files are read.
 * opening   each worker in turn listens at the addresses that are new. The first that fails ends
 * the reload, and what was opened is closed again. applying  all workers take the new snapshot at
 * once and give up the addresses that are gone.
 *
 * A failure at any place leaves everything as it was, says why and counts. Asked by SIGHUP, by a
 * change of a watched file, and when secrets are due to be read again. Belongs to the main thread.
 */
#ifndef WEIR_GATEWAY_RELOAD_H
#define WEIR_GATEWAY_RELOAD_H

#include "gateway/process.h"

/* g's snapshot and listeners are in force. */
MUST_USE reload *reload_new(gateway *g, gateway_load_fn *load, void *user);
void reload_start_watching(reload *r);
/* Asks for a reload now; while one is under way, for another after it. */
void reload_ask(reload *r);
/* No reload begins from now on, and one that still loads comes to nothing. false: workers are in
 * the middle of one; gateway_reload_ended() will say when they are not. */
MUST_USE bool reload_stop(reload *r);
/* How long until secrets are read again, where they are every refresh_ms and the last so many
 * reloads have failed: sooner then, at growing distances. Pure. */
int64_t reload_due_ms(int64_t refresh_ms, unsigned failures);
void reload_free(reload *r);

#endif
