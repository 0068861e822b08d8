/* gateway/key_keeper.h: the keys of the store in this process: what is known of them, the thread
 * that looks up what is not, and that hears of changes.
 *
 * A key is looked up when it is first used, so that a store of any size costs a start nothing. The
 * thread looks at the number of the last change several times a second, and at once when a server
 * tells of one, and forgets what was changed: each use after it asks the store anew. Where the
 * store is away, keys that are known go on.
 *
 * Threads  new, start and free on the main thread; leave any; the rest a worker's.
 */
#ifndef WEIR_GATEWAY_KEY_KEEPER_H
#define WEIR_GATEWAY_KEY_KEEPER_H

#include "access/key_cache.h"
#include "access/key_store.h"
#include "base/list.h"
#include "gateway/budgets.h"
#include "ledger/ledger.h"
#include "loop/loop.h"
#include "observe/log.h"

typedef struct key_keeper key_keeper;

/* Looks at the store once, on this thread: afterwards it is known whether there are keys, where the
 * store is there. Where it is away, they are as they were when this weir's directory last saw it.
 * seed: has what a client has spent counted before its first call; outlives the keeper. */
MUST_USE key_keeper *key_keeper_new(ledger *l, logger *log, budgets *seed);
/* From its start on, what was done to keys (key_store_take_acts()) is noted by the writer, which
 * belongs to the loop. */
void key_keeper_tell_acts(key_keeper *k, loop *on, ledger_writer *writer);
/* false where a thread cannot be had. */
MUST_USE bool key_keeper_start(key_keeper *k, buf *ret_why);
/* The end is near: a server that is silent is not waited for. NULL is allowed, of both. */
void key_keeper_leave(key_keeper *k);
/* When no worker runs any more. */
void key_keeper_free(key_keeper *k);

/* The same store, for one order, on any thread that may block; key_store_close() it. */
store_state key_keeper_open(key_keeper *k, key_store **ret, buf *ret_why);
/* That key was changed: its next use asks the store. NULL: all of them. Any thread. */
void key_keeper_forget(key_keeper *k, const unsigned char *hash);

/* Whether the store cannot be read, and the log has said so: keys that are not known are refused.
 * Any thread. */
bool key_keeper_is_away(const key_keeper *k);

/* config.store_has_keys */
const atomic_bool *key_keeper_has_keys(const key_keeper *k);

/* What the store knows a text by; the same for as long as this process lives. false: nobody knows
 * that yet, as there was no store so far. */
MUST_USE bool key_keeper_hash(const key_keeper *k, span text, unsigned char ret[SHA256_LEN]);
/* What is known of a key: also that it is nobody's, or not any more. false: nothing; look it up.
 * ret->key is the caller's to give back. */
MUST_USE bool key_keeper_find(key_keeper *k, const unsigned char hash[SHA256_LEN], key_entry *ret);

/* One look-up. Belongs to the loop on which it was asked for. */
typedef struct key_lookup key_lookup;
/* under_way counts those that the loop must not end before. done: on the loop, once, never from
 * inside key_keeper_ask(). good: what was found is in the cache; else the store could not be asked.
 */
typedef void key_lookup_fn(void *user, bool good);
MUST_USE key_lookup *key_keeper_ask(key_keeper *k, span text, loop *on, key_lookup_fn *done,
                                    void *user, unsigned *under_way);
/* Nobody waits for it any more: done is not called. The loop has to, until *under_way is 0. */
void key_lookup_drop(key_lookup *u);

#endif
