/* The exchanges of a loop: how they begin, how they are freed, and how their memory is used again.
 */
#include "exchange/scene.h"

#include "base/mem.h"

static exchange_request request(void) {
    return world_request(&form_openai, ASK_PLAIN);
}

/* -1 is for what is not known, and nothing is yet. */
static void it_begins_with_nothing_known(void **state) {
    (void)state;
    exchange_request r = request();
    scene *c = scene_new(&r, "");
    const call_record *k = exchange_record(c->a.x);
    const int64_t figures[] = {k->usage.prompt,   k->usage.completion, k->usage.total,
                               k->usage.cached,   k->usage.reasoning,  k->first_byte_us,
                               k->first_token_us, k->own_us,           k->total_us};
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        assert_int_equal(figures[i], -1);
    assert_int_equal(k->bytes_in, strlen(ASK_PLAIN));
    assert_span(k->endpoint, "chat.completions");
    assert_string_equal(k->request_id, exchange_request_id(c->a.x));
    exchange_cancel(c->a.x);
    scene_done(c, "done");
}

enum { MANY = 40, SPARE = MEM_REUSE ? 32 : 0 };

static unsigned spares(const world *w) {
    unsigned n = 0;
    LIST_FOREACH(&w->env.spare, it) n++;
    return n;
}

/* A burst leaves no more memory behind than a bound; what is used again is as good as new. */
static void what_is_over_is_used_again(void **state) {
    (void)state;
    world *w = world_new(&form_plan, "");
    asked a[MANY];
    script s[MANY];
    exchange_request r = request();
    for (int i = 0; i < MANY; i++)
        ask(w, &a[i], &s[i], &r);
    size_t used = a[0].x->arena.used;
    assert_int_equal(w->env.open, MANY);
    for (int i = 0; i < MANY; i++)
        exchange_cancel(a[i].x);
    assert_int_equal(w->env.open,
                     0); /* they take no place any more, until the turn ends only memory */
    world_turn(w);
    assert_int_equal(w->env.spare_count, SPARE);
    assert_int_equal(spares(w), SPARE);
    for (int i = 0; i < MANY; i++)
        asked_done(&a[i]);
    for (int i = 0; i < 3; i++) {
        ask(w, &a[i], &s[i], &r);
        assert_int_equal(a[i].x->arena.used, used);
        script_head(&s[i], ANSWER_PLAIN);
        script_say_as(&s[i], ANSWER_PLAIN, "{}");
        script_end(&s[i]);
        world_turn(w);
        assert_said(&a[i], "answer 200 {}|done");
        assert_int_equal(spares(w), MEM_REUSE ? SPARE : 0);
        asked_done(&a[i]);
    }
    assert_int_equal(w->env.spare_count, spares(w));
    world_free(w);
}

/* A door that gives its loop up hears of those that ended in the same turn. */
static void who_ends_with_the_loop_is_told(void **state) {
    (void)state;
    exchange_request r = request();
    scene *c = scene_new(&r, "");
    exchange_cancel(c->a.x);
    exchange_env_done(&c->w->env);
    assert_said(&c->a, "done");
    exchange_env_init(&c->w->env);
    scene_done(c, "done");
}

