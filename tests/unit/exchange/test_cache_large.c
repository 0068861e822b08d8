/* A large question: its key is made on another thread, and whoever asked it may leave meanwhile. */
#include "exchange/blocker.h"
#include "exchange/cached.h"

#include "loop/aside.h"

static buf body;               /* until it is given away */
static memory_account *memory; /* of the loop: the body is counted */

static buf give_body(void *user, memory_hold *ret_hold) {
    (void)user;
    *ret_hold = (memory_hold){.holder = 7};
    memory_set(memory, ret_hold, body.cap);
    buf given = body;
    body = BUF_EMPTY;
    return given;
}

static void ask_large(world *w, person *p) {
    static exchange_door giving;
    giving = world_door;
    giving.hand_over = give_body;
    memory = &w->loop.memory;
    buf_add_cstr(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    while (body.len < 300 * 1024)
        buf_add_cstr(&body, "so many words ");
    buf_add_cstr(&body, "\"}]}");
    const exchange_request r = world_request(&form_direct, buf_cstr(&body));
    door = &giving;
    begin(w, p, &r);
    door = &world_door;
    assert_int_equal(body.len, 0);
}

/* One turn, which waits for the thread where that is at work. */
static void turn(world *w) {
    uv_run(&w->loop.uv, w->loop.aside.running ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

static bool is_spelled(const person *p) {
    return p->a.x && p->a.x->cache && p->a.x->cache->spelling;
}

static void until_spelled(world *w, const person *p) {
    while (!is_spelled(p))
        turn(w);
}

static void until_nothing_runs(world *w) {
    while (w->loop.aside.running)
        turn(w);
}

/* One who asks until his question is being spelled (*ret_blocker NULL), or waits for that. */
static world *asking(person *p, const char *options, bool begun, blocker **ret_blocker) {
    world *w = cached_new(options);
    ask_large(w, p);
    *ret_blocker = begun ? NULL : blocker_new(w); /* behind its reading */
    until_spelled(w, p);
    assert_int_equal(list_empty(&w->loop.aside.waiting), begun);
    return w;
}

/* The work is nobody's any more: it is gone, or goes when the thread is done with it. */
static void assert_dropped(const world *w, bool begun) {
    assert_true(list_empty(&w->loop.aside.waiting));
    assert_int_equal(w->loop.aside.running->dropped, begun);
}

static void leave_nothing(world *w, person *p, blocker *b) {
    if (b) sem_post(&b->go);
    until_nothing_runs(w);
    assert_int_equal(asked_of, 0);
    assert_int_equal(w->loop.memory.used, 0);
    asked_done(&p->a);
    cached_free(w);
}

static void is_spelled_on_another_thread(void **state) {
    (void)state;
    person p, q;
    blocker *none;
    world *w = asking(&p, CACHED "}\n", true, &none);
    while (!asked_of)
        turn(w);
    assert_false(is_spelled(&p));
    says_whole(&p, WHOLE("x", "stop"));
    settle_down(w);
    assert_cache(&p, "miss");
    ask_large(w, &q);
    while (q.a.x)
        turn(w);
    assert_cache(&q, "hit");
    assert_int_equal(asked_of, 1);
    assert_int_equal(w->loop.memory.used, 0);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

static void its_client_leaves(void **state) {
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        person p;
        blocker *b;
        world *w = asking(&p, CACHED "}\n", begun, &b);
        exchange_cancel(p.a.x);
        assert_dropped(w, begun);
        world_turn(w);
        assert_said(&p.a, "done");
        leave_nothing(w, &p, b);
    }
}

static void its_deadline_passes(void **state) {
    (void)state;
    person p;
    blocker *b;
    world *w = asking(&p, CACHED "}\ntimeouts: {total: 1s}\n", false, &b);
    world_pass(w, 1100);
    assert_null(p.a.x);
    assert_int_equal(p.a.error, ERR_TOTAL_TIMEOUT);
    assert_dropped(w, false);
    leave_nothing(w, &p, b);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(is_spelled_on_another_thread),
        cmocka_unit_test(its_client_leaves),
        cmocka_unit_test(its_deadline_passes),
    };
    return run_watched(tests);
}
