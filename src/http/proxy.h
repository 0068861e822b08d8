/* http/proxy.h: which proxy, if any, lies before an origin. Pure: the environment is asked through
 * a function.
 *
 * The option of the configuration comes first: a URL, or "none". Without it the environment decides
 * as with curl: https_proxy, HTTPS_PROXY for TLS origins, http_proxy, HTTP_PROXY for plain ones,
 * then all_proxy, ALL_PROXY; the lower case wins, an empty value means no proxy, and no_proxy,
 * NO_PROXY lists exceptions. As with curl, loopback is no exception unless it is listed: who sets a
 * proxy for a local model server's scheme lists 127.0.0.1 and localhost, or writes proxy: none.
 *
 * NO_PROXY: entries parted by commas or blanks; `*` is everything; a name covers itself and its
 * subdomains, with or without a leading dot; with :port it covers that port alone; an address
 * ([::1] or ::1) covers itself however it is spelt, and with /bits its network. Networks cover
 * hosts that are given as addresses: no name is looked up for them.
 *
 * Source   CURLOPT_NOPROXY(3), networks since curl 7.86. curl knows no :port, takes `*` alone in
 * the list, and reads /0 as the whole address.
 */
#ifndef WEIR_HTTP_PROXY_H
#define WEIR_HTTP_PROXY_H

#include "base/buf.h"
#include "base/secret.h"

typedef enum proxy_kind { PROXY_NONE, PROXY_CONNECT, PROXY_UNUSABLE } proxy_kind;

typedef struct http_proxy {
    proxy_kind kind;
    char *host; /* without brackets */
    uint16_t port;
    secret *authorization; /* the value of Proxy-Authorization; NULL: none */
    buf why;               /* PROXY_UNUSABLE: for people; bears nothing of the URL */
} http_proxy;

typedef const char *proxy_env(const char *name); /* getenv's shape; NULL: not set */

void http_proxy_choose(span option, bool tls, span host, uint16_t port, proxy_env *env,
                       http_proxy *ret);
void http_proxy_done(http_proxy *p);

/* true when NO_PROXY's list covers the host. */
bool http_proxy_excepts(span list, span host, uint16_t port);

#endif
