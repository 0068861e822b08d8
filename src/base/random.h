/* base/random.h: random numbers for jitter and choice, and unguessable identifiers.
 *
 * rng is not thread-safe: one per worker. Its numbers are not for keys.
 */
#ifndef WEIR_BASE_RANDOM_H
#define WEIR_BASE_RANDOM_H

#include "base/span.h"

#include <stdint.h>

typedef struct rng {
    uint64_t s[4];
} rng;

/* Seeds from the kernel. */
void rng_init(rng *r);
/* A fixed seed, for tests and the simulator. */
void rng_seed(rng *r, uint64_t seed);
uint64_t rng_u64(rng *r);
/* Uniform in [0, 1). */
double rng_unit(rng *r);

/* Bytes from the kernel's generator; aborts if there are none. */
void random_bytes(void *out, size_t len);

enum { ID_LEN = 36 };
/* A UUID version 7, NUL-terminated: sorts by time, down to the microsecond (RFC 9562 section 6.2,
 * method 3). */
void id_new(rng *r, int64_t wall_us, char out[ID_LEN + 1]);

#endif
