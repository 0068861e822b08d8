/* cache/purges.h: what is to be dropped, and what was: an answer that was asked for before a purge
 * and comes after it is not kept.
 *
 * Bounded: the last PURGES_KEPT are known by what they say. Who has asked before more of them than
 * that is told that they mean him.
 *
 * Threads  any. purges_count() is one load; a lock is taken where there was a purge meanwhile.
 * Units    *_ms of one clock, the caller's.
 */
#ifndef WEIR_CACHE_PURGES_H
#define WEIR_CACHE_PURGES_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { PURGES_KEPT = 64 };

/* What is to be dropped: all of it must fit. */
typedef struct cache_purge {
    span model;       /* the client's word, or the beginning of one with a * behind; empty: any */
    span client;      /* empty: anybody's */
    int64_t older_ms; /* asked for longer ago than that; 0: at any time */
} cache_purge;

/* Of an answer, what a purge looks at. */
typedef struct purge_facts {
    span model, client;
    int64_t asked_ms; /* when its call was made */
} purge_facts;

/* Whether it fits; now_ms: when the purge was made, by the clock that asked_ms is of. Pure. */
bool cache_purge_means(const cache_purge *which, const purge_facts *of, int64_t now_ms);

typedef struct purges purges;
MUST_USE purges *purges_new(void);
void purges_free(purges *p); /* NULL is allowed */

/* How many there were. Noted before a call is made, and given to purges_mean() when it has its
 * answer. */
uint64_t purges_count(const purges *p);
/* Texts are copied. Before anything is dropped. */
void purges_note(purges *p, const cache_purge *which, int64_t now_ms);
/* Whether one of those since `count` fits. */
bool purges_mean(purges *p, uint64_t count, const purge_facts *of);

#endif
