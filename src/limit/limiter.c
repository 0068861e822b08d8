#include "limit/internal.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { FIRST_COUNTERS = 64, CAP_MAX = 2 * LIMITER_COUNTERS, SAMPLES = 8 };

const char *limit_scope_word(limit_scope s) {
    static const char *const words[] = {
#define X(id, word, sentence) word,
#include "limit/scopes.def"
#undef X
    };
    return words[s];
}

const char *limit_kind_word(limit_kind k) {
    static const char *const words[LIMIT_KINDS] = {"requests", "tokens", "spend", "parallel"};
    return words[k];
}

uint64_t limit_user_subject(span client, span user) {
    return hash_span(user) + 3 * hash_span(client);
}

limiter *limiter_new(void) {
    limiter *l = mem_zalloc(sizeof *l);
    (void)pthread_mutex_init(&l->lock, NULL);
    return l;
}

void limiter_free(limiter *l) {
    if (!l) return;
    (void)pthread_mutex_destroy(&l->lock);
    limit_queues_free(l->queues);
    free(l->counters);
    free(l);
}

/* ---- one counter ---- */

gcra_rule counter_rule(config_quota q) {
    return (gcra_rule){q.amount, config_period_us(q.per)};
}

/* When it is as if it had never been; INT64_MAX: not before something is given back. */
static int64_t idle_from_us(const counter *c, limit_now now) {
    const config_quota any = {INT64_MAX, c->per};
    switch (c->kind) {
    case LIMIT_SPEND:
        if (spend_left(&c->spend, any, now.wall_us) == INT64_MAX) return now.mono_us;
        return now.mono_us + spend_until_next(&c->spend, c->per, now.wall_us);
    case LIMIT_PARALLEL: return c->held ? INT64_MAX : now.mono_us;
    default: return now.mono_us + gcra_until_full(&c->rate, now.mono_us);
    }
}

static bool counts(const counter *c, limit_now now) {
    return c->key && idle_from_us(c, now) > now.mono_us;
}

/* ---- the table ---- */

/* Of one subject each kind and each period counts for itself. */
static uint64_t key_of(const limit_ask *a) {
    const config_period per = a->kind == LIMIT_PARALLEL ? 0 : a->quota.per;
    uint64_t what =
        ((uint64_t)a->scope * LIMIT_KINDS + (uint64_t)a->kind) * CONFIG_PERIODS + (uint64_t)per;
    uint64_t key = a->subject ^ ((what + 1) * 0x9E3779B97F4A7C15u);
    return key ? key : 1;
}

static counter *find(const limiter *l, uint64_t key) {
    size_t i = key & (l->cap - 1);
    while (l->counters[i].key && l->counters[i].key != key)
        i = (i + 1) & (l->cap - 1);
    return &l->counters[i];
}

/* Those behind a place that has become free move up where their search would stop at it. */
static void take_out(limiter *l, size_t gap) {
    const size_t mask = l->cap - 1;
    for (size_t i = (gap + 1) & mask; l->counters[i].key; i = (i + 1) & mask) {
        size_t wanted = l->counters[i].key & mask;
        if (((i - wanted) & mask) < ((i - gap) & mask)) continue;
        l->counters[gap] = l->counters[i];
        gap = i;
    }
    l->counters[gap] = (counter){0};
    l->count--;
}

/* Without those that count nothing; with room for as many again, up to a bound, and for so many
 * more in any case. */
static void rebuild(limiter *l, size_t more, limit_now now) {
    const limiter old = *l;
    size_t live = 0, cap = FIRST_COUNTERS;
    for (size_t i = 0; i < old.cap; i++)
        live += counts(&old.counters[i], now);
    while (cap < 2 * (live + more) || (cap < 4 * live && cap < CAP_MAX))
        cap *= 2;
    l->counters = mem_zalloc_table(cap, sizeof *l->counters);
    l->cap = cap;
    l->count = live;
    l->hand = 0;
    for (size_t i = 0; i < old.cap; i++)
        if (counts(&old.counters[i], now)) *find(l, old.counters[i].key) = old.counters[i];
    free(old.counters);
}

