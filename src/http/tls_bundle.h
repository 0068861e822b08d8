/* http/tls_bundle.h: a PEM file of many authorities, of which a chain needs one. OpenSSL decodes
 * all of them, with their keys, when the file is named; here each is decoded when a chain first
 * asks for its name, as OpenSSL does with a directory of hashed names.
 */
#ifndef WEIR_HTTP_TLS_BUNDLE_H
#define WEIR_HTTP_TLS_BUNDLE_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Lets the store of ctx find authorities in the file at path, which is copied, and read when a
 * chain first asks. One that cannot be read has none, as OpenSSL has it of the system's store: then
 * no chain is trusted. Once per ctx. false: out of memory. */
bool tls_bundle_use(SSL_CTX *ctx, const char *path);

#endif
