/* guard/sift_window.h: what the building of a sift and the looking by it have in common: eight
 * bytes of a text, letters' cases folded, and the hash of the first three.
 */
#ifndef WEIR_GUARD_SIFT_WINDOW_H
#define WEIR_GUARD_SIFT_WINDOW_H

#include "guard/sift.h"

#include <string.h>

/* Sets the bit by which letters' cases differ; it folds some other bytes, too. */
#define FOLD UINT64_C(0x2020202020202020)

/* Of the three lowest bytes alone: the product's lower bits, which no others reach. */
static inline uint32_t hash(uint64_t window) {
    return ((uint32_t)window * (0x9E3779B1u << 8)) >> (32 - 12);
}
_Static_assert(SIFT_HASHES == 1 << 12, "as hash() has it");

static inline uint64_t window_at(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline bool is_letter(unsigned char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

#endif
