/* Other things that answer than a call: a recording that is played again, followers of one answer
 * that another exchange gets, steps of an exchange.
 */
#include "exchange/mask.h"
#include "exchange/world.h"

static const stage_row rows[] = {
    {"admit", stage_admit, NULL, 0},
    {"parse", stage_parse, NULL, STAGE_CHILD},
    {"script", stage_script, NULL, STAGE_CHILD},
    {"settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD},
};
static filter_add_fn *const usual[] = {filter_meter_add, filter_usage_add};
static const exchange_plan scripted = {rows, ARRAY_LEN(rows), usual, ARRAY_LEN(usual)};

/* ---- a recording: what the door of an exchange has heard, for others to hear ---- */

typedef struct recording {
    answer_event *events[16];
    size_t count;
    bool has_head, ended, failed;
    exchange *x; /* that is recorded; NULL: it is over */
    struct follower *followers[4];
    size_t follower_count;
} recording;

/* Plays a recording, as far as there is one, for an exchange of its own. */
typedef struct follower {
    answer_source source;
    recording *of;
    exchange *x;
    size_t at;
    bool begun, paused, cancelled, over;
    timer later; /* it says nothing from inside what starts or resumes it */
} follower;

static void follower_go_on(follower *f) {
    recording *r = f->of;
    if (!f->begun && r->has_head) {
        f->begun = true;
        exchange_take_head(f->x, &(answer_head){.kind = ANSWER_STREAM, .status = 200});
    }
    while (f->begun && !f->paused && !f->cancelled && f->at < r->count)
        exchange_take_event(f->x, r->events[f->at++]);
    if (f->paused || f->cancelled || f->over || f->at < r->count) return;
    if (!r->ended && !r->failed) return;
    f->over = true;
    const weir_error cut = error_of(ERR_STREAM_CUT);
    const failure why = failure_of(&cut);
    if (r->ended)
        exchange_take_end(f->x);
    else
        exchange_take_failure(f->x, &why);
}

static void on_later(timer *t) {
    follower_go_on(CONTAINER_OF(t, follower, later));
}

static follower *follower_of(answer_source *s) {
    return CONTAINER_OF(s, follower, source);
}

static void follower_pause(answer_source *s) {
    follower_of(s)->paused = true;
}

static void follower_resume(answer_source *s) {
    follower *f = follower_of(s);
    f->paused = false;
    loop_timer_start(f->x->env->loop, &f->later, 0);
}

static void follower_cancel(answer_source *s) {
    follower_of(s)->cancelled = true;
}

static const answer_source_ops follower_ops = {
    .pause = follower_pause, .resume = follower_resume, .cancel = follower_cancel};

static recording *followed; /* by the next exchange of this plan */

static stage_result stage_follow(exchange *x) {
    follower *f = arena_zalloc(&x->arena, sizeof *f);
    f->source.ops = &follower_ops;
    f->of = followed;
    f->x = x;
    timer_init(&f->later, on_later);
    followed->followers[followed->follower_count++] = f;
    *exchange_stage_data(x) = f;
    exchange_feed_from(x, &f->source);
    loop_timer_start(x->env->loop, &f->later, 0);
    return STAGE_WAIT;
}

static void stop_following(exchange *x) {
    follower *f = *exchange_stage_data(x);
    loop_timer_stop(x->env->loop, &f->later);
    for (size_t i = 0; i < f->of->follower_count; i++)
        if (f->of->followers[i] == f)
            f->of->followers[i] = f->of->followers[--f->of->follower_count];
}

static const stage_row follow_rows[] = {
    {"parse", stage_parse, NULL, 0},
    {"follow", stage_follow, stop_following, 0},
    {"settle", stage_settle, NULL, STAGE_ALWAYS},
};
static const exchange_plan following = {follow_rows, ARRAY_LEN(follow_rows), usual,
                                        ARRAY_LEN(usual)};

static void tell_followers(recording *r) {
    for (size_t i = r->follower_count; i > 0; i--)
        follower_go_on(r->followers[i - 1]);
}

static void record_head(void *user, int status, http_headers headers) {
    (void)status, (void)headers;
    recording *r = user;
    r->has_head = true;
    tell_followers(r);
}

static void record_event(void *user, const answer_event *event) {
    recording *r = user;
    r->events[r->count++] = answer_copy(event);
    tell_followers(r);
}

static void record_end(void *user) {
    ((recording *)user)->ended = true;
    tell_followers(user);
}

static void record_abort(void *user) {
    ((recording *)user)->failed = true;
    tell_followers(user);
}

static bool record_full(void *user) {
    (void)user;
    return false;
}

static void record_done(void *user) {
    ((recording *)user)->x = NULL;
}

static const exchange_door recorder = {.head = record_head,
                                       .event = record_event,
                                       .end = record_end,
                                       .abort = record_abort,
                                       .full = record_full,
                                       .done = record_done};

static void record(world *w, recording *r, script *s) {
    exchange_request request = world_request(&form_direct, ASK_STREAM);
    *r = (recording){.x = NULL};
    script_next = s;
    r->x = exchange_start(&w->env, &request, &recorder, r);
}

static void follow(world *w, asked *a, recording *r) {
    exchange_request request = world_request(&form_direct, ASK_STREAM);
    followed = r;
    w->env.plan = &following;
    ask(w, a, NULL, &request);
    w->env.plan = &scripted;
}

static void recording_done(recording *r) {
    assert_null(r->x);
    assert_int_equal(r->follower_count, 0);
    for (size_t i = 0; i < r->count; i++)
        answer_free(r->events[i]);
}

static void a_recorded_stream_is_played_again(void **state) {
    (void)state;
    world *w = world_new(&scripted, "");
    recording r;
    script s;
    record(w, &r, &s);
    script_head(&s, ANSWER_STREAM);
    script_say(&s, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}");
    script_say(&s, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    script_end(&s);
    world_turn(w);
    assert_null(r.x);
    asked a;
    follow(w, &a, &r);
    assert_int_equal(a.said.len, 0); /* never from inside the start */
    world_until_over(w, &a);
    assert_said(
        &a,
        "head 200|piece {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}"
        "|piece {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}|end|done");
    assert_int_equal(a.record.status, 200);
    assert_int_equal(a.error, ERR_NONE);
    asked_done(&a);
    recording_done(&r);
    world_free(w);
}

#define LINE(text) "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}"

/* What a filter has made of an event lives until its hearer returns, whatever events of other
 * exchanges he sets off meanwhile. */
static script inner;

static void hear_with_another(void *user, const answer_event *event) {
    script_say(&inner, LINE("a secret?"));
    script_say(&inner, LINE("a secret?"));
    hear_event(user, event);
}

static void an_event_outlives_another_inside_it(void **state) {
    (void)state;
    static filter_add_fn *const masking[] = {filter_usage_add, mask_add, filter_meter_add};
    static const exchange_plan masked = {rows, ARRAY_LEN(rows), masking, ARRAY_LEN(masking)};
    exchange_door door = world_door;
    door.event = hear_with_another;
    world *w = world_new(&masked, "");
    exchange_request request = world_request(&form_direct, ASK_STREAM);
    asked a = {.x = NULL}, other;
    script s;
    ask(w, &other, &inner, &request);
    script_head(&inner, ANSWER_STREAM);
    script_next = &s;
    a.x = exchange_start(&w->env, &request, &door, &a);
    script_head(&s, ANSWER_STREAM);
    script_say(&s, LINE("a secret!"));
    assert_int_equal(w->env.event_arena.used, 0);
    assert_said(&a, "head 200|piece " LINE("a [gone]!"));
    assert_said(&other, "head 200|piece " LINE("a [gone]?") "|piece " LINE("a [gone]?"));
    exchange_cancel(a.x);
    exchange_cancel(other.x);
    world_turn(w);
    asked_done(&a);
    asked_done(&other);
    world_free(w);
}

/* One is as quick as the leader; the other's client reads slowly, which is nobody else's affair. */
static void a_slow_follower_holds_nobody_up(void **state) {
    (void)state;
    world *w = world_new(&scripted, "");
    recording r;
    script s;
    asked quick, slow;
    record(w, &r, &s);
    follow(w, &quick, &r);
    follow(w, &slow, &r);
    slow.full = true;
    script_head(&s, ANSWER_STREAM);
    script_say(&s, LINE("a"));
    script_say(&s, LINE("b"));
    assert_said(&quick, "head 200|piece " LINE("a") "|piece " LINE("b"));
    assert_said(&slow, "head 200|piece " LINE("a"));
    assert_false(s.paused);
    script_say(&s, LINE("c"));
    script_end(&s);
    world_turn(w);
    assert_null(r.x);
    assert_said(&quick,
                "head 200|piece " LINE("a") "|piece " LINE("b") "|piece " LINE("c") "|end|done");
    assert_said(&slow, "head 200|piece " LINE("a"));
    slow.full = false;
    loop_read_clock(&w->loop);
    exchange_room(slow.x);
    world_until_over(w, &slow);
    assert_true(span_eq(buf_span(&slow.said), buf_span(&quick.said)));
    asked_done(&quick);
    asked_done(&slow);
    recording_done(&r);
    world_free(w);
}

static void a_follower_that_leaves_and_a_leader_that_breaks(void **state) {
    (void)state;
    world *w = world_new(&scripted, "");
    recording r;
    script s;
    asked leaves, stays;
    record(w, &r, &s);
    follow(w, &leaves, &r);
    follow(w, &stays, &r);
    script_head(&s, ANSWER_STREAM);
    leaves.leave_at = 1;
    script_say(&s, LINE("a"));
    script_say(&s, LINE("b"));
    assert_false(s.cancelled); /* the answer is the other's too */
    script_fail(&s, ERR_STREAM_CUT);
    world_turn(w);
    assert_said(&leaves, "head 200|piece " LINE("a") "|done");
    assert_said(&stays, "head 200|piece " LINE("a") "|piece " LINE("b") "|abort|done");
    assert_int_equal(stays.error, ERR_STREAM_CUT);
    asked_done(&leaves);
    asked_done(&stays);
    recording_done(&r);
    world_free(w);
}

/* ---- steps of an exchange ---- */

static void ask_step(world *w, asked *a, script *s, exchange *parent) {
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    r.parent = parent;
    r.label = SPAN_OF("agent.step");
    ask(w, a, s, &r);
}

static void a_step_ends_with_what_it_is_a_step_of(void **state) {
    (void)state;
    for (int way = 0; way < 3; way++) {
        world *w = world_new(&scripted, "");
        asked parent, step, step_of_step;
        script s, t, u;
        exchange_request r = world_request(&form_direct, ASK_STREAM);
        ask(w, &parent, &s, &r);
        ask_step(w, &step, &t, parent.x);
        ask_step(w, &step_of_step, &u, step.x);
        assert_int_equal(w->env.open_children, 2);
        if (way == 0) exchange_cancel(parent.x);
        if (way == 1) script_fail(&s, ERR_STREAM_CUT);
        if (way == 2) {
            script_head(&s, ANSWER_STREAM);
            script_end(&s);
        }
        assert_true(t.cancelled);
        assert_true(u.cancelled);
        world_turn(w);
        assert_said(&step, "done");
        assert_int_equal(step.error, ERR_CLIENT_GONE);
        assert_int_equal(step_of_step.error, ERR_CLIENT_GONE);
        asked_done(&parent);
        asked_done(&step);
        asked_done(&step_of_step);
        world_free(w);
    }
}

typedef struct slow_record {
    stage_wait wait;
} slow_record;

static slow_record *slow; /* of the step, while it waits */

static void never_cancelled(stage_wait *w) {
    (void)w;
    fail_msg("a record was cut short");
}

static stage_result stage_slow_record(exchange *x) {
    if (!x->parent) return STAGE_NEXT;
    slow = arena_zalloc(&x->arena, sizeof *slow);
    exchange_wait(x, &slow->wait, never_cancelled);
    return STAGE_WAIT;
}

/* What a step lives in is its parent's, which stays until the step has been recorded. */
static void a_step_that_is_still_recorded_keeps_its_parent(void **state) {
    (void)state;
    static const stage_row slow_rows[] = {
        {"parse", stage_parse, NULL, STAGE_CHILD},
        {"script", stage_script, NULL, STAGE_CHILD},
        {"slow", stage_slow_record, NULL, STAGE_ALWAYS | STAGE_CHILD},
    };
    static const exchange_plan plan = {slow_rows, ARRAY_LEN(slow_rows), NULL, 0};
    world *w = world_new(&plan, "");
    asked parent, step;
    script s, t;
    exchange_request r = world_request(&form_direct, ASK_PLAIN);
    ask(w, &parent, &s, &r);
    ask_step(w, &step, &t, parent.x);
    script_head(&s, ANSWER_PLAIN);
    script_say_plain(&s, "{\"choices\":[]}");
    script_end(&s);
    assert_true(t.cancelled);
    world_turn(w);
    assert_int_equal(parent.said.len, 0);
    assert_int_equal(w->env.open, 2);
    exchange_resume(&slow->wait, STAGE_NEXT);
    world_turn(w);
    assert_said(&parent, "answer 200 {\"choices\":[]}|done");
    assert_said(&step, "done");
    asked_done(&parent);
    asked_done(&step);
    world_free(w);
}

static void a_step_that_ends_leaves_the_rest_alone(void **state) {
    (void)state;
    world *w = world_new(&scripted, "");
    asked parent, step;
    script s, t;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &parent, &s, &r);
    ask_step(w, &step, &t, parent.x);
    assert_string_equal(step.x->record.parent_id, parent.x->record.request_id);
    assert_span(step.x->record.endpoint, "agent.step");
    assert_string_not_equal(step.x->record.request_id, parent.x->record.request_id);
    script_head(&t, ANSWER_STREAM);
    script_end(&t);
    world_turn(w);
    assert_said(&step, "head 200|end|done");
    assert_int_equal(w->env.open_children, 0);
    assert_true(list_empty(&parent.x->children));
    exchange_cancel(parent.x);
    world_turn(w);
    asked_done(&parent);
    asked_done(&step);
    world_free(w);
}

/* limits.calls is for those who come from outside; a step has been let in with the first. */
static void a_step_is_not_refused_for_want_of_room(void **state) {
    (void)state;
    world *w = world_new(&scripted, "limits: {calls: 1}\n");
    asked parent, step, other;
    script s, t;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &parent, &s, &r);
    ask_step(w, &step, &t, parent.x);
    assert_int_equal(step.said.len, 0);
    ask(w, &other, NULL, &r);
    world_turn(w);
    assert_int_equal(other.status, 503);
    exchange_cancel(parent.x);
    world_turn(w);
    asked_done(&parent);
    asked_done(&step);
    asked_done(&other);
    world_free(w);
}

