#include "base/hash.h"

#include "base/mem.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
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

/* OpenSSL looks an algorithm up by name, under locks, unless it is fetched beforehand, and makes a
 * context for each digest unless one is kept: together five times the cost of hashing a key. */
static EVP_MD *sha256_md;
static pthread_key_t sha256_context; /* an EVP_MD_CTX for each thread */
static pthread_once_t sha256_ready = PTHREAD_ONCE_INIT;

static void free_context(void *context) {
    EVP_MD_CTX_free(context);
}

static void fetch_sha256(void) {
    sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256_md && pthread_key_create(&sha256_context, free_context) == 0) return;
    fputs("weir: SHA-256 is not available\n", stderr);
    abort();
}

static EVP_MD_CTX *thread_context(void) {
    (void)pthread_once(&sha256_ready, fetch_sha256);
    EVP_MD_CTX *context = pthread_getspecific(sha256_context);
    if (context) return context;
    context = EVP_MD_CTX_new();
    (void)pthread_setspecific(sha256_context, context);
    return context;
}

static void demand(bool worked) {
    if (worked) return;
    fputs("weir: SHA-256 failed\n", stderr);
    abort();
}

void sha256(span s, unsigned char out[SHA256_LEN]) {
    EVP_MD_CTX *context = thread_context();
    demand(context && EVP_DigestInit_ex2(context, sha256_md, NULL) &&
           EVP_DigestUpdate(context, s.len ? s.ptr : "", s.len) &&
           EVP_DigestFinal_ex(context, out, NULL));
}

/* A sha256_stream is OpenSSL's context under a name of its own. */
static EVP_MD_CTX *stream_context(sha256_stream *s) {
    return (EVP_MD_CTX *)(void *)s;
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

sha256_stream *sha256_stream_new(void) {
    (void)pthread_once(&sha256_ready, fetch_sha256);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    demand(context && EVP_DigestInit_ex2(context, sha256_md, NULL));
    return (sha256_stream *)(void *)context;
}

void sha256_stream_add(sha256_stream *s, span piece) {
    demand(EVP_DigestUpdate(stream_context(s), piece.len ? piece.ptr : "", piece.len));
}

void sha256_stream_end(sha256_stream *s, unsigned char out[SHA256_LEN]) {
    demand(EVP_DigestFinal_ex(stream_context(s), out, NULL));
    sha256_stream_free(s);
}

void sha256_stream_free(sha256_stream *s) {
    EVP_MD_CTX_free(stream_context(s));
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
