/* The cache on the way of a call: what is given again, in whose form; who listens to whose answer;
 * what becomes of those who listen when he is slow, leaves or fails. */
#include "exchange/world.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cache/memo.h"
#include "exchange/cache_use.h"

/* So that the script is asked no more than it is to be: who answers is its place in the order. */
static unsigned asked_of; /* how many calls were made */

static stage_result stage_provider(exchange *x) {
    if (x->source || x->given) return STAGE_NEXT;
    asked_of++;
    return stage_script(x);
}

static const stage_row plan_rows[] = {
    {"parse", stage_parse, NULL, 0},
    {"route", stage_route, NULL, 0},
    {"look up", stage_look_up, stage_look_up_done, NEEDS_CACHE},
    {"replay", stage_replay, NULL, NEEDS_CACHE},
    {"provider", stage_provider, NULL, 0},
    {"settle", stage_settle, NULL, STAGE_ALWAYS},
    {"saved", stage_saved, NULL, STAGE_ALWAYS | NEEDS_CACHE},
};
static filter_add_fn *const usual[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), usual, ARRAY_LEN(usual)};

#define CACHED "cache: {models: ['m*'], memory: 1MB"

static int64_t ahead; /* of the clock: so long after the test began, besides */

static world *cached_new(const char *options) {
    world *w = world_new(&plan, options);
    w->env.cache =
        cache_new(exchange_config(&(exchange){.snapshot = w->env.snapshot})->cache.memory_bytes);
    w->env.desk = flight_desk_new(&w->loop);
    asked_of = 0;
    ahead = 0;
    return w;
}

static void cached_free(world *w) {
    struct cache *c = w->env.cache;
    flight_desk *d = w->env.desk;
    struct key_memo *memo = w->env.memo;
    world_turn(w);
    assert_int_equal(flights_open(c->flights), 0);
    world_free(w);
    key_memo_free(memo);
    cache_free(c);
    flight_desk_free(d);
}

#define ASK(more) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" more "}"
#define STREAM    ",\"stream\":true"
#define PIECE(text)                                                                                \
    "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}"
#define LAST(reason)                                                                               \
    "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}"
#define USAGE                                                                                      \
    "{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"         \
    "\"total_tokens\":3}}"
#define WHOLE(text, reason)                                                                        \
    "{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{"         \
    "\"role\":\"assistant\",\"content\":\"" text "\"},\"finish_reason\":\"" reason "\"}],"         \
    "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"

/* ---- asking ---- */

static void pass(world *w, int64_t ms) {
    (void)w;
    ahead += ms;
}

typedef struct person {
    asked a;
    script s;
} person;

/* One that gives the request's body away, as the gateway's does. */
static buf hand_over(void *user, memory_hold *ret_hold) {
    asked *a = user;
    buf body = BUF_EMPTY;
    buf_add(&body, a->x->request->body);
    *ret_hold = (memory_hold){0};
    return body;
}

/* And its head, which lies in memory of its own. */
static http_head_memory head_memory;

static http_head_memory hand_over_head(void *user) {
    (void)user;
    const http_head_memory given = head_memory;
    head_memory = (http_head_memory){0};
    return given;
}

static http_headers headers_in_memory(void) {
    static const char name[] = "x-request-id", value[] = "of the one who leads";
    char *bytes = mem_alloc(sizeof name + sizeof value);
    http_header *only = mem_alloc(sizeof *only);
    memcpy(bytes, name, sizeof name);
    memcpy(bytes + sizeof name, value, sizeof value);
    *only = (http_header){span_cstr(bytes), span_cstr(bytes + sizeof name)};
    head_memory = (http_head_memory){bytes, only};
    return (http_headers){only, 1};
}

static const exchange_door *door = &world_door;

static void begin(world *w, person *p, const exchange_request *r) {
    p->a = (asked){.x = NULL};
    p->s = (script){.x = NULL};
    script_next = &p->s;
    loop_read_clock(&w->loop);
    w->loop.now_ms += ahead;
    p->a.x = exchange_start(&w->env, r, door, &p->a);
}

