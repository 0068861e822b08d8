/* access/caller.h: who asks: what a caller may do, and what keeps that alive.
 *
 * What a caller may do is a config_client, wherever it comes from. One of the configuration lives
 * in its snapshot, and whoever keeps that keeps it. Any other lives in an access_key, which is
 * counted on its own: what is taken away there ends no call that has begun.
 *
 * Any thread.
 */
#ifndef WEIR_ACCESS_CALLER_H
#define WEIR_ACCESS_CALLER_H

#include "config/config.h"

typedef struct access_key {
    atomic_uint refs;
    arena arena; /* of the client's texts */
    config_client client;
    span user;        /* whom it calls for, by a token's word; empty: nobody */
    int64_t until_us; /* wall time until which a token is good; 0: it is none */
} access_key;

/* With one reference; the client is to be filled, its texts in the arena. */
MUST_USE access_key *access_key_new(void);
access_key *access_key_ref(access_key *k); /* NULL is allowed, of both */
void access_key_unref(access_key *k);

typedef struct caller {
    const config_client *client; /* NULL: no keys are asked */
    access_key *key;             /* that client lives in; counted; NULL: of the configuration */
} caller;

/* Whoever keeps one takes a reference. */
static inline caller caller_ref(caller c) {
    if (c.key) access_key_ref(c.key);
    return c;
}

static inline void caller_unref(caller c) {
    if (c.key) access_key_unref(c.key);
}

#endif
