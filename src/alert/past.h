/* alert/past.h: what is remembered of a client's calls, and what of a new one is unusual. Pure: the
 * caller owns the clock.
 *
 * Times are monotonic milliseconds. All zero: nothing has been seen.
 */
#ifndef WEIR_ALERT_PAST_H
#define WEIR_ALERT_PAST_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- words that were seen: the last so many ---- */

enum { KNOWN_MAX = 64 };

typedef struct known {
    uint64_t items[KNOWN_MAX];
    unsigned count, next; /* next: which one makes room */
} known;

/* Whether it is new; it is known from now on. */
bool known_add(known *k, uint64_t word);

/* ---- how much in a minute, against the busiest one before ---- */

typedef struct pace {
    int64_t minute; /* that runs: its number */
    int64_t amount; /* in it */
    double busiest; /* of those before it; of each day before it counts half */
    bool told;      /* that it is unusual */
} pace;

/* So much more. Whether, with it, the minute that runs has become unusual: at least `least`, and
 * more than factor times the busiest before it. Once a minute; never where least is 0. */
bool pace_add(pace *p, int64_t amount, double factor, int64_t least, int64_t now_ms);

/* ---- the same request again and again ---- */

enum { REQUESTS_MAX = 16 };

typedef struct seen_request {
    uint64_t hash; /* 0: the place is free */
    int64_t since_ms, last_ms;
    unsigned count;
} seen_request;

typedef struct requests {
    seen_request items[REQUESTS_MAX];
} requests;

/* One more. Whether it is the one that makes a loop: the same-th within that time of the first. Of
 * many different ones those that have come often stay, and then the latest. */
bool requests_add(requests *r, uint64_t hash, unsigned same, int64_t within_ms, int64_t now_ms);

/* ---- how many fail, of a time ---- */

enum { WINDOW_PARTS = 10 };

typedef struct window {
    int64_t part; /* the number of the one that runs */
    unsigned calls[WINDOW_PARTS], failed[WINDOW_PARTS];
} window;

typedef struct window_sum {
    unsigned calls, failed;
} window_sum;

/* One more; what the time up to now comes to with it. */
window_sum window_add(window *w, bool failed, int64_t of_ms, int64_t now_ms);

#endif
