#include "call/slots.h"

#include "call/route.h"

static double next_rnd(void *arg) {
    return rng_unit(arg);
}

/* The name under which a target's state is kept: with the client's word where the configuration
 * names no model. */
static span state_name(const config_target *t, const request_facts *facts, arena *a) {
    if (t->model.len || !facts->model_name.len) return t->name;
    const span parts[] = {t->name, SPAN("/"), facts->model_name};
    return arena_join(a, parts, ARRAY_LEN(parts));
}

static slot *as_written(const config_model *model, size_t count, loop_snapshot *u,
                        const request_facts *facts, arena *a) {
    slot *items = arena_zalloc(a, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const config_target *t = &model->targets[i];
        span name = state_name(t, facts, a);
        items[i] = (slot){.target = t,
                          .upstream = loop_snapshot_find(u, t->provider),
                          .state = target_get(u->targets, name),
                          .name = name,
                          .model = t->model};
    }
    return items;
}

slots slots_lay(const config_model *model, loop_snapshot *u, const request_facts *facts,
                rng *random, int64_t now_ms, arena *a) {
    size_t n = model->target_count < ROUTE_TARGETS_MAX ? model->target_count : ROUTE_TARGETS_MAX;
    slots s = {.count = n, .breaker = &loop_snapshot_config(u)->breaker};
    s.items = as_written(model, n, u, facts, a);
    if (n == 1) return s;
    route_fact known[ROUTE_TARGETS_MAX];
    for (size_t i = 0; i < n; i++)
        known[i] = (route_fact){.latency_ms = target_latency_ms(s.items[i].state),
                                .ready = target_ready(s.items[i].state, s.breaker, now_ms)};
    unsigned char order[ROUTE_TARGETS_MAX];
    s.count = route_order(model, known, next_rnd, random, order);
    slot *ordered = arena_alloc(a, s.count * sizeof *ordered);
    for (size_t i = 0; i < s.count; i++)
        ordered[i] = s.items[order[i]];
    s.items = ordered;
    return s;
}

size_t slots_next(const slots *s, size_t from, int64_t now_ms) {
    for (size_t i = from; i < s->count; i++)
        if (target_ready(s->items[i].state, s->breaker, now_ms)) return i;
    return s->count;
}

int64_t slots_wait_ms(const slots *s, int64_t now_ms) {
    int64_t shortest = INT64_MAX;
    for (size_t i = 0; i < s->count; i++) {
        int64_t wait = target_wait_ms(s->items[i].state, s->breaker, now_ms);
        if (wait < shortest) shortest = wait;
    }
    return shortest;
}
