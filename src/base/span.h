/* base/span.h: a borrowed run of bytes. A span never owns and is not NUL-terminated.
 *
 * Any thread. Allocates nothing. The bytes live as long as whoever lent them says.
 */
#ifndef WEIR_BASE_SPAN_H
#define WEIR_BASE_SPAN_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct span {
    const char *ptr; /* may be NULL only when len is 0 */
    size_t len;
} span;

/* A span over a string literal, usable in initialisers. */
#define SPAN(lit)                                                                                  \
    { ("" lit), sizeof("" lit) - 1 }
#define SPAN_OF(lit) ((span)SPAN(lit))
#define SPAN_EMPTY   ((span){NULL, 0})

/* For printf: printf("%.*s", SPAN_ARG(s)). */
#define SPAN_ARG(s) (int)(s).len, (s).ptr

static inline span span_from(const char *ptr, size_t len) {
    return (span){ptr, len};
}

/* cstr may be NULL: then the span is empty. Inline, so that a literal costs nothing. */
static inline span span_cstr(const char *cstr) {
    return cstr ? span_from(cstr, strlen(cstr)) : SPAN_EMPTY;
}

/* Header names and JSON keys are compared with many that differ in length: that is seen without a
 * call. */
static inline bool span_eq(span a, span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* len bytes at a and at b; see span_ieq(). */
bool span_ieq_bytes(const char *a, const char *b, size_t len);
/* ASCII letters compare without case; other bytes exactly (RFC 9110 field names). Most names of one
 * length begin differently, by more than the bit that tells letters' cases apart. */
static inline bool span_ieq(span a, span b) {
    if (a.len != b.len) return false;
    return a.len == 0 || (!((a.ptr[0] ^ b.ptr[0]) & ~0x20) && span_ieq_bytes(a.ptr, b.ptr, a.len));
}
static inline bool span_starts(span s, span prefix) {
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}
static inline bool span_istarts(span s, span prefix) {
    return s.len >= prefix.len && span_ieq(span_from(s.ptr, prefix.len), prefix);
}
bool span_ends(span s, span suffix);
static inline bool span_iends(span s, span suffix) {
    if (suffix.len == 0) return true; /* an empty span may point nowhere */
    return s.len >= suffix.len &&
           span_ieq(span_from(s.ptr + s.len - suffix.len, suffix.len), suffix);
}

/* Index of the first c at or after from, or s.len when there is none. */
size_t span_find(span s, size_t from, char c);
/* Index of the first byte below 0x20 at or after from, or s.len. One pass finds whatever ends a
 * line. */
size_t span_find_control(span s, size_t from);
/* Index of the first needle at or after from, or s.len. An empty needle is found at from. */
size_t span_find_span(span s, size_t from, span needle);

/* The part [from, to); both are clamped to the span. */
span span_slice(span s, size_t from, size_t to);

/* Without blanks (space, tab) at both ends: RFC 9110's OWS. */
span span_trim(span s);

/* Cuts the part before the first sep off *rest and returns it; *rest becomes what follows sep
 * (empty at the end). Returns false when *rest was exhausted (its ptr is NULL). */
bool span_cut(span *rest, char sep, span *ret_part);

/* Decimal digits only: no sign, no blanks, no overflow. false leaves *ret untouched. */
MUST_USE bool span_u64(span s, uint64_t *ret);

/* How many bytes a and b have alike at their beginnings; at their ends, of what is behind the first
 * head bytes of either. */
size_t span_common_head(span a, span b);
size_t span_common_tail(span a, span b, size_t head);

/* Compares in time that depends on the lengths alone. For keys and their hashes. */
bool span_eq_secret(span a, span b);

/* Edit distance without case, for "did you mean"; bounded: long inputs return SIZE_MAX. */
size_t span_distance(span a, span b);

/* true when s is valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool span_is_utf8(span s);
/* Code points in valid UTF-8. */
size_t span_utf8_len(span s);
/* The length of the character at `at` < s.len, and its code; 0 for what is no UTF-8. */
size_t span_utf8_at(span s, size_t at, uint32_t *ret_code);
/* Controls would move a terminal's cursor, or end a line; the marks of writing direction make text
 * read as what it is not. */
bool utf8_is_unsafe(uint32_t code);
/* Without Unicode's White_Space at both ends: what is nothing else is empty in any script. */
span span_strip(span s);
/* At most max bytes of UTF-8, fewer where the cut would fall into a character. */
span span_clip(span s, size_t max);

#endif
