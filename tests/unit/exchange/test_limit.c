/* What limits a call: whose limit it is, how it is refused, what its client is told. */
#include "exchange/world.h"

#include "base/clock.h"
#include "base/hash.h"
#include "dialect/token_memo.h"
#include "limit/desk.h"

static const stage_row plan_rows[] = {{"identify", stage_identify, NULL, 0},
                                      {"label", stage_label, NULL, STAGE_CHILD},
                                      {"parse", stage_parse, NULL, STAGE_CHILD},
                                      {"route", stage_route, NULL, STAGE_CHILD},
                                      {"limit", stage_limit, stage_limit_done, STAGE_CHILD},
                                      {"script", stage_script, NULL, STAGE_CHILD},
                                      {"settle", stage_settle, NULL, STAGE_CHILD | STAGE_ALWAYS}};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), NULL, 0};

static world *limits_new(const char *options) {
    world *w = world_new(&plan, options);
    w->env.limiter = limiter_new();
    return w;
}

static void limits_free(world *w) {
    limiter_free(w->env.limiter);
    world_free(w);
}

/* One call from its beginning to its end, which asks nobody: its status, else what refuses it. */
static int one(world *w, const exchange_request *r, asked *a) {
    script s;
    ask(w, a, &s, r);
    if (!a->said.len) {
        script_head(&s, ANSWER_PLAIN);
        script_say_plain(&s, "{\"object\":\"chat.completion\",\"choices\":[]}");
        script_end(&s);
    }
    world_turn(w);
    return a->status;
}

static int ask_once(world *w, const exchange_request *r) {
    asked a;
    int status = one(w, r, &a);
    asked_done(&a);
    return status;
}

/* ---- whose ---- */

typedef struct who {
    const char *user, *tags, *peer, *model;
} who;

static exchange_request request_of(const who *p, buf *body, http_header *tag) {
    *tag = (http_header){SPAN_OF("x-weir-tag"), span_cstr(p->tags ? p->tags : "")};
    buf_addf(body, "{\"model\":\"%s\",\"max_tokens\":10,\"messages\":[{}],\"user\":\"%s\"}",
             p->model ? p->model : "m", p->user ? p->user : "");
    exchange_request r = world_request(&form_openai, buf_cstr(body));
    r.headers = (http_headers){tag, p->tags != NULL};
    r.peer = span_cstr(p->peer ? p->peer : "10.0.0.1:1");
    return r;
}

/* Holds a call of the first while the second asks: a limit of one at a time says who is who. */
static bool are_one(world *w, const who *first, const who *second) {
    buf body_a = BUF_EMPTY, body_b = BUF_EMPTY;
    http_header tag_a, tag_b;
    exchange_request a = request_of(first, &body_a, &tag_a),
                     b = request_of(second, &body_b, &tag_b);
    asked held;
    script s;
    ask(w, &held, &s, &a);
    assert_int_equal(held.said.len, 0);
    int status = ask_once(w, &b);
    exchange_cancel(held.x);
    world_turn(w);
    assert_int_equal(ask_once(w, &b), 200); /* who leaves frees the place */
    asked_done(&held);
    buf_done(&body_a);
    buf_done(&body_b);
    assert_true(status == 200 || status == 429);
    return status == 429;
}

