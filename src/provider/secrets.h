/* provider/secrets.h: what of all that weir sends to a provider, and to the proxy before it, is a
 * secret: nobody is to hear it again from there.
 *
 * The keys of its list, which may all have been sent; the values of its `headers`; the proxy's
 * password. Of "Bearer x", "Basic x" and the like also x alone, and what "Basic" has in base 64. No
 * secret are the values of headers that tell what the caller is or what it can read, and plain
 * words of less than SECRET_WORDS_MIN bytes under a name that speaks of no secret ("production"):
 * an answer may say them by chance.
 *
 * Pure: any thread.
 */
#ifndef WEIR_PROVIDER_SECRETS_H
#define WEIR_PROVIDER_SECRETS_H

#include "config/config.h"

enum { SECRET_WORDS_MIN = 16 };

typedef struct secret_list {
    secret **items; /* counted */
    size_t count, cap;
} secret_list;

/* Takes a reference. NULL is passed over. */
void secret_list_add(secret_list *l, secret *s);
bool secret_list_has(const secret_list *l, const secret *s);
void secret_list_done(secret_list *l);

/* Adds to ret. proxy: the value of Proxy-Authorization; NULL: none is sent. */
void provider_secrets(const config_provider *p, secret *proxy, secret_list *ret);

/* Whether what the configuration sends under that name is one. */
bool provider_header_is_secret(span name, span value);

#endif
