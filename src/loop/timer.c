#include "loop/timer.h"

enum { SLOT_BITS = 6, SLOT_MASK = TIMER_SLOTS - 1 };

static const int64_t farthest = ((int64_t)1 << (SLOT_BITS * TIMER_LEVELS)) - 1;

void timers_init(timers *w, int64_t now_ms) {
    *w = (timers){.now_ms = now_ms};
    for (int level = 0; level < TIMER_LEVELS; level++)
        for (int slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
}

void timer_init(timer *t, timer_fn *fire) {
    list_init(&t->link);
    t->due_ms = 0;
    t->fire = fire;
}

/* The level is the highest six-bit digit in which due and now differ, so every timer of a level
 * lies within the current turn of that level and cascades down exactly once per level. */
static void place(timers *w, timer *t) {
    int64_t due = t->due_ms <= w->now_ms ? w->now_ms + 1 : t->due_ms;
    if (due - w->now_ms > farthest) due = w->now_ms + farthest;
    uint64_t differ = (uint64_t)due ^ (uint64_t)w->now_ms;
    int level = (63 - __builtin_clzll(differ)) / SLOT_BITS;
    if (level >= TIMER_LEVELS) level = TIMER_LEVELS - 1;
    int slot = (int)(due >> (level * SLOT_BITS)) & SLOT_MASK;
    list_push_back(&w->slots[level][slot], &t->link);
    w->used[level] |= (uint64_t)1 << slot;
}

void timer_start(timers *w, timer *t, int64_t due_ms) {
    timer_stop(w, t);
    t->due_ms = due_ms;
    place(w, t);
    w->count++;
}

void timer_stop(timers *w, timer *t) {
    if (!timer_active(t)) return;
    list_remove(&t->link);
    w->count--;
}

static void take(timers *w, int level, int slot, list *into) {
    list *head = &w->slots[level][slot];
    w->used[level] &= ~((uint64_t)1 << slot);
    for (list *node; (node = list_pop_front(head));)
        list_push_back(into, node);
}

/* One tick: cascade the levels whose digit has just turned, then fire level 0's slot. */
static void tick(timers *w) {
    w->now_ms++;
    list moved;
    list_init(&moved);
    for (int level = 1; level < TIMER_LEVELS; level++) {
        if (w->now_ms & (((int64_t)1 << (level * SLOT_BITS)) - 1)) break;
        take(w, level, (int)(w->now_ms >> (level * SLOT_BITS)) & SLOT_MASK, &moved);
    }
    list due;
    list_init(&due);
    for (list *node; (node = list_pop_front(&moved));) {
        timer *t = LIST_ENTRY(node, timer, link);
        if (t->due_ms <= w->now_ms)
            list_push_back(&due, node);
        else
            place(w, t);
    }
    take(w, 0, (int)w->now_ms & SLOT_MASK, &due);
    for (list *node; (node = list_pop_front(&due));) {
        timer *t = LIST_ENTRY(node, timer, link);
        if (t->due_ms > w->now_ms) { /* was clamped to the farthest slot */
            place(w, t);
            continue;
        }
        w->count--;
        t->fire(t);
    }
}

/* The next tick at which something can happen: a used slot of the current turn, or a turn of the
 * lowest level that has timers above. */
static int64_t next_tick(const timers *w) {
    int64_t best = INT64_MAX;
    for (int level = 0; level < TIMER_LEVELS; level++) {
        uint64_t used = w->used[level];
        if (!used) continue;
        int shift = level * SLOT_BITS;
        int64_t digit = (w->now_ms >> shift) & SLOT_MASK;
        uint64_t ahead = digit == SLOT_MASK ? 0 : used & (~(uint64_t)0 << (digit + 1));
        int64_t turn = w->now_ms >> (shift + SLOT_BITS);
        int64_t slot;
        if (ahead) {
            slot = __builtin_ctzll(ahead);
        } else {
            slot = __builtin_ctzll(used);
            turn++;
        }
        int64_t when = ((turn << SLOT_BITS) | slot) << shift;
        if (when < best) best = when;
    }
    return best;
}

void timers_advance(timers *w, int64_t now_ms) {
    while (w->now_ms < now_ms) {
        int64_t next = w->count ? next_tick(w) : INT64_MAX;
        if (next > now_ms) {
            w->now_ms = now_ms;
            return;
        }
        w->now_ms = next - 1;
        tick(w);
    }
}

int64_t timers_next_ms(const timers *w) {
    return w->count ? next_tick(w) : INT64_MAX;
}
