/* json/lex.h: what tokens are made of: blanks, plain runs, UTF-8, escapes. Inside json/ alone.
 *
 * Any thread. Allocates nothing. Never reads outside [p, end).
 */
#ifndef WEIR_JSON_LEX_H
#define WEIR_JSON_LEX_H

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

/* ---- Skipping within strings. Each returns the first byte at or after p that stops it, or end.
 *
 * json_skip_plain stops at what a scanner must look at: a quote, a backslash, a control character
 * or a byte of a character beyond ASCII. json_skip_text stops at a quote or a backslash alone; it
 * is for strings that were scanned before. ---- */

static inline const char *json_skip_plain_bytes(const char *p, const char *end) {
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

static inline const char *json_skip_text_bytes(const char *p, const char *end) {
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

#define JSON_ONES 0x0101010101010101u
#define JSON_HIGH 0x8080808080808080u

/* The high bit of each byte of word that equals c; bits above the lowest such byte may be wrong,
 * and whether there is one at all never is. */
static inline uint64_t json_word_eq(uint64_t word, unsigned char c) {
    uint64_t diff = word ^ (JSON_ONES * c);
    return (diff - JSON_ONES) & ~diff & JSON_HIGH;
}

/* Eight bytes at a time, for any machine. */
static inline const char *json_skip_plain_swar(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t control = (word - JSON_ONES * 0x20) & ~word;
        uint64_t stop =
            json_word_eq(word, '"') | json_word_eq(word, '\\') | ((control | word) & JSON_HIGH);
        if (stop) break;
    }
    return json_skip_plain_bytes(p, end);
}

static inline const char *json_skip_text_swar(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        if (json_word_eq(word, '"') | json_word_eq(word, '\\')) break;
    }
    return json_skip_text_bytes(p, end);
}

#ifdef __SSE2__

/* 0x80 and above are negative as signed bytes, so one comparison finds them and the controls. */
static inline __m128i json_stops_sse2(__m128i v) {
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i other = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    return _mm_or_si128(_mm_or_si128(quote, backslash), other);
}

static inline const char *json_skip_plain_sse2(const char *p, const char *end) {
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        int mask = _mm_movemask_epi8(json_stops_sse2(v));
        if (mask) return p + __builtin_ctz((unsigned)mask);
    }
    return json_skip_plain_bytes(p, end);
}

static inline const char *json_skip_text_sse2(const char *p, const char *end) {
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                  _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
        if (mask) return p + __builtin_ctz((unsigned)mask);
    }
    return json_skip_text_bytes(p, end);
}

#define json_skip_plain json_skip_plain_sse2
#define json_skip_text  json_skip_text_sse2

#else

#define json_skip_plain json_skip_plain_swar
#define json_skip_text  json_skip_text_swar

#endif

/* ---- UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) ---- */

static inline bool json_is_tail(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Length of the valid sequence at p (1 to 4), or 0 where none is. p < end. */
static inline size_t json_utf8_len(const char *p, const char *end) {
    unsigned char lead = (unsigned char)p[0];
    size_t left = (size_t)(end - p);
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4 || left < 2 || !json_is_tail(p[1])) return 0;
    if (lead < 0xE0) return 2;
    unsigned char next = (unsigned char)p[1];
    if (left < 3 || !json_is_tail(p[2])) return 0;
    if (lead < 0xF0) return (lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) ? 0 : 3;
    if (left < 4 || !json_is_tail(p[3])) return 0;
    return (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F) ? 0 : 4;
}

/* Bytes to pass over where json_utf8_len() gave 0: as many as some valid sequence begins with, at
 * least 1 (the "maximal subpart" that one U+FFFD stands for; Unicode, section 3.9). */
size_t json_utf8_bad_len(const char *p, const char *end);

/* ---- Escapes. inner is what stands between the quotes of a string. ---- */

/* Undoes the escape at *p (which points at a backslash) into out, moves *p behind it and returns
 * how many bytes were written: at most 4, and never more than *p moved. A surrogate pair is one
 * character, a lone surrogate becomes U+FFFD; the backslash of a malformed escape stands for
 * itself. */
size_t json_unescape_one(const char **p, const char *end, char out[4]);
/* Undoes every escape; out holds inner.len bytes. Returns the bytes written. */
size_t json_unescape(span inner, char *out);
/* true when inner equals text after unescaping. */
bool json_text_eq(span inner, span text);

#endif
