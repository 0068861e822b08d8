/* What this weir counts itself: what it lets through while the server is away, and what it has told
 * the server of money. */
#include "limit/shared_internal.h"

#include "base/mem.h"

#include <stdlib.h>

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* What this weir may let through by itself. Of calls in progress nobody's is too large for one. */
static int64_t share_of(const limit_ask *a, unsigned nodes) {
    const int64_t share = most(a->quota.amount / nodes, 1);
    const bool fits = a->kind != LIMIT_PARALLEL && a->amount <= a->quota.amount;
    return fits ? most(share, a->amount) : share;
}

/* The same of what was left when the server was last heard. */
static int64_t share_of_money(const limit_ask *a, unsigned nodes, const limit_spent *known) {
    const int64_t left = most(a->quota.amount - known->told, 0);
    const int64_t one = a->amount < left ? a->amount : left;
    const int64_t share = known->told + most(left / nodes, one);
    const int64_t fits = a->amount <= a->quota.amount ? most(share, a->amount) : share;
    return fits < a->quota.amount ? fits : a->quota.amount;
}

static limit_verdict take_share(shared_link *k, limit_ask *asks, size_t count) {
    limiter *own = k->shared->own;
    const unsigned nodes = shared_limits_nodes(k->shared);
    const limit_now now = shared_now(k);
    int64_t *full = mem_zalloc_array(count, sizeof *full);
    for (size_t i = 0; i < count; i++) {
        limit_ask *a = &asks[i];
        full[i] = a->quota.amount;
        if (a->kind == LIMIT_SPEND) {
            const limit_spent known = limiter_spent(own, a, now);
            a->quota.amount = share_of_money(a, nodes, &known);
        } else {
            a->quota.amount = share_of(a, nodes);
        }
    }
    const limit_verdict v = limiter_take(own, asks, count, now);
    for (size_t i = 0; i < count; i++)
        asks[i].quota.amount = full[i];
    free(full);
    return v;
}

void shared_begin_to_doubt(shared_link *k) {
    if (k->doubts) return;
    k->doubts = true;
    limiter_doubt(k->shared->own);
}

void shared_cease_to_doubt(shared_link *k) {
    if (!k->doubts) return;
    k->doubts = false;
    limiter_trust(k->shared->own);
}

void shared_take_own(shared_ticket *t) {
    shared_link *k = t->link;
    shared_begin_to_doubt(k);
    t->verdict = take_share(t->link, t->asks, t->count);
    if (k->metrics) metric_add(metrics_series(k->metrics, METRIC_SHARED_LOCAL, NULL), 1);
}

/* ---- money that was told ---- */

void shared_note_told(shared_link *k, const limit_ask *a, int64_t nano) {
    if (a->kind != LIMIT_SPEND || !nano) return;
    limiter_note_told(k->shared->own, a, nano, shared_now(k));
    k->told[k->told_count++ % TOLD_KEPT] = (told_money){a->counter, nano};
}

/* Since a question that is answered now, so that the answer lacks it: that was asked before on the
 * same connection. Of a longer time ago it lacks more, and money reads as spent that was given
 * back. */
int64_t shared_told_since(const shared_link *k, uint64_t when, uint64_t counter) {
    const bool all = k->told_count - when <= TOLD_KEPT;
    int64_t nano = 0;
    for (uint64_t i = all ? when : k->told_count - TOLD_KEPT; i < k->told_count; i++)
        if (k->told[i % TOLD_KEPT].counter == counter) nano += k->told[i % TOLD_KEPT].nano;
    return nano;
}
