#include "call/target_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- breaker ---- */

static void lock(target_state *s) {
    (void)pthread_mutex_lock(&s->lock);
}

static void unlock(target_state *s) {
    (void)pthread_mutex_unlock(&s->lock);
}

bool target_ready(target_state *s, const config_breaker *policy, uint64_t client, int64_t now_ms) {
    lock(s);
    bool ready = breaker_ready(&s->breaker, policy, client, now_ms);
    unlock(s);
    return ready;
}

bool target_admit(target_state *s, const config_breaker *policy, uint64_t client, int64_t now_ms,
                  breaker_probe *ret_probe) {
    lock(s);
    bool admitted = breaker_admit(&s->breaker, policy, client, now_ms, ret_probe);
    unlock(s);
    return admitted;
}

void target_abandon(target_state *s, uint64_t client, breaker_probe probe) {
    if (probe == NO_PROBE) return;
    lock(s);
    breaker_abandon(&s->breaker, client, probe);
    unlock(s);
}

void target_hasten(target_state *s, const config_breaker *policy, bool again, int64_t now_ms) {
    lock(s);
    breaker_hasten(&s->breaker, policy, again, now_ms);
    unlock(s);
}

int64_t target_wait_ms(target_state *s, const config_breaker *policy, uint64_t client,
                       int64_t now_ms) {
    lock(s);
    int64_t wait_ms = breaker_wait_ms(&s->breaker, policy, client, now_ms);
    unlock(s);
    return wait_ms;
}

breaker_state target_breaker(target_state *s, const config_breaker *policy,
                             unsigned *ret_clients_apart) {
    lock(s);
    breaker_state state = breaker_get_state(&s->breaker, policy);
    *ret_clients_apart = breaker_clients_apart(&s->breaker, policy);
    unlock(s);
    return state;
}

static void sample(latencies *l, int64_t ms) {
    l->ms[l->count % SAMPLES] = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
    l->smoothed_ms = l->count ? l->smoothed_ms + ((double)ms - l->smoothed_ms) / 5 : (double)ms;
    l->count++;
}

breaker_change target_report(target_state *s, const config_breaker *policy, uint64_t client,
                             bool failed, breaker_probe probe, int64_t first_content_ms,
                             int64_t now_ms) {
    breaker_change change = {false, false, BREAKER_CLOSED};
    if (s->strangers) return change;
    if (!failed) atomic_store_explicit(&s->answered_ms, now_ms, memory_order_relaxed);
    lock(s);
    change = breaker_report(&s->breaker, policy, client, failed, probe, now_ms);
    if (!failed && first_content_ms >= 0) sample(&s->latencies, first_content_ms);
    unlock(s);
    return change;
}

breaker_change target_alive(target_state *s, const config_breaker *policy, uint64_t client,
                            breaker_probe probe, int64_t now_ms) {
    breaker_change change = {false, false, BREAKER_CLOSED};
    if (probe == NO_PROBE) return change;
    lock(s);
    change = breaker_alive(&s->breaker, policy, client, probe, now_ms);
    unlock(s);
    return change;
}

bool target_has_answered(const target_state *s) {
    return target_answered_since(s, 1);
}

bool target_answered_since(const target_state *s, int64_t ms) {
    return atomic_load_explicit(&s->answered_ms, memory_order_relaxed) >= ms;
}

/* ---- retry budget and hedges ---- */

void target_count_call(target_state *s, uint64_t client, int64_t now_ms) {
    lock(s);
    budget_count_call(&s->budget, client, now_ms);
    unlock(s);
}

bool target_budget_left(target_state *s, const config_retry *policy, uint64_t client,
                        int64_t now_ms) {
    lock(s);
    bool left = budget_left(&s->budget, policy, client, now_ms);
    unlock(s);
    return left;
}

void target_take_budget(target_state *s, uint64_t client, int64_t now_ms) {
    lock(s);
    budget_take(&s->budget, client, now_ms);
    unlock(s);
}

budget_counts target_last_minute(target_state *s, int64_t now_ms) {
    lock(s);
    budget_counts counts = budget_last_minute(&s->budget, now_ms);
    unlock(s);
    return counts;
}

bool target_take_hedge(target_state *s, const config_hedge *policy, uint64_t client,
                       int64_t now_ms) {
    lock(s);
    bool allowed = budget_take_hedge(&s->budget, policy, client, now_ms);
    unlock(s);
    return allowed;
}

void target_return_hedge(target_state *s, uint64_t client, int64_t now_ms) {
    lock(s);
    budget_return_hedge(&s->budget, client, now_ms);
    unlock(s);
}

/* ---- habits ---- */

/* Most times there is nothing new: the cache line stays shared. */
void target_learn(target_state *s, target_habit habit) {
    if (s->strangers || target_has(s, habit)) return;
    atomic_fetch_or_explicit(&s->habits, habit, memory_order_relaxed);
}

bool target_has(const target_state *s, target_habit habit) {
    return atomic_load_explicit(&s->habits, memory_order_relaxed) & habit;
}

/* ---- limits ---- */

void target_limit(target_state *s, const key_state *k, int64_t after_ms, int64_t now_ms) {
    if (s->strangers) return;
    lock(s);
    limits_add(&s->limits, key_id(k), after_ms, now_ms);
    unlock(s);
}

bool target_limits_any(const target_state *s, int64_t now_ms) {
    return limits_any(&s->limits, now_ms);
}

key_readiness target_look_key(target_state *s, const key_state *k, int64_t now_ms,
                              int64_t *ret_wait_ms) {
    *ret_wait_ms = 0;
    if (!limits_any(&s->limits, now_ms)) return KEY_FREE;
    lock(s);
    key_readiness ready = limits_look(&s->limits, key_id(k), now_ms, ret_wait_ms);
    unlock(s);
    return ready;
}

/* ---- latency ---- */

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The smallest sample that at least the share q of them does not exceed. */
static int64_t quantile_of(const uint32_t *ms, unsigned n, double q) {
    uint32_t sorted[SAMPLES];
    memcpy(sorted, ms, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], by_value);
    double rank = q * n;
    unsigned at = (unsigned)rank;
    if (at == rank && at) at--;
    return sorted[at < n ? at : n - 1];
}

int64_t target_hedge_after_ms(target_state *s, const config_hedge *policy) {
    if (policy->after_ms > 0) return policy->after_ms;
    lock(s);
    latencies *l = &s->latencies;
    int64_t after_ms = -1;
    if (l->count >= SAMPLES_NEEDED) {
        /* Sorting on every call would cost more than the rest of the call's decisions together. */
        bool stale =
            l->count - l->quantile_at >= SAMPLES_STALE || l->quantile != policy->after_quantile;
        if (stale) {
            unsigned n = l->count < SAMPLES ? (unsigned)l->count : SAMPLES;
            l->quantile_ms = quantile_of(l->ms, n, policy->after_quantile);
            l->quantile = policy->after_quantile;
            l->quantile_at = l->count;
        }
        after_ms = l->quantile_ms;
    }
    unlock(s);
    return after_ms;
}

int64_t target_latency_ms(target_state *s) {
    lock(s);
    int64_t ms = s->latencies.count ? (int64_t)(s->latencies.smoothed_ms + 0.5) : -1;
    unlock(s);
    return ms;
}
