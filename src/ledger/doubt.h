/* ledger/doubt.h: whether the clock is believed where what is old is taken away for good. One that
 * is far ahead, as some are when their machine starts, or that is set ahead while weir runs, would
 * take all of it away. What is known to have been before that bears witness: a clock by which even
 * this is too old is believed when an hour has passed, whatever is written by it meanwhile.
 *
 * Pure; of one thread.
 */
#ifndef WEIR_LEDGER_DOUBT_H
#define WEIR_LEDGER_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_DOUBT_MS = 3600 * 1000 };

/* Zeros, but for for_ms, before the first look. */
typedef struct clock_doubt {
    int64_t for_ms; /* the owner's: so long such a clock is doubted */
    /* Private. */
    int64_t since_ms;         /* monotonic: of the first look, or when it was set ahead */
    int64_t witness_us;       /* the last instant that is known to have been before; 0: none is */
    int64_t seen_ms, seen_us; /* at the last look; 0: there was none */
} clock_doubt;

bool clock_doubt_begun(const clock_doubt *d);
/* What is later bears no witness: a process that was started by the same clock may have left it. */
int64_t clock_doubt_witness_before(const clock_doubt *d, int64_t wall_us);
/* Both clocks, as they are. newest_us counts at the first look alone: of what is there already and
 * bears witness the newest, or 0. Then every minute or so. */
void clock_doubt_look(clock_doubt *d, int64_t newest_us, int64_t mono_ms, int64_t wall_us);
/* Whether what was before before_us has to stay. newest_us: of what is there now, or 0; where all
 * of it would go the clock is doubted, too. */
bool clock_doubted(const clock_doubt *d, int64_t newest_us, int64_t before_us);

#endif
