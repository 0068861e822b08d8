/* A filter that does as the test says, and notes what it hears: for tests of the chain. */
#ifndef WEIR_TEST_PROBE_H
#define WEIR_TEST_PROBE_H

#include "exchange/world.h"

typedef struct probe {
    filter filter;
    unsigned begins, heads, events, ends, fails, dones;
    bool hold_each; /* holds at each event that it passes */
    bool hold_next;
    bool break_next;
    bool keeps_end, keeps_failure; /* the first of each is not handed on */
} probe;

static probe seen; /* of the last exchange that had one */
static probe *live;

static inline probe *probe_of(filter *f) {
    return CONTAINER_OF(f, probe, filter);
}

static inline void probe_begin(filter *f) {
    probe_of(f)->begins++;
    filter_pass_begin(f);
}

static inline void probe_head(filter *f, const answer_head *head) {
    probe_of(f)->heads++;
    filter_pass_head(f, head);
}

static inline void probe_event(filter *f, const answer_event *event) {
    probe *p = probe_of(f);
    p->events++;
    if (p->break_next) {
        filter_break(f, ERR_FORBIDDEN, "Broken off.");
        return;
    }
    if (p->hold_each || p->hold_next) filter_hold(f);
    p->hold_next = false;
    filter_pass_event(f, event);
}

static inline void probe_end(filter *f) {
    if (probe_of(f)->ends++ == 0 && probe_of(f)->keeps_end) return;
    filter_pass_end(f);
}

static inline void probe_fail(filter *f) {
    if (probe_of(f)->fails++ == 0 && probe_of(f)->keeps_failure) return;
    filter_pass_fail(f);
}

static inline void probe_done(filter *f) {
    probe_of(f)->dones++;
    seen = *probe_of(f);
    live = NULL;
    filter_pass_done(f);
}

/* In a filter's operations: all but its name and its done. */
#define PROBE_HEARS                                                                                \
    .place = PLACE_GUARD, .holds = HOLDS_ANY, .begin = probe_begin, .head = probe_head,            \
    .event = probe_event, .end = probe_end, .fail = probe_fail

static inline void probe_add(exchange *x) {
    static const filter_ops ops = {.name = "probe", PROBE_HEARS, .done = probe_done};
    live = arena_zalloc(&x->arena, sizeof *live);
    filter_add(x, &live->filter, &ops);
}

static inline stage_result stage_probe(exchange *x) {
    probe_add(x);
    return STAGE_NEXT;
}

#define TAIL                                                                                       \
    { "settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD }

static const stage_row probed_rows[] = {{"probe", stage_probe, NULL, 0},
                                        {"parse", stage_parse, NULL, 0},
                                        {"script", stage_script, NULL, 0},
                                        TAIL};
static filter_add_fn *const usual[] = {filter_meter_add, filter_usage_add};
static const exchange_plan probed = {probed_rows, ARRAY_LEN(probed_rows), usual, ARRAY_LEN(usual)};

static const stage_row plain_rows[] = {
    {"parse", stage_parse, NULL, 0}, {"script", stage_script, NULL, 0}, TAIL};

/* An exchange with one, asked for a stream. */
static inline void begin_probed(world **w, asked *a, script *s, const char *options) {
    *w = world_new(&probed, options);
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(*w, a, s, &r);
    assert_int_equal(live->begins, 1);
}

#endif
