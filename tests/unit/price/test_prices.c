/* Which price is in force for a target. */
#include "config/world.h"

#include "price/prices.h"

#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  openai: {url: \"https://relay.example/v1\"}\n"                                              \
    "  mine: {url: \"https://api.openai.com/v1\", key: k}\n"                                       \
    "  far: {url: \"https://far.example/v1\"}\n"                                                   \
    "  groq: {kind: simulator, url: \"http://127.0.0.1:1/v1\"}\n"

/* The input's price; -1: there is none. */
static int64_t input_of(const config *c, const char *target) {
    prices *p = prices_new(c);
    const price_found f = prices_find(p, span_cstr(target));
    int64_t nano = f.price ? f.price->rates.nano[RATE_INPUT] / 1000000000 : -1;
    prices_free(p);
    return nano;
}

static void the_longest_pattern_counts(void **state) {
    (void)state;
    config *c = world_good(PROVIDERS "models: {a: openai/gpt-4o-mini, \"*\": openai}\n"
                                     "prices:\n"
                                     "  \"*\": {input: 1}\n"
                                     "  \"openai/*\": {input: 2}\n"
                                     "  \"gpt-4o*\": {input: 3}\n"
                                     "  \"openai/gpt-4o*\": {input: 4}\n"
                                     "  gpt-4o: {input: 5}\n"
                                     "  openai/gpt-4o: {input: 6}\n"
                                     "  llama-3: {input: 7}\n"
                                     "  \"llama-3*\": {input: 8}\n"
                                     "  meta/llama: {input: 9}\n");
    static const struct {
        const char *target;
        int64_t input;
    } rows[] = {
        {"openai/gpt-4o-mini", 4}, {"far/gpt-4o-mini", 3},
        {"openai/gpt-4o", 6},      {"far/gpt-4o", 5},
        {"far/other", 1},          {"openai/other", 2},
        {"far/llama-3", 7},        {"far/llama-3.1", 8},
        {"far/meta/llama", 9},     {"openai", 1},
        {"nobody/x", 1},           {"", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(input_of(c, rows[i].target), rows[i].input);
    world_done(c);
}

/* By the vendor's name or address; not of what runs models itself. */
static void the_table_is_beneath(void **state) {
    (void)state;
    config *c = world_good(PROVIDERS "models: {a: mine/gpt-4, \"*\": openai}\n"
                                     "prices: {\"openai/gpt-4-turbo\": {input: 7}}\n");
    const config_price *first = NULL;
    span vendor = SPAN_EMPTY;
    assert_true(price_table_row(0, &vendor, &first));
    assert_true(span_eq(vendor, SPAN_OF("openai")));
    assert_int_equal(input_of(c, "openai/gpt-4"), 30);
    assert_int_equal(input_of(c, "mine/gpt-4"), 30);
    assert_int_equal(input_of(c, "far/gpt-4"), -1);
    assert_int_equal(input_of(c, "openai/gpt-4-turbo"), 7);
    assert_int_equal(input_of(c, "mine/gpt-4-turbo"), 10);
    assert_int_equal(input_of(c, "groq/llama-3.1-8b-instant"), -1);
    assert_int_equal(input_of(c, "openai/no-such-model"), -1);
    assert_int_equal(input_of(c, "openai"), -1);
    world_done(c);
}

static void the_table_is_sound(void **state) {
    (void)state;
    span vendor;
    const config_price *p;
    size_t n = 0, tiered = 0;
    for (; price_table_row(n, &vendor, &p); n++) {
        assert_true(vendor.len && p->pattern.len);
        assert_true(p->rates.nano[RATE_INPUT] >= 0);
        tiered += p->tier_count > 0;
        for (size_t i = 0; i < p->tier_count; i++) {
            assert_true(p->tiers[i].above > (i ? p->tiers[i - 1].above : 0));
            assert_true(p->tiers[i].rates.nano[RATE_INPUT] >= 0);
        }
        for (size_t i = 0; i < CONFIG_RATES; i++)
            assert_true(p->rates.nano[i] <= CONFIG_RATE_MAX);
    }
    assert_true(n > 100 && tiered > 0);
    assert_true(strstr(price_table_source, "genai-prices "));
}

static void a_target_pays_its_price(void **state) {
    (void)state;
    config *c = world_good(PROVIDERS "models: {a: openai/m, \"*\": openai}\n"
                                     "prices: {m: {input: 2.50, output: 10}}\n");
    prices *p = prices_new(c);
    token_usage u = token_usage_unknown;
    assert_int_equal(prices_cost(p, SPAN_OF("openai/m"), &u), -1);
    u.prompt = 8;
    u.completion = 3;
    assert_int_equal(prices_cost(p, SPAN_OF("openai/m"), &u), 50000);
    assert_int_equal(prices_cost(p, SPAN_OF("far/m"), &u), 50000); /* is not written anywhere */
    assert_int_equal(prices_cost(p, SPAN_OF("far/n"), &u), -1);
    prices_free(p);
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_pattern_counts),
        cmocka_unit_test(the_table_is_beneath),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(a_target_pays_its_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
