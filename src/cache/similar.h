/* cache/similar.h: which stored answers are to a question that is nearly the same: vectors of their
 * texts, as a model for embeddings has made them, compared one by one.
 *
 * A vector stands in a bucket with those alone whose questions are the same but for that text, of
 * the same scope: nobody is ever compared with another's. It lives as long as the answer in memory
 * that it is of (cache/store.h has it), so what ends that, a purge too, ends it. Of more than the
 * bound the oldest goes by itself.
 *
 * A dimension takes 16 bits: the vector's length is UNIT, so a similarity is off by less than
 * 0.002, and no sum of products is beyond 32 bits.
 *
 * Threads  any. One short lock, which is not held while vectors are compared.
 * Units    similarities: the cosine, -1 to 1.
 */
#ifndef WEIR_CACHE_SIMILAR_H
#define WEIR_CACHE_SIMILAR_H

#include "cache/key.h"
#include "cache/recording.h"

enum { SIMILAR_DIMENSIONS_MAX = 8192 };

/* A vector with its bucket. Immutable, but for its place. */
typedef struct similar similar;

/* With one reference; counted in room, which outlives it. NULL: they are none, or too many, or all
 * zero, or one is no number. */
MUST_USE similar *similar_new(const cache_key *bucket, const float *of, size_t count,
                              cache_room *room);
similar *similar_ref(similar *s);
void similar_unref(similar *s);         /* NULL is allowed */
size_t similar_bytes(const similar *s); /* NULL: none */
/* Of two with as many dimensions; else 0. */
double similar_cosine(const similar *a, const similar *b);

typedef struct similar_index similar_index;
MUST_USE similar_index *similar_index_new(void);
void similar_index_free(similar_index *x); /* empty; NULL is allowed */
void similar_index_bound(similar_index *x, size_t most);
size_t similar_index_count(similar_index *x);

/* key: of its answer. Not twice; a reference of the index's own. */
void similar_add(similar_index *x, similar *s, const cache_key *key);
/* Idempotent. */
void similar_remove(similar_index *x, similar *s);

/* The nearest of its bucket, from threshold on. false: there is none. It looks at all of them, some
 * 0.5 us each: from SIMILAR_ASIDE on that is no work for a loop. */
enum { SIMILAR_ASIDE = 256 };
size_t similar_bucket_count(similar_index *x, const similar *to);
MUST_USE bool similar_find(similar_index *x, const similar *to, double threshold, cache_key *ret,
                           double *ret_similarity);

#endif
