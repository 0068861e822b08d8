/* Stages that wait: for something that may never come, before the answer and after it. */
#include "exchange/world.h"

/* ---- a stage that waits for what the test says ---- */

typedef struct pending {
    stage_wait wait;
    exchange *x;
    bool reached, cancelled;
    unsigned dones;
} pending;

static pending ahead, behind; /* before the answer; between the answer and its last bytes */

static void on_cancel(stage_wait *w) {
    pending *p = CONTAINER_OF(w, pending, wait);
    assert_null(w->x);
    p->cancelled = true;
}

static stage_result begin_waiting(exchange *x, pending *p) {
    *p = (pending){.x = x, .reached = true};
    *exchange_stage_data(x) = p;
    exchange_wait(x, &p->wait, on_cancel);
    return STAGE_WAIT;
}

static void wait_done(exchange *x) {
    pending *p = *exchange_stage_data(x);
    p->dones++;
}

static stage_result stage_ahead(exchange *x) {
    return begin_waiting(x, &ahead);
}

static stage_result stage_behind(exchange *x) {
    return begin_waiting(x, &behind);
}

static unsigned settled, recorded;

static stage_result stage_count_settle(exchange *x) {
    settled++;
    return stage_settle(x);
}

static char recorded_model[16];

static stage_result stage_count_record(exchange *x) {
    recorded++;
    snprintf(recorded_model, sizeof recorded_model, "%.*s", SPAN_ARG(x->record.model));
    return STAGE_NEXT;
}

static unsigned untouched_dones;

static void untouched_done(exchange *x) {
    (void)x;
    untouched_dones++;
}

static const stage_row ahead_rows[] = {
    {"ahead", stage_ahead, wait_done, 0},
    {"parse", stage_parse, untouched_done, 0},
    {"script", stage_script, NULL, 0},
    {"settle", stage_count_settle, NULL, STAGE_ALWAYS},
    {"record", stage_count_record, NULL, STAGE_ALWAYS},
};
static const exchange_plan waits_ahead = {ahead_rows, ARRAY_LEN(ahead_rows), NULL, 0};

static const stage_row behind_rows[] = {
    {"parse", stage_parse, NULL, 0},
    {"script", stage_script, NULL, 0},
    {"settle", stage_count_settle, NULL, STAGE_ALWAYS},
    {"behind", stage_behind, wait_done, STAGE_ALWAYS},
    {"record", stage_count_record, NULL, STAGE_ALWAYS},
};
static const exchange_plan waits_behind = {behind_rows, ARRAY_LEN(behind_rows), NULL, 0};

static world *waits_new(const exchange_plan *plan, const char *options) {
    ahead = behind = (pending){0};
    settled = recorded = untouched_dones = 0;
    return world_new(plan, options);
}

/* ---- before the answer ---- */

static void a_wait_that_is_over_goes_on(void **state) {
    (void)state;
    world *w = waits_new(&waits_ahead, "");
    asked a;
    script s = {0};
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    world_turn(w);
    assert_null(s.x);
    assert_int_equal(a.said.len, 0);
    exchange_resume(&ahead.wait, STAGE_NEXT);
    assert_null(ahead.wait.x);
    assert_span(a.x->facts.model_name, "m"); /* the next row has run */
    assert_false(timer_active(&a.x->deadline));
    script_head(&s, ANSWER_STREAM);
    script_say(&s, "{\"n\":1}");
    script_end(&s);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|end|done");
    assert_false(ahead.cancelled);
    assert_int_equal(ahead.dones, 1);
    assert_int_equal(untouched_dones, 1);
    assert_int_equal(settled, 1);
    assert_int_equal(recorded, 1);
    asked_done(&a);
    world_free(w);
}

/* Makes something of a failure, for as long as it is on its way. */
static void make_and_fail(filter *f) {
    assert_true(f->x->env->depth > 0);
    memset(arena_alloc(&f->x->env->event_arena, 100), 'x', 100);
    filter_pass_fail(f);
}

static void maker_add(exchange *x) {
    static const filter_ops ops = {.name = "maker",
                                   .place = PLACE_GUARD,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = filter_pass_event,
                                   .end = filter_pass_end,
                                   .fail = make_and_fail,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}

static void a_wait_may_end_in_a_refusal(void **state) {
    (void)state;
    static filter_add_fn *const maker[] = {maker_add};
    static const exchange_plan plan = {ahead_rows, ARRAY_LEN(ahead_rows), maker, 1};
    world *w = waits_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, NULL, &r);
    exchange_resume(&ahead.wait, exchange_refuse(a.x, ERR_FORBIDDEN, NULL, "Not you."));
    assert_int_equal(w->env.event_arena.used, 0);
    world_turn(w);
    assert_int_equal(a.status, 403);
    assert_int_equal(a.error, ERR_FORBIDDEN);
    assert_int_equal(ahead.dones, 1);
    assert_int_equal(untouched_dones, 0); /* it was not reached */
    assert_int_equal(settled, 1);
    asked_done(&a);
    world_free(w);
}

