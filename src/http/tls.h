/* http/tls.h: TLS contexts (OpenSSL 3) for both sides. Shared between threads by count.
 *
 * TLS 1.2 and later, ALPN http/1.1, no renegotiation. A context is immutable once made, except for
 * a client's table of sessions to resume, which a mutex guards. New files mean a new context.
 */
#ifndef WEIR_HTTP_TLS_H
#define WEIR_HTTP_TLS_H

#include "base/buf.h"

typedef struct tls_context tls_context;

/* Server: a PEM chain and key from files. On failure NULL, and *ret_why says what and in which
 * file. An encrypted key is refused: nobody could type its passphrase. */
MUST_USE tls_context *tls_server_new(const char *cert_path, const char *key_path, buf *ret_why);
/* Client: verifies against that file, or the system's store where it is empty; the name is checked
 * per connection; sessions are kept per host and port for resumption. */
MUST_USE tls_context *tls_client_new(span ca_file, buf *ret_why);
/* When the certificates of a PEM file cease to be valid, in seconds since 1970: the first of them,
 * which breaks a chain; or the last, with which nothing in the file is of use. false: it has none,
 * and *ret_wall_s is as it was. */
bool tls_file_expires(const char *path, bool last, int64_t *ret_wall_s);
tls_context *tls_context_ref(tls_context *t);
void tls_context_unref(tls_context *t); /* NULL is allowed */

#endif
