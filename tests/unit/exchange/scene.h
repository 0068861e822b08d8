/* A form and what feeds it: a client's request, a script for the provider, and what the client
 * reads. Time is moved by hand. */
#ifndef WEIR_TEST_SCENE_H
#define WEIR_TEST_SCENE_H

#include "exchange/world.h"

static const stage_row form_rows[] = {{"parse", stage_parse, NULL, 0},
                                      {"script", stage_script, NULL, 0},
                                      {"settle", stage_settle, NULL, STAGE_ALWAYS}};
static filter_add_fn *const form_filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan form_plan = {form_rows, ARRAY_LEN(form_rows), form_filters,
                                        ARRAY_LEN(form_filters)};

typedef struct scene {
    world *w;
    asked a;
    script s;
} scene;

static inline scene *scene_new(const exchange_request *r, const char *options) {
    scene *c = calloc(1, sizeof *c);
    c->w = world_new(&form_plan, options);
    ask(c->w, &c->a, &c->s, r);
    assert_non_null(c->s.x); /* the request is well formed */
    assert_int_equal(c->a.said.len, 0);
    return c;
}

/* The exchange is over, and said that. Nothing of it is timed any more. */
static inline void scene_done(scene *c, const char *said) {
    world_pass(c->w, 0);
    assert_int_equal(c->w->loop.timers.count, 0);
    assert_said(&c->a, said);
    asked_done(&c->a);
    world_free(c->w);
    free(c);
}

/* What the provider says, as it comes: with a name, or of a kind that no line of a script has. */
static inline void scene_event(scene *c, answer_kind kind, const char *name, const char *data) {
    exchange_take_event(
        c->s.x, &(answer_event){.kind = kind, .name = span_cstr(name), .data = span_cstr(data)});
}

static inline void scene_fail(scene *c, const failure *f) {
    c->s.over = true;
    exchange_take_failure(c->s.x, f);
}

/* The provider refuses with a 429 and says when to come back. */
static inline failure refused_by_provider(void) {
    static const http_header left = {SPAN("x-ratelimit-remaining"), SPAN("0")};
    return (failure){.error = ERR_PROVIDER_ERROR,
                     .class = FAIL_OVERLOAD,
                     .status = 429,
                     .text = SPAN("Too fast."),
                     .body = SPAN("{\"error\":{\"message\":\"Too fast.\",\"type\":\"theirs\","
                                  "\"param\":null,\"code\":\"slow_down\"}}"),
                     .headers = {&left, 1},
                     .request_id = SPAN("their-id"),
                     .client_may_retry = true,
                     .client_after_ms = 1500};
}

static const char own_error_headers[] = "x-request-id: ID\n"
                                        "x-should-retry: false\n"
                                        "content-type: application/json\n";

#endif