/* The client leaves, the deadline passes, the process drains: the wait is told, and gives back. */
static void a_wait_ends_with_its_exchange(void **state) {
    (void)state;
    static const error_id errors[] = {ERR_CLIENT_GONE, ERR_TOTAL_TIMEOUT, ERR_DRAINING};
    static const char *const said[] = {"done", "answer 504", "answer 503"};
    for (int way = 0; way < 3; way++) {
        world *w = waits_new(&waits_ahead, "timeouts: {total: 20ms}\n");
        asked a;
        exchange_request r = world_request(&form_openai, ASK_STREAM);
        ask(w, &a, NULL, &r);
        world_turn(w);
        if (way == 0) exchange_cancel(a.x);
        if (way == 2) exchange_env_fail_all(&w->env, ERR_DRAINING);
        world_until_over(w, &a);
        assert_true(ahead.cancelled);
        assert_int_equal(ahead.dones, 1);
        assert_true(span_starts(buf_span(&a.said), span_cstr(said[way])));
        assert_int_equal(a.error, errors[way]);
        assert_int_equal(w->loop.timers.count, 0);
        assert_int_equal(settled, 1);
        assert_int_equal(recorded, 1);
        asked_done(&a);
        world_free(w);
    }
}

/* A filter that keeps the failure to itself does not keep what the exchange waits for. */
static bool kept_once;

static void keep_first(filter *f) {
    if (kept_once) filter_pass_fail(f);
    kept_once = true;
}

static void keeper_add(exchange *x) {
    static const filter_ops ops = {.name = "keeper",
                                   .place = PLACE_GUARD,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = filter_pass_event,
                                   .end = filter_pass_end,
                                   .fail = keep_first,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}

static void a_failure_ends_the_wait_at_once(void **state) {
    (void)state;
    static filter_add_fn *const keeper[] = {keeper_add};
    static const exchange_plan plan = {ahead_rows, ARRAY_LEN(ahead_rows), keeper, 1};
    world *w = waits_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, NULL, &r);
    kept_once = false;
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    assert_true(ahead.cancelled);
    assert_int_equal(a.said.len, 0);
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    world_turn(w);
    assert_int_equal(a.status, 503);
    asked_done(&a);
    world_free(w);
}

/* Work on another thread cannot be called back: its job looks whether its wait is still there. */
typedef struct job {
    pending *p; /* NULL: nobody waits any more */
} job;

static job *running;

static void forget_job(stage_wait *w) {
    CONTAINER_OF(w, pending, wait)->cancelled = true;
    running->p = NULL;
}

static stage_result stage_job(exchange *x) {
    running = calloc(1, sizeof *running);
    pending *p = arena_zalloc(&x->arena, sizeof *p);
    running->p = p;
    exchange_wait(x, &p->wait, forget_job);
    return STAGE_WAIT;
}

static void job_is_over(job *j) {
    if (j->p) exchange_resume(&j->p->wait, STAGE_NEXT);
    free(j);
}

static void what_cannot_be_called_back_outlives_the_exchange(void **state) {
    (void)state;
    static const stage_row rows[] = {{"job", stage_job, NULL, 0},
                                     {"parse", stage_parse, NULL, 0},
                                     {"script", stage_script, NULL, 0},
                                     {"settle", stage_settle, NULL, STAGE_ALWAYS}};
    static const exchange_plan plan = {rows, ARRAY_LEN(rows), NULL, 0};
    for (int leaves = 0; leaves < 2; leaves++) {
        world *w = waits_new(&plan, "");
        asked a;
        script s = {0};
        exchange_request r = world_request(&form_openai, ASK_PLAIN);
        ask(w, &a, &s, &r);
        if (leaves) exchange_cancel(a.x);
        world_turn(w);
        job_is_over(running);
        assert_int_equal(s.x != NULL, !leaves);
        if (!leaves) exchange_cancel(a.x);
        world_turn(w);
        asked_done(&a);
        world_free(w);
    }
}

/* ---- between the answer and its last bytes ---- */

