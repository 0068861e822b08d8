/* Flights: one leads, the others hear of it, on whatever loop they are. */
#include "heap.h"
#include "unit.h"

#include "cache/flights.h"

#include <pthread.h>
#include <sched.h>

typedef struct person {
    flight_seat seat;
    unsigned news;
    bool leaves; /* at the next news */
} person;

static void on_news(flight_seat *seat) {
    person *p = CONTAINER_OF(seat, person, seat);
    p->news++;
    if (p->leaves) flight_leave(seat);
}

typedef struct table {
    cache_room room;
    flights *t;
    loop loops[2];
    flight_desk *desks[2];
} table;

static table *table_new(void) {
    table *t = calloc(1, sizeof *t);
    t->t = flights_new();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(loop_init(&t->loops[i], i), 0);
        t->desks[i] = flight_desk_new(&t->loops[i]);
    }
    return t;
}

static void turn(table *t) {
    for (unsigned i = 0; i < 2; i++)
        loop_turn(&t->loops[i]);
}

static void table_free(table *t) {
    turn(t);
    assert_int_equal(flights_open(t->t), 0);
    assert_int_equal(t->room.used, 0);
    flights_free(t->t);
    for (unsigned i = 0; i < 2; i++) {
        loop_stop(&t->loops[i]);
        loop_run(&t->loops[i]);
        loop_done(&t->loops[i]);
        flight_desk_free(t->desks[i]);
    }
    free(t);
}

static void join_after(table *t, person *p, unsigned desk, char key, flight_form form,
                       uint64_t purges) {
    const cache_key k = {{(unsigned char)key}};
    const flight_ticket ticket = {&k, form, purges, {{0}}};
    *p = (person){.seat.news = on_news};
    flights_join(t->t, &ticket, t->desks[desk], &p->seat);
}

/* Of all who join. */
enum { OF_USER = 9 };

static void join_as(table *t, person *p, unsigned desk, uint64_t holder) {
    const cache_key k = {{'k'}};
    const flight_ticket ticket = {&k, FLIGHT_DOCUMENT, 0, {{holder, OF_USER}}};
    *p = (person){.seat.news = on_news};
    flights_join(t->t, &ticket, t->desks[desk], &p->seat);
}

static void join(table *t, person *p, unsigned desk, char key, flight_form form) {
    join_after(t, p, desk, key, form, 0);
}

static void one_leads_and_others_follow(void **state) {
    (void)state;
    table *t = table_new();
    person a, b, c, other, streams, told;
    join(t, &a, 0, 'k', FLIGHT_DOCUMENT);
    assert_true(a.seat.leads);
    join(t, &b, 0, 'k', FLIGHT_DOCUMENT);
    join(t, &c, 1, 'k', FLIGHT_DOCUMENT);
    join(t, &other, 1, 'o', FLIGHT_DOCUMENT);
    join(t, &streams, 1, 'k', FLIGHT_STREAM);
    join(t, &told, 1, 'k', FLIGHT_STREAM_USAGE);
    assert_false(b.seat.leads || c.seat.leads);
    assert_true(other.seat.leads && streams.seat.leads && told.seat.leads);
    assert_ptr_equal(a.seat.of, c.seat.of);
    assert_int_equal(flight_followers(a.seat.of), 2);
    assert_int_equal(flights_open(t->t), 4);
    turn(t);
    const unsigned b_before = b.news, c_before = c.news;
    recording *said = recording_new(&t->room);
    assert_null(flight_recording(c.seat.of));
    flight_record(a.seat.of, said);
    assert_ptr_equal(flight_recording(c.seat.of), said);
    recording_add(said, SPAN_EMPTY, SPAN_OF("x"), 0);
    flight_tell(a.seat.of);
    flight_tell(a.seat.of);
    assert_int_equal(b.news, b_before); /* never from inside */
    turn(t);
    assert_int_equal(b.news, b_before + 1);
    assert_int_equal(c.news, c_before + 1);
    flight_land(a.seat.of, SPAN_OF("p/m"));
    flight_leave(&a.seat);
    turn(t);
    assert_int_equal(flight_get_state(c.seat.of), FLIGHT_LANDED);
    assert_true(span_eq(flight_target(c.seat.of), SPAN_OF("p/m")));
    person late;
    join(t, &late, 0, 'k', FLIGHT_DOCUMENT);
    assert_true(late.seat.leads);
    const failure gone = {0};
    person *leaders[] = {&late, &other, &streams, &told};
    for (size_t i = 0; i < ARRAY_LEN(leaders); i++) {
        flight_fail(leaders[i]->seat.of, &gone);
        flight_leave(&leaders[i]->seat);
        flight_leave(&leaders[i]->seat);
    }
    flight_leave(&b.seat);
    flight_leave(&c.seat);
    table_free(t);
}