/* Of a few that are there the one which would first be as if new goes; what is held stays. */
static bool make_room(limiter *l, limit_now now) {
    size_t best = SIZE_MAX;
    int64_t best_us = INT64_MAX;
    for (unsigned seen = 0; seen < SAMPLES; l->hand = (l->hand + 1) & (l->cap - 1)) {
        const counter *c = &l->counters[l->hand];
        if (!c->key) continue;
        seen++;
        int64_t from_us = idle_from_us(c, now);
        if (from_us >= best_us) continue;
        best_us = from_us;
        best = l->hand;
    }
    if (best == SIZE_MAX) return false;
    l->dropped += best_us > now.mono_us;
    take_out(l, best);
    return true;
}

/* Room for so many more. What was found before may be somewhere else afterwards. */
static void reserve(limiter *l, size_t more, limit_now now) {
    while (2 * (l->count + more) > l->cap)
        if (l->cap < CAP_MAX || !make_room(l, now)) rebuild(l, more, now);
}

static counter *get(limiter *l, const limit_ask *a) {
    counter *c = find(l, a->counter);
    if (c->key) return c;
    *c = (counter){.key = a->counter, .kind = a->kind, .per = a->quota.per};
    l->count++;
    return c;
}

/* ---- taking ---- */

int64_t counter_wait(const counter *c, const limit_ask *a, limit_now now, bool *ret_full) {
    int64_t wait_us = 0;
    *ret_full = true;
    if (a->amount > a->quota.amount) return -1;
    switch (a->kind) {
    case LIMIT_PARALLEL: *ret_full = c->held >= a->quota.amount; return 0;
    case LIMIT_SPEND: {
        int64_t left = spend_left(&c->spend, a->quota, now.wall_us);
        *ret_full = !left || left < a->amount; /* also what is taken to cost nothing */
        return *ret_full ? spend_until_next(&c->spend, c->per, now.wall_us) : 0;
    }
    default:
        wait_us = gcra_wait(&c->rate, counter_rule(a->quota), a->amount, now.mono_us);
        *ret_full = wait_us > 0;
        return wait_us;
    }
}

static void take(counter *c, const limit_ask *a, int64_t amount, limit_now now) {
    switch (a->kind) {
    case LIMIT_PARALLEL: c->held += amount; break;
    case LIMIT_SPEND: spend_take(&c->spend, a->quota.per, amount, now.wall_us); break;
    default: gcra_take(&c->rate, counter_rule(a->quota), amount, now.mono_us); break;
    }
}

static void take_beforehand(counter *c, limit_ask *a, limit_now now) {
    take(c, a, a->amount, now);
    if (a->kind != LIMIT_SPEND) return;
    a->spent_in = c->spend.period;
    spend_hold(&c->spend, a->spent_in, a->amount);
}

static void give(counter *c, const limit_ask *a, int64_t amount, limit_now now) {
    switch (a->kind) {
    case LIMIT_PARALLEL: c->held = c->held > amount ? c->held - amount : 0; break;
    case LIMIT_SPEND: spend_give(&c->spend, a->quota.per, a->spent_in, amount, now.wall_us); break;
    default: gcra_give(&c->rate, counter_rule(a->quota), amount, now.mono_us); break;
    }
}

void counter_tell(const counter *c, limit_ask *a, limit_now now) {
    switch (a->kind) {
    case LIMIT_PARALLEL:
        a->left = a->quota.amount > c->held ? a->quota.amount - c->held : 0;
        a->reset_us = 0;
        break;
    case LIMIT_SPEND:
        a->left = spend_left(&c->spend, a->quota, now.wall_us);
        a->reset_us = spend_until_next(&c->spend, a->quota.per, now.wall_us);
        break;
    default:
        a->left = gcra_left(&c->rate, counter_rule(a->quota), now.mono_us);
        a->reset_us = gcra_until_full(&c->rate, now.mono_us);
        break;
    }
}

/* Never is the longest, then what has no end that is known. */
static bool is_longer(int64_t wait_us, int64_t than_us) {
    return than_us != -1 && (wait_us == -1 || wait_us > than_us);
}

