/* limit/limiter.h: who may have how much, exactly, over all workers of the process.
 *
 * A call asks for everything that limits it at once, and gets all of it or nothing. What it has
 * taken is settled when it ends: what it did not use is given back, what it used beyond its reserve
 * is owed. A counter is there while something counts in it; there are at most LIMITER_COUNTERS, and
 * where there would be more the one that would first be as if new makes room, so that nobody fills
 * the memory with names.
 *
 * Counters are this process's, and new at its start (but for limiter_raise_spend()).
 *
 * Threads  any. One short lock a call for take, one for settle; no allocation but for growth.
 */
#ifndef WEIR_LIMIT_LIMITER_H
#define WEIR_LIMIT_LIMITER_H

#include "config/quota.h"

typedef struct limiter limiter;

enum { LIMITER_COUNTERS = 1 << 18 }; /* 56 bytes each, and as much again for empty places */

/* Whose limit it is: limits.NAME of the configuration. */
typedef enum limit_scope {
#define X(id, word, sentence) LIMIT_OF_##id,
#include "limit/scopes.def"
#undef X
    LIMIT_SCOPES
} limit_scope;
const char *limit_scope_word(limit_scope s); /* "client" */

typedef enum limit_kind {
    LIMIT_REQUESTS,
    LIMIT_TOKENS,
    LIMIT_SPEND, /* nano units of the prices' currency */
    LIMIT_PARALLEL,
    LIMIT_KINDS
} limit_kind;
const char *limit_kind_word(limit_kind k); /* "requests" */

/* One bound, and what a call wants of it. */
typedef struct limit_ask {
    limit_scope scope;
    limit_kind kind;
    span name;          /* of the rule, for people; may be empty */
    uint64_t subject;   /* hash_span() of whom or what is counted, below the scope */
    span who;           /* the same in words, which are those of every process (limit/shared.h) */
    config_quota quota; /* PARALLEL: amount alone */
    int64_t amount;     /* at least 0; of REQUESTS and PARALLEL 1 */
    /* Which configuration the quota is of, a later one's number being higher. 0: of none, but a
     * token's or a key's own, beside which others of the same counter are in force. */
    uint64_t since;
    /* Told by limiter_take(), whatever comes of it. */
    int64_t left;     /* that could be taken after this call */
    int64_t reset_us; /* until nothing counts any more; of PARALLEL 0 */
    uint64_t counter; /* the limiter's own */
    int64_t spent_in; /* of SPEND: the number of the period that it was taken in */
    /* Of SPEND, told by a shared count: the sum after this call, and what was told it after this
     * call had asked, which the sum lacks. */
    int64_t spent, lacks;
} limit_ask;

/* A client's users are its own: another's of that name is somebody else. */
uint64_t limit_user_subject(span client, span user);

typedef struct limit_now {
    int64_t mono_us, wall_us;
} limit_now;

typedef struct limit_verdict {
    bool taken;
    bool waits;      /* it waits in a queue (limit/queue.h) */
    size_t by;       /* index of the ask that refuses for the longest */
    int64_t wait_us; /* until it would not; -1: never, as more is asked than the limit has. Of
                        PARALLEL: 0, as nobody knows */
} limit_verdict;

MUST_USE limiter *limiter_new(void);
void limiter_free(limiter *l);

/* All of it or nothing. */
limit_verdict limiter_take(limiter *l, limit_ask *asks, size_t count, limit_now now);

/* What became of a call that had taken them: */
typedef struct limit_used {
    bool asked; /* somebody was: the request counts */
    int64_t tokens;
    int64_t nano;
    bool goes_on; /* nobody will tell what more it uses: no less than was taken */
} limit_used;
void limiter_settle(limiter *l, const limit_ask *asks, size_t count, const limit_used *used,
                    limit_now now);

/* From now on a shared count may lack what this process has let through (limit/shared.h). As often
 * as it is said, limiter_trust() says that it lacks nothing more. */
void limiter_doubt(limiter *l);
void limiter_trust(limiter *l);
/* Another one whenever doubt begins or ends; odd while there is any. */
uint32_t limiter_season(const limiter *l);

/* What a shared count has said of a call, and of which data. */
typedef struct limit_word {
    bool taken;
    uint32_t epoch;  /* of its data; 0: not known */
    uint32_t season; /* when it was asked */
} limit_word;
/* Says which counters they are of, as whatever takes them does. */
void limiter_name(limit_ask *asks, size_t count);
/* Where it was taken, all of it is here too, whether or not there is room. Of SPEND the shared sum
 * is the one that counts from now on.
 *
 * Where there is doubt, or was any since it was asked, that is what limits this process beside the
 * shared count: what has no room here is not taken, as *v says then; and of SPEND what the sum
 * lacks stays counted. */
void limiter_note(limiter *l, limit_ask *asks, size_t count, limit_word word, limit_verdict *v,
                  limit_now now);
/* So much more of SPEND the shared count has been told; below 0: less. */
void limiter_note_told(limiter *l, const limit_ask *a, int64_t nano, limit_now now);
/* What is known of a SPEND. */
typedef struct limit_spent {
    int64_t nano, period;
    int64_t told;   /* of nano: by a shared count, or the books */
    int64_t held;   /* of nano: by calls of this process that are in progress */
    uint32_t epoch; /* 0: by no shared count */
} limit_spent;
limit_spent limiter_spent(limiter *l, const limit_ask *a, limit_now now);

/* What such a call comes to in that limit's count; of PARALLEL 0: its place is free. */
int64_t limit_used_of(const limit_ask *a, const limit_used *used);

/* A SPEND's, of a period that has ended since it was taken: it changes no later one. */
bool limit_is_over(const limit_ask *a, limit_now now);

/* At least that much has been spent already, as the records say: beside what calls in progress have
 * taken, of which they do not know. */
void limiter_raise_spend(limiter *l, limit_scope scope, uint64_t subject, config_period per,
                         int64_t nano, limit_now now);

typedef struct limiter_figures {
    uint64_t counters;
    uint64_t dropped; /* that made room while they still counted */
} limiter_figures;
limiter_figures limiter_get_figures(limiter *l);

#endif
