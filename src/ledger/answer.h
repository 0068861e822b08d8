/* ledger/answer.h: what was asked of the records, as the API's JSON. Pure. */
#ifndef WEIR_LEDGER_ANSWER_H
#define WEIR_LEDGER_ANSWER_H

#include "json/json.h"
#include "ledger/call.h"
#include "ledger/query.h"
#include "ledger/sums.h"

/* One object; what is not known is null. */
void answer_call(json_writer *w, const ledger_call *c);

/* Of what store_sums() has found for that query: the source's figures, and with a group one object
 * for each of its keys, in their order. */
void answer_summary(json_writer *w, const sums_table *t, query_group group);

/* The same, for who shows them otherwise: total, and groups sorted by key (empty: without any; a
 * time for hours and days). Texts are the table's. */
typedef struct summary_group {
    span key;
    int64_t hour; /* of GROUP_HOUR and GROUP_DAY */
    sums sums;
} summary_group;
typedef struct summary {
    sums total;
    span *models; /* sorted */
    size_t model_count;
    summary_group *groups;
    size_t group_count;
} summary;
summary summary_of(const sums_table *t, query_group group);
void summary_done(summary *s);

/* "2026-11-28T18:00:00Z", "2026-11-28", or the text itself. */
void summary_key(const summary_group *g, query_group group, buf *out);

#endif
