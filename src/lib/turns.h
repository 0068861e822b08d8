/* lib/turns.h: whose turn it is: which calls of a client may run, and which wait for their turn.
 * Decides alone: the caller owns the clock, starts what it is told to start, and says what became
 * of it. Private to the room.
 *
 * Calls that would be asked of one target are a group, with a pace of its own: a target that is at
 * its limit, or away, holds its own calls back and no others. A call goes through
 *
 *     joined ──▶ running ◀──▶ resting ──▶ left
 *                   ▲            │
 *                   └── awake ◀──┘ its rest is over, and there was no place
 *
 * Those that run are never more than `most`. Who rests (a try has failed, the next comes later) has
 * given his place back, but still counts for his group: so a target that refuses everybody has
 * `most` calls at the most that wait for it to get better, and the others have not begun.
 *
 * Not thread-safe.
 */
#ifndef WEIR_LIB_TURN_H
#define WEIR_LIB_TURN_H

#include "base/list.h"
#include "base/span.h"
#include "lib/pace.h"

typedef struct turns {
    unsigned most;
    bool adaptive;
    list groups;
    list awake; /* of all groups, the first to wake first */
    unsigned running;
    unsigned total;     /* that joined and have not left */
    uint64_t last_join; /* to tell who came first */
} turns;

typedef struct turn_group turn_group;

typedef enum turn_place {
    TURN_OUT,
    TURN_JOINED,
    TURN_RUNNING,
    TURN_RESTING,
    TURN_AWAKE
} turn_place;

/* Part of a call. */
typedef struct turn {
    list link; /* JOINED: in the group; AWAKE: in turns.awake */
    turn_group *group;
    turn_place place; /* TURN_OUT to begin with */
    uint64_t number;
} turn;

void turns_init(turns *t, unsigned most, bool adaptive);
/* All have left. */
void turns_done(turns *t);

/* target: whom it will ask, as far as one can tell. */
void turns_join(turns *t, turn *it, span target);
/* The next that is to run, which it then does: to be begun, or to go on where it has been begun.
 * NULL: none may. *ret_wait_ms, where that passes by itself, is in how long; else -1. */
MUST_USE turn *turns_next(turns *t, int64_t now_ms, int64_t *ret_wait_ms);
/* One that runs waits for a while before its next try. */
void turns_rest(turns *t, turn *it);
/* Its rest is over. false: there is no place, turns_next() will tell it. */
MUST_USE bool turns_wake(turns *t, turn *it);
/* Wherever it is. */
void turns_leave(turns *t, turn *it);

/* ---- what came of one that runs ---- */

/* Its target refuses it for its load. rest_ms: until it, or who else may be asked, can be; -1: no
 * telling. */
void turns_refused(turns *t, turn *it, int64_t rest_ms, int64_t now_ms);
/* Nobody is there. */
void turns_missed(turns *t, turn *it, int64_t now_ms);
/* Before it leaves. answered, and whether it had been refused before that. */
void turns_ended(turns *t, turn *it, bool answered, bool refused);

/* How many calls of those targets that are in use may run. */
unsigned turns_limit(const turns *t);

#endif
