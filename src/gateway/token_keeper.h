/* gateway/token_keeper.h: tokens of an issuer's (auth.jwt) in this process: the keys that verify
 * them, and who the ones are that were verified.
 *
 * Keys behind a URL are fetched by a thread of their own: at the start, every auth.jwt.refresh, and
 * when a token names a key that is not known, at most every TOKEN_KEYS_REST_MS, so that nobody has
 * the issuer asked as often as he likes. Where they cannot be fetched, those that are known go on.
 * A token that was verified is known until it expires, the keys change, or the configuration does.
 *
 * Threads  new, apply and free on the main thread; the rest a worker's.
 */
#ifndef WEIR_GATEWAY_TOKEN_KEEPER_H
#define WEIR_GATEWAY_TOKEN_KEEPER_H

#include "access/caller.h"
#include "base/errors.h"
#include "loop/loop.h"
#include "observe/log.h"

typedef struct token_keeper token_keeper;

enum { TOKEN_KEYS_REST_MS = 10 * 1000 };

MUST_USE token_keeper *token_keeper_new(logger *l);
/* In force from now on; takes a reference. Makes the thread where one is needed. false: it cannot
 * be had, or the keys in the file are none; *ret_why is a sentence. */
MUST_USE bool token_keeper_apply(token_keeper *k, config *c, buf *ret_why);
/* Whether the keys in c's file are some, or, behind a URL, the authorities that are trusted for it.
 * false: *ret_why is a sentence, *ret_at the field of c that it is about. Reads files. */
MUST_USE bool token_keys_fit(const config *c, const void **ret_at, buf *ret_why);
/* Before token_keeper_free(): no keys are fetched from now on. false: it is being done, which takes
 * up to auth.jwt.timeout. */
MUST_USE bool token_keeper_rests(token_keeper *k);
void token_keeper_free(token_keeper *k); /* NULL is allowed */

typedef enum token_verdict {
    TOKEN_GOOD,
    TOKEN_REFUSED, /* *ret_error says why */
    TOKEN_WAITS,   /* for keys: token_keeper_ask() */
} token_verdict;

/* c: whose auth.jwt is on. ret->key is the caller's to give back; an error's message is in the
 * arena. */
token_verdict token_keeper_find(token_keeper *k, const config *c, span token, arena *a, caller *ret,
                                weir_error *ret_error);

/* Waits for keys; belongs to its loop. done: once, never from inside. */
typedef struct token_wait token_wait;
MUST_USE token_wait *token_keeper_ask(token_keeper *k, loop *on, void (*done)(void *user),
                                      void *user);
/* done is not called. */
void token_wait_drop(token_wait *w);

#endif
