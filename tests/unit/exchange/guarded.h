/* A world whose exchanges go through the guard, under a rule for whatever begins with KEY-. */
#ifndef WEIR_TEST_GUARDED_H
#define WEIR_TEST_GUARDED_H

#include "exchange/guard.h"
#include "exchange/world.h"

typedef struct guarded {
    world *w;
    asked a;
    script s;
    exchange_request r;
    buf body; /* until it is over */
} guarded;

static buf guarded_body; /* what a provider would be sent of the last request */

static inline stage_result stage_see(exchange *x) {
    json_value root;
    json_fault fault;
    buf_clear(&guarded_body);
    buf_add(&guarded_body, x->facts.body);
    /* What the facts point to is still what they say. */
    if (x->facts.root.type == JSON_OBJECT) {
        assert_true(json_scan(x->facts.body, NULL, &root, &fault));
        assert_true(span_eq(root.raw, x->facts.root.raw));
        json_value model = json_get(root, SPAN_OF("model"));
        assert_ptr_equal(model.raw.ptr, x->facts.model.raw.ptr);
        json_value options = json_get(root, SPAN_OF("stream_options"));
        assert_ptr_equal(options.raw.ptr, x->facts.stream_options.raw.ptr);
        assert_ptr_equal(json_get(options, SPAN_OF("include_usage")).raw.ptr,
                         x->facts.include_usage.raw.ptr);
    }
    return STAGE_NEXT;
}

static const stage_row guarded_rows[] = {{"parse", stage_parse, NULL, 0},
                                         {"route", stage_route, NULL, 0},
                                         {"guard", stage_guard, stage_guard_done, 0},
                                         {"see", stage_see, NULL, 0},
                                         {"script", stage_script, NULL, 0},
                                         {"settle", stage_settle, NULL, STAGE_ALWAYS}};
static filter_add_fn *const guarded_filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan guarded_plan = {guarded_rows, ARRAY_LEN(guarded_rows), guarded_filters,
                                           ARRAY_LEN(guarded_filters)};

#define GUARDED_RULES                                                                              \
    "shipped: false, rules: [{name: secret-key, pattern: 'KEY-[0-9A-Za-z]+', lead: 'KEY-', show: " \
    "0}, "                                                                                         \
    "{name: mail, pattern: 'MAIL@[0-9A-Za-z]+', lead: 'MAIL@', show: 0}, "                         \
    "{name: bomb, pattern: 'BOMB-[0-9A-Za-z]+', lead: 'BOMB-', action: block, show: 0}, "          \
    "{name: noted, pattern: 'NOTE-[0-9A-Za-z]+', lead: 'NOTE-', action: flag, show: 0}]"

/* options: of the mapping guard. */
static inline void guarded_world(guarded *g, const char *options) {
    static const snapshot_part *const parts[] = {&provider_tls_part, &guard_part};
    g->body = BUF_EMPTY;
    buf yaml = BUF_EMPTY;
    buf_addf(&yaml, "guard: {%s%s" GUARDED_RULES "}\n", options, *options ? ", " : "");
    g->w = world_new(&guarded_plan, buf_cstr(&yaml));
    buf_done(&yaml);
    loop_snapshot_unref(g->w->env.snapshot);
    g->w->env.snapshot =
        prepared_of(g->w->client, g->w->config, g->w->targets, parts, ARRAY_LEN(parts));
}

static inline void guarded_ask(guarded *g, const char *options, const exchange_form *form,
                               endpoint e, const char *body) {
    guarded_world(g, options);
    buf_add_cstr(&g->body, body);
    g->r = world_request(form, buf_cstr(&g->body));
    g->r.endpoint = e;
    g->r.path = endpoint_get(e)->path;
    ask(g->w, &g->a, &g->s, &g->r);
}

static inline void guarded_done(guarded *g) {
    world_turn(g->w);
    asked_done(&g->a);
    world_free(g->w);
    buf_done(&guarded_body);
    buf_done(&g->body);
}

static inline void guarded_end(guarded *g, const char *expected) {
    world_turn(g->w);
    assert_said(&g->a, expected);
    guarded_done(g);
}

#endif