/* What answered: the provider, if anything of it came; else weir, for this request; else nobody. */
static void what_answered(void **state) {
    (void)state;
    static const failure cut = {.error = ERR_CONNECTION_LOST,
                                .class = FAIL_CONNECTION,
                                .status = 502,
                                .client_after_ms = -1},
                         refused = {.error = ERR_PROVIDER_ERROR,
                                    .class = FAIL_OVERLOAD,
                                    .status = 429,
                                    .client_after_ms = -1},
                         forbidden = {.error = ERR_FORBIDDEN, .status = 403, .client_after_ms = -1};
    static const struct {
        int head;           /* -1: none; else a kind */
        const failure *why; /* NULL: the client leaves */
        int status;
    } rows[] = {
        {-1, &refused, 429},
        {-1, &forbidden, 403},
        {-1, NULL, 0},
        {ANSWER_PLAIN, &cut, 200},
        {ANSWER_PLAIN, &forbidden, 403}, /* it was kept back */
        {ANSWER_PLAIN, NULL, 200},
        {ANSWER_STREAM, &cut, 200},
        {ANSWER_STREAM, &forbidden, 200}, /* the client has seen its head */
        {ANSWER_STREAM, NULL, 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        exchange_request r = request();
        scene *c = scene_new(&r, "");
        if (rows[i].head >= 0) script_head(&c->s, (answer_kind)rows[i].head);
        if (rows[i].why)
            scene_fail(c, rows[i].why);
        else
            exchange_cancel(c->a.x);
        world_pass(c->w, 0);
        if (c->a.status_told != rows[i].status) print_error("in row %zu\n", i);
        assert_int_equal(c->a.status_told, rows[i].status);
        assert_int_equal(c->a.error, rows[i].why ? rows[i].why->error : ERR_CLIENT_GONE);
        asked_done(&c->a);
        world_free(c->w);
        free(c);
    }
}

/* Who is left is not said to have left. */
static void how_they_part(void **state) {
    (void)state;
    static const error_id ways[] = {ERR_CLIENT_GONE, ERR_CLIENT_SLOW};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        for (int begun = 0; begun < 2; begun++) {
            exchange_request r = request();
            scene *c = scene_new(&r, "");
            if (begun) {
                script_head(&c->s, ANSWER_STREAM);
                script_say_as(&c->s, ANSWER_STREAM, "{}");
            }
            exchange_cancel_for(c->a.x, ways[i]);
            world_pass(c->w, 0);
            assert_int_equal(c->a.error, ways[i]);
            assert_int_equal(c->a.status_told, begun ? 200 : 0);
            assert_int_equal(c->a.record.error, ways[i]);
            assert_int_equal(c->a.record.outcome, CALL_CANCELLED);
            assert_int_equal(c->a.record.status, 499);
            asked_done(&c->a);
            world_free(c->w);
            free(c);
        }
}

/* From its head, as the client sees it, to the end of whatever kind. */
static void open_streams_are_counted(void **state) {
    (void)state;
    static const struct {
        int head; /* -1: none; else a kind */
        unsigned open;
    } rows[] = {{-1, 0}, {ANSWER_PLAIN, 0}, {ANSWER_STREAM, 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int ends = 0; ends < 2; ends++) {
            exchange_request r = request();
            scene *c = scene_new(&r, "");
            if (rows[i].head >= 0) script_head(&c->s, (answer_kind)rows[i].head);
            if (rows[i].head == ANSWER_STREAM) script_say_as(&c->s, ANSWER_STREAM, "{}");
            assert_int_equal(c->w->env.streams, rows[i].open);
            if (ends && rows[i].head >= 0)
                script_end(&c->s);
            else
                exchange_cancel(c->a.x);
            assert_int_equal(c->w->env.streams, 0);
            world_pass(c->w, 0);
            asked_done(&c->a);
            world_free(c->w);
            free(c);
        }
}

/* ---- a door that does something about what it hears ---- */

static world *busy;
static asked others[3];
static script other_scripts[3];

/* Hearing of the first end, it cancels the second exchange and starts a third. */
static void answer_and_act(void *user, int status, http_headers headers, span body) {
    hear_answer(user, status, headers, body);
    if (user != &others[0]) return;
    exchange_cancel(others[1].x);
    exchange_request r = request();
    ask(busy, &others[2], &other_scripts[2], &r);
}

/* The time to drain is over: each that runs then is failed, once, and no other. */
static void all_are_failed_that_run(void **state) {
    (void)state;
    exchange_door door = world_door;
    door.answer = answer_and_act;
    world *w = busy = world_new(&form_plan, "");
    exchange_request r = request();
    for (int i = 0; i < 2; i++) {
        others[i] = (asked){.x = NULL};
        script_next = &other_scripts[i];
        others[i].x = exchange_start(&w->env, &r, &door, &others[i]);
    }
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    world_turn(w);
    assert_int_equal(others[0].error, ERR_DRAINING);
    assert_int_equal(others[1].error, ERR_CLIENT_GONE);
    assert_non_null(others[2].x); /* came after */
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    world_turn(w);
    assert_int_equal(others[2].error, ERR_DRAINING);
    for (int i = 0; i < 3; i++)
        asked_done(&others[i]);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_nothing_known),
        cmocka_unit_test(what_is_over_is_used_again),
        cmocka_unit_test(who_ends_with_the_loop_is_told),
        cmocka_unit_test(what_answered),
        cmocka_unit_test(how_they_part),
        cmocka_unit_test(open_streams_are_counted),
        cmocka_unit_test(all_are_failed_that_run),
    };
    return run_watched(tests);
}
