#include "ledger/crc.h"

#include <zlib.h>

enum { BLOCK = 16 };

static uint32_t add_plain(uint32_t crc, const char *bytes, size_t len) {
    return (uint32_t)crc32_z(crc, (const Bytef *)bytes, len);
}

#ifdef __x86_64__
#include <immintrin.h>

/* Bytes that stand for those before them: v's sum and theirs go on alike. The halves are moved over
 * the next block by what x^(128+32) and x^(128-32) are modulo the polynomial (V. Gopal and others,
 * "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009). */
__attribute__((target("pclmul"))) static inline __m128i fold(__m128i v, const char *next) {
    const __m128i factors = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    __m128i low = _mm_clmulepi64_si128(v, factors, 0x00);
    __m128i high = _mm_clmulepi64_si128(v, factors, 0x11);
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)next);
    return _mm_xor_si128(_mm_xor_si128(low, high), block);
}

/* The remainder of what v stands for: sixteen bytes become eight, those four, by what x^96 and x^64
 * are; the rest is Barrett's division, as the same paper has it. */
__attribute__((target("pclmul"))) static uint32_t reduce(__m128i v) {
    const __m128i halves = _mm_set_epi64x(0x0ccaa009e, 0x163cd6124);
    const __m128i division = _mm_set_epi64x(0x1f7011641, 0x1db710641);
    const __m128i low = _mm_setr_epi32(~0, 0, ~0, 0);
    v = _mm_xor_si128(_mm_srli_si128(v, 8), _mm_clmulepi64_si128(v, halves, 0x10));
    __m128i four = _mm_clmulepi64_si128(_mm_and_si128(v, low), halves, 0x00);
    v = _mm_xor_si128(_mm_srli_si128(v, 4), four);
    __m128i times = _mm_clmulepi64_si128(_mm_and_si128(v, low), division, 0x10);
    times = _mm_clmulepi64_si128(_mm_and_si128(times, low), division, 0x00);
    return (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(_mm_xor_si128(v, times), 4));
}

/* len: a sum's four bytes at least. What is more than whole blocks comes first, behind zeros, which
 * change nothing: so no bytes are left at the end, and short ones cost no more than long ones. The
 * sum so far stands in the first four; sums are the complements of the polynomial's remainders. */
__attribute__((target("pclmul"))) static uint32_t add_folded(uint32_t crc, const char *bytes,
                                                             size_t len) {
    char first[2 * BLOCK] = {0};
    size_t lead = len % BLOCK < sizeof crc ? len % BLOCK + BLOCK : len % BLOCK;
    char *begin = first + sizeof first - lead;
    uint32_t word;
    memcpy(begin, bytes, lead);
    memcpy(&word, begin, sizeof word);
    word ^= ~crc;
    memcpy(begin, &word, sizeof word);
    __m128i v = fold(_mm_loadu_si128((const __m128i *)(const void *)first), first + BLOCK);
    for (size_t at = lead; at < len; at += BLOCK)
        v = fold(v, bytes + at);
    return ~reduce(v);
}

static bool folds(size_t len) {
    return len >= sizeof(uint32_t) && __builtin_cpu_supports("pclmul");
}

#else

static uint32_t add_folded(uint32_t crc, const char *bytes, size_t len) {
    return add_plain(crc, bytes, len);
}

static bool folds(size_t len) {
    (void)len;
    return false;
}

#endif

uint32_t crc_add(uint32_t crc, span bytes) {
    if (folds(bytes.len)) return add_folded(crc, bytes.ptr, bytes.len);
    return bytes.len ? add_plain(crc, bytes.ptr, bytes.len) : crc;
}
