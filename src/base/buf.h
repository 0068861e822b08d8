/* base/buf.h: a growable buffer that owns its bytes.
 *
 * Not thread-safe. Appending may move the bytes: across appends keep offsets, not pointers.
 * Legal states: {NULL,0,0} (empty, nothing owned) or cap > 0 and len <= cap.
 * Callers bound what they append; see base/mem.h for what happens when memory runs out.
 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include "base/span.h"

#include <stdarg.h>
#include <string.h>

typedef struct buf {
    char *ptr;
    size_t len;
    size_t cap;
} buf;

#define BUF_EMPTY ((buf){NULL, 0, 0})

/* Frees the bytes; the buffer is empty and usable afterwards. */
void buf_done(buf *b);
/* Forgets the content, keeps the memory. */
static inline void buf_clear(buf *b) {
    b->len = 0;
}

static inline span buf_span(const buf *b) {
    return span_from(b->ptr, b->len);
}

/* Moves the bytes to where at least more fit behind them. */
COLD void buf_make_room(buf *b, size_t more);

/* Makes room for at least more bytes beyond len and returns where they go; then buf_grow(). */
static inline char *buf_reserve(buf *b, size_t more) {
    if (b->cap - b->len < more) buf_make_room(b, more);
    return b->ptr + b->len;
}
/* Says that n of the reserved bytes were written. */
static inline void buf_grow(buf *b, size_t n) {
    b->len += n;
}

/* Inline, so that a literal costs a few moves. */
static inline void buf_add(buf *b, span s) {
    if (s.len == 0) return;
    memcpy(buf_reserve(b, s.len), s.ptr, s.len);
    b->len += s.len;
}
static inline void buf_add_char(buf *b, char c) {
    *buf_reserve(b, 1) = c;
    b->len++;
}
void buf_add_cstr(buf *b, const char *cstr);
void buf_add_u64(buf *b, uint64_t value);
void buf_add_i64(buf *b, int64_t value);
COLD void buf_addf(buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(buf *b, const char *fmt, va_list args);

/* On one line, of a text of any length the first max bytes, and "…" where there is more; in place
 * of control characters, blanks. */
void buf_add_excerpt(buf *b, span text, size_t max);

/* Drops the first n bytes (all if n > len), moving the rest to the front. */
void buf_drop_front(buf *b, size_t n);

/* Appends a NUL that is not counted in len, and returns the bytes as a C string, still owned by b.
 */
const char *buf_cstr(buf *b);

#endif
