#include "call/pick_key.h"

static key_readiness look(const upstream *u, size_t at, target_state *target, int64_t now_ms,
                          int64_t *ret_wait_ms) {
    const key_state *k = u->keys[at].state;
    key_readiness limited = target_look_key(target, k, now_ms, ret_wait_ms);
    key_readiness taken = key_look(k, now_ms);
    return limited > taken ? limited : taken;
}

/* The first from `from` on, going round, of those that may be used best. */
static key_outlook best(const upstream *u, const bool *spent, size_t from, target_state *target,
                        int64_t now_ms, size_t *ret_at) {
    key_outlook found = {KEY_RESTING, KEY_NEVER};
    for (size_t i = 0; i < u->key_count; i++) {
        size_t at = (from + i) % u->key_count;
        if (spent && spent[at]) continue;
        int64_t wait_ms;
        key_readiness is = look(u, at, target, now_ms, &wait_ms);
        if (is < found.readiness) {
            found = (key_outlook){is, 0};
            *ret_at = at;
        } else if (is == KEY_RESTING && wait_ms < found.wait_ms) {
            found.wait_ms = wait_ms;
        }
        if (is == KEY_FREE) break;
    }
    return found;
}

key_outlook keys_look(const upstream *u, const bool *spent, target_state *target, int64_t now_ms) {
    size_t unused;
    return best(u, spent, 0, target, now_ms, &unused);
}

int64_t keys_wait_ms(const upstream *u, size_t but, target_state *target, int64_t now_ms) {
    int64_t shortest_ms = KEY_NEVER;
    for (size_t i = 0; i < u->key_count; i++) {
        int64_t wait_ms;
        if (i != but && look(u, i, target, now_ms, &wait_ms) == KEY_RESTING &&
            wait_ms < shortest_ms)
            shortest_ms = wait_ms;
    }
    return shortest_ms;
}

/* In each round every key has as many turns as its weight says, as far apart as can be: each turn
 * all are owed their weight, and who is owed the most has it, for a round's worth. */
static size_t next_in_turn(upstream *u) {
    size_t at = 0;
    for (size_t i = 0; i < u->key_count; i++) {
        u->keys[i].owed += (int)u->keys[i].weight;
        if (u->keys[i].owed > u->keys[at].owed) at = i;
    }
    u->keys[at].owed -= (int)u->round;
    return at;
}

/* That one, else the next in turn. */
static size_t first(upstream *u, uint64_t like) {
    for (size_t i = 0; like && i < u->key_count; i++)
        if (key_id(u->keys[i].state) == like) return i;
    return next_in_turn(u);
}

key_outlook keys_take(upstream *u, const bool *spent, target_state *target, uint64_t like,
                      int64_t now_ms, size_t *ret_at) {
    size_t from = first(u, like);
    key_outlook found = best(u, spent, from, target, now_ms, ret_at);
    if (found.readiness != KEY_RESTING) key_take(u->keys[*ret_at].state, now_ms);
    return found;
}

credential *keys_first_free(const upstream *u, size_t from, int64_t now_ms) {
    for (size_t i = 0; i < u->key_count; i++) {
        const upstream_key *k = &u->keys[(from + i) % u->key_count];
        if (key_look(k->state, now_ms) == KEY_FREE) return k->credential;
    }
    return u->keys[from % u->key_count].credential;
}
