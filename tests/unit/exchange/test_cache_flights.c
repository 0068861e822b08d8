/* One call for all who ask the same: who listens to whose answer, and what becomes of those who
 * listen when he is slow, leaves or fails. */
#include "exchange/cached.h"
#include "exchange/holder.h"

#define A   "head 200|piece " PIECE("a")
#define AB  A "|piece " PIECE("b")
#define ALL AB "|piece " LAST("stop") "|end|done"

static void ask_from(world *w, person *p, const char *body, const char *peer) {
    exchange_request r = world_request(&form_openai, body);
    r.peer = span_cstr(peer);
    ask(w, &p->a, &p->s, &r);
}

static void they_hear_from_the_beginning_and_then_live(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q, r;
    ask_plainly(w, &p, ASK(STREAM));
    ask_plainly(w, &q, ASK(STREAM));
    settle_down(w);
    assert_int_equal(q.a.said.len, 0);
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    settle_down(w);
    assert_said(&q.a, A);
    script_say(&p.s, PIECE("b"));
    ask_plainly(w, &r, ASK(STREAM));
    settle_down(w);
    assert_said(&q.a, AB);
    assert_said(&r.a, AB);
    script_say(&p.s, LAST("stop"));
    script_say(&p.s, USAGE);
    script_end(&p.s);
    settle_down(w);
    assert_said(&p.a, ALL);
    assert_said(&q.a, ALL);
    assert_said(&r.a, ALL);
    assert_cache(&p, "miss");
    assert_cache(&q, "coalesced");
    assert_int_equal(q.a.record.attempts, 0);
    assert_int_equal(asked_of, 1);
    asked_done(&p.a);
    asked_done(&q.a);
    asked_done(&r.a);
    cached_free(w);
}

static void documents_too(void **state) {
    (void)state;
    enum { MANY = 50 };
    world *w = cached_new(CACHED "}\n");
    person *all = calloc(MANY, sizeof *all);
    for (int i = 0; i < MANY; i++)
        ask_plainly(w, &all[i], ASK(""));
    says_whole(&all[0], WHOLE("x", "length")); /* given, and not kept */
    settle_down(w);
    for (int i = 0; i < MANY; i++) {
        assert_string_equal(buf_cstr(&all[i].a.said), buf_cstr(&all[0].a.said));
        assert_cache(&all[i], i ? "coalesced" : "miss");
    }
    for (int i = 0; i < MANY; i++)
        asked_done(&all[i].a);
    assert_int_equal(asked_of, 1);
    assert_int_equal(cache_store_get_figures(w->env.cache->store).entries, 0);
    free(all);
    cached_free(w);
}

static void a_slow_one_holds_nobody_up(void **state) {
    (void)state;
    for (int slow = 0; slow < 2; slow++) { /* who leads, or who listens */
        world *w = cached_new(CACHED "}\n");
        person p[2];
        ask_plainly(w, &p[0], ASK(STREAM));
        ask_plainly(w, &p[1], ASK(STREAM));
        script_head(&p[0].s, ANSWER_STREAM);
        p[slow].a.full = true;
        script_say(&p[0].s, PIECE("a"));
        settle_down(w);
        assert_false(p[0].s.paused);
        script_say(&p[0].s, PIECE("b"));
        settle_down(w);
        assert_said(&p[slow].a, A);
        assert_said(&p[!slow].a, AB);
        script_say(&p[0].s, LAST("stop"));
        script_end(&p[0].s);
        settle_down(w);
        assert_said(&p[!slow].a, ALL);
        assert_said(&p[slow].a, A);
        p[slow].a.full = false;
        exchange_room(p[slow].a.x);
        settle_down(w);
        assert_said(&p[slow].a, ALL);
        assert_int_equal(p[slow].a.error, ERR_NONE);
        asked_done(&p[0].a);
        asked_done(&p[1].a);
        cached_free(w);
    }
}