static void the_last_bytes_wait_for_the_record(void **state) {
    (void)state;
    for (int streamed = 0; streamed < 2; streamed++) {
        world *w = waits_new(&waits_behind, "");
        asked a;
        script s;
        exchange_request r = world_request(&form_openai, streamed ? ASK_STREAM : ASK_PLAIN);
        ask(w, &a, &s, &r);
        script_head(&s, streamed ? ANSWER_STREAM : ANSWER_PLAIN);
        if (streamed)
            script_say(&s, "{\"n\":1}");
        else
            script_say_plain(&s, "{\"n\":1}");
        script_end(&s); /* the bytes of the answer are gone with this */
        world_turn(w);
        assert_said(&a, streamed ? "head 200|piece data: {\"n\":1}\n\n" : "");
        assert_true(behind.reached);
        assert_int_equal(settled, 1);
        assert_int_equal(recorded, 0);
        exchange_resume(&behind.wait, STAGE_NEXT);
        assert_int_equal(recorded, 1);
        world_turn(w);
        assert_said(&a, streamed
                            ? "head 200|piece data: {\"n\":1}\n\n|piece data: [DONE]\n\n|end|done"
                            : "answer 200 {\"n\":1}|done");
        assert_int_equal(behind.dones, 1);
        assert_int_equal(settled, 1);
        asked_done(&a);
        world_free(w);
    }
}

static void a_failures_last_bytes_wait_too(void **state) {
    (void)state;
    world *w = waits_new(&waits_behind, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_fail(&s, ERR_CONNECT_FAILED);
    world_turn(w);
    assert_int_equal(a.said.len, 0);
    exchange_resume(&behind.wait, STAGE_NEXT);
    world_turn(w);
    assert_int_equal(a.status, 502);
    assert_true(span_find_span(buf_span(&a.said), 0, SPAN_OF("provider_unreachable")) < a.said.len);
    asked_done(&a);
    world_free(w);
}

/* Recorded all the same, but nobody is told; the time to drain does not cut it short. */
static void a_record_is_written_for_a_client_that_has_left(void **state) {
    (void)state;
    for (int drains = 0; drains < 2; drains++) {
        world *w = waits_new(&waits_behind, "");
        asked a;
        script s;
        char *body = strdup(ASK_PLAIN);
        exchange_request r = world_request(&form_openai, body);
        ask(w, &a, &s, &r);
        script_head(&s, ANSWER_PLAIN);
        script_say_plain(&s, "{\"n\":1}");
        script_end(&s);
        if (drains)
            exchange_env_fail_all(&w->env, ERR_DRAINING);
        else
            exchange_cancel(a.x);
        if (!drains) free(body); /* the loan has ended */
        world_turn(w);
        assert_false(behind.cancelled);
        assert_int_equal(a.said.len, 0);
        assert_int_equal(w->env.open, 1);
        assert_false(list_empty(&w->env.running));
        exchange_resume(&behind.wait, STAGE_NEXT);
        world_turn(w);
        assert_said(&a, drains ? "answer 200 {\"n\":1}|done" : "done");
        assert_int_equal(a.error, ERR_NONE); /* what is recorded is what happened */
        assert_int_equal(recorded, 1);
        assert_string_equal(recorded_model, "m");
        asked_done(&a);
        if (drains) free(body);
        world_free(w);
    }
}

/* Tells each event twice. */
static void tell_twice(filter *f, const answer_event *event) {
    filter_pass_event(f, event);
    filter_pass_event(f, event);
}

static void twice_add(exchange *x) {
    static const filter_ops ops = {.name = "twice",
                                   .place = PLACE_GUARD,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = tell_twice,
                                   .end = filter_pass_end,
                                   .fail = filter_pass_fail,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}

/* The client leaves from inside a piece; whoever is on the stack goes on, and is not heard. */
static void nothing_is_said_to_a_client_that_has_left(void **state) {
    (void)state;
    static filter_add_fn *const twice[] = {twice_add};
    static const exchange_plan plan = {behind_rows, ARRAY_LEN(behind_rows), twice, 1};
    static const exchange_form *const forms[] = {&form_openai, &form_direct};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        world *w = waits_new(&plan, "");
        asked a;
        script s;
        exchange_request r = world_request(forms[i], ASK_STREAM);
        ask(w, &a, &s, &r);
        a.leave_at = 1;
        script_head(&s, ANSWER_STREAM);
        script_say(&s, "{\"n\":1}");
        assert_true(s.cancelled);
        exchange_resume(&behind.wait, STAGE_NEXT);
        world_turn(w);
        assert_said(&a, i == 0 ? "head 200|piece data: {\"n\":1}\n\n|done"
                               : "head 200|piece {\"n\":1}|done");
        assert_int_equal(settled, 1);
        assert_int_equal(recorded, 1);
        asked_done(&a);
        world_free(w);
    }
}

/* Or from inside the piece before the last: the end comes to one that has ended. */
static void an_exchange_ends_once(void **state) {
    (void)state;
    world *w = waits_new(&waits_behind, "server: {keep_alive_comment: 10s}\n");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    world_pass(w, 10 * 1000 + 1);
    a.leave_at = 2;
    script_head(&s, ANSWER_PLAIN);
    script_say_as(&s, ANSWER_PLAIN, "{\"n\":1}");
    script_end(&s);
    assert_int_equal(settled, 1);
    exchange_resume(&behind.wait, STAGE_NEXT);
    world_turn(w);
    assert_int_equal(settled, 1);
    assert_int_equal(recorded, 1);
    assert_said(&a, "head 200|piece : keep-alive\n\n|piece data: {\"n\":1}\n\n|done");
    asked_done(&a);
    world_free(w);
}

/* A row that always runs may stand anywhere: its time is the end. */
static void rows_that_always_run_wait_for_the_end(void **state) {
    (void)state;
    static const stage_row rows[] = {{"record", stage_count_record, NULL, STAGE_ALWAYS},
                                     {"parse", stage_parse, NULL, 0},
                                     {"script", stage_script, NULL, 0},
                                     {"settle", stage_count_settle, NULL, STAGE_ALWAYS}};
    static const exchange_plan plan = {rows, ARRAY_LEN(rows), NULL, 0};
    world *w = waits_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    assert_int_equal(recorded, 0);
    script_head(&s, ANSWER_STREAM);
    script_end(&s);
    assert_int_equal(recorded, 1);
    assert_int_equal(settled, 1);
    world_turn(w);
    assert_said(&a, "head 200|end|done");
    asked_done(&a);
    world_free(w);
}

/* A plan in which nobody answers is a defect, but no silence. */
static void a_plan_without_an_answer_is_an_error(void **state) {
    (void)state;
    static const stage_row rows[] = {{"parse", stage_parse, NULL, 0}};
    static const exchange_plan plan = {rows, ARRAY_LEN(rows), NULL, 0};
    world *w = waits_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, NULL, &r);
    world_turn(w);
    assert_int_equal(a.status, 500);
    asked_done(&a);
    world_free(w);
}

