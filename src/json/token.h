/* json/token.h: what the scanner and the reader share about tokens. Inside json/ alone.
 *
 * Any thread. Allocates nothing. Never reads outside [p, end).
 */
#ifndef WEIR_JSON_TOKEN_H
#define WEIR_JSON_TOKEN_H

#include "json/json.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The type of a value that begins with this byte. */
static inline json_type json_type_of(char first) {
    switch (first) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}

static inline const char *json_skip_blanks(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* The first byte that is no blank, which *p is moved to; 0 where there is none: no token begins
 * with that either. Most documents have no blanks between their tokens. */
static inline char json_next_byte(const char **p, const char *end) {
    if (*p < end && (unsigned char)**p > ' ') return **p;
    *p = json_skip_blanks(*p, end);
    return *p < end ? **p : '\0';
}

/* The same as json_skip_blanks at a better pace where there may be very many. */
const char *json_skip_blanks_far(const char *p, const char *end);

/* ---- Within strings. Each returns the first byte at or after p that stops it, or end.
 *
 * json_skip_text stops at a quote, a backslash or a control character; json_skip_plain also at a
 * byte of a character beyond ASCII. ---- */

static inline const char *json_skip_plain_bytes(const char *p, const char *end) {
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

static inline const char *json_skip_text_bytes(const char *p, const char *end) {
    while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    return p;
}

#define JSON_ONES UINT64_C(0x0101010101010101)
#define JSON_HIGH UINT64_C(0x8080808080808080)

/* Not 0 just where a byte of word is below n (at most 0x80). Here and below, which byte it is shows
 * only up to the first. */
static inline uint64_t json_word_below(uint64_t word, unsigned char n) {
    return (word - JSON_ONES * n) & ~word & JSON_HIGH;
}

static inline uint64_t json_word_stops(uint64_t word) {
    uint64_t quote = json_word_below(word ^ (JSON_ONES * '"'), 1);
    uint64_t backslash = json_word_below(word ^ (JSON_ONES * '\\'), 1);
    return quote | backslash | json_word_below(word, 0x20);
}

/* Eight bytes at a time, for any machine. */
static inline const char *json_skip_plain_swar(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        if (json_word_stops(word) | (word & JSON_HIGH)) break;
    }
    return json_skip_plain_bytes(p, end);
}

static inline const char *json_skip_text_swar(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        if (json_word_stops(word)) break;
    }
    return json_skip_text_bytes(p, end);
}

#ifdef __SSE2__

static inline __m128i json_quotes_sse2(__m128i v) {
    return _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                        _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}

/* Of 16 bytes those that stop: all bits of each are set. 0x80 and above are negative as signed
 * bytes: one comparison finds them and the controls. */
static inline __m128i json_plain_stops(const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm_or_si128(json_quotes_sse2(v), _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)));
}

static inline __m128i json_text_stops(const char *p) {
    const __m128i last_control = _mm_set1_epi8(0x1F);
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(v, last_control), last_control);
    return _mm_or_si128(json_quotes_sse2(v), control);
}

/* From behind 16 bytes without a stop (token.c): 64 at a time. */
const char *json_skip_plain_on(const char *p, const char *end);
const char *json_skip_text_on(const char *p, const char *end);

/* Most strings end within 16 bytes: that is seen without a call. */
static inline const char *json_skip_plain_sse2(const char *p, const char *end) {
    if (end - p < 16) return json_skip_plain_swar(p, end);
    int mask = _mm_movemask_epi8(json_plain_stops(p));
    return mask ? p + __builtin_ctz((unsigned)mask) : json_skip_plain_on(p + 16, end);
}

static inline const char *json_skip_text_sse2(const char *p, const char *end) {
    if (end - p < 16) return json_skip_text_bytes(p, end);
    int mask = _mm_movemask_epi8(json_text_stops(p));
    return mask ? p + __builtin_ctz((unsigned)mask) : json_skip_text_on(p + 16, end);
}

/* As far as sixteen bytes. */
static inline const char *json_skip_text_near(const char *p, const char *end) {
    if (end - p < 16) return json_skip_text_bytes(p, end);
    int mask = _mm_movemask_epi8(json_text_stops(p));
    return mask ? p + __builtin_ctz((unsigned)mask) : p + 16;
}

#define json_skip_plain json_skip_plain_sse2
#define json_skip_text  json_skip_text_sse2

#else

#define json_skip_plain     json_skip_plain_swar
#define json_skip_text      json_skip_text_swar
#define json_skip_text_near json_skip_text_swar

#endif

#endif
