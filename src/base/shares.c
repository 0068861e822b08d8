#include "base/shares.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_ROWS = 8 };

void shares_done(shares *s) {
    free(s->rows);
    *s = (shares){0};
}

static size_t home(const shares *s, uint64_t holder) {
    return holder & (s->cap - 1);
}

/* Its row, or the free one where it belongs. There is a free one always. */
static shares_row *find(const shares *s, uint64_t holder) {
    size_t i = home(s, holder);
    while (s->rows[i].held && s->rows[i].holder != holder)
        i = (i + 1) & (s->cap - 1);
    return &s->rows[i];
}

static void grow(shares *s) {
    const shares old = *s;
    s->cap = old.cap ? old.cap * 2 : FIRST_ROWS;
    s->rows = mem_zalloc_array(s->cap, sizeof *s->rows);
    for (size_t i = 0; i < old.cap; i++)
        if (old.rows[i].held) *find(s, old.rows[i].holder) = old.rows[i];
    free(old.rows);
}

/* Those behind a row that has become free move up where their search would stop at it. */
static void close_gap(shares *s, size_t gap) {
    const size_t mask = s->cap - 1;
    for (size_t i = (gap + 1) & mask; s->rows[i].held; i = (i + 1) & mask) {
        size_t wanted = home(s, s->rows[i].holder);
        if (((i - wanted) & mask) < ((i - gap) & mask)) continue;
        s->rows[gap] = s->rows[i];
        gap = i;
    }
    s->rows[gap] = (shares_row){0};
}

/* What is left of most, whoever holds more than that already. */
static uint64_t left(uint64_t most, uint64_t held) {
    return held < most ? most - held : 0;
}

share_verdict shares_take(shares *s, uint64_t holder, uint64_t amount, uint64_t most_all,
                          uint64_t most_one) {
    assert(amount > 0);
    if (amount > left(most_all, s->held)) return SHARE_ALL_GONE;
    if (2 * (s->count + 1) > s->cap) grow(s);
    shares_row *row = find(s, holder);
    if (amount > left(most_one, row->held)) return SHARE_OWN_GONE;
    if (!row->held) s->count++;
    row->holder = holder;
    row->held += amount;
    s->held += amount;
    return SHARE_TAKEN;
}

void shares_give(shares *s, uint64_t holder, uint64_t amount) {
    shares_row *row = find(s, holder);
    assert(row->held >= amount && s->held >= amount);
    row->held -= amount;
    s->held -= amount;
    if (row->held) return;
    s->count--;
    close_gap(s, (size_t)(row - s->rows));
}

uint64_t shares_held(const shares *s, uint64_t holder) {
    return s->cap ? find(s, holder)->held : 0;
}
