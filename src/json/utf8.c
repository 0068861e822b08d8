#include "json/utf8.h"

#include <endian.h>
#include <string.h>
#ifdef __x86_64__
#include <tmmintrin.h>
#endif

/* The lead byte says how many bytes follow and what the first of them may be; the others may be
 * 0x80 to 0xBF. */
typedef struct sequence {
    size_t len; /* 0: nothing begins with this byte */
    unsigned char low, high;
} sequence;

static sequence sequence_of(unsigned char lead) {
    if (lead < 0x80) return (sequence){1, 0, 0};
    if (lead < 0xC2 || lead > 0xF4) return (sequence){0, 0, 0};
    if (lead < 0xE0) return (sequence){2, 0x80, 0xBF};
    if (lead < 0xF0) return (sequence){3, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    return (sequence){4, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
}

/* How many bytes at p some valid sequence begins with. */
static size_t matched_len(sequence want, const char *p, const char *end) {
    size_t n = 1;
    while (n < want.len && p + n < end) {
        unsigned char c = (unsigned char)p[n];
        if (c < (n == 1 ? want.low : 0x80) || c > (n == 1 ? want.high : 0xBF)) break;
        n++;
    }
    return n;
}

size_t json_utf8_bad_len(const char *p, const char *end) {
    sequence want = sequence_of((unsigned char)*p);
    return want.len ? matched_len(want, p, end) : 1;
}

/* Length of the valid sequence at p, or 0. */
static size_t sequence_len(const char *p, const char *end) {
    sequence want = sequence_of((unsigned char)*p);
    return want.len && matched_len(want, p, end) == want.len ? want.len : 0;
}

/* The same for four bytes as a little-endian word, where they are a sequence of two or three bytes:
 * nearly every letter beyond ASCII. 0 says to look closer. */
static inline size_t common_len(uint32_t word) {
    if ((word & 0xC0E0) == 0x80C0) return word & 0x1E ? 2 : 0; /* C0 and C1 are overlong */
    if ((word & 0xC0C0F0) != 0x8080E0) return 0;
    uint32_t edge = word & 0x200F; /* E0 with 80 to 9F is overlong, ED with A0 to BF a surrogate */
    return edge != 0 && edge != 0x200D ? 3 : 0;
}

static inline const char *skip_ascii(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t high = le64toh(word) & UINT64_C(0x8080808080808080);
        if (high) return p + __builtin_ctzll(high) / 8;
    }
    while (p < end && (unsigned char)*p < 0x80)
        p++;
    return p;
}

/* Letter by letter: past each run of ASCII, then past each run of what is common. */
static const char *skip_letters(const char *p, const char *end) {
    while ((p = skip_ascii(p, end)) < end) {
        while (end - p >= 4) {
            uint32_t word;
            memcpy(&word, p, 4);
            size_t n = common_len(le32toh(word));
            if (n == 0) break;
            p += n;
        }
        if (p == end) break;
        size_t n = sequence_len(p, end);
        if (n == 0) break;
        p += n;
    }
    return p;
}

/* ---- Sixteen bytes at a time. Source: Keiser and Lemire, "Validating UTF-8 In Less Than One
 * Instruction Per Byte" (2021): three look-ups by nibble, of a byte's two halves and of the upper
 * half of the byte behind it, whose common bits are the faults of that pair. ---- */

#ifdef __x86_64__

enum {
    TOO_SHORT = 1 << 0,  /* a lead or ASCII where a tail must be */
    TOO_LONG = 1 << 1,   /* a tail behind ASCII */
    OVERLONG_3 = 1 << 2, /* E0 80 to E0 9F */
    TOO_LARGE = 1 << 3,  /* F4 90 and on */
    SURROGATE = 1 << 4,  /* ED A0 to ED BF */
    OVERLONG_2 = 1 << 5, /* C0, C1 */
    OVERLONG_4 = 1 << 6, /* F0 80 to F0 8F; the same bit for F5 80 and on, TOO_LARGE's rest */
    TWO_TAILS = 1 << 7,  /* a fault unless a lead of three or four stands before: see below */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_TAILS,
    TAIL = TOO_LONG | OVERLONG_2 | TWO_TAILS,
};

#define BYTES_16(...) _mm_setr_epi8(__VA_ARGS__)

/* The faults of the bytes of v, before which the bytes of before came: 0 everywhere if none. */
__attribute__((target("ssse3"))) static inline __m128i faults_ssse3(__m128i v, __m128i before) {
    const __m128i first_upper = BYTES_16(
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
        (char)TWO_TAILS, (char)TWO_TAILS, (char)TWO_TAILS, (char)TWO_TAILS, TOO_SHORT | OVERLONG_2,
        TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
    const char low = (char)ANY_LOW, large = (char)(ANY_LOW | TOO_LARGE | OVERLONG_4);
    const __m128i first_lower = BYTES_16(
        (char)(ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), (char)(ANY_LOW | OVERLONG_2), low,
        low, (char)(ANY_LOW | TOO_LARGE), large, large, large, large, large, large, large, large,
        (char)(ANY_LOW | TOO_LARGE | OVERLONG_4 | SURROGATE), large, large);
    const __m128i second_upper =
        BYTES_16(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
                 TOO_SHORT, (char)(TAIL | OVERLONG_3 | OVERLONG_4),
                 (char)(TAIL | OVERLONG_3 | TOO_LARGE), (char)(TAIL | SURROGATE | TOO_LARGE),
                 (char)(TAIL | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    const __m128i nibble = _mm_set1_epi8(0x0F);

    __m128i first = _mm_alignr_epi8(v, before, 15);
    __m128i pair = _mm_and_si128(
        _mm_and_si128(
            _mm_shuffle_epi8(first_upper, _mm_and_si128(_mm_srli_epi16(first, 4), nibble)),
            _mm_shuffle_epi8(first_lower, _mm_and_si128(first, nibble))),
        _mm_shuffle_epi8(second_upper, _mm_and_si128(_mm_srli_epi16(v, 4), nibble)));

    /* The high bit where a lead of three stands two bytes before, or one of four three before:
     * there two tails must meet, and nowhere else. */
    __m128i third = _mm_subs_epu8(_mm_alignr_epi8(v, before, 14), _mm_set1_epi8(0xE0 - 0x80));
    __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(v, before, 13), _mm_set1_epi8(0xF0 - 0x80));
    __m128i two_tails = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)TWO_TAILS));
    return _mm_xor_si128(pair, two_tails);
}

/* Passes over whole blocks without faults. A sequence begins where it stops, at p or later. */
__attribute__((target("ssse3"))) static const char *skip_blocks_ssse3(const char *p,
                                                                      const char *end) {
    const char *from = p;
    __m128i before = _mm_setzero_si128();
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i clean = _mm_cmpeq_epi8(faults_ssse3(v, before), _mm_setzero_si128());
        if (_mm_movemask_epi8(clean) != 0xFFFF) break;
        before = v;
    }
    /* The last sequence before p may go on behind it, which no block has looked at yet. */
    for (int back = 1; back <= 3 && p - back >= from; back++)
        if ((unsigned char)p[-back] >= 0xC0) return p - back;
    return p;
}

static const char *skip_blocks(const char *p, const char *end) {
    if (end - p < 32 || !__builtin_cpu_supports("ssse3")) return p;
    return skip_blocks_ssse3(p, end);
}

#else

static const char *skip_blocks(const char *p, const char *end) {
    (void)end;
    return p;
}

#endif

const char *json_utf8_skip(const char *p, const char *end) {
    return skip_letters(skip_blocks(p, end), end);
}
