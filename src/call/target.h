/* call/target.h: what the process remembers of each target (provider and model): breaker, retry
 * budget, hedge allowance, latency. Shared by all workers, one short lock per target, taken once or
 * twice per attempt and never per event.
 *
 * States are counted and known by name. Whoever holds the configuration (call/named_targets.h)
 * holds those of the targets that it names, so they survive a reload and have no bound. Those that
 * have a client's own word in their name are held by the calls that run, and of the others those
 * stay that were held last: TARGETS_MAX that have answered, and apart from them
 * TARGETS_UNANSWERED_MAX that have not, so that invented names push out nothing but each other.
 *
 * Strangers of a provider, which all words that are too long are, have one state, which knows
 * nothing but what was spent: no breaker, no habits, no latency, no limits. Words that were not
 * answered yet spend from it, too.
 */
#ifndef WEIR_CALL_TARGET_H
#define WEIR_CALL_TARGET_H

#include "call/affinity.h"
#include "call/breaker.h"
#include "call/budget.h"
#include "call/health.h"
#include "call/key.h"
#include "call/secrets.h"
#include "call/shortages.h"
#include "provider/provider.h"

typedef struct target_table target_table;
typedef struct target_state target_state; /* one target, or a provider's strangers */

MUST_USE target_table *target_table_new(void);
/* With all states, whoever holds them. */
void target_table_free(target_table *t);

/* States that nobody holds; longest name with a client's word in it that gets one. */
enum { TARGETS_MAX = 4096, TARGETS_UNANSWERED_MAX = 256, TARGET_NAME_MAX = 256 };

/* The keys that go with them. */
key_table *target_table_keys(target_table *t);
/* What their providers' health paths tell. */
health_table *target_table_health(target_table *t);
/* What is secret between weir and each provider. */
secret_table *target_table_secrets(target_table *t);
/* Beside them: what providers hold for clients. As old as the table. */
affinity *target_affinity(target_table *t);
/* What of weir's own failures the log has heard. As old as the table. */
shortages *target_table_shortages(target_table *t);

/* Finds or makes, with a reference. Any thread, one short lock, like the two that follow. */
MUST_USE target_state *target_get(target_table *t, span name);
MUST_USE target_state *target_get_strangers(target_table *t, span provider);
void target_unref(target_state *s); /* NULL is allowed */
span target_name(const target_state *s);
/* Whether an attempt has succeeded (target_report()), ever or since then. Any thread, no lock. */
bool target_has_answered(const target_state *s);
bool target_answered_since(const target_state *s, int64_t ms);
/* Calls fn with every state there is but those of strangers, in no order. Any thread; fn asks the
 * table nothing. */
void target_each(target_table *t, void (*fn)(void *user, target_state *s), void *user);

/* client, here and below: who calls, of several clients (config_client.holder); 0: everybody is
 * one. What one client does is held against that client alone, as call/breaker.h and call/budget.h
 * say. */

/* Breaker. */
bool target_ready(target_state *s, const config_breaker *policy, uint64_t client, int64_t now_ms);
MUST_USE bool target_admit(target_state *s, const config_breaker *policy, uint64_t client,
                           int64_t now_ms, breaker_probe *ret_probe);
/* Counts one finished attempt: for the breaker (failed: this failure is the target's fault), and,
 * when it succeeded, its time to first content for `fastest` and `hedge`. */
breaker_change target_report(target_state *s, const config_breaker *policy, uint64_t client,
                             bool failed, breaker_probe probe, int64_t first_content_ms,
                             int64_t now_ms);
/* An attempt that was neither: the target has answered. */
breaker_change target_alive(target_state *s, const config_breaker *policy, uint64_t client,
                            breaker_probe probe, int64_t now_ms);
/* It is known to be back by other means than calls (breaker_hasten()). */
void target_hasten(target_state *s, const config_breaker *policy, bool again, int64_t now_ms);
/* One that has told nothing. */
void target_abandon(target_state *s, uint64_t client, breaker_probe probe);
int64_t target_wait_ms(target_state *s, const config_breaker *policy, uint64_t client,
                       int64_t now_ms);
/* What callers meet: for all, and for how many clients alone it is not closed. */
breaker_state target_breaker(target_state *s, const config_breaker *policy,
                             unsigned *ret_clients_apart);

/* Retry budget: extra calls (retries and hedges) may be at most budget_ratio of first calls, over
 * the last minute, and budget_floor a minute are always allowed. Looking and taking are two steps:
 * workers that look at the same moment may overdraw it by one each. */
void target_count_call(target_state *s, uint64_t client, int64_t now_ms); /* a first call */
bool target_budget_left(target_state *s, const config_retry *policy, uint64_t client,
                        int64_t now_ms);
void target_take_budget(target_state *s, uint64_t client, int64_t now_ms); /* an extra call */

/* What pages show: first calls, extra calls, hedges over the last minute. */
budget_counts target_last_minute(target_state *s, int64_t now_ms);

/* Habits: what it was seen to do, so that it is asked and read accordingly from then on. Forgotten
 * with its state. Any thread, no lock. */
typedef enum target_habit {
    HABIT_NO_STREAM_OPTIONS = 1 << 0, /* it refuses a request that has them */
    HABIT_FINISHES = 1 << 1,          /* its streams tell a finish_reason */
    HABIT_CLOSES = 1 << 2,      /* its responses tell how they ended: response.completed … */
    HABIT_TELLS_USAGE = 1 << 3, /* its streams tell what they use */
    HABIT_KNOWS_N = 1 << 4,     /* a stream of its had as many choices as were asked of a prompt */
    HABIT_NO_MAX_TOKENS = 1 << 5,  /* it calls that max_completion_tokens alone */
    HABIT_NO_TEMPERATURE = 1 << 6, /* it refuses weir's own */
} target_habit;
void target_learn(target_state *s, target_habit habit);
bool target_has(const target_state *s, target_habit habit);

/* Limits (call/limits.h): the key has had its share. */
void target_limit(target_state *s, const key_state *k, int64_t after_ms, int64_t now_ms);
/* Whether any key has, now. No lock. */
bool target_limits_any(const target_state *s, int64_t now_ms);
key_readiness target_look_key(target_state *s, const key_state *k, int64_t now_ms,
                              int64_t *ret_wait_ms);

/* Hedging: started hedges may be at most at_most of calls over the same minute (a small floor of
 * one lets a quiet service hedge at all). true takes a place. The extra call itself is counted by
 * target_take_budget() at the target that gets it. */
MUST_USE bool target_take_hedge(target_state *s, const config_hedge *policy, uint64_t client,
                                int64_t now_ms);
/* The hedge could not be started after all. */
void target_return_hedge(target_state *s, uint64_t client, int64_t now_ms);
/* How long to wait for the first content before hedging: after_ms, or the measured quantile of
 * recent times to first content (at least 20 samples); -1: not known yet. */
int64_t target_hedge_after_ms(target_state *s, const config_hedge *policy);
/* Smoothed time to first content; -1: never measured. For pick: fastest. */
int64_t target_latency_ms(target_state *s);

#endif
