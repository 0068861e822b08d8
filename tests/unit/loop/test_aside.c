/* Work beside a loop: in order, one piece at a time, and what becomes of what nobody wants. */
#include "unit.h"

#include "heap.h"
#include "loop/aside.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static atomic_int under_way;
static sem_t begun, let_go; /* of pieces that wait for the test */

typedef struct piece {
    aside aside;
    int number;
    bool waits;
    pthread_t *loops;
    bool *alone;
    buf *said;
    loop *stop; /* when this one is over; NULL: never */
} piece;

static void run(aside *a) {
    piece *p = CONTAINER_OF(a, piece, aside);
    *p->alone &= atomic_fetch_add(&under_way, 1) == 0;
    assert_false(pthread_equal(pthread_self(), *p->loops));
    if (p->waits) {
        sem_post(&begun);
        while (sem_wait(&let_go)) {}
    }
    atomic_fetch_sub(&under_way, 1);
}

static void over(piece *p, const char *how) {
    buf_addf(p->said, "%s %d|", how, p->number);
    assert_true(pthread_equal(pthread_self(), *p->loops));
    if (p->stop) loop_stop(p->stop);
    free(p);
}

static void on_done(aside *a) {
    over(CONTAINER_OF(a, piece, aside), "done");
}

static void on_free(aside *a) {
    over(CONTAINER_OF(a, piece, aside), "freed");
}

typedef struct fixture {
    loop l;
    pthread_t thread;
    buf said;
    bool alone;
} fixture;

static fixture *fixture_new(void) {
    fixture *f = calloc(1, sizeof *f);
    assert_int_equal(loop_init(&f->l, 0), 0);
    f->thread = pthread_self();
    f->alone = true;
    atomic_init(&under_way, 0);
    sem_init(&begun, 0, 0);
    sem_init(&let_go, 0, 0);
    return f;
}

static piece *piece_new(fixture *f, int number, bool waits) {
    piece *p = calloc(1, sizeof *p);
    *p = (piece){.aside = {.run = run, .done = on_done, .free = on_free},
                 .number = number,
                 .waits = waits,
                 .loops = &f->thread,
                 .alone = &f->alone,
                 .said = &f->said};
    return p;
}

static piece *give(fixture *f, int number, bool waits) {
    piece *p = piece_new(f, number, waits);
    loop_aside(&f->l, &p->aside);
    return p;
}

static void fixture_done(fixture *f, const char *said) {
    assert_string_equal(buf_cstr(&f->said), said);
    assert_true(f->alone);
    assert_true(list_empty(&f->l.aside.waiting));
    loop_done(&f->l);
    buf_done(&f->said);
    sem_destroy(&begun);
    sem_destroy(&let_go);
    free(f);
}

static void pieces_are_done_one_by_one(void **state) {
    (void)state;
    fixture *f = fixture_new();
    for (int i = 1; i < 5; i++)
        (void)give(f, i, false);
    give(f, 5, false)->stop = &f->l;
    assert_int_equal(f->said.len, 0);
    loop_run(&f->l);
    fixture_done(f, "done 1|done 2|done 3|done 4|done 5|");
}

/* One that waits is gone at once; the thread's own goes when it is over. */
static void what_is_dropped_is_freed(void **state) {
    (void)state;
    fixture *f = fixture_new();
    piece *first = give(f, 1, true), *second = give(f, 2, false);
    give(f, 3, false)->stop = &f->l;
    while (sem_wait(&begun)) {}
    aside_drop(&second->aside);
    assert_string_equal(buf_cstr(&f->said), "freed 2|");
    aside_drop(&first->aside);
    assert_string_equal(buf_cstr(&f->said), "freed 2|");
    sem_post(&let_go);
    loop_run(&f->l);
    fixture_done(f, "freed 2|freed 1|done 3|");
}

/* A loop that ends waits for it. */
static void a_loop_outlives_its_work(void **state) {
    (void)state;
    fixture *f = fixture_new();
    piece *p = give(f, 1, true);
    while (sem_wait(&begun)) {}
    aside_drop(&p->aside);
    sem_post(&let_go);
    loop_stop(&f->l);
    loop_run(&f->l);
    fixture_done(f, "freed 1|");
}

static void note_freed(void *what) {
    piece *p = what;
    assert_false(pthread_equal(pthread_self(), *p->loops));
    p->number++;
}

/* In its turn, and without a word. */
static void what_is_large_is_freed_there(void **state) {
    (void)state;
    fixture *f = fixture_new();
    piece *what = piece_new(f, 7, false);
    (void)give(f, 1, false);
    aside_free(&f->l, note_freed, what);
    assert_int_equal(what->number, 7);
    give(f, 2, false)->stop = &f->l;
    loop_run(&f->l);
    assert_int_equal(what->number, 8);
    free(what);
    fixture_done(f, "done 1|done 2|");
}

static piece *next_piece;

static void give_another(aside *a) {
    piece *p = CONTAINER_OF(a, piece, aside);
    loop_aside(a->loop, &next_piece->aside);
    over(p, "done");
}

static void more_may_be_given_when_one_is_done(void **state) {
    (void)state;
    fixture *f = fixture_new();
    next_piece = piece_new(f, 2, false);
    next_piece->stop = &f->l;
    piece *p = piece_new(f, 1, false);
    p->aside.done = give_another;
    loop_aside(&f->l, &p->aside);
    loop_run(&f->l);
    fixture_done(f, "done 1|done 2|");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_done_one_by_one),
        cmocka_unit_test(what_is_dropped_is_freed),
        cmocka_unit_test(a_loop_outlives_its_work),
        cmocka_unit_test(what_is_large_is_freed_there),
        cmocka_unit_test(more_may_be_given_when_one_is_done),
    };
    return run_watched(tests);
}
