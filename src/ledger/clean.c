#include "ledger/clean.h"

#include "base/buf.h"

#include <string.h>

enum { CHARACTER_MAX = 4 };
#define REPLACEMENT SPAN_OF("\xEF\xBF\xBD")

/* ASCII without NUL, which nearly all are. Eight at once: of 1 to 127, and of no other byte,
 * neither it nor what is one less has the high bit; a borrow comes from a NUL alone. */
static bool is_plain(span text) {
    const uint64_t ones = 0x0101010101010101, highs = 0x80 * ones;
    size_t at = 0;
    for (uint64_t eight; text.len - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text.ptr + at, sizeof eight);
        if (((eight - ones) | eight) & highs) return false;
    }
    for (; at < text.len; at++)
        if ((signed char)text.ptr[at] <= 0) return false;
    return true;
}

static bool is_clean(span text) {
    return !text.len || (!memchr(text.ptr, '\0', text.len) && span_is_utf8(text));
}

/* Of the character that the text begins with; 0: it begins with none. */
static size_t character_len(span text) {
    for (size_t len = 1; len <= CHARACTER_MAX && len <= text.len; len++)
        if (is_clean(span_slice(text, 0, len))) return len;
    return 0;
}

span clean_text(span text, arena *a) {
    if (is_plain(text) || is_clean(text)) return text;
    buf out = BUF_EMPTY;
    for (size_t at = 0; at < text.len;) {
        size_t len = character_len(span_slice(text, at, text.len));
        buf_add(&out, len ? span_slice(text, at, at + len) : REPLACEMENT);
        at += len ? len : 1;
    }
    span clean = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return clean;
}
