#include "ledger/doubt.h"

/* What a clock may gain on the other one from look to look without having been set. */
enum { SET_AHEAD_US = 60 * 1000000 };

bool clock_doubt_begun(const clock_doubt *d) {
    return d->seen_us != 0;
}

int64_t clock_doubt_witness_before(const clock_doubt *d, int64_t wall_us) {
    return wall_us - d->for_ms * 1000;
}

/* A clock that is set ahead again while it is doubted has no better witness than before. */
static void set_ahead(clock_doubt *d, int64_t expected_us, int64_t mono_ms) {
    if (!d->witness_us || mono_ms - d->since_ms >= d->for_ms) d->witness_us = expected_us;
    d->since_ms = mono_ms;
}

void clock_doubt_look(clock_doubt *d, int64_t newest_us, int64_t mono_ms, int64_t wall_us) {
    const int64_t expected_us = d->seen_us + (mono_ms - d->seen_ms) * 1000;
    if (!clock_doubt_begun(d)) {
        d->since_ms = mono_ms;
        d->witness_us = newest_us;
    } else if (wall_us - expected_us > SET_AHEAD_US) {
        set_ahead(d, expected_us, mono_ms);
    }
    d->seen_ms = mono_ms;
    d->seen_us = wall_us;
}

bool clock_doubted(const clock_doubt *d, int64_t newest_us, int64_t before_us) {
    const bool all_goes =
        (newest_us && newest_us < before_us) || (d->witness_us && d->witness_us < before_us);
    return all_goes && d->seen_ms - d->since_ms < d->for_ms;
}
