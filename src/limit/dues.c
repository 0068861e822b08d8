#include "limit/dues.h"

enum { MEMORY_BYTES = 1024 }; /* of a few names */

void dues_init(dues *d) {
    *d = (dues){0};
    arena_init(&d->memory, MEMORY_BYTES);
}

void dues_done(dues *d) {
    buf_done(&d->leases);
    arena_done(&d->memory);
}

bool dues_have_room(const dues *d, size_t limits) {
    return d->count + limits <= DUES_MAX && d->calls < DUES_CALLS;
}

void dues_add_call(dues *d, span lease) {
    d->calls++;
    if (!lease.len) return;
    buf_add(&d->leases, lease);
    buf_add_char(&d->leases, ' ');
}

/* By another rule as many cost something else; what comes back and what is owed may be more than
 * there is, each by itself. */
static bool go_together(const due *d, const limit_ask *a, int64_t amount) {
    return d->ask.counter == a->counter && d->ask.quota.amount == a->quota.amount &&
           d->ask.quota.per == a->quota.per && (d->amount < 0) == (amount < 0);
}

static int64_t sum_of(int64_t a, int64_t b) {
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum) && sum != INT64_MIN) return sum;
    return a < 0 ? -INT64_MAX : INT64_MAX;
}

void dues_add(dues *d, const limit_ask *a, int64_t amount) {
    for (size_t i = 0; i < d->count; i++) {
        due *there = &d->items[i];
        if (!go_together(there, a, amount)) continue;
        if (a->kind != LIMIT_PARALLEL) there->amount = sum_of(there->amount, amount);
        return;
    }
    due *made = &d->items[d->count++];
    *made = (due){.ask = *a, .amount = amount};
    made->ask.name = SPAN_EMPTY;
    made->ask.who = arena_dup(&d->memory, a->who);
}

void dues_clear(dues *d) {
    d->count = d->calls = 0;
    buf_clear(&d->leases);
    arena_reset(&d->memory, MEMORY_BYTES);
}
