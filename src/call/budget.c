#include "call/budget.h"

void budget_done(budget *b) {
    holders_done(&b->clients);
}

/* ---- a minute ---- */

/* Moves the minute to now_ms, emptying the slices that it passes; returns the newest slice.
 * Another worker's clock reading may be a little older: it counts in the newest slice. */
static budget_counts *turn(budget_minute *m, int64_t now_ms) {
    int64_t slice = now_ms / BUDGET_SLICE_MS;
    for (int64_t i = 0; m->slice < slice && i < BUDGET_SLICES; i++) {
        m->slice++;
        m->at[m->slice % BUDGET_SLICES] = (budget_counts){0, 0, 0};
    }
    if (m->slice < slice) m->slice = slice; /* after more than a minute: all slices are empty now */
    return &m->at[m->slice % BUDGET_SLICES];
}

static budget_counts total(budget_minute *m, int64_t now_ms) {
    (void)turn(m, now_ms);
    budget_counts c = {0, 0, 0};
    for (unsigned i = 0; i < BUDGET_SLICES; i++) {
        c.calls += m->at[i].calls;
        c.extras += m->at[i].extras;
        c.hedges += m->at[i].hedges;
    }
    return c;
}

/* ---- clients ---- */

/* NULL: all have called within the last minute. */
static budget_client *quiet(const budget *b, int64_t now_ms) {
    budget_client *clients = b->clients.rows;
    for (unsigned i = 0; i < b->clients.count; i++)
        if (clients[i].minute.slice + BUDGET_SLICES <= now_ms / BUDGET_SLICE_MS) return &clients[i];
    return NULL;
}

static budget_client *make(budget *b, uint64_t client, int64_t now_ms) {
    budget_client *c = holders_add(&b->clients, sizeof *c, BUDGET_CLIENTS);
    if (!c) c = quiet(b, now_ms);
    if (c) *c = (budget_client){.client = client};
    return c;
}

/* The client's own; NULL: it is not told apart. */
static budget_minute *own(budget *b, uint64_t client, int64_t now_ms) {
    if (!client) return NULL;
    budget_client *c = holders_find(&b->clients, sizeof *c, client);
    if (!c) c = make(b, client, now_ms);
    return c ? &c->minute : NULL;
}

/* By what it is judged. */
static budget_counts counts_of(budget *b, uint64_t client, int64_t now_ms) {
    budget_minute *m = own(b, client, now_ms);
    return total(m ? m : &b->all, now_ms);
}

/* ---- the door ---- */

budget_counts budget_last_minute(budget *b, int64_t now_ms) {
    return total(&b->all, now_ms);
}

void budget_count_call(budget *b, uint64_t client, int64_t now_ms) {
    budget_minute *m = own(b, client, now_ms);
    turn(&b->all, now_ms)->calls++;
    if (m) turn(m, now_ms)->calls++;
}

bool budget_left(budget *b, const config_retry *policy, uint64_t client, int64_t now_ms) {
    budget_counts c = counts_of(b, client, now_ms);
    return c.extras < policy->budget_floor || c.extras + 1 <= policy->budget_ratio * c.calls;
}

void budget_take(budget *b, uint64_t client, int64_t now_ms) {
    budget_minute *m = own(b, client, now_ms);
    turn(&b->all, now_ms)->extras++;
    if (m) turn(m, now_ms)->extras++;
}

bool budget_take_hedge(budget *b, const config_hedge *policy, uint64_t client, int64_t now_ms) {
    if (!policy->on) return false;
    budget_counts c = counts_of(b, client, now_ms);
    if (c.hedges && c.hedges + 1 > policy->at_most_ratio * c.calls) return false;
    budget_minute *m = own(b, client, now_ms);
    turn(&b->all, now_ms)->hedges++;
    if (m) turn(m, now_ms)->hedges++;
    return true;
}

static void give_back(budget_counts *newest) {
    if (newest->hedges) newest->hedges--;
}

void budget_return_hedge(budget *b, uint64_t client, int64_t now_ms) {
    budget_minute *m = own(b, client, now_ms);
    give_back(turn(&b->all, now_ms));
    if (m) give_back(turn(m, now_ms));
}