/* What was in force when the first began, also after a reload; and no more time than it has. */
static void a_step_has_its_parents_snapshot_client_and_deadline(void **state) {
    (void)state;
    world *w =
        world_new(&scripted, "timeouts: {total: 1m}\nclients: [{name: ci, key: sk-0123456789}]\n");
    asked parent, step;
    script s, t;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    r.caller.client = &w->config->clients[0];
    ask(w, &parent, &s, &r);
    exchange_set_caller(parent.x, r.caller); /* as identify does */
    parent.x->record.client = r.caller.client->name;
    loop_snapshot *old = w->env.snapshot;
    config *c = world_config("timeouts: {total: 10m}\n");
    w->env.snapshot = prepared(w->client, c, w->targets);
    ask_step(w, &step, &t, parent.x);
    assert_ptr_equal(step.x->snapshot, old);
    assert_ptr_equal(step.x->client, r.caller.client);
    assert_span(step.x->record.client, "ci");
    assert_int_equal(step.x->deadline_ms, parent.x->deadline_ms);
    exchange_cancel(parent.x);
    world_turn(w);
    asked_done(&parent);
    asked_done(&step);
    loop_snapshot_unref(old);
    config_unref(c);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_stream_is_played_again),
        cmocka_unit_test(an_event_outlives_another_inside_it),
        cmocka_unit_test(a_slow_follower_holds_nobody_up),
        cmocka_unit_test(a_follower_that_leaves_and_a_leader_that_breaks),
        cmocka_unit_test(a_step_ends_with_what_it_is_a_step_of),
        cmocka_unit_test(a_step_that_is_still_recorded_keeps_its_parent),
        cmocka_unit_test(a_step_that_ends_leaves_the_rest_alone),
        cmocka_unit_test(a_step_is_not_refused_for_want_of_room),
        cmocka_unit_test(a_step_has_its_parents_snapshot_client_and_deadline),
    };
    return run_watched(tests);
}
