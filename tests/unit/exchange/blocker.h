/* Something that keeps the thread of a loop's aside work from what is given to it next. */
#ifndef WEIR_TEST_BLOCKER_H
#define WEIR_TEST_BLOCKER_H

#include "exchange/world.h"
#include "loop/aside.h"

#include <semaphore.h>

typedef struct blocker {
    aside aside;
    sem_t go;
} blocker;

static inline void block(aside *a) {
    while (sem_wait(&CONTAINER_OF(a, blocker, aside)->go)) {}
}

static inline void unblocked(aside *a) {
    blocker *b = CONTAINER_OF(a, blocker, aside);
    sem_destroy(&b->go);
    free(b);
}

static inline blocker *blocker_new(world *w) {
    blocker *b = calloc(1, sizeof *b);
    b->aside = (aside){.run = block, .done = unblocked, .free = unblocked};
    sem_init(&b->go, 0, 0);
    loop_aside(&w->loop, &b->aside);
    return b;
}

#endif