/* A door that refuses by itself: a call all the same. */
static void a_refusal_at_the_door_is_settled_and_recorded(void **state) {
    (void)state;
    world *w = waits_new(&waits_ahead, "");
    asked a = {.x = NULL};
    static const http_header allow = {SPAN("allow"), SPAN("POST")};
    weir_error why = error_of(ERR_BAD_METHOD);
    why.message = SPAN_OF("Not that way.");
    exchange_request r = world_request(&form_chat, "");
    a.x = exchange_start_refused(&w->env, &r, &why, (http_headers){&allow, 1}, &world_door, &a);
    assert_int_equal(settled, 1);
    assert_int_equal(recorded, 1);
    assert_false(ahead.reached);
    assert_int_equal(a.x->record.status, 405);
    assert_span(a.x->record.endpoint, "chat");
    assert_span(a.x->record.error_text, "Not that way.");
    assert_int_equal(SPAN_OF("answer 405 ").len + a.x->record.bytes_out, a.said.len);
    assert_true(span_find_span(buf_span(&a.headers), 0, SPAN_OF("allow: POST\n")) < a.headers.len);
    world_turn(w);
    assert_true(span_starts(buf_span(&a.said),
                            SPAN_OF("answer 405 {\"error\":{\"message\":\"Not that way.\"")));
    asked_done(&a);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_that_is_over_goes_on),
        cmocka_unit_test(a_wait_may_end_in_a_refusal),
        cmocka_unit_test(a_wait_ends_with_its_exchange),
        cmocka_unit_test(a_failure_ends_the_wait_at_once),
        cmocka_unit_test(what_cannot_be_called_back_outlives_the_exchange),
        cmocka_unit_test(the_last_bytes_wait_for_the_record),
        cmocka_unit_test(a_failures_last_bytes_wait_too),
        cmocka_unit_test(a_record_is_written_for_a_client_that_has_left),
        cmocka_unit_test(nothing_is_said_to_a_client_that_has_left),
        cmocka_unit_test(an_exchange_ends_once),
        cmocka_unit_test(rows_that_always_run_wait_for_the_end),
        cmocka_unit_test(a_plan_without_an_answer_is_an_error),
        cmocka_unit_test(a_refusal_at_the_door_is_settled_and_recorded),
    };
    return run_watched(tests);
}
