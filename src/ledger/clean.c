#include "ledger/clean.h"

#include "base/buf.h"

#include <string.h>

enum { CHARACTER_MAX = 4 };
#define REPLACEMENT SPAN_OF("\xEF\xBF\xBD")

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
    if (is_clean(text)) return text;
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
