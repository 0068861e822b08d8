/* Calls of several clients to the same targets: what those of one come to leaves the others as they
 * were. Providers by script, a clock that is moved by hand (origin.h). */
#include "origin.h"

#include <unistd.h>

#define PLAIN                                                                                      \
    "200|bytes {\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}|end"

#define CLIENTS                                                                                    \
    "clients: [{name: one, key: sk-client-1-0123456789}, {name: two, key: "                        \
    "sk-client-2-0123456789}]\n"
#define BREAKER                                                                                    \
    CLIENTS "retry: {retries: 0}\nbreaker: {failures: 50%, of: 4, window: 60s, probe: 500ms}\n"

typedef struct scene {
    world w;
    log_shard *log;
} scene;

/* One call, and how it ends: "ok", a failure's name; "-" while it is under way. */
typedef struct asked {
    request_facts facts;
    call *call;
    char how[32];
} asked;

static void on_head(void *user, const answer_head *head) {
    (void)user, (void)head;
}

static void on_event(void *user, const answer_event *event) {
    (void)user, (void)event;
}

static void on_end(void *user) {
    asked *a = user;
    (void)snprintf(a->how, sizeof a->how, "ok");
}

static void on_fail(void *user, const failure *f) {
    asked *a = user;
    (void)snprintf(a->how, sizeof a->how, "%s", error_get(f->error)->code);
    if (f->error == ERR_PROVIDER_ERROR) (void)snprintf(a->how, sizeof a->how, "%d", f->status);
}

static const call_sink sink = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static uint64_t holder_of(const scene *s, int client) {
    return s->w.config->clients[client - 1].holder;
}

static asked *start(scene *s, int client) {
    asked *a = arena_zalloc(&s->w.arena, sizeof *a);
    a->facts = (request_facts){
        .method = SPAN("POST"), .path = SPAN("/x"), .body = SPAN("{}"), .prompts = 1, .choices = 1};
    a->how[0] = '-';
    const call_spec spec = {.loop = &s->w.loop,
                            .snapshot = s->w.snapshot,
                            .log = s->log,
                            .model = &s->w.config->models[0],
                            .facts = &a->facts,
                            .client = holder_of(s, client),
                            .client_name = s->w.config->clients[client - 1].name,
                            .want = WANT_PARTS,
                            .deadline_ms = s->w.loop.now_ms + 60000,
                            .asking = &s->w.arena,
                            .arena = &s->w.arena};
    a->call = call_start(&spec, &sink, a);
    return a;
}

static void pass(scene *s, int64_t ms) {
    world_run_until(&s->w, s->w.loop.now_ms + ms);
}

static const char *ask(scene *s, int client) {
    asked *a = start(s, client);
    pass(s, 100);
    return a->how;
}

static void scene_begin(scene *s, const char *const a[SCRIPTS], const char *const b[SCRIPTS],
                        const char *options) {
    *s = (scene){0};
    memcpy(s->w.scripts[0], a, SCRIPTS * sizeof a[0]);
    if (b) memcpy(s->w.scripts[1], b, SCRIPTS * sizeof b[0]);
    world_init(&s->w, options);
}

static breaker_state state_of(scene *s, unsigned *ret_apart) {
    target_state *a = target_get(s->w.targets, SPAN_OF("a"));
    breaker_state state = target_breaker(a, &s->w.config->breaker, ret_apart);
    target_unref(a);
    return state;
}

/* ---- the breaker ---- */

static void failures_of_one_are_its_own(void **state) {
    (void)state;
    static const char *const a[SCRIPTS] = {"500|end", "500|end", "500|end", "500|end", PLAIN};
    scene s;
    unsigned apart;
    scene_begin(&s, a, NULL, BREAKER);
    for (int i = 0; i < 4; i++)
        assert_string_equal(ask(&s, 1), "500");
    assert_string_equal(ask(&s, 1), "provider_unavailable");
    assert_int_equal(state_of(&s, &apart), BREAKER_CLOSED);
    assert_int_equal(apart, 1);
    assert_string_equal(ask(&s, 2), "ok");
    assert_string_equal(ask(&s, 1), "provider_unavailable");
    pass(&s, 500);
    assert_string_equal(ask(&s, 1), "ok"); /* its own probe */
    (void)state_of(&s, &apart);
    assert_int_equal(apart, 0);
    world_done(&s.w);
}