static void ask_with(world *w, person *p, const exchange_form *form, const char *body,
                     const http_header *header) {
    exchange_request r = world_request(form, body);
    if (header) r.headers = (http_headers){header, 1};
    begin(w, p, &r);
}

static void ask_plainly(world *w, person *p, const char *body) {
    ask_with(w, p, &form_direct, body, NULL);
}

static void says_whole(person *p, const char *body) {
    script_head(&p->s, ANSWER_PLAIN);
    script_say_plain(&p->s, body);
    script_end(&p->s);
}

static void says_stream(person *p) {
    script_head(&p->s, ANSWER_STREAM);
    script_say(&p->s, PIECE("a"));
    script_say(&p->s, PIECE("b"));
    script_say(&p->s, LAST("stop"));
    script_say(&p->s, USAGE);
    script_end(&p->s);
}

static void settle_down(world *w) {
    for (int i = 0; i < 5; i++) {
        world_turn(w);
        w->loop.now_ms += ahead++;
        world_pass(w, 1);
    }
}

static void over(world *w, person *p) {
    settle_down(w);
    assert_null(p->a.x);
    asked_done(&p->a);
}

static void assert_cache(const person *p, const char *word) {
    char line[64];
    snprintf(line, sizeof line, "x-weir-cache: %s\n", word);
    const char *headers = p->a.headers.len ? buf_cstr((buf *)&p->a.headers) : "";
    if (!strstr(headers, line)) fail_msg("no %s in: %s", line, headers);
    assert_true(span_eq(p->a.record.cache, span_cstr(word)));
}

/* One call whose answer is a document that says `text`, if anybody has to be asked. */
static bool one(world *w, const char *body, const http_header *header, const char *text,
                person *ret) {
    const unsigned before = asked_of;
    ask_with(w, ret, &form_direct, body, header);
    const bool made = asked_of > before;
    if (made) says_whole(ret, text);
    settle_down(w);
    assert_null(ret->a.x);
    return made;
}

/* ---- what is given again ---- */

