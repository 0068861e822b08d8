/* Long strings. The loops are one function, made for each kind of stop by inlining. */
#include "json/token.h"

#ifdef __SSE2__

#include <immintrin.h>

typedef __m128i stops_of(const char *p);

/* Returns a stop, or the last few bytes: less than a block. */
static inline __attribute__((always_inline)) const char *skip_blocks(const char *p, const char *end,
                                                                     stops_of *stops) {
    for (; end - p >= 64; p += 64) {
        __m128i low = _mm_or_si128(stops(p), stops(p + 16));
        __m128i high = _mm_or_si128(stops(p + 32), stops(p + 48));
        if (_mm_movemask_epi8(_mm_or_si128(low, high))) break;
    }
    for (; end - p >= 16; p += 16) {
        int mask = _mm_movemask_epi8(stops(p));
        if (mask) return p + __builtin_ctz((unsigned)mask);
    }
    return p;
}

/* Of 16 bytes those that are no blanks. */
static inline __m128i other_stops(const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i line = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
    __m128i blank =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));
    return _mm_cmpeq_epi8(_mm_or_si128(line, blank), _mm_setzero_si128());
}

const char *json_skip_blanks_far(const char *p, const char *end) {
    return json_skip_blanks(skip_blocks(p, end, other_stops), end);
}

#define WIDE __attribute__((target("avx2")))

WIDE static inline __m256i plain_stops_wide(const char *p) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i quotes = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
                                     _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    return _mm256_or_si256(quotes, _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v));
}

WIDE static inline __m256i text_stops_wide(const char *p) {
    const __m256i last_control = _mm256_set1_epi8(0x1F);
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i quotes = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
                                     _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    __m256i control = _mm256_cmpeq_epi8(_mm256_max_epu8(v, last_control), last_control);
    return _mm256_or_si256(quotes, control);
}

typedef __m256i wide_stops_of(const char *p);
typedef const char *skip_wide_fn(const char *p, const char *end);

/* Returns the first of 64 bytes with a stop among them, or less than so many. */
WIDE static inline __attribute__((always_inline)) const char *
skip_wide(const char *p, const char *end, wide_stops_of *stops_of_32) {
    for (; end - p >= 64; p += 64) {
        __m256i stops = _mm256_or_si256(stops_of_32(p), stops_of_32(p + 32));
        if (!_mm256_testz_si256(stops, stops)) break;
    }
    return p;
}

WIDE static const char *skip_plain_wide(const char *p, const char *end) {
    return skip_wide(p, end, plain_stops_wide);
}

WIDE static const char *skip_text_wide(const char *p, const char *end) {
    return skip_wide(p, end, text_stops_wide);
}

/* Only what is long is worth asking what the machine can do. */
static inline __attribute__((always_inline)) const char *
skip_far(const char *p, const char *end, stops_of *stops, skip_wide_fn *wide) {
    enum { LONG_BYTES = 256 }; /* whole blocks */
    if (end - p > LONG_BYTES) {
        const char *stop = skip_blocks(p, p + LONG_BYTES, stops);
        if (stop != p + LONG_BYTES) return stop;
        p = __builtin_cpu_supports("avx2") ? wide(stop, end) : stop;
    }
    return skip_blocks(p, end, stops);
}

const char *json_skip_plain_on(const char *p, const char *end) {
    return json_skip_plain_bytes(skip_far(p, end, json_plain_stops, skip_plain_wide), end);
}

const char *json_skip_text_on(const char *p, const char *end) {
    return json_skip_text_bytes(skip_far(p, end, json_text_stops, skip_text_wide), end);
}

#else

const char *json_skip_blanks_far(const char *p, const char *end) {
    return json_skip_blanks(p, end);
}

#endif