static void two_are_believed(void **state) {
    (void)state;
    static const char *const a[SCRIPTS] = {"500|end", "500|end", "500|end", "500|end",
                                           "500|end", "500|end", PLAIN};
    scene s;
    unsigned apart;
    scene_begin(&s, a, NULL, BREAKER);
    for (int i = 0; i < 4; i++)
        assert_string_equal(ask(&s, 1), "500");
    for (int i = 0; i < 2; i++)
        assert_string_equal(ask(&s, 2), "500");
    assert_int_equal(state_of(&s, &apart), BREAKER_IS_OPEN);
    assert_string_equal(ask(&s, 1), "provider_unavailable");
    assert_string_equal(ask(&s, 2), "provider_unavailable");
    pass(&s, 500);
    assert_string_equal(ask(&s, 1), "ok");
    assert_string_equal(ask(&s, 2), "ok");
    world_done(&s.w);
}

/* Opens it for both. */
static void open_for_all(scene *s) {
    target_state *a = target_get(s->w.targets, SPAN_OF("a"));
    for (int i = 0; i < 8; i++)
        (void)target_report(a, &s->w.config->breaker, holder_of(s, 1 + i % 2), true, NO_PROBE, -1,
                            s->w.loop.now_ms);
    target_unref(a);
    pass(s, 500);
}

/* One that is slow has the place for a rest, one that leaves for nothing. */
static void a_slow_probe_keeps_nobody_out(void **state) {
    (void)state;
    static const char *const a[SCRIPTS] = {"wait 5000|" PLAIN, PLAIN};
    scene s;
    scene_begin(&s, a, NULL, BREAKER);
    open_for_all(&s);
    asked *slow = start(&s, 1);
    assert_string_equal(ask(&s, 2), "provider_unavailable");
    pass(&s, 400);
    assert_string_equal(ask(&s, 1), "provider_unavailable");
    assert_string_equal(ask(&s, 2), "ok");
    assert_string_equal(ask(&s, 1), "ok");
    call_cancel(slow->call);
    world_done(&s.w);

    scene_begin(&s, a, NULL, BREAKER);
    open_for_all(&s);
    slow = start(&s, 1);
    pass(&s, 10);
    call_cancel(slow->call);
    assert_string_equal(ask(&s, 1), "provider_unavailable"); /* it has had its chance */
    assert_string_equal(ask(&s, 2), "ok");
    world_done(&s.w);
}

/* Whatever it answers, it answers. */
static void a_target_that_answers_is_alive(void **state) {
    (void)state;
    static const struct {
        const char *script;
        breaker_state then;
    } rows[] = {
        {"400|end", BREAKER_CLOSED},
        {"wait 50|400|wait 20|end", BREAKER_CLOSED},
        {"404|end", BREAKER_CLOSED},
        {"422|end", BREAKER_CLOSED},
        {"401|end", BREAKER_CLOSED},
        {"403|end", BREAKER_CLOSED},
        {"413|end", BREAKER_CLOSED},
        {"429 retry-after: 60|end", BREAKER_CLOSED},
        {"307 location: http://x|end", BREAKER_CLOSED},
        {"400|bytes {\"error\":{\"code\":\"context_length_exceeded\"}}|end", BREAKER_CLOSED},
        {"400|bytes {\"error\":{\"code\":\"content_filter\"}}|end", BREAKER_CLOSED},
        {PLAIN, BREAKER_CLOSED},
        {"408|end", BREAKER_IS_OPEN},
        {"500|end", BREAKER_IS_OPEN},
        {"503|end", BREAKER_IS_OPEN},
        {"refuse", BREAKER_IS_OPEN},
        {"reset", BREAKER_IS_OPEN},
        {"garbage", BREAKER_IS_OPEN},
        {"tls", BREAKER_IS_OPEN},
        {"200|bytes {}|end", BREAKER_IS_OPEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const a[SCRIPTS] = {rows[i].script};
        scene s;
        unsigned apart;
        scene_begin(&s, a, NULL, BREAKER);
        open_for_all(&s);
        (void)ask(&s, 1);
        if (state_of(&s, &apart) != rows[i].then) fail_msg("%s", rows[i].script);
        world_done(&s.w);
    }
}

static void the_log_names_the_client(void **state) {
    (void)state;
    static const config_logs logs = {
        .level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = 1 << 20};
    static const char *const a[SCRIPTS] = {"500|end", "500|end", "500|end", "500|end", PLAIN};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    logger *l = logger_new(&logs, ends[1]);
    scene s;
    scene_begin(&s, a, NULL, BREAKER);
    s.log = logger_add_shard(l);
    for (int i = 0; i < 4; i++)
        (void)ask(&s, 2);
    pass(&s, 500);
    (void)ask(&s, 2);
    logger_free(l, 10 * 1000);
    close(ends[1]);
    buf text = BUF_EMPTY;
    for (ssize_t n; (n = read(ends[0], buf_reserve(&text, 4096), 4096)) > 0;)
        buf_grow(&text, (size_t)n);
    close(ends[0]);
    static const char *const lines[] = {
        "\"event\":\"breaker_opened\",\"message\":\"The target fails too often for this client, "
        "and "
        "not for others; it is given a rest from this one.\",\"target\":\"a\",\"client\":\"two\"",
        "\"event\":\"breaker_closed\",\"message\":\"The target answers this client "
        "again.\",\"target\":\"a\",\"client\":\"two\""};
    span rest = buf_span(&text), line;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_true(span_cut(&rest, '\n', &line));
        if (span_find_span(line, 0, span_cstr(lines[i])) == line.len)
            fail_msg("%.*s does not hold %s", SPAN_ARG(line), lines[i]);
    }
    buf_done(&text);
    world_done(&s.w);
}

