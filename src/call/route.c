#include "call/route.h"

typedef struct order {
    unsigned char *at;
    size_t len;
} order;

/* Who are asked first, next and last. */
typedef enum group { READY, RESTING, DOWN, GROUPS } group;

static group group_of(const route_fact *f) {
    return f->down ? DOWN : f->ready ? READY : RESTING;
}

/* Those of one group, as written. */
static order collect(const route_fact *facts, size_t count, group wanted, unsigned char *out) {
    order o = {out, 0};
    for (size_t i = 0; i < count; i++)
        if (group_of(&facts[i]) == wanted) o.at[o.len++] = (unsigned char)i;
    return o;
}

/* Moves the element at from forward to to; those between keep their order. */
static void pull(order o, size_t from, size_t to) {
    unsigned char moved = o.at[from];
    for (; from > to; from--)
        o.at[from] = o.at[from - 1];
    o.at[to] = moved;
}

/* Draws each place among those that are left, by weight. Weight 0 comes after all others. */
static void by_weight(order o, const config_target *targets, double (*next_rnd)(void *),
                      void *arg) {
    for (size_t done = 0; done + 1 < o.len; done++) {
        double total = 0;
        for (size_t i = done; i < o.len; i++)
            total += targets[o.at[i]].weight;
        if (total <= 0) return;
        double mark = next_rnd(arg) * total;
        size_t drawn = done;
        for (size_t i = done; i < o.len; i++) {
            unsigned weight = targets[o.at[i]].weight;
            if (weight) drawn = i; /* also where rounding lets mark outrun the sum */
            if (mark < weight) break;
            mark -= weight;
        }
        pull(o, drawn, done);
    }
}

static void by_latency(order o, const route_fact *facts) {
    for (size_t i = 1; i < o.len; i++) {
        size_t to = i; /* -1, not measured, sorts first by itself; equals keep their order */
        while (to && facts[o.at[i]].latency_ms < facts[o.at[to - 1]].latency_ms)
            to--;
        pull(o, i, to);
    }
}

/* One call in twenty asks another than the fastest. */
static void explore(order o, const route_fact *facts, double (*next_rnd)(void *), void *arg) {
    static const double share = 0.05;
    if (o.len < 2 || facts[o.at[0]].latency_ms < 0) return;
    double rnd = next_rnd(arg);
    if (rnd >= share) return;
    size_t other = 1 + (size_t)(rnd / share * (double)(o.len - 1));
    pull(o, other < o.len ? other : o.len - 1, 0);
}

/* What others do not have is no matter of weight or speed. */
static void holder_first(order o, const route_fact *facts) {
    for (size_t i = 0; i < o.len; i++) {
        if (!facts[o.at[i]].holds) continue;
        pull(o, i, 0);
        return;
    }
}

static void arrange(order o, group g, const config_model *model, const route_fact *facts,
                    double (*next_rnd)(void *arg), void *arg) {
    switch (model->pick) {
    case PICK_ORDER: break;
    case PICK_WEIGHTED: by_weight(o, model->targets, next_rnd, arg); break;
    case PICK_FASTEST:
        by_latency(o, facts);
        if (g == READY) explore(o, facts, next_rnd, arg);
        break;
    }
    holder_first(o, facts);
}

void route_order(const config_model *model, const route_fact *facts, double (*next_rnd)(void *arg),
                 void *arg, unsigned char ret_order[CONFIG_TARGETS_MAX]) {
    size_t laid = 0;
    for (group g = READY; g < GROUPS; g++) {
        order o = collect(facts, model->target_count, g, ret_order + laid);
        arrange(o, g, model, facts, next_rnd, arg);
        laid += o.len;
    }
}
