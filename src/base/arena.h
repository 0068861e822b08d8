/* base/arena.h: memory that is given back all at once. Everything of one exchange lives in one.
 *
 * Not thread-safe. Allocations are aligned for any type, never freed alone, never NULL.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include "base/span.h"

#include <stdarg.h>

typedef struct arena_block arena_block;

typedef struct arena {
    arena_block *block; /* newest; NULL while nothing was allocated */
    size_t next_size;   /* bytes of the next block */
    size_t used;        /* bytes handed out, for bounds and figures */
} arena;

/* first_size: bytes of the first block, 0 for the default (1 KiB); blocks double up to 32 KiB. */
void arena_init(arena *a, size_t first_size);
/* The next block has that many bytes, and doubling goes on from there: for an owner whose first
 * block is mostly all. */
void arena_go_on_with(arena *a, size_t next_size);
/* Frees every block; the arena is usable again. */
void arena_done(arena *a);
/* Overwrites all of it, for an arena that has held secrets; arena_done() or arena_reset() follows.
 */
void arena_wipe(arena *a);
/* Forgets what was allocated but keeps the first block, as arena_init(a, first_size) would make it:
 * for an owner that is used again. */
void arena_reset(arena *a, size_t first_size);

/* Not zeroed. */
MUST_USE void *arena_alloc(arena *a, size_t size);
MUST_USE void *arena_zalloc(arena *a, size_t size);
/* A copy; its ptr is NUL-terminated one past len, so it also serves as a C string. */
span arena_dup(arena *a, span s);
/* Decimal digits. */
span arena_u64(arena *a, uint64_t value);
COLD span arena_printf(arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
span arena_vprintf(arena *a, const char *fmt, va_list args);
/* The pieces joined; NUL-terminated like arena_dup. */
span arena_join(arena *a, const span *parts, size_t count);

#endif
