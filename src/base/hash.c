#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init() and its like: see sha256() */

#include "base/hash.h"

#include "base/mem.h"
#include "base/random.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void) {
    random_bytes(&seed, sizeof seed);
}

static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *p, size_t n) {
    uint64_t value = 0;
    memcpy(&value, p, n);
    return value;
}

uint64_t hash_span(span s) {
    (void)pthread_once(&seeded, make_seed);
    uint64_t h = seed ^ (s.len * 0x9E3779B97F4A7C15u);
    size_t at = 0;
    for (; s.len - at >= 8; at += 8)
        h = mix(h ^ load(s.ptr + at, 8), 0xA0761D6478BD642Fu);
    if (at < s.len) h = mix(h ^ load(s.ptr + at, s.len - at), 0xE7037ED1A0B428DBu);
    return mix(h, 0x8EBC6AF09C88C6E3u);
}

/* By OpenSSL's functions of one algorithm, which choose the processor's own instructions as its EVP
 * does. EVP, beside which they are called old, goes through its providers and locks: for what is as
 * short as a key that takes twice the time of the digest itself. */
void sha256(span s, unsigned char out[SHA256_LEN]) {
    SHA256_CTX context;
    (void)SHA256_Init(&context);
    (void)SHA256_Update(&context, s.ptr, s.len);
    (void)SHA256_Final(out, &context); /* wipes what it holds of the text */
}

void hmac_sha256(const unsigned char secret[HMAC_SECRET_LEN], span text,
                 unsigned char out[SHA256_LEN]) {
    enum { BLOCK = 64, INNER_PAD = 0x36, OUTER_PAD = 0x5C };
    unsigned char digest[SHA256_LEN], bytes[BLOCK + HMAC_TEXT_MAX];
    if (text.len > HMAC_TEXT_MAX) {
        sha256(text, digest);
        text = span_from((const char *)digest, sizeof digest);
    }
    for (size_t i = 0; i < BLOCK; i++)
        bytes[i] = (i < HMAC_SECRET_LEN ? secret[i] : 0) ^ INNER_PAD;
    if (text.len) memcpy(bytes + BLOCK, text.ptr, text.len);
    sha256(span_from((const char *)bytes, BLOCK + text.len), out);
    for (size_t i = 0; i < BLOCK; i++)
        bytes[i] ^= INNER_PAD ^ OUTER_PAD;
    memcpy(bytes + BLOCK, out, SHA256_LEN);
    sha256(span_from((const char *)bytes, BLOCK + SHA256_LEN), out);
    mem_wipe(bytes, sizeof bytes);
    mem_wipe(digest, sizeof digest);
}

struct sha256_stream {
    SHA256_CTX context;
};

sha256_stream *sha256_stream_new(void) {
    sha256_stream *s = mem_alloc(sizeof *s);
    (void)SHA256_Init(&s->context);
    return s;
}

void sha256_stream_add(sha256_stream *s, span piece) {
    (void)SHA256_Update(&s->context, piece.ptr, piece.len);
}

void sha256_stream_end(sha256_stream *s, unsigned char out[SHA256_LEN]) {
    (void)SHA256_Final(out, &s->context);
    sha256_stream_free(s);
}

void sha256_stream_free(sha256_stream *s) {
    if (!s) return;
    mem_wipe(s, sizeof *s);
    free(s);
}

void hex_encode(const unsigned char *bytes, size_t len, char *out) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool hex_decode(span s, unsigned char *ret_bytes, size_t len) {
    if (s.len != 2 * len) return false;
    for (size_t i = 0; i < len; i++) {
        int high = nibble(s.ptr[2 * i]), low = nibble(s.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        ret_bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
