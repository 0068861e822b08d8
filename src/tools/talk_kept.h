/* tools/talk_kept.h: a talk as text, for as long as its run waits elsewhere than in memory; and the
 * calls that it waits with.
 *
 * Pure but for memory. What is read was written here, by this weir or an earlier one: what does not
 * fit together is refused as a whole.
 */
#ifndef WEIR_TOOLS_TALK_KEPT_H
#define WEIR_TOOLS_TALK_KEPT_H

#include "tools/talk.h"

/* Two members: "talk" and, the calls of its last answer, "calls". */
void talk_keep(const talk *t, const model_said *said, json_writer *w);
/* Into an empty talk; *ret_said has the calls, in the arena. */
MUST_USE bool talk_take(json_value object, arena *a, talk *ret, model_said *ret_said);

#endif
