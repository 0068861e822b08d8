#include "http/body_pace.h"

void body_pace_begin(body_pace *p, int64_t now_ms, uint64_t have) {
    *p = (body_pace){.began_ms = now_ms, .heard_ms = now_ms, .window_ms = now_ms, .had = have};
}

/* A window may have been judged late: what is due is due for the time that has passed. */
static bool trickles(const body_pace *p, size_t rate, int64_t now_ms, uint64_t have) {
    uint64_t passed_ms = (uint64_t)(now_ms - p->window_ms), came = have - p->had;
    return came < UINT64_MAX / 1000 && came * 1000 / passed_ms < rate;
}

body_pace_verdict body_pace_judge(body_pace *p, const body_pace_limits *limits, int64_t now_ms,
                                  uint64_t have, int64_t *ret_wait_ms) {
    int64_t left_ms = p->began_ms + limits->total_ms - now_ms;
    if (limits->total_ms && left_ms <= 0) return BODY_PACE_LATE;
    if (now_ms - p->heard_ms >= limits->window_ms) return BODY_PACE_SILENT;
    if (now_ms - p->window_ms >= limits->window_ms) {
        if (trickles(p, limits->rate, now_ms, have)) return BODY_PACE_TRICKLES;
        p->window_ms = now_ms;
        p->had = have;
    }
    int64_t from_ms = p->heard_ms < p->window_ms ? p->heard_ms : p->window_ms;
    *ret_wait_ms = from_ms + limits->window_ms - now_ms;
    if (limits->total_ms && left_ms < *ret_wait_ms) *ret_wait_ms = left_ms;
    return BODY_PACE_FINE;
}
