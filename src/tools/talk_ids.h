/* tools/talk_ids.h: the ids of calls, each of its own in a conversation: what a model wrote, or
 * where there is none, or another text has it, one that is made. Inside tools/.
 *
 * A conversation may be as long as a request, and an answer may have SAID_CALLS_MAX calls: it is
 * gone through for all of them at once. Pure but for random numbers.
 */
#ifndef WEIR_TOOLS_TALK_IDS_H
#define WEIR_TOOLS_TALK_IDS_H

#include "tools/said.h"

/* Which of the ids stand in the text as JSON strings do; none that is empty. */
void talk_ids_look(span text, const span *ids, size_t count, bool *ret_taken);
/* text: the conversation. *made: how many were made for it before. Returns how often the text was
 * gone through. */
unsigned talk_ids_name(span text, model_said *said, unsigned *made, arena *a);

#endif
