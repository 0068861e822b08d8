/* access/key_hashes.h: the keyed hashes of keys that were used last, found by their plain ones.
 *
 * A key's plain SHA-256 is there with each call, for the clients of the configuration. What the
 * store knows it by (key_store.h), and whether it has the form of a key at all, follow from its
 * text alone and for as long as the process lives: they are worked out once, and nothing that may
 * change is kept here. Whose key it is, and whether it still counts, is asked each time.
 *
 * Bounded: a key may drive out another one, which is then worked out again. Belongs to its thread.
 */
#ifndef WEIR_ACCESS_KEY_HASHES_H
#define WEIR_ACCESS_KEY_HASHES_H

#include "base/hash.h"

typedef struct key_hashes key_hashes;

MUST_USE key_hashes *key_hashes_new(void);
void key_hashes_free(key_hashes *t); /* NULL is allowed */

/* NULL: it is not there. Valid until the next is put in. Every byte is looked at. */
const unsigned char *key_hashes_find(const key_hashes *t, const unsigned char plain[SHA256_LEN]);
void key_hashes_put(key_hashes *t, const unsigned char plain[SHA256_LEN],
                    const unsigned char keyed[SHA256_LEN]);

#endif