/* One of those who follow leads the next, and those who come after him follow that. */
static void after_a_failure(void **state) {
    (void)state;
    table *t = table_new();
    person a, b, c;
    join(t, &a, 0, 'k', FLIGHT_STREAM);
    join(t, &b, 1, 'k', FLIGHT_STREAM);
    join(t, &c, 0, 'k', FLIGHT_STREAM);
    char text[] = "why";
    const failure why = {.error = ERR_CONNECTION_LOST, .status = 502, .text = span_cstr(text)};
    flight_fail(a.seat.of, &why);
    memset(text, 'x', 3);
    flight_leave(&a.seat);
    assert_true(span_eq(flight_failure(b.seat.of)->text, SPAN_OF("why")));
    flight_leave(&c.seat);
    join(t, &c, 0, 'k', FLIGHT_STREAM);
    assert_true(c.seat.leads);
    flight_leave(&b.seat);
    join(t, &b, 1, 'k', FLIGHT_STREAM);
    assert_false(b.seat.leads);
    assert_ptr_equal(b.seat.of, c.seat.of);
    flight_close(c.seat.of);
    join(t, &a, 0, 'k', FLIGHT_STREAM);
    assert_true(a.seat.leads); /* nobody joins one that is closed */
    flight_land(a.seat.of, SPAN_EMPTY);
    flight_land(c.seat.of, SPAN_EMPTY);
    flight_leave(&a.seat);
    flight_leave(&b.seat);
    flight_leave(&c.seat);
    table_free(t);
}

/* A leader hears that somebody listens, and that nobody does any more; who leaves from inside the
 * news takes nobody's place. */
static void a_leader_hears_who_listens(void **state) {
    (void)state;
    table *t = table_new();
    person a, b, c;
    join(t, &a, 0, 'k', FLIGHT_STREAM);
    join(t, &b, 0, 'k', FLIGHT_STREAM);
    join(t, &c, 0, 'k', FLIGHT_STREAM);
    b.leaves = c.leaves = true;
    turn(t);
    assert_true(a.news > 0);
    assert_null(b.seat.of);
    assert_null(c.seat.of);
    assert_int_equal(flight_followers(a.seat.of), 0);
    const unsigned before = a.news;
    turn(t);
    assert_true(a.news > before);
    flight_land(a.seat.of, SPAN_EMPTY);
    flight_leave(&a.seat);
    table_free(t);
}

/* Who asks after a purge does not hear what was asked before it. */
static void a_purge_parts_them(void **state) {
    (void)state;
    table *t = table_new();
    person a, b, c, d;
    join_after(t, &a, 0, 'k', FLIGHT_STREAM, 1);
    join_after(t, &b, 0, 'k', FLIGHT_STREAM, 2);
    assert_true(a.seat.leads && b.seat.leads);
    join_after(t, &c, 1, 'k', FLIGHT_STREAM, 2);
    assert_false(c.seat.leads);
    assert_ptr_equal(c.seat.of, b.seat.of);
    flight_land(a.seat.of, SPAN_EMPTY);
    join_after(t, &d, 1, 'k', FLIGHT_STREAM, 2);
    assert_ptr_equal(d.seat.of, b.seat.of);
    flight_land(b.seat.of, SPAN_EMPTY);
    person *all[] = {&a, &b, &c, &d};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        flight_leave(&all[i]->seat);
    table_free(t);
}

/* ---- on threads of their own ---- */

enum { THREADS = 3, ROUNDS = 200, ROUNDS_MAX = 100000, FOLLOWED_LEAST = 10 };

typedef struct worker {
    table *t;
    unsigned number;
    pthread_barrier_t *begin;
    atomic_uint *followed; /* by all of them */
    bool wrong;
} worker;

/* What a flight is used for, from its beginning to its end: its text tells which it is. */
static void lead(worker *w, person *p, unsigned round) {
    flight *f = p->seat.of;
    char text[32];
    snprintf(text, sizeof text, "%u of %u", round, w->number);
    if (flight_get_state(f) != FLIGHT_OPEN || flight_recording(f)) w->wrong = true;
    flight_record(f, recording_of_whole(&w->t->room, span_cstr(text)));
    for (int i = 0; i < 20 && !flight_followers(f); i++)
        sched_yield();
    if (round % 7 == 0) flight_hold(f, w->number + 1);
    if (round % 5) {
        flight_land(f, span_cstr(text));
    } else {
        failure why = {0};
        why.text = span_cstr(text);
        flight_fail(f, &why);
    }
}

