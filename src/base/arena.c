#include "base/arena.h"

#include "base/digits.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_DEFAULT = 1024, LARGEST_STEP = 32 * 1024 };

struct arena_block {
    arena_block *older;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

void arena_init(arena *a, size_t first_size) {
    *a = (arena){.next_size = first_size ? first_size : FIRST_DEFAULT};
}

void arena_go_on_with(arena *a, size_t next_size) {
    a->next_size = next_size;
}

void arena_done(arena *a) {
    for (arena_block *b = a->block; b;) {
        arena_block *older = b->older;
        free(b);
        b = older;
    }
    a->block = NULL;
    a->used = 0;
}

void arena_wipe(arena *a) {
    for (arena_block *b = a->block; b; b = b->older)
        mem_wipe(b->bytes, b->used);
}

void arena_reset(arena *a, size_t first_size) {
    arena_block *first = NULL;
    for (arena_block *b = a->block; b;) {
        arena_block *older = b->older;
        if (b->size == first_size && !first)
            first = b;
        else
            free(b);
        b = older;
    }
    arena_init(a, first_size);
    if (!first) return;
    first->older = NULL;
    first->used = 0;
    a->block = first;
    a->next_size *= 2;
}

static arena_block *add_block(arena *a, size_t at_least) {
    if (a->next_size == 0) a->next_size = FIRST_DEFAULT;
    size_t size = a->next_size > at_least ? a->next_size : at_least;
    arena_block *b = mem_alloc(sizeof *b + size);
    b->size = size;
    b->used = 0;
    /* An oversized request must not waste what is left in the newest block. */
    if (a->block && at_least > a->next_size) {
        b->older = a->block->older;
        a->block->older = b;
    } else {
        b->older = a->block;
        a->block = b;
        if (a->next_size < LARGEST_STEP) a->next_size *= 2;
    }
    return b;
}

void *arena_alloc(arena *a, size_t size) {
    const size_t align = _Alignof(max_align_t);
    size = (size + align - 1) & ~(align - 1);
    arena_block *b = a->block;
    if (!b || b->size - b->used < size) b = add_block(a, size);
    void *ptr = b->bytes + b->used;
    b->used += size;
    a->used += size;
    return ptr;
}

void *arena_zalloc(arena *a, size_t size) {
    return memset(arena_alloc(a, size), 0, size);
}

span arena_dup(arena *a, span s) {
    char *copy = arena_alloc(a, s.len + 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return span_from(copy, s.len);
}

span arena_u64(arena *a, uint64_t value) {
    char digits[DIGITS_MAX];
    const unsigned n = digits_u64(digits, value);
    return arena_dup(a, span_from(digits + n, DIGITS_MAX - n));
}

span arena_printf(arena *a, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    span s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}

span arena_vprintf(arena *a, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    size_t len = n > 0 ? (size_t)n : 0;
    char *text = arena_alloc(a, len + 1);
    (void)vsnprintf(text, len + 1, fmt, again);
    text[len] = '\0';
    va_end(again);
    return span_from(text, len);
}

span arena_join(arena *a, const span *parts, size_t count) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(a, len + 1);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len) memcpy(text + at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    text[len] = '\0';
    return span_from(text, len);
}
