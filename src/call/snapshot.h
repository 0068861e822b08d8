/* call/snapshot.h: what is in force: a configuration, with all that is prepared from it before it
 * is used (certificates read, rules compiled, prices looked up).
 *
 * Whoever makes one brings a table of its parts, so that it holds, and links, only what it uses.
 * Made off the loops, since making may block; immutable afterwards; shared between threads by
 * count. A loop holds one through its loop_snapshot.
 *
 * A part is one file: its row, and a getter with a type, which with the row's two functions is all
 * that knows what was made. Look at call/provider_tls.c.
 */
#ifndef WEIR_CALL_SNAPSHOT_H
#define WEIR_CALL_SNAPSHOT_H

#include "config/config.h"

typedef struct snapshot_part {
    const char *name; /* in a sentence: "provider TLS" */
    /* Never NULL but where it cannot be made; then *ret_why is told, in a sentence. May block. */
    void *(*make)(const config *c, buf *ret_why);
    /* c is what it was made from. Any thread. */
    void (*free)(void *made, const config *c);
} snapshot_part;

typedef struct snapshot {
    atomic_uint refs;
    uint64_t number; /* from 1; that of a later one is higher */
    config *config;  /* counted */
    const snapshot_part *const *parts;
    size_t count;
    void *made[]; /* by index in parts */
} snapshot;

/* Takes a reference of c; makes the parts in their order. The table outlives the snapshot. NULL and
 * *ret_why, a sentence, when one of them cannot be made: then nothing is left of the others. */
MUST_USE snapshot *snapshot_new(config *c, const snapshot_part *const *parts, size_t count,
                                buf *ret_why);
/* Any thread. */
snapshot *snapshot_ref(snapshot *s);
/* Any thread; the last one frees the parts, the latest made first. NULL is allowed. */
void snapshot_unref(snapshot *s);

/* For the getters: what was made of that part; NULL: the table does not name it. */
const void *snapshot_made(const snapshot *s, const snapshot_part *part);

#endif
