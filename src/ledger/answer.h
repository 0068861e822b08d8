/* ledger/answer.h: what was asked of the records, as the API's JSON. Pure. */
#ifndef WEIR_LEDGER_ANSWER_H
#define WEIR_LEDGER_ANSWER_H

#include "json/json.h"
#include "ledger/call.h"
#include "ledger/summary.h"

/* One object; what is not known is null. */
void answer_call(json_writer *w, const ledger_call *c);

/* The source's figures, and with a group one object for each of its keys, in their order. Sorted
 * before. */
void answer_summary(json_writer *w, const ledger_summary *s);

#endif