static void a_document_is_given_again(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    const int64_t began_ms = clock_mono_ms();
    assert_true(one(w, ASK(""), NULL, WHOLE("x", "stop"), &p));
    assert_cache(&p, "miss");
    pass(w, 2500);
    assert_false(
        one(w,
            "{\"messages\":[{\"content\":\"h\\u0069\",\"role\":\"user\"}] , \"model\":\"m\","
            "\"user\":\"u\"}",
            NULL, NULL, &q));
    assert_cache(&q, "hit");
    assert_true(span_eq(buf_span(&q.a.said), buf_span(&p.a.said)));
    bool aged = false; /* the test takes some time itself, where a machine is slow */
    for (int64_t ms = 2500; ms <= 2500 + clock_mono_ms() - began_ms; ms++) {
        buf age = BUF_EMPTY;
        buf_addf(&age, "age: %d\n", (int)(ms / 1000));
        aged = aged || strstr(buf_cstr(&q.a.headers), buf_cstr(&age));
        buf_done(&age);
    }
    assert_true(aged);
    assert_null(strstr(buf_cstr(&p.a.headers), "age: "));
    assert_int_equal(q.a.record.attempts, 0);
    assert_int_equal(q.a.record.cost_nano, 0);
    assert_int_equal(q.a.record.usage.total, 3);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

static void a_stream_is_given_again_event_for_event(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q, r;
    ask_plainly(w, &p, ASK(STREAM));
    says_stream(&p);
    settle_down(w);
    ask_plainly(w, &q, ASK(STREAM));
    assert_int_equal(q.a.said.len, 0); /* never from inside the start */
    settle_down(w);
    assert_said(
        &q.a, "head 200|piece " PIECE("a") "|piece " PIECE("b") "|piece " LAST("stop") "|end|done");
    assert_cache(&q, "hit");
    ask_plainly(w, &r, ASK(STREAM ",\"stream_options\":{\"include_usage\":true}"));
    settle_down(w);
    assert_said(&r.a, "head 200|piece " PIECE("a") "|piece " PIECE("b") "|piece " LAST(
                          "stop") "|piece " USAGE "|end|done");
    assert_int_equal(asked_of, 1);
    asked_done(&p.a);
    asked_done(&q.a);
    asked_done(&r.a);
    cached_free(w);
}

static void either_is_given_as_the_other(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q, r, s;
    ask_plainly(w, &p, ASK(STREAM));
    says_stream(&p);
    settle_down(w);
    ask_plainly(w, &q, ASK(""));
    settle_down(w);
    assert_cache(&q, "hit");
    assert_non_null(strstr(buf_cstr(&q.a.said), "\"content\":\"ab\""));
    assert_true(one(w, ASK(",\"seed\":1"), NULL, WHOLE("xyz", "stop"), &r));
    ask_plainly(w, &s, ASK(",\"seed\":1" STREAM));
    settle_down(w);
    assert_cache(&s, "hit");
    assert_non_null(strstr(buf_cstr(&s.a.said), "\"content\":\"xyz\""));
    assert_non_null(strstr(buf_cstr(&s.a.said), "\"finish_reason\":\"stop\""));
    assert_int_equal(asked_of, 2);
    asked_done(&p.a);
    asked_done(&q.a);
    asked_done(&r.a);
    asked_done(&s.a);
    cached_free(w);
}

static void in_the_form_of_chat_too(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    ask_with(w, &p, &form_chat, "{\"message\":\"hi\",\"model\":\"m\"}", NULL);
    says_whole(&p, WHOLE("x", "stop"));
    settle_down(w);
    ask_with(w, &q, &form_chat, "{\"message\":\"hi\",\"model\":\"m\"}", NULL);
    settle_down(w);
    assert_int_equal(asked_of, 1);
    assert_cache(&q, "hit");
    assert_non_null(strstr(buf_cstr(&q.a.said), "\"response\":\"x\""));
    assert_non_null(strstr(buf_cstr(&q.a.said), "\"total_tokens\":3"));
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

static void a_stream_at_its_own_pace(void **state) {
    (void)state;
    world *w = cached_new(CACHED ", pace: recorded}\n");
    person p, q;
    ask_plainly(w, &p, ASK(STREAM));
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    w->loop.now_ms += 300;
    script_say(&p.s, LAST("stop"));
    script_end(&p.s);
    settle_down(w);
    ask_plainly(w, &q, ASK(STREAM));
    world_pass(w, 10);
    assert_said(&q.a, "head 200|piece " PIECE("a"));
    world_pass(w, 280);
    assert_said(&q.a, "head 200|piece " PIECE("a"));
    world_pass(w, 20);
    assert_said(&q.a, "head 200|piece " PIECE("a") "|piece " LAST("stop") "|end|done");
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

/* ---- what is not ---- */

static void what_is_no_whole_answer_is_not_kept(void **state) {
    (void)state;
    static const char *const bad[] = {WHOLE("x", "length"), WHOLE("x", "content_filter")};
    world *w = cached_new(CACHED "}\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        person p, q;
        assert_true(one(w, ASK(""), NULL, bad[i], &p));
        assert_true(one(w, ASK(""), NULL, bad[i], &q));
        assert_cache(&q, "miss");
        asked_done(&p.a);
        asked_done(&q.a);
    }
    person cut, again;
    ask_plainly(w, &cut, ASK(STREAM));
    script_head(&cut.s, ANSWER_STREAM);
    script_say(&cut.s, PIECE("a"));
    script_fail(&cut.s, ERR_STREAM_CUT);
    settle_down(w);
    ask_plainly(w, &again, ASK(STREAM));
    assert_int_equal(asked_of, 6);
    exchange_cancel(again.a.x);
    asked_done(&cut.a);
    over(w, &again);
    cached_free(w);
}

static void what_may_not_be_kept_is_passed_by(void **state) {
    (void)state;
    static const char *const more[] = {
        ASK(",\"temperature\":1.5"),
        ASK(",\"tools\":[{}]"),
        ASK(",\"n\":2"),
        ASK(",\"store\":true"),
        ASK(",\"functions\":[{}]"),
        ASK(",\"audio\":{\"voice\":\"x\"}"),
        ("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
         "\"image_url\":{\"url\":\"data:\"}}]}]}")};
    world *w = cached_new(CACHED "}\n");
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        for (int k = 0; k < 2; k++) {
            person p;
            assert_true(one(w, more[i], NULL, WHOLE("x", "stop"), &p));
            assert_cache(&p, "bypass");
            asked_done(&p.a);
        }
    person other;
    assert_true(one(w, "{\"model\":\"x\",\"messages\":[{}]}", NULL, WHOLE("x", "stop"), &other));
    assert_int_equal(other.a.record.cache.len, 0);
    assert_null(strstr(buf_cstr(&other.a.headers), "x-weir-cache"));
    asked_done(&other.a);
    cached_free(w);
}

/* A response that its provider keeps goes on, or is deleted, by its id: it is one client's, even
 * where he has answers together with others. */
static void responses_that_are_stored_are_passed_by(void **state) {
    (void)state;
    static const struct {
        const char *body, *word;
    } rows[] = {
        {"{\"model\":\"m\",\"input\":\"hi\"}", "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":null}", "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":true}", "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false}", "hit"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"previous_response_id\":null}", "hit"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"previous_response_id\":\"resp_1\"}",
         "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"conversation\":\"conv_1\"}",
         "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"conversation\":{\"id\":\"conv_1\"}}",
         "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"background\":true}", "bypass"},
    };
    static const char *const scopes[] = {"client", "group", "global"};
    for (size_t k = 0; k < ARRAY_LEN(scopes); k++) {
        buf options = BUF_EMPTY;
        buf_addf(&options, CACHED ", tools: true, images: true, scope: %s}\n", scopes[k]);
        world *w = cached_new(buf_cstr(&options));
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
            person p;
            exchange_request r = world_request(&form_openai, rows[i / 2].body);
            r.endpoint = EP_RESPONSES;
            r.path = SPAN_OF("/responses");
            begin(w, &p, &r);
            if (p.s.x)
                says_whole(&p, "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":"
                               "\"completed\",\"output\":[]}");
            settle_down(w);
            if (i % 2) assert_cache(&p, rows[i / 2].word);
            asked_done(&p.a);
        }
        cached_free(w);
        buf_done(&options);
    }
}

static void clients_have_answers_of_their_own(void **state) {
    (void)state;
    for (int global = 0; global < 2; global++) {
        world *w = cached_new(global ? "clients: [{name: a, key: sk-0123456789}, {name: b, key: "
                                       "sk-1234567890}]\n" CACHED ", scope: global}\n"
                                     : "clients: [{name: a, key: sk-0123456789}, {name: b, key: "
                                       "sk-1234567890}]\n" CACHED "}\n");
        for (unsigned i = 0; i < 2; i++) {
            person p;
            exchange_request r = world_request(&form_direct, ASK(""));
            r.identified = true;
            static exchange_plan own;
            static stage_row own_rows[ARRAY_LEN(plan_rows) + 1];
            own_rows[0] = (stage_row){"identify", stage_identify, NULL, 0};
            memcpy(own_rows + 1, plan_rows, sizeof plan_rows);
            own = (exchange_plan){own_rows, ARRAY_LEN(own_rows), usual, ARRAY_LEN(usual)};
            w->env.plan = &own;
            r.caller.client = &w->config->clients[i];
            begin(w, &p, &r);
            if (p.s.x) says_whole(&p, WHOLE("x", "stop"));
            settle_down(w);
            assert_cache(&p, i && global ? "hit" : "miss");
            asked_done(&p.a);
        }
        cached_free(w);
    }
}

/* ---- what the client says ---- */

#define CONTROL(text) (&(http_header){SPAN("cache-control"), SPAN(text)})

static void what_a_client_may_say(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p;
#define ONE(header, makes, word)                                                                   \
    do {                                                                                           \
        assert_int_equal(one(w, ASK(""), header, WHOLE("x", "stop"), &p), makes);                  \
        assert_cache(&p, word);                                                                    \
        asked_done(&p.a);                                                                          \
    } while (0)
    ONE(CONTROL("no-store"), true, "bypass");
    ONE(NULL, true, "miss"); /* it was not stored */
    ONE(CONTROL("no-store"), true, "bypass");
    ONE(CONTROL("only-if-cached"), false, "hit");
    pass(w, 5000);
    ONE(CONTROL("max-age=10"), false, "hit");
    ONE(CONTROL("max-age=4"), true, "miss");
    ONE(CONTROL("max-age=4"), false, "hit"); /* it was replaced */
    pass(w, 5000);
    ONE(CONTROL("no-cache"), true, "miss");
    ONE(CONTROL("max-age=4"), false, "hit");
    pass(w, 3600 * 1000);
    ONE((&(http_header){SPAN("x-weir-cache-ttl"), SPAN("5")}), true, "miss");
    pass(w, 4000);
    ONE(NULL, false, "hit");
    pass(w, 1000);
    ONE(NULL, true, "miss");
#undef ONE
    cached_free(w);
}

static void what_is_not_there(void **state) {
    (void)state;
    static const char *const bodies[] = {ASK(""), ASK(",\"n\":2"),
                                         "{\"model\":\"x\",\"messages\":[{}]}"};
    world *w = cached_new(CACHED "}\n");
    person p;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_false(one(w, bodies[i], CONTROL("only-if-cached"), NULL, &p));
        assert_int_equal(p.a.status, 504);
        assert_int_equal(p.a.error, ERR_NOT_CACHED);
        asked_done(&p.a);
    }
    assert_false(one(w, ASK(""), CONTROL("max-age=soon"), NULL, &p));
    assert_int_equal(p.a.status, 400);
    asked_done(&p.a);
    cached_free(w);
}

