#include "unit.h"

#include "base/random.h"
#include "call/route.h"

#include <math.h>

static double next_rnd(void *arg) {
    return rng_unit(arg);
}

static void expect(const config_model *model, const route_fact *facts, rng *r, const char *order) {
    unsigned char out[CONFIG_TARGETS_MAX];
    char text[CONFIG_TARGETS_MAX + 1] = "";
    route_order(model, facts, next_rnd, r, out);
    for (size_t i = 0; i < model->target_count; i++)
        text[i] = (char)('0' + out[i]);
    assert_string_equal(text, order);
}

static void order_is_as_written_and_the_resting_come_last(void **state) {
    (void)state;
    config_target targets[4] = {0};
    config_model model = {.pick = PICK_ORDER, .targets = targets, .target_count = 4};
    rng r;
    rng_seed(&r, 1);
    expect(&model, (route_fact[]){{-1, true}, {-1, true}, {-1, true}, {-1, true}}, &r, "0123");
    expect(&model, (route_fact[]){{-1, false}, {-1, true}, {-1, false}, {-1, true}}, &r, "1302");
    expect(&model, (route_fact[]){{-1, false}, {-1, false}, {-1, false}, {-1, false}}, &r, "0123");
    /* Behind them those that are down, whatever their breakers say. */
    expect(&model,
           (route_fact[]){
               {-1, true, .down = true}, {-1, false}, {-1, false, .down = true}, {-1, true}},
           &r, "3102");
    expect(&model,
           (route_fact[]){{-1, true, .down = true},
                          {-1, false, .down = true},
                          {-1, true, .down = true},
                          {-1, true, .down = true}},
           &r, "0123");
    model.target_count = 1;
    expect(&model, (route_fact[]){{-1, true, .down = true}}, &r, "0");
    expect(&model, (route_fact[]){{-1, false}}, &r, "0");
    model.target_count = 0;
    expect(&model, NULL, &r, "");
}

/* How often each target came first and second in many draws. */
static void tally(const config_model *model, const route_fact *facts, int draws,
                  unsigned first[CONFIG_TARGETS_MAX], unsigned second[CONFIG_TARGETS_MAX]) {
    rng r;
    rng_seed(&r, 42);
    memset(first, 0, CONFIG_TARGETS_MAX * sizeof *first);
    memset(second, 0, CONFIG_TARGETS_MAX * sizeof *second);
    unsigned char out[CONFIG_TARGETS_MAX];
    for (int i = 0; i < draws; i++) {
        route_order(model, facts, next_rnd, &r, out);
        first[out[0]]++;
        second[out[1]]++;
    }
}

/* Within five standard deviations of a binomial count. */
static void assert_share(unsigned count, int draws, double share) {
    double spread = 5 * sqrt(draws * share * (1 - share));
    if (fabs(count - draws * share) > spread + 1)
        fail_msg("%u of %d is not a share of %g", count, draws, share);
}

static void weights_are_shares(void **state) {
    (void)state;
    config_target targets[4] = {{.weight = 6}, {.weight = 3}, {.weight = 0}, {.weight = 1}};
    config_model model = {.pick = PICK_WEIGHTED, .targets = targets, .target_count = 4};
    route_fact facts[4] = {{-1, true}, {-1, true}, {-1, true}, {-1, true}};
    unsigned first[CONFIG_TARGETS_MAX], second[CONFIG_TARGETS_MAX];
    const int draws = 40000;
    tally(&model, facts, draws, first, second);
    assert_share(first[0], draws, 0.6);
    assert_share(first[1], draws, 0.3);
    assert_int_equal(first[2], 0);
    assert_share(first[3], draws, 0.1);
    /* Second: 0 after 1 or 3, and so on: the rest is drawn by weight likewise. */
    assert_share(second[0], draws, 0.3 * 6 / 7 + 0.1 * 6 / 9);
    assert_share(second[1], draws, 0.6 * 3 / 4 + 0.1 * 3 / 9);
    assert_int_equal(second[2], 0);

    facts[0].ready = false; /* the others share what it would have got */
    tally(&model, facts, draws, first, second);
    assert_int_equal(first[0], 0);
    assert_share(first[1], draws, 0.75);
    assert_share(first[3], draws, 0.25);
}

