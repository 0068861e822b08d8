#include "limit/gcra.h"

/* A debt is counted in n-ths of a microsecond: each unit that is taken adds period_us of them, and
 * each microsecond takes n away. At most some 10^27. */
typedef __int128 nths;

static nths debt_of(const gcra *g, int64_t now_us) {
    nths debt = (nths)(g->full_us - now_us) * g->n + g->rest;
    return debt > 0 ? debt : 0;
}

static void set_debt(gcra *g, gcra_rule rule, nths debt, int64_t now_us) {
    const nths most = (nths)GCRA_DEBT_MAX_US * rule.n;
    if (debt > most) debt = most;
    g->full_us = now_us + (int64_t)(debt / rule.n);
    g->rest = (int64_t)(debt % rule.n);
    g->n = rule.n;
}

static nths units(gcra_rule rule, int64_t amount) {
    return (nths)amount * rule.period_us;
}

int64_t gcra_wait_after(const gcra *g, gcra_rule rule, int64_t ahead, int64_t amount,
                        int64_t now_us) {
    if (amount > rule.n) return -1;
    nths over = debt_of(g, now_us) + units(rule, ahead) + units(rule, amount) - units(rule, rule.n);
    nths wait = (over + rule.n - 1) / rule.n;
    if (over <= 0) return 0;
    return wait < INT64_MAX / 2 ? (int64_t)wait : INT64_MAX / 2;
}

int64_t gcra_wait(const gcra *g, gcra_rule rule, int64_t amount, int64_t now_us) {
    return gcra_wait_after(g, rule, 0, amount, now_us);
}

void gcra_take(gcra *g, gcra_rule rule, int64_t amount, int64_t now_us) {
    set_debt(g, rule, debt_of(g, now_us) + units(rule, amount), now_us);
}

void gcra_give(gcra *g, gcra_rule rule, int64_t amount, int64_t now_us) {
    nths debt = debt_of(g, now_us) - units(rule, amount);
    set_debt(g, rule, debt > 0 ? debt : 0, now_us);
}

gcra gcra_turned(const gcra *g, gcra_rule rule, int64_t amount, int64_t now_us) {
    const nths lacking = units(rule, amount) - debt_of(g, now_us);
    gcra over = {.n = rule.n};
    set_debt(&over, rule, lacking > 0 ? lacking : 0, now_us);
    return over;
}

gcra_debt gcra_owed(const gcra *g, gcra_rule rule, int64_t now_us) {
    const nths debt = debt_of(g, now_us);
    return (gcra_debt){(int64_t)(debt / rule.n), (int64_t)(debt % rule.n)};
}

int64_t gcra_left(const gcra *g, gcra_rule rule, int64_t now_us) {
    nths left = units(rule, rule.n) - debt_of(g, now_us);
    return left > 0 ? (int64_t)(left / rule.period_us) : 0;
}

int64_t gcra_until_full(const gcra *g, int64_t now_us) {
    int64_t until = g->full_us - now_us + (g->rest > 0);
    return until > 0 ? until : 0;
}
