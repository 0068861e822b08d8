/* cache/flights.h: calls in flight, so that who asks the same meanwhile hears the same answer and
 * nobody is asked twice: over all loops of the process.
 *
 * Who is first leads: he makes the call and writes the flight's recording (cache/recording.h), to
 * which the others listen. When the flight has ended they have what there is; when it has failed
 * before it said anything, the first of them to hear of it leads a new one, and the others join
 * that.
 *
 * Each loop has a desk, where those of its calls sit that follow a flight. News of a flight are
 * told to the desks of its followers, each time by one message to the loop, however many sit there.
 *
 * Threads  a desk and a seat belong to their loop. Of a flight any may ask; what its leader does is
 *          his loop's. A lock is taken to join and to leave, and to tell where somebody follows.
 */
#ifndef WEIR_CACHE_FLIGHTS_H
#define WEIR_CACHE_FLIGHTS_H

#include "cache/key.h"
#include "cache/recording.h"
#include "dialect/failure.h"
#include "loop/loop.h"

typedef struct flights flights;
typedef struct flight flight;

MUST_USE flights *flights_new(void);
/* No flight may be open. */
void flights_free(flights *t);
unsigned flights_open(flights *t); /* in the table, right now */

/* ---- desks ---- */

typedef struct flight_desk flight_desk;
MUST_USE flight_desk *flight_desk_new(loop *on);
/* Nobody sits there, and its loop does not run any more. */
void flight_desk_free(flight_desk *d);

/* ---- seats ---- */

/* Embedded in whoever leads or follows. */
typedef struct flight_seat {
    list link; /* of the desk */
    flight *of;
    flight_desk *at;
    bool leads;
    /* There may be news: of a follower, that the flight has said something, ended or failed; of its
     * leader, that somebody has joined or left. Never from inside flights_join(). May leave. */
    void (*news)(struct flight_seat *seat);
} flight_seat;

/* What is flown: who asks the same in another form flies apart. */
typedef enum flight_form {
    FLIGHT_DOCUMENT,
    FLIGHT_STREAM,
    FLIGHT_STREAM_USAGE, /* with the usage chunk, of a provider that tells it to those alone who ask
                            for it themselves */
} flight_form;

/* Whose a call is, each by what it may be held: its client's, its user's, …; of nobody 0. */
enum { FLIGHT_HOLDERS = 3 };
typedef struct flight_holders {
    uint64_t ids[FLIGHT_HOLDERS];
} flight_holders;

/* Who joins, and what. purges: how many there were (cache/purges.h): who asks after one does not
 * follow a call that was made before it. */
typedef struct flight_ticket {
    const cache_key *key;
    flight_form form;
    uint64_t purges;
    flight_holders holders;
} flight_ticket;

/* Sits down; seat->leads says what became of it. A leader flies until flight_land() or
 * flight_fail(), and leaves after it. Of a flight that is held by somebody else the newcomer takes
 * the place: whoever follows it stays with it, and who comes later follows him. */
void flights_join(flights *t, const flight_ticket *ticket, flight_desk *desk, flight_seat *seat);
/* Idempotent. */
void flight_leave(flight_seat *seat);

/* ---- of its leader ---- */

/* What it records in, once: takes over the reference. From now on all find it. */
void flight_record(flight *f, recording *said);
unsigned flight_followers(const flight *f);
/* Something was added to the recording. */
void flight_tell(flight *f);
/* Its leader waits for what is that holder's alone, or (0) not any more: nobody else has to wait
 * with him. Its followers hear of it. */
void flight_hold(flight *f, uint64_t holder);
/* Nobody joins any more: who asks the same leads a flight of his own. Idempotent. */
void flight_close(flight *f);
/* Who answered; copied. Nobody joins any more. */
void flight_land(flight *f, span target);
void flight_fail(flight *f, const failure *why);

/* ---- anybody's ---- */

typedef enum flight_state { FLIGHT_OPEN, FLIGHT_LANDED, FLIGHT_FAILED } flight_state;
flight_state flight_get_state(const flight *f);
/* By none of those holders. */
bool flight_is_held(const flight *f, const flight_holders *who);
/* NULL: nothing was said yet. Lives as long as the seat. */
recording *flight_recording(const flight *f);
/* Of one that has landed; and of one that has failed. They live as long as the seat. */
span flight_target(const flight *f);
const failure *flight_failure(const flight *f);

#endif
