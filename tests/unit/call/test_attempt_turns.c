/* A document of very many events: told in turns, and to an owner who takes them as he likes. */
#include "origin.h"

enum { CHOICES = 1000 };

typedef struct owner {
    world w;
    buf script;
    attempt *attempt;
    unsigned events;
    unsigned pause_at; /* of events; 0: never */
    unsigned every;    /* and again after so many; 0: once */
    bool ended, failed;
} owner;

static void on_head(void *user, const answer_head *head) {
    (void)user;
    assert_int_equal(head->kind, ANSWER_STREAM);
}

static void on_event(void *user, const answer_event *event) {
    (void)event;
    owner *o = user;
    if (++o->events != o->pause_at) return;
    attempt_pause(o->attempt);
    if (o->every) o->pause_at += o->every;
}

static void on_end(void *user) {
    owner *o = user;
    o->ended = true;
}

static void on_fail(void *user, const failure *f) {
    (void)f;
    owner *o = user;
    o->failed = true;
}

static const attempt_ops ops = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static const request_facts facts = {.endpoint = EP_CHAT_COMPLETIONS,
                                    .method = SPAN("POST"),
                                    .path = SPAN("/x"),
                                    .body = SPAN("{}"),
                                    .prompts = 1,
                                    .choices = 1,
                                    .stream = true};

/* Its body comes in one piece. */
static void owner_start(owner *o, unsigned pause_at, unsigned every) {
    *o = (owner){.pause_at = pause_at, .every = every};
    buf_add_cstr(&o->script, "200|bytes {\"choices\":[");
    for (unsigned i = 0; i < CHOICES; i++)
        buf_addf(&o->script,
                 "%s{\"index\":%u,\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}",
                 i ? "," : "", i);
    buf_add_cstr(&o->script, "]}|end");
    o->w.scripts[0][0] = buf_cstr(&o->script);
    world_init(&o->w, "timeouts: {between_events: 200ms}\n");
    const attempt_spec spec = {.loop = &o->w.loop,
                               .snapshot = o->w.snapshot,
                               .upstream = &o->w.snapshot->items[0],
                               .target = target_get(o->w.targets, SPAN_OF("a")),
                               .credential = o->w.snapshot->items[0].keys[0].credential,
                               .entry = &o->w.config->models[0].targets[0],
                               .facts = &facts,
                               .want = WANT_PARTS,
                               .asking = &o->w.arena,
                               .arena = &o->w.arena};
    failure unused;
    o->attempt = attempt_start(&spec, &ops, o, &unused);
    assert_non_null(o->attempt);
}

static void owner_done(owner *o) {
    buf_done(&o->script);
    world_done(&o->w);
}

static void run_for(owner *o, int64_t ms) {
    world_run_until(&o->w, o->w.loop.now_ms + ms);
}

static void all_is_told(const owner *o) {
    assert_true(o->ended);
    assert_false(o->failed);
    assert_true(o->events > CHOICES);
}

static void nobody_pauses(void **state) {
    (void)state;
    owner o;
    owner_start(&o, 0, 0);
    run_for(&o, 10);
    all_is_told(&o);
    owner_done(&o);
}

/* By then the connection has had its end. */
static void who_pauses_hears_nothing_until_he_resumes(void **state) {
    (void)state;
    owner o;
    owner_start(&o, 10, 0);
    run_for(&o, 100);
    assert_int_equal(o.events, 10);
    assert_false(o.ended);
    attempt_resume(o.attempt);
    run_for(&o, 10);
    all_is_told(&o);
    owner_done(&o);
}

/* Nothing is awaited of the provider then: no deadline of its bytes may pass, and the loop may be
 * late. */
static void who_takes_long_is_told_all(void **state) {
    (void)state;
    owner o;
    owner_start(&o, 10, 10);
    for (int i = 0; i < 2000 && !o.ended && !o.failed; i++) {
        o.w.loop.now_ms += 70;
        attempt_resume(o.attempt);
        run_for(&o, 7);
    }
    all_is_told(&o);
    owner_done(&o);
}

static void cancelled_while_it_rests(void **state) {
    (void)state;
    owner o;
    owner_start(&o, 10, 0);
    run_for(&o, 100);
    attempt_cancel(o.attempt);
    run_for(&o, 1000);
    assert_int_equal(o.events, 10);
    assert_false(o.ended || o.failed);
    owner_done(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_pauses),
        cmocka_unit_test(who_pauses_hears_nothing_until_he_resumes),
        cmocka_unit_test(who_takes_long_is_told_all),
        cmocka_unit_test(cancelled_while_it_rests),
    };
    return run_watched(tests);
}
