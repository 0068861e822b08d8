/* What the tokens of an attempt cost: every rule, every detail, tiers, rounding. */
#include "unit.h"

#include "price/price.h"

#define UNIT 1000000000 /* nano: with a price of 1 a token costs 1,000 */
#define NONE -1

/* prompt, completion, total, cached, reasoning, cache_write, audio, image, audio_completion */
typedef struct row {
    token_usage usage;
    int64_t nano;
} row;

static const price_rule within = {DETAILS_WITHIN, DETAILS_WITHIN};
static const price_rule beside = {DETAILS_BESIDE, DETAILS_BESIDE};
static const price_rule by_sum = {DETAILS_WITHIN, DETAILS_BY_SUM};

/* Each price is a power of ten: the figure says how many tokens paid which. */
static const config_price full = {
    .rates = {{(int64_t)UNIT * 1, (int64_t)UNIT * 10, (int64_t)UNIT * 100, (int64_t)UNIT * 1000,
               (int64_t)UNIT * 10000, (int64_t)UNIT * 100000, (int64_t)UNIT * 1000000 / 2,
               (int64_t)UNIT * 1000000}}};
static const config_price bare = {
    .rates = {{2500000000, NONE, NONE, NONE, NONE, 10000000000, NONE, NONE}}};

static void check(const config_price *p, const price_rule *rule, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int64_t nano = price_cost(p, rule, &rows[i].usage, 0);
        if (nano != rows[i].nano) fail_msg("row %zu: %lld", i, (long long)nano);
    }
}

static void details_are_parts_of_totals(void **state) {
    (void)state;
    static const row rows[] = {
        {{9, 0, 9, -1, -1, -1, -1, -1, -1, false}, 9000},
        {{9, 0, 9, 2, -1, -1, -1, -1, -1, false}, 27000},
        {{9, 0, 9, 2, -1, 1, -1, -1, -1, false}, 126000},
        {{9, 0, 9, 2, -1, 1, 3, -1, -1, false}, 3123000},
        {{9, 0, 9, 2, -1, 1, 3, 1, -1, false}, 13122000},
        {{0, 5, 5, -1, -1, -1, -1, -1, -1, false}, 500000000},
        {{0, 5, 5, -1, 2, -1, -1, -1, -1, false}, 1300000000},
        {{0, 5, 5, -1, 2, -1, -1, -1, 1, false}, 2200000000},
        /* More than the total, and what overlaps, is paid once. */
        {{3, 0, 3, 7, -1, -1, -1, -1, -1, false}, 30000},
        {{3, 0, 3, 2, -1, -1, 2, -1, -1, false}, 1020000},
        {{0, 3, 3, -1, 9, -1, -1, -1, -1, false}, 1500000000},
    };
    check(&full, &within, rows, ARRAY_LEN(rows));
}

static void details_stand_beside_totals(void **state) {
    (void)state;
    static const row rows[] = {
        {{9, 0, 9, -1, -1, -1, -1, -1, -1, false}, 9000},
        {{9, 0, 9, 2, -1, 1, -1, -1, -1, false}, 129000},
        {{0, 5, 5, -1, 2, -1, -1, -1, -1, false}, 1500000000},
        {{1, 0, 1, 7, -1, -1, -1, -1, -1, false}, 71000},
    };
    check(&full, &beside, rows, ARRAY_LEN(rows));
}

/* total_tokens says whether completion_tokens has the reasoning. */
static void reasoning_is_where_the_sum_needs_it(void **state) {
    (void)state;
    static const row rows[] = {
        {{1, 5, 6, -1, 2, -1, -1, -1, -1, false}, 1300001000},
        {{1, 5, 8, -1, 2, -1, -1, -1, -1, false}, 1500001000},
        {{1, 5, 7, -1, 2, -1, -1, -1, -1, false}, 1300001000},
        {{1, 5, -1, -1, 2, -1, -1, -1, -1, false}, 1300001000},
        {{1, 5, 6, -1, 0, -1, -1, -1, -1, false}, 500001000},
    };
    check(&full, &by_sum, rows, ARRAY_LEN(rows));
}

static void details_without_a_price_cost_what_the_rest_does(void **state) {
    (void)state;
    static const row rows[] = {
        {{1000, 100, 1100, -1, -1, -1, -1, -1, -1, false}, 3500000},
        {{1000, 100, 1100, 900, 50, 20, 5, 5, 7, false}, 3500000},
    };
    check(&bare, &within, rows, ARRAY_LEN(rows));
}

static void what_is_not_known_is_not_nought(void **state) {
    (void)state;
    static const config_price reads = {.rates = {{1, NONE, NONE, NONE, NONE, NONE, NONE, NONE}}};
    static const config_price free_ = {.rates = {{0, NONE, NONE, NONE, NONE, 0, NONE, NONE}}};
    static const row untold[] = {{{-1, -1, -1, -1, -1, -1, -1, -1, -1, false}, -1},
                                 {{-1, 7, 7, -1, -1, -1, -1, -1, -1, false}, -1}};
    static const row reading[] = {{{1000000, 0, 1000000, -1, -1, -1, -1, -1, -1, false}, 1},
                                  {{1000000, -1, -1, -1, -1, -1, -1, -1, -1, false}, 1},
                                  {{1000000, 1, 1000001, -1, -1, -1, -1, -1, -1, false}, -1}};
    static const row given[] = {{{7, 7, 14, -1, -1, -1, -1, -1, -1, false}, 0}};
    check(&bare, &within, untold, ARRAY_LEN(untold));
    check(&reads, &within, reading, ARRAY_LEN(reading));
    check(&free_, &within, given, ARRAY_LEN(given));
}

