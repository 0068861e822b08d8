/* The form for a program: events unframed, as the provider's and in their order. */
#include "exchange/scene.h"

static scene *direct(const char *body) {
    exchange_request r = world_request(&form_direct, body);
    return scene_new(&r, "server: {keep_alive_comment: 10s}\n");
}

static void a_stream(void **state) {
    (void)state;
    scene *c = direct(ASK_STREAM);
    assert_int_equal(c->w->loop.timers.count, 0); /* silence is not commented */
    script_head(&c->s, ANSWER_STREAM);
    assert_said(&c->a, "head 200");
    script_say(&c->s, "{\"n\":1}");
    script_say(&c->s, "{\"n\":2}");
    script_end(&c->s);
    world_pass(c->w, 0);
    assert_int_equal(c->a.record.bytes_out, 14);
    assert_int_equal(c->a.record.status, 200);
    scene_done(c, "head 200|piece {\"n\":1}|piece {\"n\":2}|end|done");
}

/* The one event of a plain answer, and then its bytes. */
static const answer_event *plain_event;

static void note_plain(void *user, const answer_event *event) {
    (void)user;
    assert_int_equal(event->kind, ANSWER_PLAIN);
    assert_span(event->data, "{\"n\":1}");
    plain_event = event;
}

static void a_plain_answer(void **state) {
    (void)state;
    world *w = world_new(&form_plan, "");
    asked a = {.x = NULL};
    script s;
    exchange_door door = world_door;
    door.event = note_plain;
    exchange_request r = world_request(&form_direct, ASK_PLAIN);
    script_next = &s;
    plain_event = NULL;
    a.x = exchange_start(&w->env, &r, &door, &a);
    script_head(&s, ANSWER_PLAIN);
    script_say_as(&s, ANSWER_PLAIN, "{\"n\":1}");
    assert_non_null(plain_event);
    assert_int_equal(a.said.len, 0);
    script_end(&s);
    assert_headers(&a, "x-request-id: ID\n"
                       "content-type: application/json\n"
                       "x-of-the-script: yes\n");
    world_pass(w, 0);
    assert_said(&a, "answer 200 {\"n\":1}|done");
    asked_done(&a);
    world_free(w);
}

static void a_failure_before_the_head(void **state) {
    (void)state;
    scene *c = direct(ASK_STREAM);
    script_fail(&c->s, ERR_CONNECT_FAILED);
    assert_headers(&c->a, own_error_headers);
    scene_done(c, "answer 502 {\"error\":{\"message\":\"The provider could not be reached.\","
                  "\"type\":\"server_error\",\"param\":null,\"code\":\"provider_unreachable\"}}"
                  "|done");
    c = direct(ASK_PLAIN); /* its head has not gone anywhere */
    script_head(&c->s, ANSWER_PLAIN);
    script_fail(&c->s, ERR_STREAM_CUT);
    assert_int_equal(c->a.status, 502);
    scene_done(c, "answer 502 {\"error\":{\"message\":\"The provider's stream ended before the "
                  "answer was complete.\",\"type\":\"server_error\",\"param\":null,\"code\":"
                  "\"stream_interrupted\"}}|done");
}

/* A program hears of it from its door: no event is made up. */
static void a_stream_that_breaks(void **state) {
    (void)state;
    scene *c = direct(ASK_STREAM);
    script_head(&c->s, ANSWER_STREAM);
    script_say(&c->s, "{\"n\":1}");
    script_fail(&c->s, ERR_STREAM_CUT);
    assert_int_equal(exchange_error(c->a.x), ERR_STREAM_CUT);
    scene_done(c, "head 200|piece {\"n\":1}|abort|done");
}

static void back_pressure(void **state) {
    (void)state;
    scene *c = direct(ASK_STREAM);
    script_head(&c->s, ANSWER_STREAM);
    script_say(&c->s, "{\"n\":1}");
    assert_int_equal(c->s.pauses, 0);
    c->a.full = true;
    script_say(&c->s, "{\"n\":2}");
    script_say(&c->s, "{\"n\":3}"); /* was on its way */
    assert_int_equal(c->s.pauses, 1);
    c->a.full = false;
    exchange_room(c->a.x);
    assert_int_equal(c->s.resumes, 1);
    script_end(&c->s);
    scene_done(c, "head 200|piece {\"n\":1}|piece {\"n\":2}|piece {\"n\":3}|end|done");
}

/* What came in the same turn is not for a program that has had enough. */
static void a_program_that_stops(void **state) {
    (void)state;
    scene *c = direct(ASK_STREAM);
    script_head(&c->s, ANSWER_STREAM);
    c->a.full = true; /* it is not asked any more */
    c->a.leave_at = 1;
    script_say(&c->s, "{\"n\":1}");
    assert_true(c->s.cancelled);
    assert_int_equal(c->s.pauses, 0);
    exchange_room(c->a.x);
    scene_done(c, "head 200|piece {\"n\":1}|done");
}

/* Parts and envelope are made for it. */
static void it_wants_what_programs_read(void **state) {
    (void)state;
    scene *c = direct(ASK_STREAM);
    assert_int_equal(c->a.x->want, WANT_PARTS | WANT_ENVELOPE);
    exchange_cancel(c->a.x);
    scene_done(c, "done");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_plain_answer),
        cmocka_unit_test(a_failure_before_the_head),
        cmocka_unit_test(a_stream_that_breaks),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(a_program_that_stops),
        cmocka_unit_test(it_wants_what_programs_read),
    };
    return run_watched(tests);
}
