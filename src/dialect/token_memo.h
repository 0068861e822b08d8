/* dialect/token_memo.h: what texts were counted to before. A conversation is sent whole with each
 * of its turns, a system prompt and tools with each call: what was counted is not counted again.
 *
 * Of a text is kept whose it is and a hash under a secret of the memory's own (base/text_hash.h);
 * nothing that it says. What is known of one owner's texts is not known of another's: how soon a
 * call is answered says nothing of what others have sent.
 *
 * One per thread. 69 KiB.
 */
#ifndef WEIR_DIALECT_TOKEN_MEMO_H
#define WEIR_DIALECT_TOKEN_MEMO_H

#include "base/text_hash.h"
#include "dialect/tokens.h"

enum {
    MEMO_LEAST = 256, /* bytes: shorter texts are counted as soon */
    MEMO_MOST = TEXT_HASH_MOST,
    MEMO_PLACES = 2048,
};

typedef struct token_memo token_memo;

MUST_USE token_memo *token_memo_new(void);
/* NULL is allowed. */
void token_memo_free(token_memo *m);

static inline bool token_memo_takes(json_value text) {
    return text.raw.len >= MEMO_LEAST && text.raw.len <= MEMO_MOST;
}

/* Hundredths of tokens (tokens_add_value()) of one of those, by itself. */
uint64_t token_memo_count(token_memo *m, uint64_t owner, token_family family, json_value text);
/* Whether it is known; then its count. */
MUST_USE bool token_memo_knows(const token_memo *m, uint64_t owner, token_family family,
                               json_value text, uint64_t *ret_hundredths);

#endif
