/* cache/memo.h: the keys of questions that a loop has had before in the very same bytes, so that
 * they need not be spelled and hashed anew: half of what a stored answer costs. Only those that had
 * an answer are noted.
 *
 * A body that is noted is not scanned anew either: what the scan has found of it is noted, too.
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

enum { MEMO_SLOTS = 128, MEMO_BYTES = 4096, MEMO_MEMBERS = 16 };

typedef struct key_memo key_memo;

/* How a body was read, and for whom: what others sent is not to be told from how soon it is known
 * here (as in guard/known.h). */
typedef struct memo_reading {
    json_limits limits;
    uint64_t owner;
} memo_reading;

MUST_USE key_memo *key_memo_new(void);
void key_memo_free(key_memo *m); /* NULL is allowed */
/* What json_scan_object() would say of the body under these limits; members point into it, and are
 * MEMO_MEMBERS at most. false: nothing is known of it, of this owner's. */
MUST_USE bool key_memo_members(key_memo *m, span body, const memo_reading *how,
                               json_member *ret_members, size_t *ret_count);
MUST_USE bool key_memo_find(const key_memo *m, const cache_question *q, cache_key *ret);
void key_memo_add(key_memo *m, const cache_question *q, const cache_key *key,
                  const memo_reading *how);

#endif
