/* base/hash.h: a fast hash for tables, and SHA-256 for keys.
 *
 * Any thread. Allocates nothing but a sha256_stream.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "base/span.h"

/* Seeded once per process from the kernel, so that clients cannot choose collisions. */
uint64_t hash_span(span s);

enum { SHA256_LEN = 32, SHA256_HEX_LEN = 64 };

void sha256(span s, unsigned char out[SHA256_LEN]);

/* HMAC-SHA-256 (RFC 2104): of one who does not know the secret nothing can be made that has a
 * hash of his choice. text: up to HMAC_TEXT_MAX bytes; a longer one is hashed first. */
enum { HMAC_SECRET_LEN = 32, HMAC_TEXT_MAX = 256 };
void hmac_sha256(const unsigned char secret[HMAC_SECRET_LEN], span text,
                 unsigned char out[SHA256_LEN]);

/* The same as sha256() of bytes that come in pieces. */
typedef struct sha256_stream sha256_stream;
MUST_USE sha256_stream *sha256_stream_new(void);
void sha256_stream_add(sha256_stream *s, span piece);
/* Frees it. */
void sha256_stream_end(sha256_stream *s, unsigned char out[SHA256_LEN]);
/* Without a result. NULL is allowed. */
void sha256_stream_free(sha256_stream *s);

/* Lower case, NUL-terminated. */
void hex_encode(const unsigned char *bytes, size_t len, char *out);
/* Either case; s.len must be 2 * len. */
MUST_USE bool hex_decode(span s, unsigned char *ret_bytes, size_t len);

#endif