static void no_weight_at_all_is_the_written_order(void **state) {
    (void)state;
    config_target targets[3] = {0};
    config_model model = {.pick = PICK_WEIGHTED, .targets = targets, .target_count = 3};
    rng r;
    rng_seed(&r, 1);
    expect(&model, (route_fact[]){{-1, true}, {-1, true}, {-1, true}}, &r, "012");
}

static double never_explores(void *arg) {
    (void)arg;
    return 0.5;
}

static void fastest_sorts_by_latency(void **state) {
    (void)state;
    config_target targets[5] = {0};
    config_model model = {.pick = PICK_FASTEST, .targets = targets, .target_count = 5};
    unsigned char out[CONFIG_TARGETS_MAX];
    route_fact facts[5] = {{300, true}, {100, true}, {-1, true}, {100, false}, {200, true}};
    route_order(&model, facts, never_explores, NULL, out);
    assert_memory_equal(out, "\2\1\4\0\3", 5);
}

static void fastest_looks_at_the_others_now_and_then(void **state) {
    (void)state;
    config_target targets[4] = {0};
    config_model model = {.pick = PICK_FASTEST, .targets = targets, .target_count = 4};
    route_fact facts[4] = {{100, true}, {200, true}, {300, true}, {50, false}};
    unsigned first[CONFIG_TARGETS_MAX], second[CONFIG_TARGETS_MAX];
    const int draws = 40000;
    tally(&model, facts, draws, first, second);
    assert_share(first[0], draws, 0.95);
    assert_share(first[1], draws, 0.025);
    assert_share(first[2], draws, 0.025);
    assert_int_equal(first[3], 0); /* its breaker is open */
    assert_share(second[0], draws, 0.05);
    facts[2].latency_ms = -1; /* measuring it comes before exploring */
    tally(&model, facts, draws, first, second);
    assert_int_equal(first[2], draws);

    model.target_count = 2; /* there is one other to look at */
    tally(&model, facts, draws, first, second);
    assert_share(first[0], draws, 0.95);
    assert_share(first[1], draws, 0.05);
}

/* Draws as told; how many were made is seen by what is left. */
typedef struct draws {
    double at[4];
    size_t made;
} draws;

static double draw(void *arg) {
    draws *d = arg;
    assert_true(d->made < ARRAY_LEN(d->at));
    return d->at[d->made++];
}

static void expect_drawn(const config_model *model, const route_fact *facts, double first,
                         const char *order, size_t made) {
    unsigned char out[CONFIG_TARGETS_MAX];
    char text[CONFIG_TARGETS_MAX + 1] = "";
    draws d = {.at = {first, 0, 0, 0}};
    route_order(model, facts, draw, &d, out);
    for (size_t i = 0; i < model->target_count; i++)
        text[i] = (char)('0' + out[i]);
    assert_string_equal(text, order);
    assert_int_equal(d.made, made);
}

/* A draw for each place but the last, and none where there is nothing to draw; the bounds between
 * two shares belong to the later one. */
static void each_draw_has_its_share(void **state) {
    (void)state;
    static const route_fact ready[2] = {{-1, true}, {-1, true}},
                            resting[2] = {{-1, false}, {-1, false}};
    static const struct {
        unsigned weights[2];
        const route_fact *facts;
        double drawn;
        const char *order;
        size_t made;
    } rows[] = {
        {{1, 3}, ready, 0, "01", 1},      {{1, 3}, ready, 0.249, "01", 1},
        {{1, 3}, ready, 0.25, "10", 1},   {{1, 3}, ready, 0.999, "10", 1},
        {{0, 1}, ready, 0, "10", 1},      {{0, 0}, ready, 0.9, "01", 0},
        {{1, 3}, resting, 0.25, "10", 1}, /* those that rest are ordered alike */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_target targets[2] = {{.weight = rows[i].weights[0]}, {.weight = rows[i].weights[1]}};
        config_model model = {.pick = PICK_WEIGHTED, .targets = targets, .target_count = 2};
        expect_drawn(&model, rows[i].facts, rows[i].drawn, rows[i].order, rows[i].made);
        model.target_count = 1;
        expect_drawn(&model, rows[i].facts, rows[i].drawn, "0", 0);
    }
}

