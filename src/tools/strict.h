/* tools/strict.h: the schema of a tool as a provider's strict mode takes it, in which the model can
 * write no arguments but such as fit; and arguments that were written by it as the tool wants them.
 *
 * Strict mode wants every object closed and every member required, so one that may be left out
 * may be null in its place: the model writes null for what it leaves out, which hardly a tool
 * allows, and which is taken out again. Words that strict mode does not know are left out: the call
 * is checked against the schema as it was.
 *
 * Pure; any thread.
 * Source   OpenAI's guide to structured outputs (supported schemas); what the schemas of MCP
 * servers were seen to hold.
 */
#ifndef WEIR_TOOLS_STRICT_H
#define WEIR_TOOLS_STRICT_H

#include "json/json.h"

/* schema: JSON that was accepted. false: it allows what strict mode cannot say (members of any
 * name, values of any type, a list of parts that all hold …); *out has nothing appended. */
MUST_USE bool strict_write(json_value schema, buf *out);

/* Arguments without members that are null where the schema, as it was, does not allow that and
 * does not ask for the member. In the arena, or the text itself where there are none. */
span strict_drop_nulls(json_value schema, span arguments, arena *a);

#endif
