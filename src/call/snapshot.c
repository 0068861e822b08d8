#include "call/snapshot.h"

#include "base/mem.h"

#include <stdlib.h>

static void *make(const snapshot_part *part, const config *c, buf *ret_why) {
    size_t before = ret_why->len;
    void *made = part->make(c, ret_why);
    if (!made && ret_why->len == before) buf_addf(ret_why, "%s cannot be made", part->name);
    return made;
}

snapshot *snapshot_new(config *c, const snapshot_part *const *parts, size_t count, buf *ret_why) {
    static atomic_ullong made;
    snapshot *s = mem_zalloc(sizeof *s + count * sizeof s->made[0]);
    atomic_init(&s->refs, 1);
    s->number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    s->config = config_ref(c);
    s->parts = parts;
    for (; s->count < count; s->count++) {
        s->made[s->count] = make(parts[s->count], c, ret_why);
        if (s->made[s->count]) continue;
        snapshot_unref(s);
        return NULL;
    }
    return s;
}

snapshot *snapshot_ref(snapshot *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(snapshot *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    while (s->count--)
        s->parts[s->count]->free(s->made[s->count], s->config);
    config_unref(s->config);
    free(s);
}

/* A handful: cheaper to look at than to hash. */
const void *snapshot_made(const snapshot *s, const snapshot_part *part) {
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i] == part) return s->made[i];
    return NULL;
}
