#include "limit/owed.h"

#include "base/mem.h"
#include "limit/spend.h"

#include <stdlib.h>

typedef struct owed_sum {
    limit_ask ask; /* its name and who are the sum's own */
    int64_t nano;
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

void owed_add(owed *o, const limit_ask *a, int64_t nano, int64_t wall_us) {
    owed_sum *s = find(o, a, spend_period_start_us(a->quota.per, wall_us));
    if (s && __builtin_add_overflow(s->nano, nano, &s->nano)) s->nano = INT64_MAX;
}

void owed_drop_last(owed *o) {
    free((char *)o->sums[--o->count].ask.who.ptr);
}

const limit_ask *owed_last(owed *o, int64_t wall_us, int64_t *ret_nano) {
    while (o->count) {
        const owed_sum *s = &o->sums[o->count - 1];
        if (s->nano && s->period_us == spend_period_start_us(s->ask.quota.per, wall_us)) {
            *ret_nano = s->nano;
            return &s->ask;
        }
        owed_drop_last(o);
    }
    return NULL;
}
