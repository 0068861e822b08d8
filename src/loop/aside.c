#include "loop/aside.h"

#include <assert.h>

static void start_next(loop *l);

static void on_run(uv_work_t *work) {
    aside *a = CONTAINER_OF(work, aside, work);
    a->run(a);
}

static void on_done(uv_work_t *work, int status) {
    (void)status; /* it is never cancelled */
    aside *a = CONTAINER_OF(work, aside, work);
    loop_enter(a->loop);
    a->loop->aside = NULL;
    start_next(a->loop);
    if (a->dropped)
        a->free(a);
    else
        a->done(a);
}

static void start_next(loop *l) {
    list *node = l->aside ? NULL : list_pop_front(&l->asides);
    if (!node) return;
    l->aside = LIST_ENTRY(node, aside, link);
    int err = loop_work(l, &l->aside->work, on_run, on_done);
    assert(err == 0); /* it fails for want of a function alone */
    (void)err;
}

void loop_aside(loop *l, aside *a) {
    a->loop = l;
    a->dropped = false;
    list_push_back(&l->asides, &a->link);
    start_next(l);
}

void aside_drop(aside *a) {
    a->dropped = true;
    if (a == a->loop->aside) return;
    list_remove(&a->link);
    a->free(a);
}
