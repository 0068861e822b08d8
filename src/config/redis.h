/* config/redis.h: where a Redis or Valkey is, and how it is spoken to.
 *
 * An address is one of
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]   rediss://…, the same with TLS
 *     unix:/PATH[?db=DATABASE]
 * USER and PASSWORD percent-encoded where they hold more than letters, digits and -._~!$&'()*+,;=.
 *
 * Source   iana.org/assignments/uri-schemes/prov/redis, …/rediss.
 */
#ifndef WEIR_CONFIG_REDIS_H
#define WEIR_CONFIG_REDIS_H

#include "base/arena.h"
#include "base/secret.h"

typedef struct config_redis {
    bool on;
    bool tls;
    span host; /* without brackets */
    uint16_t port;
    span unix_path;   /* in place of host and port; empty: none */
    span user;        /* empty: the server's default one */
    secret *password; /* counted; NULL: none is asked for */
    unsigned database;
    span shown; /* the address for people: "redis://127.0.0.1:6379/0", without user and password */
    int64_t timeout_ms; /* of a question; nobody waits longer */
    span ca_file;       /* PEM; empty: the system's authorities */
} config_redis;

/* Reads an address into the fields up to shown, and says that it is on. false: *ret_why tells what
 * is wrong with it, and quotes nothing of it; *ret is untouched. */
MUST_USE bool config_redis_parse(span text, arena *a, config_redis *ret, const char **ret_why);
/* The same server, spoken to in the same way. */
bool config_redis_same(const config_redis *a, const config_redis *b);

#endif
