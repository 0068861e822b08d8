/* cache/memo.h: the keys of questions that a loop has had before in the very same bytes, so that
 * they need not be spelled and hashed anew: half of what a stored answer costs. Only those that had
 * an answer are noted.
 *
 * Exact: all that the key is made of is compared, and the rules by which the question was found to
 * be one that may be in the cache, which need not be found out anew either. Bounded: MEMO_SLOTS
 * questions of up to MEMO_BYTES; a question may push out another.
 *
 * Belongs to its loop.
 */
#ifndef WEIR_CACHE_MEMO_H
#define WEIR_CACHE_MEMO_H

#include "cache/key.h"

enum { MEMO_SLOTS = 128, MEMO_BYTES = 4096 };

typedef struct key_memo key_memo;

MUST_USE key_memo *key_memo_new(void);
void key_memo_free(key_memo *m); /* NULL is allowed */
MUST_USE bool key_memo_find(const key_memo *m, const cache_question *q, cache_key *ret);
void key_memo_add(key_memo *m, const cache_question *q, const cache_key *key);

#endif
