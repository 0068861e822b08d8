/* cache/key.h: the key of an answer: what was asked, of whom, and for whom.
 *
 * SHA-256 over the request in its one spelling (json/canonical.h) and what else an answer depends
 * on. Members that do not change an answer are left out: cache_key_without. Pure; any thread.
 */
#ifndef WEIR_CACHE_KEY_H
#define WEIR_CACHE_KEY_H

#include "base/hash.h"
#include "json/canonical.h"

typedef struct cache_key {
    unsigned char bytes[SHA256_LEN];
} cache_key;

/* All borrowed. */
typedef struct cache_question {
    span scope; /* whose answers: a client's name with what kind of name it is; empty: anybody's */
    span endpoint; /* "chat.completions" */
    span query;    /* of the request's path, as it came */
    span model;    /* that the path names, which goes before the body's; empty: it names none */
    span entry;    /* of the configuration, by which the model is served */
    const span *targets; /* that may answer, in the entry's order: of each its name and its URL */
    size_t target_count;
    const span *more; /* whatever else of the request goes to the provider and may matter: texts */
    size_t more_count;
    json_value body; /* an object that json_scan() accepted */
    span rules; /* under which it may be in the cache: of no key, but of whoever has found that out
                 */
    const char *hole; /* where a string of the body begins that may be any; NULL: all count */
} cache_question;

enum { CACHE_KEY_WITHOUT = 6 };
extern const span cache_key_without[CACHE_KEY_WITHOUT];

/* scratch: memory for the text of the question; what it holds is lost. */
cache_key cache_key_of(const cache_question *q, buf *scratch);
/* The same in two steps, for who finds out on the way whether the second is wanted: the text, and
 * what was sought of the body (NULL: nothing). */
void cache_key_spell(const cache_question *q, json_sought *sought, buf *out);
cache_key cache_key_of_text(span text);

static inline bool cache_key_eq(const cache_key *a, const cache_key *b) {
    return !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

#endif