static void long_prompts_pay_their_tier_for_all(void **state) {
    (void)state;
    static const config_tier tiers[] = {
        {200000, {{2 * UNIT, NONE, NONE, NONE, NONE, (int64_t)20 * UNIT, NONE, NONE}}},
        {300000, {{3 * (int64_t)UNIT, NONE, NONE, NONE, NONE, (int64_t)30 * UNIT, NONE, NONE}}}};
    static const config_price p = {
        .rates = {{UNIT, NONE, NONE, NONE, NONE, (int64_t)10 * UNIT, NONE, NONE}},
        .tiers = tiers,
        .tier_count = 2};
    static const row rows[] = {
        {{200000, 1, 200001, -1, -1, -1, -1, -1, -1, false}, 200010000},
        {{200001, 1, 200002, -1, -1, -1, -1, -1, -1, false}, 400022000},
        {{200001, 1, 200002, 200000, -1, -1, -1, -1, -1, false}, 400022000},
        {{300000, 1, 300001, -1, -1, -1, -1, -1, -1, false}, 600020000},
        {{300001, 1, 300002, -1, -1, -1, -1, -1, -1, false}, 900033000},
    };
    static const row apart[] = {{{1, 0, 1, 200000, -1, -1, -1, -1, -1, false}, 400002000}};
    check(&p, &within, rows, ARRAY_LEN(rows));
    check(&p, &beside, apart, ARRAY_LEN(apart)); /* the cache is part of what was read */
}

static void an_answers_tier_of_service_has_its_own_prices(void **state) {
    (void)state;
    static const config_tier tiers[] = {
        {100, {{(int64_t)5 * UNIT, NONE, NONE, NONE, NONE, (int64_t)6 * UNIT, NONE, NONE}}}};
    static const config_price flex = {
        .rates = {{UNIT / 2, NONE, NONE, NONE, NONE, (int64_t)5 * UNIT, NONE, NONE}}};
    static const config_price priority = {
        .rates = {{2 * UNIT, NONE, NONE, NONE, NONE, (int64_t)20 * UNIT, NONE, NONE}},
        .tiers = tiers,
        .tier_count = 1};
    static const config_price p = {
        .rates = {{UNIT, NONE, NONE, NONE, NONE, (int64_t)10 * UNIT, NONE, NONE}},
        .services = {[SERVICE_FLEX] = &flex, [SERVICE_PRIORITY] = &priority}};
    static const row rows[] = {
        {{10, 1, 11, -1, -1, -1, -1, -1, -1, false, SERVICE_STANDARD}, 20000},
        {{10, 1, 11, -1, -1, -1, -1, -1, -1, false, SERVICE_FLEX}, 10000},
        {{10, 1, 11, -1, -1, -1, -1, -1, -1, false, SERVICE_PRIORITY}, 40000},
        {{101, 1, 102, -1, -1, -1, -1, -1, -1, false, SERVICE_PRIORITY}, 511000},
        {{10, 1, 11, -1, -1, -1, -1, -1, -1, false, SERVICE_BATCH}, 20000}, /* as any other */
        {{10, 1, 11, -1, -1, -1, -1, -1, -1, false, 255}, 20000},
    };
    check(&p, &within, rows, ARRAY_LEN(rows));
}