void counter_judge(limit_verdict *v, size_t i, int64_t wait_us) {
    if (!v->taken && !is_longer(wait_us, v->wait_us)) return;
    *v = (limit_verdict){.taken = false, .by = i, .wait_us = wait_us};
}

/* What it counts; what is not there counts nothing. */
counter limiter_look(const limiter *l, const limit_ask *a) {
    const counter *c = find(l, a->counter);
    return c->key ? *c : (counter){.kind = a->kind, .per = a->quota.per};
}

limit_verdict limiter_judge(const limiter *l, const limit_ask *asks, size_t count, limit_now now) {
    limit_verdict v = {.taken = true};
    for (size_t i = 0; i < count; i++) {
        const counter c = limiter_look(l, &asks[i]);
        bool full;
        int64_t wait_us = counter_wait(&c, &asks[i], now, &full);
        if (full) counter_judge(&v, i, wait_us);
    }
    return v;
}

void limiter_name(limit_ask *asks, size_t count) {
    for (size_t i = 0; i < count; i++)
        asks[i].counter = key_of(&asks[i]);
}

void limiter_prepare(limiter *l, limit_ask *asks, size_t count, limit_now now) {
    reserve(l, count, now);
    limiter_name(asks, count);
}

void limiter_finish(limiter *l, limit_ask *asks, size_t count, bool taken, limit_now now) {
    for (size_t i = 0; i < count; i++) {
        if (taken) take_beforehand(get(l, &asks[i]), &asks[i], now);
        const counter c = limiter_look(l, &asks[i]);
        counter_tell(&c, &asks[i], now);
    }
}

limit_verdict limiter_take(limiter *l, limit_ask *asks, size_t count, limit_now now) {
    (void)pthread_mutex_lock(&l->lock);
    limiter_prepare(l, asks, count, now);
    limit_verdict v = limiter_judge(l, asks, count, now);
    limiter_finish(l, asks, count, v.taken, now);
    (void)pthread_mutex_unlock(&l->lock);
    return v;
}

static void change_season(limiter *l) {
    atomic_fetch_add_explicit(&l->season, 1, memory_order_release);
}

void limiter_doubt(limiter *l) {
    (void)pthread_mutex_lock(&l->lock);
    if (!l->doubts++) change_season(l);
    (void)pthread_mutex_unlock(&l->lock);
}

void limiter_trust(limiter *l) {
    (void)pthread_mutex_lock(&l->lock);
    if (!--l->doubts) change_season(l);
    (void)pthread_mutex_unlock(&l->lock);
}

uint32_t limiter_season(const limiter *l) {
    return atomic_load_explicit(&l->season, memory_order_acquire);
}

static spend_word word_of(const limit_ask *a, bool taken) {
    return (spend_word){a->spent, a->spent_in, taken ? a->amount : 0, a->lacks};
}

static void note(counter *c, const limit_ask *a, limit_word word, limit_now now) {
    if (a->kind == LIMIT_SPEND) {
        spend_note(&c->spend, word_of(a, word.taken));
        if (word.taken) spend_hold(&c->spend, a->spent_in, a->amount);
        c->epoch = word.epoch;
    } else if (word.taken) {
        take(c, a, a->amount, now);
    }
}

static void note_doubted(limiter *l, limit_ask *asks, size_t count, limit_word word,
                         limit_verdict *v, limit_now now) {
    for (size_t i = 0; i < count; i++) {
        if (asks[i].kind != LIMIT_SPEND) continue;
        counter *c = get(l, &asks[i]);
        spend_hear(&c->spend, word_of(&asks[i], word.taken));
        c->epoch = word.epoch;
    }
    if (!word.taken) return;
    const limit_verdict here = limiter_judge(l, asks, count, now);
    if (!here.taken) *v = here;
    if (!here.taken) limiter_finish(l, asks, count, false, now);
    for (size_t i = 0; i < count && here.taken; i++) {
        counter *c = get(l, &asks[i]);
        take(c, &asks[i], asks[i].amount, now);
        if (c->kind == LIMIT_SPEND) spend_hold(&c->spend, asks[i].spent_in, asks[i].amount);
    }
}

