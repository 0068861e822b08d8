/* loop/aside.h: work that is too long for a loop, on one of libuv's threads.
 *
 * Of each lane one piece at a time is under way, and the others wait in the order in which they
 * were given: the threads look up names, too, which no number of large documents shall keep them
 * from. A loop has a lane for these; what may take long for reasons of its own has its own.
 *
 * Whoever gives work owns it again once done is called. It touches nothing meanwhile that the work
 * does: what must live for it is its own. Where nobody wants it any more it cannot be called back:
 * aside_drop() sees to its end.
 */
#ifndef WEIR_LOOP_ASIDE_H
#define WEIR_LOOP_ASIDE_H

#include "loop/loop.h"

typedef struct aside {
    void (*run)(struct aside *a);  /* on another thread */
    void (*done)(struct aside *a); /* on the loop, later: never from inside loop_aside() */
    void (*free)(struct aside *a); /* on the loop, in done's place, after aside_drop() */
    /* private to aside.c */
    list link;
    aside_lane *lane;
    loop *loop;
    uv_work_t work;
    bool dropped;
} aside;

void loop_aside(loop *l, aside *a);
/* In a lane of the caller's, which is used on that loop alone and outlives what is in it. */
void loop_aside_in(loop *l, aside_lane *lane, aside *a);
/* After it the work belongs to nobody: it is freed now or, where it is under way, when that is
 * over. */
void aside_drop(aside *a);

/* Frees what is large, without a word: giving so many pages back takes longer than a loop stands
 * still. From AWAY_BYTES on it is worth a thread. */
enum { AWAY_BYTES = 1024 * 1024 };
void aside_free(loop *l, void (*free)(void *what), void *what);

#endif
