#include "call/slots.h"

#include "base/hash.h"
#include "call/pick_key.h"
#include "call/route.h"

#include <string.h>

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

/* What the configuration names is held by it. Of a client's words those that the provider has not
 * answered yet spend together, so that retries do not grow with invented names. */
static void find_state(slot *it, target_state *named, const request_facts *facts,
                       target_table *targets) {
    target_state *strangers = it->upstream->strangers;
    if (named && span_eq(target_name(named), it->name)) {
        it->state = it->payer = named;
    } else if (!facts->model_name.len) {
        it->state = it->payer = it->upstream->plain;
    } else if (it->name.len > TARGET_NAME_MAX) {
        it->state = it->payer = strangers;
    } else {
        it->state = target_get(targets, it->name);
        it->payer = target_has_answered(it->state) ? it->state : strangers;
        it->counted = true;
    }
}

/* named: the states that the configuration holds, by target; NULL: it has none of these. */
static slot *as_written(const config_model *model, size_t count, target_state *const *named,
                        loop_snapshot *u, const request_facts *facts, arena *a) {
    slot *items = arena_zalloc(a, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const config_target *t = &model->targets[i];
        items[i] = (slot){.target = t,
                          .upstream = loop_snapshot_find(u, t->provider),
                          .name = state_name(t, facts, a),
                          .model = t->model};
        items[i].down = health_look(items[i].upstream->health) == HEALTH_DOWN;
        find_state(&items[i], named ? named[i] : NULL, facts, u->targets);
    }
    return items;
}

void slots_done(slots *s) {
    for (size_t i = 0; i < s->count; i++) {
        slot *it = &s->items[i];
        if (it->counted) target_unref(it->state);
        it->state = it->payer = it->upstream->strangers;
        it->counted = false;
    }
}

/* RESTING also where its breaker admits none, LAST where its provider is down. */
static key_readiness may_ask(const slots *s, size_t at, int64_t now_ms) {
    const slot *it = &s->items[at];
    if (it->shut_until_ms > now_ms) return KEY_RESTING;
    if (!target_ready(it->state, s->breaker, s->client, now_ms)) return KEY_RESTING;
    key_readiness keys = keys_look(it->upstream, it->spent, it->state, now_ms).readiness;
    return keys == KEY_FREE && it->down ? KEY_LAST : keys;
}

static bool made_by(const config_provider *p, const affinity_place *made_at) {
    return made_at && hash_span(p->name) == made_at->provider;
}

static void order(slots *s, const config_model *model, const affinity_place *made_at, rng *random,
                  int64_t now_ms, arena *a) {
    if (s->count == 1) return;
    route_fact known[CONFIG_TARGETS_MAX];
    for (size_t i = 0; i < s->count; i++)
        known[i] = (route_fact){.latency_ms = target_latency_ms(s->items[i].state),
                                .ready = may_ask(s, i, now_ms) == KEY_FREE,
                                .holds = made_by(s->items[i].target->provider, made_at),
                                .down = s->items[i].down};
    unsigned char places[CONFIG_TARGETS_MAX];
    route_order(model, known, next_rnd, random, places);
    slot *ordered = arena_alloc(a, s->count * sizeof *ordered);
    for (size_t i = 0; i < s->count; i++)
        ordered[i] = s->items[places[i]];
    s->items = ordered;
}

/* A provider that made something is asked for that, whatever the models are: first, unless it is
 * down. */
static void put_holder(slots *s, const config_model *model, const affinity_place *made_at,
                       loop_snapshot *u, const request_facts *facts, arena *a) {
    const config *c = loop_snapshot_config(u);
    size_t at = 0;
    while (at < c->provider_count && !made_by(&c->providers[at], made_at))
        at++;
    if (at == c->provider_count) return;
    config_target *t = arena_alloc(a, sizeof *t);
    *t = (config_target){.provider = &c->providers[at], .weight = 1, .name = c->providers[at].name};
    config_target_settle(c, model, t);
    const config_model alone = {.targets = t, .target_count = 1};
    const slot *holder = as_written(&alone, 1, NULL, u, facts, a);
    slot *items = arena_alloc(a, (s->count + 1) * sizeof *items);
    memcpy(items + !holder->down, s->items, s->count * sizeof *items);
    items[holder->down ? s->count : 0] = *holder;
    s->items = items;
    s->count++;
}

static bool give_keys(slots *s, const affinity_place *made_at) {
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        if (!made_by(s->items[i].target->provider, made_at)) continue;
        s->items[i].key = made_at->key;
        any = true;
    }
    return any;
}

slots slots_lay(const config_model *model, loop_snapshot *u, const request_facts *facts,
                const affinity_place *made_at, uint64_t client, rng *random, int64_t now_ms,
                arena *a) {
    const config *c = loop_snapshot_config(u);
    slots s = {.count = model->target_count, .breaker = &c->breaker, .client = client};
    s.items = as_written(model, s.count, named_targets_of(&u->named, c, model), u, facts, a);
    order(&s, model, made_at, random, now_ms, a);
    if (!made_at || give_keys(&s, made_at) || facts->endpoint != EP_OTHER) return s;
    put_holder(&s, model, made_at, u, facts, a);
    (void)give_keys(&s, made_at);
    return s;
}

static size_t next(const slots *s, bool entered, int64_t now_ms) {
    size_t last = s->count;
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].entered && !entered) continue;
        key_readiness is = may_ask(s, i, now_ms);
        if (is == KEY_FREE) return i;
        if (is == KEY_LAST && last == s->count) last = i;
    }
    return last;
}

size_t slots_next(const slots *s, int64_t now_ms) {
    return next(s, true, now_ms);
}

size_t slots_other(const slots *s, int64_t now_ms) {
    return next(s, false, now_ms);
}

slots_rest slots_get_rest(const slots *s, int64_t now_ms) {
    slots_rest shortest = {.wait_ms = INT64_MAX};
    for (size_t i = 0; i < s->count; i++) {
        const slot *it = &s->items[i];
        int64_t breaker_ms = target_wait_ms(it->state, s->breaker, s->client, now_ms);
        key_outlook keys = keys_look(it->upstream, it->spent, it->state, now_ms);
        bool limited = keys.readiness == KEY_RESTING && keys.wait_ms > breaker_ms;
        int64_t wait_ms = limited ? keys.wait_ms : breaker_ms;
        const int64_t full_ms = it->full_until_ms > now_ms ? it->full_until_ms - now_ms : 0;
        const bool full = it->shut_until_ms > now_ms && full_ms >= wait_ms;
        if (full) wait_ms = full_ms;
        if (wait_ms < shortest.wait_ms) shortest = (slots_rest){i, wait_ms, limited && !full, full};
    }
    return shortest;
}
