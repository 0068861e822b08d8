/* call/limits.h: which keys have had their share of a target for now (429). Providers limit a key
 * for each model apart, so this is a target's affair (call/target.h), which lends its lock. Pure:
 * time is given.
 *
 * Where the provider has said how long, nothing is sent with that key until then (KEY_RESTING).
 * Where it has not, other ways go first for a moment (KEY_LAST): a provider that serves one call in
 * four keeps its share.
 */
#ifndef WEIR_CALL_LIMITS_H
#define WEIR_CALL_LIMITS_H

#include "call/key.h"

/* However long a provider asks for, one call in so many ms looks whether it still holds. */
enum { LIMIT_MOST_MS = 10 * 60 * 1000, LIMIT_UNTOLD_MS = 1000 };

typedef struct limit {
    uint64_t key; /* key_id() */
    int64_t until_ms;
    bool told; /* by the provider */
} limit;

/* Zeroed: none. Those that are over go when another comes, so that it holds few. */
typedef struct limits {
    limit *items;
    size_t count, cap;
    _Atomic int64_t last_ms; /* when all of them are over: for a look without the lock */
} limits;

void limits_done(limits *l);
/* after_ms: the provider's hint; -1: none, which leaves one that was told before as it is. */
void limits_add(limits *l, uint64_t key, int64_t after_ms, int64_t now_ms);
/* *ret_wait_ms: how long it rests; 0: it does not. */
key_readiness limits_look(const limits *l, uint64_t key, int64_t now_ms, int64_t *ret_wait_ms);

/* Without the lock. */
bool limits_any(const limits *l, int64_t now_ms);

#endif
