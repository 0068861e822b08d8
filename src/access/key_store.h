/* access/key_store.h: clients' keys in the ledger's store, for the command line and the gateway.
 *
 * Tables: weir_keys, a row a key; weir_key_hashes, by which of its texts one is found, and until
 * when that one counts: a key that was rotated has several; weir_key_secret, with which texts are
 * hashed, the store's own and made once; weir_acts, what was done to keys and is in no audit trail
 * yet. A key's text itself is told once, and is nowhere.
 *
 * Each change takes the next number of the store's (weir_meta, "keys"), within its transaction: who
 * has seen all up to one asks for what came after it. Rows are never removed: a name stays taken,
 * and a revoked key is told from a stranger.
 *
 * A key_store belongs to one thread at a time. Calls block.
 */
#ifndef WEIR_ACCESS_KEY_STORE_H
#define WEIR_ACCESS_KEY_STORE_H

#include "access/key_text.h"
#include "access/key_wish.h"
#include "base/hash.h"
#include "ledger/store.h"

#define KEY_ID_PREFIX "key_"
enum { KEY_ID_LEN = 4 + 24, KEY_HINT_LEN = 7 };

typedef struct key_store key_store;

/* Makes what is not there yet. */
store_state key_store_open(const store_place *place, bool durable, key_store **ret, buf *ret_why);
void key_store_close(key_store *ks); /* NULL is allowed */
bool key_store_is_lost(const key_store *ks);

typedef enum key_outcome {
    KEYS_DONE,
    KEYS_FAILED,  /* the database's: key_store_why() */
    KEYS_BAD,     /* what is wanted of it: key_store_why() is a sentence */
    KEYS_TAKEN,   /* the name is another key's */
    KEYS_UNKNOWN, /* there is no such key */
    KEYS_REVOKED, /* which is for ever */
} key_outcome;
span key_store_why(const key_store *ks);

/* A key, but for its text. */
typedef struct store_key {
    span id, name, hint;                                    /* hint: how its text begins */
    span options;                                           /* access/key_wish.h */
    int64_t created_us, expires_us, rotated_us, revoked_us; /* wall time; 0: never */
    int64_t until_us; /* of the hash that was looked up; 0: until it is rotated */
} store_key;

/* What a key is found by in a store: a keyed hash of its text. */
void key_store_hash(const key_store *ks, span text, unsigned char ret[SHA256_LEN]);
/* The secret, for whoever hashes on another thread. */
void key_store_secret(const key_store *ks, unsigned char ret[HMAC_SECRET_LEN]);

/* ---- asking; texts are in the arena; KEYS_DONE, KEYS_FAILED or KEYS_UNKNOWN ---- */

key_outcome key_store_find(key_store *ks, const unsigned char hash[SHA256_LEN], arena *a,
                           store_key *ret);
/* By name or id. */
key_outcome key_store_get(key_store *ks, span who, arena *a, store_key *ret);
/* By name, those behind after (empty: from the first on), at most so many. false: not any more. */
typedef bool store_key_fn(void *user, const store_key *row);
key_outcome key_store_list(key_store *ks, span after, unsigned limit, store_key_fn *each,
                           void *user);

/* ---- changing ---- */

/* Who does what follows, for a trail: an act is kept with each change, in its transaction, until it
 * is taken. Borrowed; who empty: nothing is kept. */
void key_store_act_as(key_store *ks, span who, span from);

/* Makes a key and writes its text, which is told this once: the caller wipes it. */
key_outcome key_store_create(key_store *ks, const key_wish *wish, int64_t now_us, arena *a,
                             store_key *ret, char ret_text[KEY_TEXT_LEN + 1]);
key_outcome key_store_change(key_store *ks, span who, const key_wish *wish, arena *a,
                             store_key *ret);
/* A new text for it; the ones before count for overlap_us more at most. */
key_outcome key_store_rotate(key_store *ks, span who, int64_t overlap_us, int64_t now_us, arena *a,
                             store_key *ret, char ret_text[KEY_TEXT_LEN + 1]);
/* One that is revoked already stays so. */
key_outcome key_store_revoke(key_store *ks, span who, int64_t now_us, arena *a, store_key *ret);

/* ---- following ---- */

/* The number of the last change; 0: there was none, so there are no keys. */
MUST_USE bool key_store_last_change(key_store *ks, int64_t *ret);
/* Hashes of keys that were changed after that; false from each: no more of them. */
typedef bool key_hash_fn(void *user, const unsigned char hash[SHA256_LEN]);
MUST_USE bool key_store_changes(key_store *ks, int64_t after, key_hash_fn *each, void *user);

/* From here on key_store_heard() tells of changes. false: it cannot be had, of a file or of a
 * server that does not say so; who follows looks at the number then. */
bool key_store_listen(key_store *ks);
/* Whether somebody has changed something since the last time, without waiting; nor does it tell of
 * what was changed while this connection was not there, which the number does. May find that the
 * store is lost. */
bool key_store_heard(key_store *ks);
/* Turns readable when key_store_heard() should be asked; -1: never. */
int key_store_descriptor(const key_store *ks);

/* All of one key. */
MUST_USE bool key_store_hashes(key_store *ks, span id, key_hash_fn *each, void *user);

/* ---- what was done ---- */

typedef struct key_act {
    span what; /* "key_create", "key_change", "key_rotate", "key_revoke" */
    span who, from;
    span name; /* the key's */
    int64_t at_us;
} key_act;
/* Takes those that are there out of the store, in their order: of several who ask each act has one
 * taker, for whom others wait. kept, once all were told and unless there are none: whether they are
 * where they outlive this process. Where they are not, or the store fails, they stay and will be
 * told again. false: it has failed. */
typedef void key_act_fn(void *user, const key_act *act);
typedef bool key_acts_kept_fn(void *user);
MUST_USE bool key_store_take_acts(key_store *ks, key_act_fn *each, key_acts_kept_fn *kept,
                                  void *user);

/* ---- telling ---- */

/* The API's object; text: of a key that was just made; NULL: none. */
void store_key_write(const store_key *row, const char *text, int64_t now_us, buf *out);
/* "active", "expired", "revoked" */
const char *store_key_status(const store_key *row, int64_t now_us);

#endif
