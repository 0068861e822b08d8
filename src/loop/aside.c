#include "loop/aside.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static void start_next(aside_lane *lane);

static void on_run(uv_work_t *work) {
    aside *a = CONTAINER_OF(work, aside, work);
    a->run(a);
}

static void on_done(uv_work_t *work, int status) {
    (void)status; /* it is never cancelled */
    aside *a = CONTAINER_OF(work, aside, work);
    loop_enter(a->loop);
    a->lane->running = NULL;
    start_next(a->lane);
    if (a->dropped)
        a->free(a);
    else
        a->done(a);
}

static void start_next(aside_lane *lane) {
    list *node = lane->running ? NULL : list_pop_front(&lane->waiting);
    if (!node) return;
    aside *a = lane->running = LIST_ENTRY(node, aside, link);
    int err = loop_work(a->loop, &a->work, on_run, on_done);
    assert(err == 0); /* it fails for want of a function alone */
    (void)err;
}

void loop_aside_in(loop *l, aside_lane *lane, aside *a) {
    a->loop = l;
    a->lane = lane;
    a->dropped = false;
    list_push_back(&lane->waiting, &a->link);
    start_next(lane);
}

void loop_aside(loop *l, aside *a) {
    loop_aside_in(l, &l->aside, a);
}

void aside_drop(aside *a) {
    a->dropped = true;
    if (a == a->lane->running) return;
    list_remove(&a->link);
    a->free(a);
}

/* ---- freeing ---- */

typedef struct freeing {
    aside aside;
    void (*free)(void *what);
    void *what;
} freeing;

static void on_freeing(aside *a) {
    freeing *f = CONTAINER_OF(a, freeing, aside);
    f->free(f->what);
}

static void on_freed(aside *a) {
    free(CONTAINER_OF(a, freeing, aside));
}

void aside_free(loop *l, void (*free)(void *what), void *what) {
    freeing *f = mem_zalloc(sizeof *f);
    f->aside = (aside){.run = on_freeing, .done = on_freed, .free = on_freed};
    f->free = free;
    f->what = what;
    loop_aside(l, &f->aside);
}
