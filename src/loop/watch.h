/* loop/watch.h: how long a loop works without asking its sockets, in a build that measures it
 * (meson's -Dloop_watch=true). No other build has anything of it.
 *
 * A turn has two pieces: what the sockets and other threads have brought, and the timers, hooks and
 * writes after that. A piece is measured in CPU time of the loop's thread: a machine that is busy
 * with something else lengthens none. Whoever waits for a loop waits for one piece at least.
 *
 * A piece of more than WATCH_MOST_US is told on standard error, and loop_done() tells the longest;
 * tests/e2e/test_large_documents.py reads both.
 */
#ifndef WEIR_LOOP_WATCH_H
#define WEIR_LOOP_WATCH_H

#include <stdint.h>

#ifdef WEIR_LOOP_WATCH
enum { LOOP_WATCH = 1 };
#else
enum { LOOP_WATCH = 0 };
#endif

enum { WATCH_MOST_US = 5000 };

typedef struct loop_watch {
    int64_t from_us; /* CPU time at the piece's beginning */
    int64_t longest_us;
} loop_watch;

/* Another piece begins. */
void watch_begin(loop_watch *w);
/* It is over: of this part of a turn. */
void watch_end(loop_watch *w, const char *part);
void watch_tell(const loop_watch *w);

#endif
