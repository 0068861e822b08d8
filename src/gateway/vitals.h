/* gateway/vitals.h: what /health tells of the process beside its status: how long it runs, what is
 * open, how reloads ended, each target, and the keys that are refused or rest.
 */
#ifndef WEIR_GATEWAY_VITALS_H
#define WEIR_GATEWAY_VITALS_H

#include "gateway/worker.h"
#include "json/json.h"

/* The members, into an object that is open. On the worker's thread; what other workers have open is
 * at most a second old. */
void vitals_write(json_writer *json, worker *w);

#endif
