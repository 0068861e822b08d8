#include "ledger/forgetting.h"

#include "base/clock.h"

enum { EVERY_MS = 60 * 1000 };

/* Everything would go, and the clock has not shown yet that it goes right. */
static bool is_doubtful(const forgetting *f, int64_t newest_us, int64_t before_us, int64_t now_ms) {
    return newest_us && newest_us < before_us && now_ms - f->began_ms < f->doubt_ms;
}

bool forgetting_step(forgetting *f, store *s, int64_t keep_ms, bool *ret_mended) {
    const int64_t now_ms = clock_mono_ms(), now_us = clock_wall_us();
    const int64_t before_us = now_us - keep_ms * 1000;
    int64_t newest_us = 0;
    bool more = false;
    *ret_mended = false;
    if (!f->began_ms) f->began_ms = now_ms;
    if (f->done_ms && now_ms - f->done_ms < EVERY_MS) return true;
    if (!store_mend_floor(s, now_us, ret_mended)) return false;
    if (keep_ms && !store_newest(s, &newest_us)) return false;
    if (keep_ms && !is_doubtful(f, newest_us, before_us, now_ms) &&
        !store_prune(s, before_us, &more))
        return false;
    if (!more) f->done_ms = now_ms;
    return true;
}
