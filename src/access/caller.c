#include "access/caller.h"

#include "base/mem.h"

#include <stdlib.h>

enum { FIRST_BYTES = 128 };

access_key *access_key_new(void) {
    access_key *k = mem_zalloc(sizeof *k);
    atomic_init(&k->refs, 1);
    arena_init(&k->arena, FIRST_BYTES);
    return k;
}

access_key *access_key_ref(access_key *k) {
    if (k) atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void access_key_unref(access_key *k) {
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1) return;
    arena_done(&k->arena);
    free(k);
}