/* In UTC, of any day; the first that holds counts, and none does for another tier of service. */
static void hours_of_the_day_have_their_own_prices(void **state) {
    (void)state;
    static const config_tier tiers[] = {
        {100, {{9 * (int64_t)UNIT, NONE, NONE, NONE, NONE, 9 * (int64_t)UNIT, NONE, NONE}}}};
    static const config_hours hours[] = {
        {60, 240, {.rates = {{2 * UNIT, NONE, NONE, NONE, NONE, 20 * (int64_t)UNIT, NONE, NONE}}}},
        {200, 1440, {.rates = {{3 * (int64_t)UNIT, NONE, NONE, NONE, NONE, NONE, NONE, NONE}}}}};
    static const config_hours night[] = {
        {1380,
         30,
         {.rates = {{4 * (int64_t)UNIT, NONE, NONE, NONE, NONE, NONE, NONE, NONE}},
          .tiers = tiers,
          .tier_count = 1}}};
    static const config_price flex = {
        .rates = {{UNIT / 2, NONE, NONE, NONE, NONE, NONE, NONE, NONE}}};
    static const config_rates flat = {
        {UNIT, NONE, NONE, NONE, NONE, 10 * (int64_t)UNIT, NONE, NONE}};
    const config_price day = {
        .rates = flat, .services = {[SERVICE_FLEX] = &flex}, .hours = hours, .hour_count = 2};
    const config_price over_midnight = {.rates = flat, .hours = night, .hour_count = 1};
    const struct {
        const config_price *price;
        int hour, minute, second;
        int64_t prompt;
        uint8_t service;
        int64_t nano;
    } rows[] = {
        {&day, 0, 59, 59, 10, SERVICE_STANDARD, 10000},
        {&day, 1, 0, 0, 10, SERVICE_STANDARD, 20000},
        {&day, 3, 59, 59, 10, SERVICE_STANDARD, 20000},
        {&day, 4, 0, 0, 10, SERVICE_STANDARD, 30000},
        {&day, 23, 59, 59, 10, SERVICE_STANDARD, 30000},
        {&day, 1, 0, 0, 10, SERVICE_FLEX, 5000},
        {&over_midnight, 22, 59, 59, 10, SERVICE_STANDARD, 10000},
        {&over_midnight, 23, 0, 0, 10, SERVICE_STANDARD, 40000},
        {&over_midnight, 0, 0, 0, 10, SERVICE_STANDARD, 40000},
        {&over_midnight, 0, 29, 59, 10, SERVICE_STANDARD, 40000},
        {&over_midnight, 0, 30, 0, 10, SERVICE_STANDARD, 10000},
        {&over_midnight, 0, 0, 0, 101, SERVICE_STANDARD, 909000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const token_usage u = {rows[i].prompt, 0, rows[i].prompt, -1, -1, -1, -1, -1, -1, false,
                               rows[i].service};
        const int64_t days = 20786,
                      second = (rows[i].hour * 60 + rows[i].minute) * 60LL + rows[i].second;
        const int64_t at_us = (days * 86400 + second) * 1000000;
        const int64_t nano = price_cost(rows[i].price, &within, &u, at_us);
        if (nano != rows[i].nano) fail_msg("row %zu: %lld", i, (long long)nano);
    }
}

/* From the exact sum of all parts, once, half up. */
static void rounded_once(void **state) {
    (void)state;
    static const config_price p = {.rates = {{400, NONE, NONE, NONE, NONE, 600, NONE, NONE}}};
    static const row rows[] = {
        {{1000, 0, 1000, -1, -1, -1, -1, -1, -1, false}, 0},    /* 0.4 */
        {{1249, 0, 1249, -1, -1, -1, -1, -1, -1, false}, 0},    /* 0.4996 */
        {{1250, 0, 1250, -1, -1, -1, -1, -1, -1, false}, 1},    /* 0.5 */
        {{1000, 1000, 2000, -1, -1, -1, -1, -1, -1, false}, 1}, /* 0.4 + 0.6 */
        {{1000, 1833, 2833, -1, -1, -1, -1, -1, -1, false}, 1}, /* 1.4998 */
        {{1000, 1834, 2834, -1, -1, -1, -1, -1, -1, false}, 2}, /* 1.5004 */
        {{0, 0, 0, -1, -1, -1, -1, -1, -1, false}, 0},
    };
    check(&p, &within, rows, ARRAY_LEN(rows));
}

static void nothing_overflows(void **state) {
    (void)state;
    static const config_price dear = {
        .rates = {{CONFIG_RATE_MAX, NONE, NONE, NONE, NONE, CONFIG_RATE_MAX, NONE, NONE}}};
    static const row rows[] = {
        {{1000000000, 1000000000, 2000000000, -1, -1, -1, -1, -1, -1, false}, 2000000000000000000},
        {{INT64_MAX, INT64_MAX, INT64_MAX, -1, -1, -1, -1, -1, -1, false}, INT64_MAX},
        {{INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
          INT64_MAX, false},
         INT64_MAX},
    };
    check(&dear, &within, rows, ARRAY_LEN(rows));
    check(&dear, &by_sum, rows, ARRAY_LEN(rows));
    assert_int_equal(price_cost(&dear, &beside, &rows[2].usage, 0), INT64_MAX);
    assert_int_equal(price_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(price_add(40, 2), 42);
}

static void every_kind_has_a_rule(void **state) {
    (void)state;
#define X(kind, functions, url, key_env, max_tokens, ids)                                          \
    assert_int_equal(price_rule_of(SPAN_OF(#kind))->prompt, DETAILS_WITHIN);                       \
    assert_int_equal(price_rule_of(SPAN_OF(#kind))->completion, DETAILS_BY_SUM);
#include "config/kinds.def"
#undef X
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_are_parts_of_totals),
        cmocka_unit_test(details_stand_beside_totals),
        cmocka_unit_test(reasoning_is_where_the_sum_needs_it),
        cmocka_unit_test(details_without_a_price_cost_what_the_rest_does),
        cmocka_unit_test(what_is_not_known_is_not_nought),
        cmocka_unit_test(long_prompts_pay_their_tier_for_all),
        cmocka_unit_test(an_answers_tier_of_service_has_its_own_prices),
        cmocka_unit_test(hours_of_the_day_have_their_own_prices),
        cmocka_unit_test(rounded_once),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(every_kind_has_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