/* ---- one call for all who ask the same ---- */

#define A   "head 200|piece " PIECE("a")
#define AB  A "|piece " PIECE("b")
#define ALL AB "|piece " LAST("stop") "|end|done"

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
        cmocka_unit_test(a_document_is_given_again),
        cmocka_unit_test(a_stream_is_given_again_event_for_event),
        cmocka_unit_test(either_is_given_as_the_other),
        cmocka_unit_test(in_the_form_of_chat_too),
        cmocka_unit_test(a_stream_at_its_own_pace),
        cmocka_unit_test(what_is_no_whole_answer_is_not_kept),
        cmocka_unit_test(what_may_not_be_kept_is_passed_by),
        cmocka_unit_test(responses_that_are_stored_are_passed_by),
        cmocka_unit_test(clients_have_answers_of_their_own),
        cmocka_unit_test(what_a_client_may_say),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(they_hear_from_the_beginning_and_then_live),
        cmocka_unit_test(documents_too),
        cmocka_unit_test(a_slow_one_holds_nobody_up),
        cmocka_unit_test(who_comes_to_one_that_stands_still),
        cmocka_unit_test(the_one_who_leads_leaves),
        cmocka_unit_test(the_one_who_leads_gives_nothing_away),
        cmocka_unit_test(nobody_is_left),
        cmocka_unit_test(the_one_who_leads_fails),
        cmocka_unit_test(the_one_who_leads_is_cut),
        cmocka_unit_test(what_is_too_large),
    };
    return run_watched(tests);
}
