/* exchange/cache_use.h: what an exchange has to do with the cache. Private to its stages.
 *
 * One of these, in the order in which it may go from one to the next:
 *
 *   given a stored answer   replays it (stage_replay.c)
 *   follows a flight        waits until that has said something, then replays it while it grows; if
 *                           it fails before that, joins or leads the next one
 *   leads a flight          makes the call; filter_record.c writes the recording. Its own client
 * may be slow, and then hears what is recorded, or may leave: the others go on records alone the
 * same, with nobody to listen (cache-control: no-cache)
 */
#ifndef WEIR_EXCHANGE_CACHE_USE_H
#define WEIR_EXCHANGE_CACHE_USE_H

#include "cache/far.h"
#include "cache/policy.h"
#include "exchange/internal.h"

#include "dialect/reader.h"

/* Reads what was recorded as what the exchange's filters are given. */
typedef struct retelling {
    reader reader;
    recording_reader at;
    bool open;
} retelling;

void retelling_begin(retelling *t, exchange *x, recording_reader at);
/* Idempotent. */
void retelling_end(retelling *t);
/* Of a stream: false: there is none yet, or no more. *ret lives until the next call. */
bool retelling_next(retelling *t, answer_event *ret, unsigned *ret_at_ms);

typedef struct cache_use {
    exchange *x;
    cache_key key;
    bool is_far;      /* it may be in the store of several weirs */
    bool only_cached; /* it is not made, if it is nowhere */
    cache_wish wish;
    struct cache_spelling *spelling; /* of its key, on another thread; NULL: none is under way */
    struct look_out *far;            /* for what others have stored; NULL: nobody has looked */
    struct similar_look *similar;    /* NULL: nobody has looked for something like it */
    cache_verdict verdict;
    int64_t ttl_ms;
    int64_t max_age_ms; /* of what may be given; -1: any */
    uint64_t seen;      /* of the store, when it was looked up */
    bool waits;         /* for a flight's first word, or the other store's, in `wait` */
    stage_wait wait;
    flight_seat seat;
    bool sits;
    flight_holders holders; /* its call's */
    unsigned failures;      /* of flights that it followed */
    /* What it replays. */
    cached_answer *stored; /* its recording is counted; NULL: none was found */
    recording_reader at;   /* of it, or of the flight */
    struct replay *replay;
    struct recorder *recorder;
} cache_use;

/* similar_look.c: whether nearly the same was asked (cache.semantic). true: done is called later,
 * once, never before this returns; what was found is in memory under u->key by then. false: it is
 * off, or this question is none that may be compared, or it was compared already. */
typedef void similar_looked_fn(cache_use *u, bool found);
MUST_USE bool similar_look_begin(cache_use *u, similar_looked_fn *done);
/* Afterwards done is not called. Idempotent. */
void similar_look_cancel(cache_use *u);
/* Of its question, borrowed; NULL: there is none. */
similar *similar_look_vector(const cache_use *u);
void similar_look_over(cache_use *u);
/* ---- cache_question.c ---- */

/* What a key is made of. */
enum { POSED_MORE = 4 };
typedef struct posed_question {
    cache_question q;
    span more[POSED_MORE]; /* where no further header counts */
    int64_t cap;           /* of tokens: another answer may be cut off elsewhere */
    char rules[sizeof(double) + 3];
} posed_question;
/* In the loop's event_arena; points into *ret. */
void cache_pose(const exchange *x, posed_question *ret);
/* u->key. *ret_noted: it was known. false: this question is none for the cache. */
MUST_USE bool cache_find_key(cache_use *u, const posed_question *q, bool *ret_noted);
/* The same of a large question, which a loop would stand still for: on another thread. done is
 * called later, once, never before this returns: with false where it is none for the cache. */
typedef struct cache_spelling cache_spelling;
typedef void cache_spelt_fn(cache_use *u, bool fits);
void cache_spell_aside(cache_use *u, cache_spelt_fn *done);
/* Afterwards done is not called. Idempotent. */
void cache_spell_cancel(cache_use *u);
/* It has an answer. */
void cache_note_key(const cache_use *u, const posed_question *q);
/* What two questions have in common that differ in one text alone: their key without it. apart:
 * what else keeps them apart. */
cache_key cache_use_bucket(cache_use *u, json_value text, span apart);

/* stage_look_up.c: which answers will do. */
cache_want cache_use_want(const cache_use *u);

/* stage_look_up.c: its call waits for what that client, user or address may have, or (0) not any
 * more: others who ask the same do not wait with it. */
void cache_use_hold(cache_use *u, uint64_t holder);
/* stage_look_up.c: lets go of the flight that is followed or led. */
void cache_use_leave(cache_use *u);
/* stage_replay.c: there is more to hear. */
void replay_go_on(struct replay *p);
void replay_over(struct replay *p);
/* filter_record.c: puts up the recorder of one who leads, or of one who records alone. */
void record_answer(cache_use *u, bool alone);
/* News for one who leads: somebody has joined or left. */
void recorder_news(struct recorder *r);
/* Its client has left, and the call has gone on for the others. */
bool recorder_has_left(const struct recorder *r);
/* The exchange is over. */
void recorder_over(struct recorder *r);

#endif
