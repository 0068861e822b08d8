#include "limit/owed.h"

#include "base/mem.h"
#include "limit/counter.h"

#include <stdlib.h>

typedef struct owed_sum {
    limit_ask ask; /* who is the sum's own */
    union {
        struct {
            gcra rate;
            bool back; /* it is to be given back */
        };
        int64_t nano; /* of SPEND, in one period: that of ask.spent_in */
    };
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

static bool is_of_period(const owed_sum *s, const limit_ask *a) {
    return a->kind != LIMIT_SPEND || s->ask.spent_in == a->spent_in;
}

static owed_sum *find(owed *o, const limit_ask *a) {
    for (size_t i = 0; i < o->count; i++)
        if (o->keys[i] == a->counter && is_of_period(&o->sums[i], a)) return &o->sums[i];
    if (!make_room(o)) return NULL;
    owed_sum *s = &o->sums[o->count];
    o->keys[o->count++] = a->counter;
    *s = (owed_sum){.ask = *a};
    s->ask.name = SPAN_EMPTY;
    s->ask.who = span_from(mem_strndup(a->who.ptr, a->who.len), a->who.len);
    return s;
}

static void add_to_rate(owed_sum *s, gcra_rule rule, int64_t amount, int64_t now_us) {
    const bool back = amount < 0;
    const int64_t size = back ? -amount : amount;
    if (s->back == back) {
        gcra_take(&s->rate, rule, size, now_us);
        return;
    }
    const gcra over = gcra_turned(&s->rate, rule, size, now_us);
    gcra_give(&s->rate, rule, size, now_us);
    if (!gcra_until_full(&over, now_us)) return;
    s->rate = over;
    s->back = back;
}

void owed_add(owed *o, const limit_ask *a, int64_t amount, limit_now now) {
    owed_sum *s = amount ? find(o, a) : NULL;
    if (!s) return;
    if (a->kind != LIMIT_SPEND)
        add_to_rate(s, counter_rule(a->quota), amount, now.mono_us);
    else if (__builtin_add_overflow(s->nano, amount, &s->nano))
        s->nano = INT64_MAX;
}

void owed_drop_last(owed *o) {
    free((char *)o->sums[--o->count].ask.who.ptr);
}

static owed_amount amount_of(const owed_sum *s, limit_now now) {
    const limit_ask *a = &s->ask;
    if (a->kind == LIMIT_SPEND) {
        const int64_t nano = limit_is_over(a, now) ? 0 : s->nano;
        return (owed_amount){.nano = nano, .back = nano < 0, .none = !nano};
    }
    const gcra_debt rate = gcra_owed(&s->rate, counter_rule(a->quota), now.mono_us);
    return (owed_amount){.rate = rate, .back = s->back, .none = !rate.us && !rate.rest};
}

const limit_ask *owed_last(owed *o, limit_now now, owed_amount *ret_amount) {
    while (o->count) {
        const owed_sum *s = &o->sums[o->count - 1];
        *ret_amount = amount_of(s, now);
        if (!ret_amount->none) return &s->ask;
        owed_drop_last(o);
    }
    return NULL;
}
