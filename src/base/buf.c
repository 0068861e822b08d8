#include "base/buf.h"

#include "base/digits.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_done(buf *b) {
    free(b->ptr);
    *b = BUF_EMPTY;
}

void buf_make_room(buf *b, size_t more) {
    size_t want = b->cap ? b->cap * 2 : 256;
    if (want < b->len + more) want = b->len + more;
    b->ptr = mem_realloc(b->ptr, want);
    b->cap = want;
}

void buf_add_cstr(buf *b, const char *cstr) {
    buf_add(b, span_cstr(cstr));
}

void buf_add_u64(buf *b, uint64_t value) {
    char digits[DIGITS_MAX];
    const unsigned n = digits_u64(digits, value);
    buf_add(b, span_from(digits + n, DIGITS_MAX - n));
}

void buf_add_i64(buf *b, int64_t value) {
    if (value < 0) buf_add_char(b, '-');
    buf_add_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_addf(buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    buf_vaddf(b, fmt, args);
    va_end(args);
}

void buf_vaddf(buf *b, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    size_t room = b->cap - b->len;
    int n = vsnprintf(room ? b->ptr + b->len : NULL, room, fmt, args);
    if (n > 0 && (size_t)n >= room) {
        (void)vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
    }
    if (n > 0) b->len += (size_t)n;
    va_end(again);
}

/* Terminals act on those of Latin-1, which UTF-8 writes as C2 80 to C2 9F, too. */
static void blank_controls(buf *b, size_t from) {
    for (size_t i = from; i < b->len; i++) {
        unsigned char c = (unsigned char)b->ptr[i];
        unsigned char next = i + 1 < b->len ? (unsigned char)b->ptr[i + 1] : 0;
        if (c < ' ' || c == 0x7f) b->ptr[i] = ' ';
        if (c == 0xc2 && next >= 0x80 && next < 0xa0) b->ptr[i] = b->ptr[i + 1] = ' ';
    }
}

void buf_add_excerpt(buf *b, span text, size_t max) {
    span shown = span_clip(text, max);
    size_t from = b->len;
    buf_add(b, shown);
    blank_controls(b, from);
    if (shown.len < text.len) buf_add_cstr(b, "…");
}

void buf_drop_front(buf *b, size_t n) {
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
}

const char *buf_cstr(buf *b) {
    *buf_reserve(b, 1) = '\0';
    return b->ptr;
}