/* Nobody listens yet: the provider is held back, until somebody does. */
static void who_comes_to_one_that_stands_still(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    ask_plainly(w, &p, ASK(STREAM));
    p.a.full = true;
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    assert_true(p.s.paused);
    ask_plainly(w, &q, ASK(STREAM));
    settle_down(w);
    assert_false(p.s.paused);
    script_say(&p.s, PIECE("b"));
    p.a.full = false;
    exchange_room(p.a.x);
    settle_down(w);
    assert_said(&p.a, AB);
    script_say(&p.s, LAST("stop"));
    script_end(&p.s);
    settle_down(w);
    assert_said(&p.a, ALL);
    assert_said(&q.a, ALL);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

static void the_one_who_leads_leaves(void **state) {
    (void)state;
    exchange_door giving = world_door;
    giving.hand_over = hand_over;
    giving.hand_over_head = hand_over_head;
    for (int way = 0; way < 4; way++) {
        const bool begun = way % 2;
        world *w = cached_new(CACHED "}\n");
        door = way < 2 ? &world_door : &giving;
        person p, q;
        exchange_request r = world_request(&form_direct, ASK(STREAM));
        r.headers = headers_in_memory();
        begin(w, &p, &r);
        ask_plainly(w, &q, ASK(STREAM));
        p.s.x->asked = way < 2; /* what it was asked is not needed any more */
        if (begun) {
            script_head(&p.s, ANSWER_STREAM);
            script_say(&p.s, PIECE("a"));
        }
        const error_id parting = begun ? ERR_CLIENT_SLOW : ERR_CLIENT_GONE;
        exchange_cancel_for(p.a.x, parting);
        settle_down(w);
        assert_false(p.s.cancelled);
        assert_true(!head_memory.bytes == (way >= 2));
        if (!begun) {
            script_head(&p.s, ANSWER_STREAM);
            script_say(&p.s, PIECE("a"));
        }
        script_say(&p.s, PIECE("b"));
        script_say(&p.s, LAST("stop"));
        script_end(&p.s);
        settle_down(w);
        assert_said(&q.a, ALL);
        assert_said(&p.a, begun ? A "|done" : "done");
        assert_int_equal(p.a.record.error, parting);
        assert_int_equal(p.a.record.outcome, CALL_CANCELLED);
        assert_int_equal(asked_of, 1);
        assert_int_equal(cache_store_get_figures(w->env.cache->store).entries, 1);
        asked_done(&p.a);
        asked_done(&q.a);
        cached_free(w);
        http_head_memory_free(&head_memory);
    }
    door = &world_door;
}

/* Others listen, but what the call needs of its request goes with its client. */
static void the_one_who_leads_gives_nothing_away(void **state) {
    (void)state;
    exchange_door giving = world_door;
    giving.hand_over = hand_over; /* the body alone */
    door = &giving;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    ask_plainly(w, &p, ASK(STREAM));
    ask_plainly(w, &q, ASK(STREAM));
    exchange_cancel(p.a.x);
    assert_true(p.s.cancelled);
    settle_down(w); /* the other makes the call himself */
    assert_int_equal(asked_of, 2);
    exchange_cancel(q.a.x);
    settle_down(w);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
    door = &world_door;
}

/* What he waits for is his client's: others who follow already make the call themselves. */
static void the_one_who_leads_is_held(void **state) {
    (void)state;
    world *w = cached_new(CACHED ", scope: global}\nlimits: {wait: {clients: 10}}\n");
    person p, own, other;
    ask_from(w, &p, ASK(""), "10.0.0.1:1");
    ask_from(w, &own, ASK(""), "10.0.0.1:2");
    ask_from(w, &other, ASK(""), "10.0.0.2:1");
    settle_down(w);
    assert_int_equal(asked_of, 1);
    cache_use_hold(p.a.x->cache, exchange_holder(p.a.x));
    settle_down(w);
    assert_int_equal(asked_of, 2);
    says_whole(&other, WHOLE("x", "stop"));
    settle_down(w);
    assert_cache(&other, "miss");
    assert_int_equal(own.a.said.len, 0);
    cache_use_hold(p.a.x->cache, 0);
    says_whole(&p, WHOLE("y", "stop"));
    settle_down(w);
    assert_cache(&own, "coalesced");
    assert_string_equal(buf_cstr(&own.a.said), buf_cstr(&p.a.said));
    assert_int_equal(asked_of, 2);
    asked_done(&p.a);
    asked_done(&own.a);
    asked_done(&other.a);
    cached_free(w);
}

static void nobody_is_left(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    ask_plainly(w, &p, ASK(STREAM));
    ask_plainly(w, &q, ASK(STREAM));
    p.s.x->asked = true;
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    settle_down(w);
    exchange_cancel(p.a.x);
    settle_down(w);
    assert_false(p.s.cancelled);
    exchange_cancel(q.a.x);
    settle_down(w);
    assert_true(p.s.cancelled);
    assert_int_equal(p.a.error, ERR_CLIENT_GONE);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

/* One new try, and what that comes to is everybody's. */
static void the_one_who_leads_fails(void **state) {
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        enum { MANY = 10 };
        world *w = cached_new(CACHED "}\n");
        person p, q[MANY];
        ask_plainly(w, &p, ASK(STREAM));
        for (int i = 0; i < MANY; i++)
            ask_plainly(w, &q[i], ASK(STREAM));
        script next;
        script_next = &next;
        const weir_error e = error_of(ERR_CONNECTION_LOST);
        failure f = failure_of(&e);
        f.class = FAIL_CONNECTION;
        p.s.over = true;
        exchange_take_failure(p.s.x, &f);
        settle_down(w);
        assert_int_equal(p.a.status, 502);
        assert_int_equal(asked_of, 2);
        if (fails) {
            next.over = true;
            exchange_take_failure(next.x, &f);
        } else {
            script_head(&next, ANSWER_STREAM);
            script_say(&next, PIECE("a"));
            script_say(&next, PIECE("b"));
            script_say(&next, LAST("stop"));
            script_end(&next);
        }
        settle_down(w);
        assert_int_equal(asked_of, 2);
        for (int i = 0; i < MANY; i++) {
            if (fails)
                assert_int_equal(q[i].a.status, 502);
            else
                assert_said(&q[i].a, ALL);
            asked_done(&q[i].a);
        }
        asked_done(&p.a);
        cached_free(w);
    }
}

/* What has begun cannot be tried again: it is cut for all who have heard of it. */
static void the_one_who_leads_is_cut(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    ask_plainly(w, &p, ASK(STREAM));
    ask_plainly(w, &q, ASK(STREAM));
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    settle_down(w);
    script_fail(&p.s, ERR_STREAM_CUT);
    settle_down(w);
    assert_said(&q.a, A "|abort|done");
    assert_int_equal(q.a.error, ERR_STREAM_CUT);
    assert_int_equal(asked_of, 1);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

/* What grows beyond its bound is not kept, and those who listen hear it to its end. */
static void what_is_too_large(void **state) {
    (void)state;
    world *w = cached_new(CACHED ", max_answer: 1KB}\n");
    person p, q, r;
    char large[1200];
    int n = snprintf(large, sizeof large, "%s",
                     "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
                     "\"content\":\"");
    memset(large + n, 'y', 1100);
    memcpy(large + n + 1100, "\"}}]}", 6);
    ask_plainly(w, &p, ASK(STREAM));
    ask_plainly(w, &q, ASK(STREAM));
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    settle_down(w);
    script_say(&p.s, large);
    ask_plainly(w, &r, ASK(STREAM)); /* it comes too late */
    assert_int_equal(asked_of, 2);
    script_say(&p.s, LAST("stop"));
    script_end(&p.s);
    settle_down(w);
    assert_true(span_eq(buf_span(&q.a.said), buf_span(&p.a.said)));
    assert_non_null(strstr(buf_cstr(&q.a.said), "yyyy"));
    exchange_cancel(r.a.x);
    settle_down(w);
    assert_int_equal(cache_store_get_figures(w->env.cache->store).entries, 0);
    assert_int_equal(cache_store_get_figures(w->env.cache->store).bytes, 0);
    asked_done(&p.a);
    asked_done(&q.a);
    asked_done(&r.a);
    cached_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(they_hear_from_the_beginning_and_then_live),
        cmocka_unit_test(documents_too),
        cmocka_unit_test(a_slow_one_holds_nobody_up),
        cmocka_unit_test(who_comes_to_one_that_stands_still),
        cmocka_unit_test(the_one_who_leads_leaves),
        cmocka_unit_test(the_one_who_leads_gives_nothing_away),
        cmocka_unit_test(the_one_who_leads_is_held),
        cmocka_unit_test(nobody_is_left),
        cmocka_unit_test(the_one_who_leads_fails),
        cmocka_unit_test(the_one_who_leads_is_cut),
        cmocka_unit_test(what_is_too_large),
    };
    return run_watched(tests);
}
