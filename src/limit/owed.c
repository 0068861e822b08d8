#include "limit/owed.h"

#include "base/mem.h"
#include "limit/counter.h"

#include <stdlib.h>

typedef struct owed_sum {
    limit_ask ask; /* who is the sum's own */
    union {
        gcra rate;
        int64_t nano; /* of SPEND, in one period: */
    };
    int64_t period_us; /* when it began */
} owed_sum;

void owed_done(owed *o) {
    while (o->count)
        owed_drop_last(o);
    free(o->keys);
    free(o->sums);
    *o = (owed){0};
}

static bool make_room(owed *o) {
    if (o->count < o->cap) return true;
    if (o->cap == OWED_MAX) return false;
    o->cap = o->cap ? 2 * o->cap : 16;
    o->keys = mem_realloc(o->keys, o->cap * sizeof *o->keys);
    o->sums = mem_realloc(o->sums, o->cap * sizeof *o->sums);
    return true;
}

static int64_t period_of(const limit_ask *a, limit_now now) {
    return a->kind == LIMIT_SPEND ? spend_period_start_us(a->quota.per, now.wall_us) : 0;
}

static owed_sum *find(owed *o, const limit_ask *a, int64_t period_us) {
    for (size_t i = 0; i < o->count; i++)
        if (o->keys[i] == a->counter && o->sums[i].period_us == period_us) return &o->sums[i];
    if (!make_room(o)) return NULL;
    owed_sum *s = &o->sums[o->count];
    o->keys[o->count++] = a->counter;
    *s = (owed_sum){.ask = *a, .period_us = period_us};
    s->ask.name = SPAN_EMPTY;
    s->ask.who = span_from(mem_strndup(a->who.ptr, a->who.len), a->who.len);
    return s;
}

void owed_add(owed *o, const limit_ask *a, int64_t amount, limit_now now) {
    if (!amount) return;
    owed_sum *s = find(o, a, period_of(a, now));
    if (!s) return;
    if (a->kind == LIMIT_SPEND) {
        if (__builtin_add_overflow(s->nano, amount, &s->nano)) s->nano = INT64_MAX;
    } else if (amount > 0) {
        gcra_take(&s->rate, counter_rule(a->quota), amount, now.mono_us);
    } else {
        gcra_give(&s->rate, counter_rule(a->quota), -amount, now.mono_us);
    }
}

void owed_drop_last(owed *o) {
    free((char *)o->sums[--o->count].ask.who.ptr);
}

static int64_t amount_of(const owed_sum *s, limit_now now) {
    const limit_ask *a = &s->ask;
    if (a->kind != LIMIT_SPEND)
        return a->quota.amount - gcra_left(&s->rate, counter_rule(a->quota), now.mono_us);
    return s->period_us == period_of(a, now) ? s->nano : 0;
}

const limit_ask *owed_last(owed *o, limit_now now, int64_t *ret_amount) {
    while (o->count) {
        const owed_sum *s = &o->sums[o->count - 1];
        *ret_amount = amount_of(s, now);
        if (*ret_amount) return &s->ask;
        owed_drop_last(o);
    }
    return NULL;
}
