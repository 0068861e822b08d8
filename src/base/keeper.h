/* base/keeper.h: large bytes that change hands without being copied.
 *
 * Whoever points to them beyond a call holds a reference to their keeper; the last that lets go
 * frees them. Embedded in whatever owns the bytes. Belongs to one loop; made on another thread, it
 * is handed over whole.
 */
#ifndef WEIR_BASE_KEEPER_H
#define WEIR_BASE_KEEPER_H

#include "base/span.h"

typedef struct byte_keeper {
    unsigned refs;
    void (*free)(struct byte_keeper *k);
} byte_keeper;

/* With one reference. */
static inline byte_keeper keeper_with(void (*free)(byte_keeper *k)) {
    return (byte_keeper){1, free};
}
static inline byte_keeper *keeper_ref(byte_keeper *k) {
    k->refs++;
    return k;
}
/* NULL is allowed. */
static inline void keeper_unref(byte_keeper *k) {
    if (k && --k->refs == 0) k->free(k);
}

/* A text whose middle is large and kept; what stands around it is small and borrowed for the call.
 */
typedef struct kept_text {
    span before, bytes, after;
    byte_keeper *keeper;
} kept_text;

static inline size_t kept_text_len(const kept_text *t) {
    return t->before.len + t->bytes.len + t->after.len;
}

#endif
