/* A world with a cache, and people who ask it: of what is given again, and to whom. */
#ifndef WEIR_UNIT_EXCHANGE_CACHED_H
#define WEIR_UNIT_EXCHANGE_CACHED_H

#include "exchange/world.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cache/memo.h"
#include "exchange/cache_use.h"

/* So that the script is asked no more than it is to be: who answers is its place in the order. */
static unsigned asked_of; /* how many calls were made */

static inline stage_result stage_provider(exchange *x) {
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

static inline world *cached_new(const char *options) {
    world *w = world_new(&plan, options);
    w->env.cache =
        cache_new(exchange_config(&(exchange){.snapshot = w->env.snapshot})->cache.memory_bytes);
    w->env.desk = flight_desk_new(&w->loop);
    asked_of = 0;
    ahead = 0;
    return w;
}

static inline void cached_free(world *w) {
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

static inline void pass(world *w, int64_t ms) {
    (void)w;
    ahead += ms;
}

typedef struct person {
    asked a;
    script s;
} person;

/* One that gives the request's body away, as the gateway's does. */
static inline buf hand_over(void *user, memory_hold *ret_hold) {
    asked *a = user;
    buf body = BUF_EMPTY;
    buf_add(&body, a->x->request->body);
    *ret_hold = (memory_hold){0};
    return body;
}

/* And its head, which lies in memory of its own. */
static http_head_memory head_memory;

static inline http_head_memory hand_over_head(void *user) {
    (void)user;
    const http_head_memory given = head_memory;
    head_memory = (http_head_memory){0};
    return given;
}

static inline http_headers headers_in_memory(void) {
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

static inline void begin(world *w, person *p, const exchange_request *r) {
    p->a = (asked){.x = NULL};
    p->s = (script){.x = NULL};
    script_next = &p->s;
    loop_read_clock(&w->loop);
    w->loop.now_ms += ahead;
    p->a.x = exchange_start(&w->env, r, door, &p->a);
}

static inline void ask_with(world *w, person *p, const exchange_form *form, const char *body,
                            const http_header *header) {
    exchange_request r = world_request(form, body);
    if (header) r.headers = (http_headers){header, 1};
    begin(w, p, &r);
}

static inline void ask_plainly(world *w, person *p, const char *body) {
    ask_with(w, p, &form_direct, body, NULL);
}

static inline void says_whole(person *p, const char *body) {
    script_head(&p->s, ANSWER_PLAIN);
    script_say_plain(&p->s, body);
    script_end(&p->s);
}

static inline void says_stream(person *p) {
    script_head(&p->s, ANSWER_STREAM);
    script_say(&p->s, PIECE("a"));
    script_say(&p->s, PIECE("b"));
    script_say(&p->s, LAST("stop"));
    script_say(&p->s, USAGE);
    script_end(&p->s);
}

static inline void settle_down(world *w) {
    for (int i = 0; i < 5; i++) {
        world_turn(w);
        w->loop.now_ms += ahead++;
        world_pass(w, 1);
    }
}

static inline void over(world *w, person *p) {
    settle_down(w);
    assert_null(p->a.x);
    asked_done(&p->a);
}

static inline void assert_cache(const person *p, const char *word) {
    char line[64];
    snprintf(line, sizeof line, "x-weir-cache: %s\n", word);
    const char *headers = p->a.headers.len ? buf_cstr((buf *)&p->a.headers) : "";
    if (!strstr(headers, line)) fail_msg("no %s in: %s", line, headers);
    assert_true(span_eq(p->a.record.cache, span_cstr(word)));
}

/* One call whose answer is a document that says `text`, if anybody has to be asked. */
static inline bool one(world *w, const char *body, const http_header *header, const char *text,
                       person *ret) {
    const unsigned before = asked_of;
    ask_with(w, ret, &form_direct, body, header);
    const bool made = asked_of > before;
    if (made) says_whole(ret, text);
    settle_down(w);
    assert_null(ret->a.x);
    return made;
}

#endif
