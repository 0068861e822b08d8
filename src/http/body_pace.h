/* http/body_pace.h: whether a body comes fast enough. Pure: no clock of its own.
 *
 * Two rules over one time, window_ms: it may not be silent for that long, and over each such window
 * from its beginning on it must have brought so many bytes a second. Without the second one a byte
 * now and then would hold a connection, and what is kept of the request, for as long as its sender
 * likes. A window is judged at its end, so a body that is complete within the first may come as it
 * likes, and a pause is made up for by what comes before and after it. A third bounds the whole:
 * the least rate of a large body is hours.
 *
 * Owner: the request. Units: milliseconds of the loop's clock.
 */
#ifndef WEIR_HTTP_BODY_PACE_H
#define WEIR_HTTP_BODY_PACE_H

#include "base/span.h"

typedef struct body_pace {
    int64_t began_ms;
    int64_t heard_ms;  /* when the last bytes came */
    int64_t window_ms; /* when the window began */
    uint64_t had;      /* bytes that had come by then */
} body_pace;

typedef struct body_pace_limits {
    int64_t window_ms;
    size_t rate;      /* bytes a second; 0: any */
    int64_t total_ms; /* for the whole; 0: any */
} body_pace_limits;

typedef enum body_pace_verdict {
    BODY_PACE_FINE, /* ask again in *ret_wait_ms */
    BODY_PACE_SILENT,
    BODY_PACE_TRICKLES,
    BODY_PACE_LATE,
} body_pace_verdict;

/* The body begins, of which have bytes have come. */
void body_pace_begin(body_pace *p, int64_t now_ms, uint64_t have);
/* More of it has come. */
static inline void body_pace_heard(body_pace *p, int64_t now_ms) {
    p->heard_ms = now_ms;
}
/* That no more of it came was not its sender's doing: but for the total, the window begins here. */
static inline void body_pace_excuse(body_pace *p, int64_t now_ms, uint64_t have) {
    p->heard_ms = p->window_ms = now_ms;
    p->had = have;
}
MUST_USE body_pace_verdict body_pace_judge(body_pace *p, const body_pace_limits *limits,
                                           int64_t now_ms, uint64_t have, int64_t *ret_wait_ms);

#endif
