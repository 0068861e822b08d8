/* base/marks.h: what a comparison of sixteen bytes has found, as bits. */
#ifndef WEIR_BASE_MARKS_H
#define WEIR_BASE_MARKS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* A bit for each of sixteen bytes that are all ones, from the first on. */
static inline uint64_t marks(bytes16 found) {
#ifdef __SSE2__
    return (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)found);
#else
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    for (unsigned i = 0; i < 2; i++) { /* each byte's lowest bit, brought together in the highest */
        const uint64_t lowest = le64toh(halves[i]) & UINT64_C(0x0101010101010101);
        halves[i] = lowest * UINT64_C(0x0102040810204080) >> 56;
    }
    return halves[1] << 8 | halves[0];
#endif
}

#endif
