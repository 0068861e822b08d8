/* json/escape.h: what a string says once its escapes are undone. Inside json/ alone.
 *
 * inner is what stands between the quotes. Any thread. Allocates nothing.
 */
#ifndef WEIR_JSON_ESCAPE_H
#define WEIR_JSON_ESCAPE_H

#include "base/span.h"

/* Undoes the escape at *p (which points at a backslash) into out, moves *p behind it and returns
 * how many bytes were written: at most 4, and never more than *p moved. A surrogate pair is one
 * character, a lone surrogate becomes U+FFFD; the backslash of a malformed escape stands for
 * itself. */
size_t json_unescape_one(const char **p, const char *end, char out[4]);
/* Undoes every escape; out holds inner.len bytes. Returns the bytes written. */
size_t json_unescape(span inner, char *out);
bool json_text_eq_whole(span inner, span text);
/* true when inner equals text after unescaping. Most names that are not the wanted one are too
 * short (unescaping never lengthens) or begin otherwise: that is seen without a call. */
static inline bool json_text_eq(span inner, span text) {
    if (inner.len < text.len) return false;
    if (text.len && inner.ptr[0] != text.ptr[0] && inner.ptr[0] != '\\') return false;
    return json_text_eq_whole(inner, text);
}

#endif
