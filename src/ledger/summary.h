/* ledger/summary.h: what was asked of the sums, gathered from the store's rows: the figures of all,
 * the models that were asked for, and the figures of each group. Pure; one thread's.
 *
 * Users, tags and models are clients' words, of which there may be any number. A summary has the
 * first SUMMARY_GROUPS_MAX of them and knows that there are more: its total is that of all, the
 * list of models is cut and says so, and groups that are not all there are no answer.
 */
#ifndef WEIR_LEDGER_SUMMARY_H
#define WEIR_LEDGER_SUMMARY_H

#include "ledger/query.h"
#include "ledger/sums.h"

enum { SUMMARY_GROUPS_MAX = 10000 };

typedef struct ledger_summary {
    query_group group;
    sums total;
    sums_table models; /* by key.model: what clients asked for; none of GROUP_CLIENT_USER */
    sums_table groups; /* by the member of the key that the group names; tags one by one */
    bool more_models, more_groups;
} ledger_summary;

void summary_init(ledger_summary *s, query_group group);
void summary_done(ledger_summary *s);

/* The sums of one key, or of a part of them; a call counts under each of its tags. false: nothing
 * more is wanted, since there are more groups than there may be. */
bool summary_add(ledger_summary *s, const sums_key *key, const sums *more);
/* Models and groups by their keys. Nothing may be added afterwards. */
void summary_sort(ledger_summary *s);

/* Of a row of groups: "2026-11-28T18:00:00Z", "2026-11-28", or the text itself. */
void summary_key(const sums_key *key, query_group group, buf *out);

/* A sentence for who asked: of what there are too many, and what would narrow it. */
void summary_complain(query_group group, buf *out);

#endif