static void follow(worker *w, person *p, loop *l) {
    flight *f = p->seat.of;
    recording_reader at;
    recorded_event e;
    atomic_fetch_add(w->followed, 1);
    while (flight_get_state(f) == FLIGHT_OPEN)
        loop_turn(l);
    if (!recording_read(flight_recording(f), &at) || !recording_next(&at, &e)) {
        w->wrong = true;
        return;
    }
    const span told =
        flight_get_state(f) == FLIGHT_LANDED ? flight_target(f) : flight_failure(f)->text;
    if (!span_eq(told, e.data)) w->wrong = true;
    recording_reader_done(&at);
}

/* Its leader waits for what is his client's: the client's own calls go on waiting with him,
 * another's hear of it, and who of them comes first makes the call that all others join. */
static void who_is_held_holds_nobody_else(void **state) {
    (void)state;
    enum { ONE = 1, OTHER = 2 };
    table *t = table_new();
    person a, own, b, c, d;
    join_as(t, &a, 0, ONE);
    join_as(t, &own, 1, ONE);
    join_as(t, &b, 1, OTHER);
    assert_false(own.seat.leads || b.seat.leads);
    turn(t);
    const unsigned before = b.news;
    flight_hold(a.seat.of, ONE);
    turn(t);
    assert_int_equal(b.news, before + 1);
    const flight_holders one = {{ONE, OF_USER}}, other = {{OTHER, OF_USER}};
    assert_true(flight_is_held(b.seat.of, &other));
    assert_false(flight_is_held(own.seat.of, &one));
    flight_hold(a.seat.of, OF_USER);
    assert_false(flight_is_held(b.seat.of, &other));
    flight_hold(a.seat.of, ONE);
    flight_leave(&b.seat);
    join_as(t, &b, 1, OTHER);
    join_as(t, &c, 0, OTHER);
    join_as(t, &d, 0, ONE);
    assert_true(b.seat.leads);
    assert_ptr_equal(c.seat.of, b.seat.of);
    assert_ptr_equal(d.seat.of, b.seat.of);
    assert_int_equal(flights_open(t->t), 1);
    flight_hold(a.seat.of, 0);
    flight_land(b.seat.of, SPAN_OF("p/m"));
    assert_int_equal(flight_get_state(own.seat.of), FLIGHT_OPEN);
    flight_land(a.seat.of, SPAN_OF("p/m"));
    assert_int_equal(flight_get_state(own.seat.of), FLIGHT_LANDED);
    person *all[] = {&a, &own, &b, &c, &d};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        flight_leave(&all[i]->seat);
    table_free(t);
}

static void *work(void *arg) {
    worker *w = arg;
    loop l;
    if (loop_init(&l, w->number)) abort(); /* the others wait for it */
    flight_desk *desk = flight_desk_new(&l);
    pthread_barrier_wait(w->begin);
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        if (i >= ROUNDS && atomic_load(w->followed) >= FOLLOWED_LEAST) break;
        const cache_key k = {{(unsigned char)(i % 2)}};
        person p = {.seat.news = on_news};
        const flight_ticket ticket = {&k, FLIGHT_DOCUMENT, 0, {{w->number + 1}}};
        flights_join(w->t->t, &ticket, desk, &p.seat);
        if (p.seat.leads)
            lead(w, &p, i);
        else
            follow(w, &p, &l);
        flight_leave(&p.seat);
        if (i % 64 == 0) loop_turn(&l);
    }
    loop_stop(&l);
    loop_run(&l);
    loop_done(&l);
    flight_desk_free(desk);
    return NULL;
}

/* A flight that is over is used again by whoever let go of it last. */
static void on_many_threads(void **state) {
    (void)state;
    table *t = table_new();
    worker workers[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t begin;
    atomic_uint followed = 0;
    assert_int_equal(pthread_barrier_init(&begin, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker){.t = t, .number = i, .begin = &begin, .followed = &followed};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(workers[i].wrong);
    }
    assert_true(followed >= FOLLOWED_LEAST);
    pthread_barrier_destroy(&begin);
    table_free(t);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(one_leads_and_others_follow),   cmocka_unit_test(after_a_failure),
        cmocka_unit_test(a_leader_hears_who_listens),    cmocka_unit_test(a_purge_parts_them),
        cmocka_unit_test(who_is_held_holds_nobody_else), cmocka_unit_test(on_many_threads),
    };
    return run_watched(tests);
}
