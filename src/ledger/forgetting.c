#include "ledger/forgetting.h"

#include "base/clock.h"

enum { EVERY_MS = 60 * 1000 };

bool forgetting_begin(forgetting *f, store *s) {
    const int64_t now_us = clock_wall_us();
    int64_t newest_us = 0;
    if (!clock_doubt_begun(&f->doubt) &&
        !store_newest(s, clock_doubt_witness_before(&f->doubt, now_us), &newest_us))
        return false;
    clock_doubt_look(&f->doubt, newest_us, clock_mono_ms(), now_us);
    return true;
}

bool forgetting_step(forgetting *f, store *s, int64_t keep_ms, bool *ret_mended) {
    const int64_t now_ms = clock_mono_ms(), now_us = clock_wall_us();
    const int64_t before_us = now_us - keep_ms * 1000;
    int64_t newest_us = 0;
    bool more = false;
    *ret_mended = false;
    if (f->done_ms && now_ms - f->done_ms < EVERY_MS) return true;
    if (!store_mend_floor(s, now_us, ret_mended)) return false;
    if (keep_ms && !store_newest(s, CLOCK_WALL_MAX_US, &newest_us)) return false;
    /* Between the last look and now it may have been set. */
    clock_doubt_look(&f->doubt, newest_us, now_ms, now_us);
    if (keep_ms && !clock_doubted(&f->doubt, newest_us, before_us) &&
        !store_prune(s, before_us, &more))
        return false;
    if (!more) f->done_ms = now_ms;
    return true;
}