void limiter_note(limiter *l, limit_ask *asks, size_t count, limit_word word, limit_verdict *v,
                  limit_now now) {
    (void)pthread_mutex_lock(&l->lock);
    limiter_prepare(l, asks, count, now);
    if (l->doubts || word.season != limiter_season(l)) {
        note_doubted(l, asks, count, word, v, now);
    } else {
        for (size_t i = 0; i < count; i++)
            if (word.taken || asks[i].kind == LIMIT_SPEND)
                note(get(l, &asks[i]), &asks[i], word, now);
    }
    (void)pthread_mutex_unlock(&l->lock);
}

void limiter_note_told(limiter *l, const limit_ask *a, int64_t nano, limit_now now) {
    (void)pthread_mutex_lock(&l->lock);
    reserve(l, 1, now); /* there may be no table yet */
    counter *c = find(l, a->counter);
    if (c->key) spend_note_told(&c->spend, a->spent_in, nano);
    (void)pthread_mutex_unlock(&l->lock);
}

limit_spent limiter_spent(limiter *l, const limit_ask *a, limit_now now) {
    limit_spent known = {0};
    limit_ask at = *a;
    at.counter = key_of(a);
    (void)pthread_mutex_lock(&l->lock);
    reserve(l, 1, now); /* there may be no table yet */
    counter c = limiter_look(l, &at);
    (void)pthread_mutex_unlock(&l->lock);
    spend_take(&c.spend, c.per, 0, now.wall_us); /* the period that is in force */
    known.nano = c.spend.nano;
    known.period = c.spend.period;
    known.told = c.spend.told;
    known.held = c.spend.held;
    known.epoch = c.epoch;
    return known;
}

/* ---- and afterwards ---- */

int64_t limit_used_of(const limit_ask *a, const limit_used *used) {
    const int64_t least = used->goes_on ? a->amount : 0;
    switch (a->kind) {
    case LIMIT_REQUESTS: return used->asked ? a->amount : 0;
    case LIMIT_TOKENS: return used->tokens > least ? used->tokens : least;
    case LIMIT_SPEND: return used->nano > least ? used->nano : least;
    default: return 0;
    }
}

bool limit_is_over(const limit_ask *a, limit_now now) {
    return a->kind == LIMIT_SPEND && a->spent_in &&
           a->spent_in < spend_period(a->quota.per, now.wall_us);
}

void limiter_settle_all(limiter *l, const limit_ask *asks, size_t count, const limit_used *used,
                        limit_now now) {
    reserve(l, count, now);
    for (size_t i = 0; i < count; i++) {
        const limit_ask *a = &asks[i];
        int64_t more = limit_used_of(a, used) - a->amount;
        counter *c = find(l, a->counter);
        if (c->key && c->kind == LIMIT_SPEND) spend_let_go(&c->spend, a->spent_in, a->amount);
        if (!more) continue;
        c = get(l, a); /* it may have made room since: a debt counts all the same */
        if (more > 0)
            take(c, a, more, now);
        else
            give(c, a, -more, now);
    }
}

void limiter_settle(limiter *l, const limit_ask *asks, size_t count, const limit_used *used,
                    limit_now now) {
    (void)pthread_mutex_lock(&l->lock);
    limiter_settle_all(l, asks, count, used, now);
    (void)pthread_mutex_unlock(&l->lock);
}

void limiter_raise_spend(limiter *l, limit_scope scope, uint64_t subject, config_period per,
                         int64_t nano, limit_now now) {
    limit_ask a = {.scope = scope, .kind = LIMIT_SPEND, .subject = subject, .quota = {1, per}};
    a.counter = key_of(&a);
    (void)pthread_mutex_lock(&l->lock);
    reserve(l, 1, now);
    counter *c = get(l, &a);
    const int64_t before = c->spend.nano;
    spend_raise(&c->spend, per, nano, now.wall_us);
    if (c->spend.nano != before) c->epoch = 0; /* a shared count is to hear of it */
    (void)pthread_mutex_unlock(&l->lock);
}

limiter_figures limiter_get_figures(limiter *l) {
    (void)pthread_mutex_lock(&l->lock);
    limiter_figures f = {l->count, l->dropped};
    (void)pthread_mutex_unlock(&l->lock);
    return f;
}
