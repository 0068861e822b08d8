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

/* len: two blocks at least. What is left of them is short enough for zlib, whose sums are the
 * complements of the polynomial's remainders: ~0 is none. */
__attribute__((target("pclmul"))) static uint32_t add_folded(uint32_t crc, const char *bytes,
                                                             size_t len) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    v = _mm_xor_si128(v, _mm_cvtsi32_si128((int)~crc));
    size_t at = BLOCK;
    for (; len - at >= BLOCK; at += BLOCK)
        v = fold(v, bytes + at);
    char folded[BLOCK];
    _mm_storeu_si128((__m128i *)(void *)folded, v);
    return add_plain(add_plain(UINT32_MAX, folded, BLOCK), bytes + at, len - at);
}

static bool folds(size_t len) {
    return len >= 4 * BLOCK && __builtin_cpu_supports("pclmul");
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