static void who_shares_a_limit(void **state) {
    (void)state;
    static const struct {
        const char *options;
        who first, second;
        bool one;
    } rows[] = {
        {"limits: {user: {parallel: 1}}", {.user = "ada"}, {.user = "ada"}, true},
        {"limits: {user: {parallel: 1}}", {.user = "ada"}, {.user = "bob"}, false},
        {"limits: {user: {parallel: 1}}", {.user = ""}, {.user = ""}, false}, /* nobody is none */
        {"limits: {address: {parallel: 1}}",
         {.peer = "10.0.0.1:80"},
         {.peer = "10.0.0.1:81"},
         true},
        {"limits: {address: {parallel: 1}}",
         {.peer = "10.0.0.1:80"},
         {.peer = "10.0.0.2:80"},
         false},
        {"limits: {address: {parallel: 1}}",
         {.peer = "[2001:db8::1]:80"},
         {.peer = "[2001:db8:0:0:ffff::2]:81"},
         true},
        {"limits: {address: {parallel: 1}}",
         {.peer = "[2001:db8::1]:80"},
         {.peer = "2001:db8::7"},
         true},
        {"limits: {address: {parallel: 1}}",
         {.peer = "[2001:db8::1]:80"},
         {.peer = "[2001:db8:0:1::1]:80"},
         false},
        {"limits: {model: {m: {parallel: 1}}}", {.model = "m"}, {.model = "m"}, true},
        {"limits: {model: {m: {parallel: 1}}}", {.model = "m"}, {.model = "m2"}, false},
        {"limits: {model: {\"m*\": {parallel: 1}}}", {.model = "m1"}, {.model = "m2"}, true},
        {"limits: {model: {\"m*\": {parallel: 1}, m2: {parallel: 1}}}",
         {.model = "m1"},
         {.model = "m2"},
         false},
        {"limits: {model: {\"*\": {parallel: 1}, \"m*\": {parallel: 1}}}",
         {.model = "m1"},
         {.model = "n"},
         false},
        {"limits: {tag: {team=a: {parallel: 1}}}",
         {.tags = "team=a"},
         {.tags = "team=a,x=y"},
         true},
        {"limits: {tag: {team=a: {parallel: 1}}}", {.tags = "team=a"}, {.tags = "team=b"}, false},
        {"limits: {tag: {\"team=*\": {parallel: 1}}}",
         {.tags = "team=a"},
         {.tags = "team=a"},
         true},
        {"limits: {tag: {\"team=*\": {parallel: 1}}}",
         {.tags = "team=a"},
         {.tags = "team=b"},
         false},
        {"limits: {tag: {\"team=*\": {parallel: 1}}}",
         {.tags = "x=team"},
         {.tags = "x=team"},
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world *w = limits_new(rows[i].options);
        if (are_one(w, &rows[i].first, &rows[i].second) != rows[i].one) fail_msg("row %zu", i);
        limits_free(w);
    }
}

static exchange_request request_of_client(world *w, size_t client, const char *body) {
    exchange_request r = world_request(&form_openai, body);
    r.caller.client = &w->config->clients[client];
    return r;
}

#define TWO_CLIENTS(limits)                                                                        \
    "clients: [{name: a, key: aaaaaaaaaaaaaaaa, limits: " limits "}, {name: b, key: "              \
    "bbbbbbbbbbbbbbbb}]\n"

static void a_client_has_its_own(void **state) {
    (void)state;
    world *w = limits_new(TWO_CLIENTS("{parallel: 1}") "limits: {user: {parallel: 1}}");
    const exchange_request a = request_of_client(w, 0, ASK_PLAIN),
                           b = request_of_client(w, 1, ASK_PLAIN);
    asked held;
    script s;
    ask(w, &held, &s, &a);
    assert_int_equal(ask_once(w, &a), 429);
    assert_int_equal(ask_once(w, &b), 200);
    exchange_cancel(held.x);
    world_turn(w);
    assert_int_equal(ask_once(w, &a), 200);
    asked_done(&held);
    /* And its users are its own. */
    static const char *const body = "{\"model\":\"m\",\"messages\":[{}],\"user\":\"ada\"}";
    exchange_request of_b = request_of_client(w, 1, body), of_a = request_of_client(w, 0, body);
    ask(w, &held, &s, &of_b);
    assert_int_equal(ask_once(w, &of_b), 429);
    assert_int_equal(ask_once(w, &of_a), 200);
    exchange_cancel(held.x);
    world_turn(w);
    asked_done(&held);
    limits_free(w);
}

/* ---- how it is refused, and what is told ---- */

static bool has_header(const asked *a, const char *line) {
    return span_find_span(buf_span(&a->headers), 0, span_cstr(line)) < a->headers.len;
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *limits; /* of the client */
        const char *body;
        int calls; /* before the one that is refused */
        const char *code, *message;
        const char *retries; /* of x-should-retry */
    } rows[] = {
        {"{requests: 1/m}", ASK_PLAIN, 0, NULL, NULL, NULL},
        {"{tokens: 1500/m}", ASK_PLAIN, 1, NULL, NULL, NULL}, /* it asked nobody: all came back */
        {"{tokens: 500/m}", ASK_PLAIN, 0, "rate_limit_exceeded",
         "more than the 500 a minute that there are at most (clients[].limits.tokens). A lower "
         "max_tokens makes it smaller.",
         "false"},
        {"{tokens: 500/m}", "{\"model\":\"m\",\"max_tokens\":400,\"messages\":[{}]}", 0, NULL, NULL,
         NULL},
        {"{tokens: 500/m}",
         "{\"model\":\"m\",\"max_tokens\":5,\"max_completion_tokens\":600,\"messages\":[{}]}", 0,
         "rate_limit_exceeded", "This call may use 60", "false"},
        {"{tokens: 500/m}", "{\"model\":\"m\",\"max_tokens\":200,\"n\":3,\"messages\":[{}]}", 0,
         "rate_limit_exceeded", "This call may use 60", "false"},
        {"{tokens: 500/m}",
         "{\"model\":\"m\",\"max_tokens\":9223372036854775807,\"n\":128,\"messages\":[{}]}", 0,
         "rate_limit_exceeded", "This call may use 2305843009213693", "false"},
        {"{tokens: 500/m}", "{\"model\":\"m\",\"max_tokens\":600.0,\"messages\":[{}]}", 0,
         "rate_limit_exceeded", "This call may use 60", "false"},
        {"{tokens: 500/m}", "{\"model\":\"m\",\"max_tokens\":6e2,\"messages\":[{}]}", 0,
         "rate_limit_exceeded", "This call may use 60", "false"},
        {"{tokens: 500/m}", "{\"model\":\"m\",\"max_tokens\":1e400,\"messages\":[{}]}", 0,
         "rate_limit_exceeded", "This call may use 90071992547409", "false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf options = BUF_EMPTY;
        buf_addf(&options, "clients: [{name: a, key: aaaaaaaaaaaaaaaa, limits: %s}]\n",
                 rows[i].limits);
        world *w = limits_new(buf_cstr(&options));
        const exchange_request r = request_of_client(w, 0, rows[i].body);
        for (int k = 0; k < rows[i].calls; k++)
            assert_int_equal(ask_once(w, &r), 200);
        asked a;
        int status = one(w, &r, &a);
        if (status != (rows[i].code ? 429 : 200)) fail_msg("row %zu: %d", i, status);
        const span said = buf_span(&a.said);
        if (rows[i].code && (span_find_span(said, 0, span_cstr(rows[i].code)) == said.len ||
                             span_find_span(said, 0, span_cstr(rows[i].message)) == said.len))
            fail_msg("row %zu: %.*s", i, SPAN_ARG(said));
        buf line = BUF_EMPTY;
        buf_addf(&line, "x-should-retry: %s\n", rows[i].retries ? rows[i].retries : "");
        if (rows[i].retries && !has_header(&a, buf_cstr(&line)))
            fail_msg("row %zu: %.*s", i, SPAN_ARG(buf_span(&a.headers)));
        buf_done(&line);
        asked_done(&a);
        limits_free(w);
        buf_done(&options);
    }
}

/* Of a legacy completion each prompt has its answers, and those that are not chosen are paid, too.
 */
static void answers_that_are_not_chosen_count(void **state) {
    (void)state;
    static const struct {
        const char *asks;
        int status;
    } rows[] = {
        {"\"prompt\":\"x\",\"max_tokens\":100", 200},
        {"\"prompt\":\"x\",\"max_tokens\":100,\"best_of\":4", 200},
        {"\"prompt\":\"x\",\"max_tokens\":100,\"best_of\":6", 429},
        {"\"prompt\":\"x\",\"max_tokens\":100,\"n\":2,\"best_of\":6", 429},
        {"\"prompt\":[\"x\",\"y\",\"z\"],\"max_tokens\":100,\"best_of\":2", 429},
        {"\"prompt\":[\"x\",\"y\",\"z\"],\"max_tokens\":100,\"best_of\":1", 200},
        {"\"prompt\":[\"x\",\"y\",\"z\"],\"max_tokens\":100,\"n\":2", 429},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world *w = limits_new(TWO_CLIENTS("{tokens: 500/m}"));
        buf body = BUF_EMPTY;
        buf_addf(&body, "{\"model\":\"m\",%s}", rows[i].asks);
        exchange_request r = request_of_client(w, 0, buf_cstr(&body));
        r.endpoint = EP_COMPLETIONS;
        r.path = SPAN_OF("/completions");
        const int status = ask_once(w, &r);
        if (status != rows[i].status) fail_msg("row %zu: %d", i, status);
        limits_free(w);
        buf_done(&body);
    }
}

static void in_progress_is_told(void **state) {
    (void)state;
    world *w = limits_new(TWO_CLIENTS("{parallel: 2, requests: [100/m, 5/h], tokens: 100000/d}"));
    const exchange_request r =
        request_of_client(w, 0, "{\"model\":\"m\",\"max_tokens\":90,\"messages\":[{}]}");
    asked held[2], a;
    script s[2];
    const int64_t began_us = clock_mono_us();
    ask(w, &held[0], &s[0], &r);
    ask(w, &held[1], &s[1], &r);
    assert_int_equal(one(w, &r, &a), 429);
    const bool quick = clock_mono_us() - began_us < 1000; /* else some of it is there again */
    assert_true(has_header(&a, "x-should-retry: true\nretry-after-ms: 1000\nretry-after: 1\n"));
    assert_true(
        has_header(&a, "x-ratelimit-limit-requests: 5\nx-ratelimit-remaining-requests: 3\n"));
    assert_true(has_header(&a, "x-ratelimit-reset-requests: 24m0s\n") ||
                (!quick && has_header(&a, "x-ratelimit-reset-requests: 23m59.")));
    assert_true(
        has_header(&a, "x-ratelimit-limit-tokens: 100000\nx-ratelimit-remaining-tokens: 998"));
    assert_true(span_find_span(buf_span(&a.said), 0,
                               SPAN_OF("This client has 2 calls in progress, as many as it may "
                                       "(clients[].limits.parallel).")) < a.said.len);
    asked_done(&a);
    for (int i = 0; i < 2; i++) {
        exchange_cancel(held[i].x);
        world_turn(w);
        asked_done(&held[i]);
    }
    limits_free(w);
}

/* A call that nothing limits is told nothing. */
static void nothing_limits_it(void **state) {
    (void)state;
    world *w = limits_new(TWO_CLIENTS("{requests: 1/m}"));
    const exchange_request r = request_of_client(w, 1, ASK_PLAIN);
    asked a;
    assert_int_equal(one(w, &r, &a), 200);
    assert_false(has_header(&a, "ratelimit"));
    asked_done(&a);
    limits_free(w);
}

/* ---- what a prompt was counted to ---- */

/* Where no keys are asked it is an address's, over whichever connections its calls come. */
static void what_was_counted_is_an_addresss(void **state) {
    (void)state;
    world *w = limits_new("limits: {address: {tokens: 100000/m}}");
    buf text = BUF_EMPTY, body = BUF_EMPTY;
    for (int i = 0; i < 50; i++)
        buf_addf(&text, "%sword %d", i ? ", " : "\"", i);
    buf_add_char(&text, '"');
    buf_addf(&body,
             "{\"model\":\"m\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\","
             "\"content\":%.*s}]}",
             SPAN_ARG(buf_span(&text)));
    exchange_request r = world_request(&form_openai, buf_cstr(&body));
    r.peer = SPAN_OF("10.0.0.1:80");
    assert_int_equal(ask_once(w, &r), 200);
    assert_non_null(w->env.counted);

    ip_address address;
    uint64_t known;
    assert_true(ip_parse_peer(SPAN_OF("10.0.0.1:81"), &address));
    const uint64_t owner = hash_span(span_from((const char *)address.bytes, sizeof address.bytes));
    const json_value said = {JSON_STRING, buf_span(&text)};
    assert_true(token_memo_knows(w->env.counted, owner, tokens_family(SPAN_OF("m")), said, &known));
    buf_done(&text);
    buf_done(&body);
    limits_free(w);
}

/* ---- waiting for it ---- */

static limit_desk desk;

static world *waits_new(const char *options) {
    world *w = limits_new(options);
    limit_desk_init(&desk, w->env.limiter, &w->loop, stage_limit_told, stage_limit_moved);
    w->env.limit_desk = &desk;
    return w;
}

static void waits_free(world *w) {
    limit_desk_done(&desk);
    limits_free(w);
}

/* What loops post one another arrives in a turn. */
static void world_post(world *w) {
    for (int i = 0; i < 3; i++)
        world_turn(w);
}

static void end_of(world *w, script *s) {
    script_head(s, ANSWER_PLAIN);
    script_say_plain(s, "{\"object\":\"chat.completion\",\"choices\":[]}");
    script_end(s);
    world_post(w);
}

/* The one whose turn it is goes on when a place is free, and in the turn in which it is. */
static void a_place_is_waited_for(void **state) {
    (void)state;
    world *w = waits_new("limits: {model: {m: {parallel: 1}}, wait: {clients: 5}}");
    const exchange_request r = world_request(&form_openai, ASK_PLAIN);
    asked a[3];
    script s[3] = {0};
    ask(w, &a[0], &s[0], &r);
    ask(w, &a[1], &s[1], &r);
    ask(w, &a[2], &s[2], &r);
    assert_true(s[0].x && !s[1].x && !s[2].x);
    assert_int_equal(desk.watch.waiting, 2);
    script_next = &s[1];
    end_of(w, &s[0]);
    assert_true(s[1].x && !s[2].x);
    assert_int_equal(a[0].status, 200);
    script_next = &s[2];
    exchange_cancel(a[1].x); /* who leaves frees his place */
    world_post(w);
    assert_non_null(s[2].x);
    assert_int_equal(desk.watch.waiting, 0);
    end_of(w, &s[2]);
    assert_int_equal(a[2].status, 200);
    for (int i = 0; i < 3; i++)
        asked_done(&a[i]);
    waits_free(w);
}

/* Who leaves while he waits leaves nothing behind; nor does who has been given his turn and does
 * not know it yet. */
static void who_leaves_while_he_waits(void **state) {
    (void)state;
    for (int told = 0; told < 2; told++) {
        world *w = waits_new("limits: {model: {m: {parallel: 1}}, wait: on}");
        const exchange_request r = world_request(&form_openai, ASK_PLAIN);
        asked a[3];
        script s[3] = {0};
        ask(w, &a[0], &s[0], &r);
        ask(w, &a[1], &s[1], &r);
        if (told) {
            exchange_cancel(a[0].x);
            assert_int_equal(desk.watch.waiting, 1);
        }
        exchange_cancel(a[1].x);
        assert_int_equal(desk.watch.waiting, 0);
        world_post(w);
        assert_null(s[1].x);
        if (!told) exchange_cancel(a[0].x);
        world_post(w);
        ask(w, &a[2], &s[2], &r);
        assert_non_null(s[2].x);
        end_of(w, &s[2]);
        for (int i = 0; i < 3; i++)
            asked_done(&a[i]);
        waits_free(w);
    }
}

static void who_does_not_get_it_in_time(void **state) {
    (void)state;
    static const struct {
        const char *options;
        int64_t waits_ms; /* 0: it is refused at once */
    } rows[] = {
        {"limits: {model: {m: {parallel: 1}}, wait: {time: 70ms}}", 70},
        {"limits: {model: {m: {parallel: 1}}, wait: {time: 1m}}\ntimeouts: {total: 50ms}", 50},
        {"limits: {model: {m: {requests: 1/m}}, wait: {time: 59s}}", 0},
        {"limits: {model: {m: {requests: 1/m}}, wait: {time: 2m}}\ntimeouts: {total: 59s}", 0},
        {"limits: {model: {m: {parallel: 1}}}", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world *w = waits_new(rows[i].options);
        const exchange_request r = world_request(&form_openai, ASK_PLAIN);
        asked a[2];
        script s[2] = {0};
        ask(w, &a[0], &s[0], &r);
        const int64_t began_ms = w->loop.now_ms;
        ask(w, &a[1], &s[1], &r);
        if (rows[i].waits_ms) {
            assert_int_equal(a[1].said.len, 0);
            world_pass(w, rows[i].waits_ms + 2);
            assert_true(w->loop.now_ms - began_ms >= rows[i].waits_ms);
        }
        if (a[1].status != 429 && a[1].status != 504) fail_msg("row %zu: %d", i, a[1].status);
        if (a[0].x) exchange_cancel(a[0].x);
        world_post(w);
        assert_int_equal(desk.watch.waiting, 0);
        for (int k = 0; k < 2; k++)
            asked_done(&a[k]);
        waits_free(w);
    }
}

/* The time in the queue is none of weir's own. */
static void a_wait_is_not_weirs_own_time(void **state) {
    (void)state;
    world *w = waits_new("limits: {model: {m: {parallel: 1}}, wait: on}");
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    asked a[2];
    script s[2] = {0};
    ask(w, &a[0], &s[0], &r);
    ask(w, &a[1], &s[1], &r);
    const int64_t from_us = loop_exact_us(&w->loop);
    while (loop_exact_us(&w->loop) < from_us + 3000) {}
    script_next = &s[1];
    end_of(w, &s[0]);
    assert_non_null(s[1].x);
    assert_true(s[1].x->queued_us >= 3000);
    end_of(w, &s[1]);
    for (int i = 0; i < 2; i++)
        asked_done(&a[i]);
    waits_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shares_a_limit),
        cmocka_unit_test(a_client_has_its_own),
        cmocka_unit_test(refusals),
        cmocka_unit_test(answers_that_are_not_chosen_count),
        cmocka_unit_test(in_progress_is_told),
        cmocka_unit_test(nothing_limits_it),
        cmocka_unit_test(what_was_counted_is_an_addresss),
        cmocka_unit_test(a_place_is_waited_for),
        cmocka_unit_test(who_leaves_while_he_waits),
        cmocka_unit_test(who_does_not_get_it_in_time),
        cmocka_unit_test(a_wait_is_not_weirs_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
