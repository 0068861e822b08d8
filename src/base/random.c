#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len) {
    char *at = out;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            perror("weir: getrandom");
            abort();
        }
        at += n;
        len -= (size_t)n;
    }
}

void rng_init(rng *r) {
    random_bytes(r->s, sizeof r->s);
    r->s[0] |= 1;
}

/* splitmix64, which xoshiro's authors advise for seeding. */
void rng_seed(rng *r, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        r->s[i] = z ^ (z >> 31);
    }
}

static uint64_t rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

/* xoshiro256** (Blackman and Vigna, public domain). */
uint64_t rng_u64(rng *r) {
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double rng_unit(rng *r) {
    return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}

void id_new(rng *r, int64_t wall_us, char out[ID_LEN + 1]) {
    uint64_t ms = (uint64_t)(wall_us / 1000), part = (uint64_t)(wall_us % 1000) * 4096 / 1000;
    uint64_t b = rng_u64(r);
    unsigned char id[16];
    for (int i = 0; i < 6; i++)
        id[i] = (unsigned char)(ms >> (8 * (5 - i)));
    id[6] = (unsigned char)(0x70 | part >> 8);
    id[7] = (unsigned char)part;
    for (int i = 0; i < 8; i++)
        id[8 + i] = (unsigned char)(b >> (8 * i));
    id[8] = (unsigned char)(0x80 | (id[8] & 0x3F));
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = hex[id[i] >> 4];
        *at++ = hex[id[i] & 15];
    }
    *at = '\0';
}