static void exploring_has_its_bounds(void **state) {
    (void)state;
    config_target targets[3] = {0};
    config_model model = {.pick = PICK_FASTEST, .targets = targets, .target_count = 3};
    static const route_fact facts[3] = {{0, true}, {200, true}, {300, true}},
                            equal[3] = {{100, true}, {100, true}, {50, true}},
                            resting[3] = {{300, false}, {-1, false}, {100, false}};
    expect_drawn(&model, facts, 0, "102", 1); /* also where the fastest takes no time */
    expect_drawn(&model, facts, 0.0249, "102", 1);
    expect_drawn(&model, facts, 0.0251, "201", 1);
    expect_drawn(&model, facts, 0.0499, "201", 1);
    expect_drawn(&model, facts, 0.05, "012", 1);
    expect_drawn(&model, equal, 0.5, "201", 1); /* equals in the written order */
    expect_drawn(&model, resting, 0.5, "120", 0);
}

/* Whatever is picked, but for those that rest; of several the first in that order. */
static void who_holds_what_is_named_comes_first(void **state) {
    (void)state;
    config_target targets[4] = {{.weight = 1}, {.weight = 1}, {.weight = 1}, {.weight = 0}};
    config_model model = {.targets = targets, .target_count = 4};
    static const route_fact one[4] = {{100, true}, {200, true}, {300, true, true}, {400, true}},
                            two[4] = {{100, true},
                                      {300, true, true},
                                      {200, true, true},
                                      {400, true}},
                            rests[4] = {{100, true}, {200, false}, {300, false, true}, {400, true}};
    expect_drawn(&model, one, 0, "2013", 0);
    expect_drawn(&model, two, 0, "1023", 0);
    expect_drawn(&model, rests, 0, "0321", 0);
    model.pick = PICK_FASTEST;
    expect_drawn(&model, one, 0.5, "2013", 1);
    expect_drawn(&model, two, 0.5, "2013", 1);
    model.pick = PICK_WEIGHTED;
    expect_drawn(&model, one, 0, "2013", 3);
}

static void always_a_permutation(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 5);
    for (int round = 0; round < 20000; round++) {
        config_target targets[CONFIG_TARGETS_MAX] = {0};
        route_fact facts[CONFIG_TARGETS_MAX] = {0};
        size_t n = rng_u64(&r) % (CONFIG_TARGETS_MAX + 1);
        for (size_t i = 0; i < n; i++) {
            targets[i].weight = rng_u64(&r) % 4 ? (unsigned)(rng_u64(&r) % 5) : UINT32_MAX;
            facts[i].latency_ms = (int64_t)(rng_u64(&r) % 4) - 1;
            facts[i].ready = rng_u64(&r) & 1;
        }
        config_model model = {
            .pick = (config_pick)(rng_u64(&r) % 3), .targets = targets, .target_count = n};
        unsigned char out[CONFIG_TARGETS_MAX];
        route_order(&model, facts, next_rnd, &r, out);
        bool seen[CONFIG_TARGETS_MAX] = {0}, rests = false;
        for (size_t i = 0; i < n; i++) {
            assert_true(out[i] < n && !seen[out[i]]);
            seen[out[i]] = true;
            assert_true(!rests || !facts[out[i]].ready);
            rests = !facts[out[i]].ready;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_as_written_and_the_resting_come_last),
        cmocka_unit_test(weights_are_shares),
        cmocka_unit_test(no_weight_at_all_is_the_written_order),
        cmocka_unit_test(fastest_sorts_by_latency),
        cmocka_unit_test(fastest_looks_at_the_others_now_and_then),
        cmocka_unit_test(each_draw_has_its_share),
        cmocka_unit_test(exploring_has_its_bounds),
        cmocka_unit_test(who_holds_what_is_named_comes_first),
        cmocka_unit_test(always_a_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
