/* One exchange that asks providers, which are scripts (call/origin.h); the clock is moved by hand.
 */
#ifndef WEIR_TEST_CALLING_H
#define WEIR_TEST_CALLING_H

#include "call/origin.h"
#include "exchange/door.h"

static const stage_row rows[] = {{"admit", stage_admit, NULL, 0},
                                 {"parse", stage_parse, NULL, 0},
                                 {"route", stage_route, NULL, 0},
                                 {"call", stage_call, NULL, 0},
                                 {"settle", stage_settle, NULL, STAGE_ALWAYS},
                                 {"record", stage_record, NULL, STAGE_ALWAYS}};
static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), filters, ARRAY_LEN(filters)};

typedef struct scene {
    world w;
    exchange_env env;
    asked a;
    int64_t waited_us; /* since the request was complete */
} scene;

#define PLAIN  "{\"model\":\"m\",\"messages\":[{}]}"
#define STREAM "{\"model\":\"m\",\"stream\":true,\"messages\":[{}]}"
#define HI     "bytes {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}"
#define ONCE   "retry: {retries: 0}\n"

static inline void scene_begin(scene *c, const char *script, const char *again,
                               const char *options) {
    *c = (scene){.w = {.scripts = {{script, again}}}};
    world_init(&c->w, options);
    list_init(&c->w.loop.hooks);
    c->env = (exchange_env){
        .loop = &c->w.loop, .plan = &plan, .snapshot = c->w.snapshot, .targets = c->w.targets};
    exchange_env_init(&c->env);
}

static inline void scene_ask_at(scene *c, const exchange_door *door, const char *body) {
    const exchange_request r = {.form = &form_openai,
                                .endpoint = EP_CHAT_COMPLETIONS,
                                .method = SPAN("POST"),
                                .path = SPAN("/chat/completions"),
                                .body = span_cstr(body),
                                .started_us = c->w.loop.now_us - c->waited_us,
                                .identified = true};
    c->a.x = exchange_start(&c->env, &r, door, &c->a);
}

static inline void scene_ask(scene *c, const char *body) {
    scene_ask_at(c, &world_door, body);
}

static inline void scene_end_turn(scene *c) {
    loop_run_hooks(&c->w.loop, true);
}

static inline void scene_pass(scene *c, int64_t ms) {
    world_run_until(&c->w, c->w.loop.now_ms + ms);
    scene_end_turn(c);
}

static inline void scene_done(scene *c) {
    scene_end_turn(c);
    asked_done(&c->a);
    exchange_env_done(&c->env);
    world_done(&c->w);
}

#endif