/* ---- keys ---- */

/* What one is forbidden says nothing of the key, until another is. */
static void what_one_is_forbidden(void **state) {
    (void)state;
    static const char *const a[SCRIPTS] = {"403|end"}, *const b[SCRIPTS] = {PLAIN};
    scene s;
    scene_begin(&s, a, b, CLIENTS);
    for (int i = 0; i < 8; i++)
        assert_string_equal(ask(&s, 1), "ok");
    assert_string_equal(buf_cstr(&s.w.asking), "abababababababab");
    assert_string_equal(ask(&s, 2), "ok");
    assert_string_equal(ask(&s, 2), "ok");
    assert_string_equal(ask(&s, 1), "ok");
    assert_string_equal(buf_cstr(&s.w.asking), "ababababababababab"
                                               "bb");
    world_done(&s.w);
}

/* ---- extra calls ---- */

/* One retry a call, and one a minute beyond a fifth of the calls. */
static void retries_are_paid_by_who_makes_them(void **state) {
    (void)state;
    static const char *const a[SCRIPTS] = {"500|end"};
    scene s;
    scene_begin(&s, a, NULL,
                CLIENTS
                "breaker: off\nretry: {retries: 1, base: 1ms, budget: 20%, budget_floor: 1}\n");
    for (int i = 0; i < 9; i++)
        (void)ask(&s, 1);
    assert_int_equal(s.w.asked[0], 10);
    (void)ask(&s, 2);
    assert_int_equal(s.w.asked[0], 12); /* it has its floor still */
    (void)ask(&s, 2);
    assert_int_equal(s.w.asked[0], 13);
    (void)ask(&s, 1);
    assert_int_equal(s.w.asked[0], 15); /* the tenth call is worth a second one */
    world_done(&s.w);
}

static void hedges_are_paid_by_who_makes_them(void **state) {
    (void)state;
    static const char *const a[SCRIPTS] = {"wait 50|" PLAIN}, *const b[SCRIPTS] = {PLAIN};
    scene s;
    scene_begin(&s, a, b, CLIENTS "breaker: off\nhedge: {after: 10ms, at_most: 1%}\n");
    for (int i = 0; i < 5; i++)
        assert_string_equal(ask(&s, 1), "ok");
    assert_int_equal(s.w.asked[1], 1); /* the one of its minute */
    assert_string_equal(ask(&s, 2), "ok");
    assert_int_equal(s.w.asked[1], 2);
    assert_string_equal(ask(&s, 2), "ok");
    assert_int_equal(s.w.asked[1], 2);
    world_done(&s.w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_of_one_are_its_own),
        cmocka_unit_test(two_are_believed),
        cmocka_unit_test(a_slow_probe_keeps_nobody_out),
        cmocka_unit_test(a_target_that_answers_is_alive),
        cmocka_unit_test(the_log_names_the_client),
        cmocka_unit_test(what_one_is_forbidden),
        cmocka_unit_test(retries_are_paid_by_who_makes_them),
        cmocka_unit_test(hedges_are_paid_by_who_makes_them),
    };
    return run_watched(tests);
}
