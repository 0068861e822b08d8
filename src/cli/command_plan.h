/* cli/command_plan.h: what happens to a call of weir chat and weir batch, in order: what happens to
 * one of the library, a record of it where one is kept, and what the configuration's guard says of
 * it, as in the gateway.
 */
#ifndef WEIR_CLI_COMMAND_PLAN_H
#define WEIR_CLI_COMMAND_PLAN_H

#include "config/config.h"

#include <weir.h>

#include <stdbool.h>

/* For a client of these options, which are its own to make; its loop is foreign. records: its calls
 * leave some (cli/bookkeeper.h). */
void command_plan_set(weir_options *o, bool records);
/* Whether a guard of this configuration lets nothing through here: one outside is asked by the
 * gateway alone. */
bool command_plan_shuts(const config *c);

#endif
