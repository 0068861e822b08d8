/* guard/lane.h: what the files of a lane share. Inside guard/.
 *
 * lane.c         a feed from begin to end, and what is kept for the next
 * lane_clean.c   whole texts that need none
 * lane_coded.c   the lanes behind a lane, of what is written in a code
 * lane_take.c    the window: new bytes as they are looked at, and what place is what
 * lane_units.c   the same of a code: which bytes stand for which
 * lane_match.c   rules that are armed, tried, open and done
 * lane_tell.c    what is certain, in the order of the text
 */
#ifndef WEIR_GUARD_LANE_H
#define WEIR_GUARD_LANE_H

#include "guard/known.h"
#include "guard/rule.h"
#include "guard/unit.h"

enum {
    KEEP_BEFORE = 80, /* bytes before what is open: near words, what looks back, shapes */
    STEPS_FEW = 500,  /* PCRE2's, that a try takes unnoticed */
    STEPS_MAX = 20000,
    DEPTH_MAX = 10000,
    LONG_MATCH = 256,    /* one that fails its checks has been as costly */
    COSTLY_MAX = 8,      /* tries of one rule in COSTLY_BLOCK bytes that took more than few */
    COSTLY_BLOCK = 4096, /* then the next one counts as a match */
    SCORE_FULL = 100,
};
_Static_assert(sizeof((guard_lane){0}.last) == KEEP_BEFORE, "what is kept of a clean text");
_Static_assert((int)KEEP_BEFORE >= (int)SHAPE_BACK && (int)KEEP_BEFORE >= GUARD_NEAR_MAX + 8,
               "what rules look back to is kept");
_Static_assert(sizeof(guard_lane) <= 512, "as its header says");

struct guard_scratch {
    struct guard_scratch
        *behind; /* of the lane of the next code, which runs inside; NULL: none has */
    pcre2_match_data *data;
    pcre2_match_context *few, *most;
    buf norm;
    guard_known *known; /* NULL: no text was long enough yet */
    /* What was done, for tests that bound it. */
    uint64_t tries; /* of a pattern */
    uint64_t bytes; /* that they could see */
    uint64_t costly;
};

/* Looked at as other bytes than it has. */
typedef struct lane_unit {
    uint64_t norm, raw;
    uint8_t count; /* bytes in norm; 0: left out before it */
    uint8_t len;   /* bytes in raw */
    bool coded;    /* a code says so, and no escape of JSON */
} lane_unit;

typedef struct lane_open {
    uint32_t rule;
    bool open;   /* it may match at `at`: what follows will tell */
    bool forced; /* it does, as it took too many steps: only its end is awaited */
    uint64_t at;
    uint64_t known;     /* the byte that told that */
    uint64_t floor;     /* what is before it is not hidden */
    uint64_t hides;     /* the same, with the places that wait */
    uint64_t until;     /* no match begins before */
    uint64_t costly_at; /* + 1 */
    uint64_t block;     /* of COSTLY_BLOCK bytes, and how many tries in it were costly */
    uint32_t costly;
} lane_open;

typedef struct lane_wait {
    uint32_t rule;
    uint8_t action;
    bool over;
    uint64_t key;      /* raw: its place in the order */
    uint64_t from, to; /* of the value */
    uint64_t raw_from, raw_to;
    uint64_t raw_hide; /* hidden from here to raw_to */
} lane_wait;

typedef struct lane_score {
    uint32_t kind, rule;
} lane_score;

/* One feed. */
typedef struct work {
    guard_lane *l;
    const guard_set *set;
    const guard_sink *sink;
    span raw; /* from raw_base on */
    uint64_t raw_base;
    span norm; /* from base on */
    uint64_t base;
    size_t fresh; /* of norm: where what this feed brought begins */
    bool end;
} work;

static inline const rule_code *rule_of(const work *w, uint32_t rule) {
    return &w->set->rules[rule];
}
static inline guard_action action_for(const work *w, uint32_t rule) {
    return (guard_action)w->l->policy->actions[rule];
}

/* lane_take.c: the piece joins the window. */
void lane_take(work *w, span piece);
/* Where the character begins, or ends, that `at` is within; else `at`. */
uint64_t lane_letter_begin(const work *w, uint64_t at);
uint64_t lane_letter_end(const work *w, uint64_t at);
/* Where in raw the character begins that has the byte `at` of what is looked at; its end: of the
 * byte before, which ends one. */
uint64_t lane_raw_begin(const work *w, uint64_t at);
uint64_t lane_raw_end(const work *w, uint64_t at);
/* Forgets what stands before `from`. */
void lane_keep(work *w, uint64_t from);

/* lane_units.c: the next of a code at w->raw[at], at most one unit or a run that stands for itself.
 * false: more must come. */
MUST_USE bool lane_take_coded(work *w, size_t at, buf *norm);
/* How many bytes from `at` on stand for themselves, each by itself. */
size_t lane_plain_run(const guard_lane *l, span text, size_t at);
/* The same, of LANE_STRIDE at most: of a text that is full of escapes each asks once, and none goes
 * through all the rest. */
enum { LANE_STRIDE = 512 };
size_t lane_coded_run(const guard_lane *l, span text, size_t at);
/* Whether something that a code says is in [from, to) of the window, or near it. */
bool lane_is_coded(const work *w, size_t from, size_t to);
void lane_add_unit(guard_lane *l, lane_unit unit);
/* lane_take.c: the last unit that begins at or before `at`, of what is looked at; NULL: none. */
const lane_unit *lane_unit_before(const guard_lane *l, uint64_t at);

/* lane.c: one feed of one lane, and its end. */
void lane_finish(guard_lane *l);
void lane_feed(guard_lane *l, span piece, bool end, const guard_sink *sink);
/* lane_coded.c: what the lane lets go goes through those of codes, one after the other. */
void lane_feed_coded(guard_lane *l, span piece, bool end, const guard_sink *sink);
size_t lane_coded_held(const guard_lane *l);
void lane_coded_done(guard_lane *l); /* coded may be NULL */

/* lane_match.c: what is open is tried again, and what is new looked through. */
void lane_match(work *w);
/* From where on an open rule would hide. */
uint64_t lane_open_hides(const work *w, const lane_open *o);
/* Forgets what has nothing to say any more. */
void lane_sweep(work *w);

/* lane_tell.c */
void lane_wait_add(guard_lane *l, lane_wait wait);
void lane_tell(work *w);

#endif
