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

/* Google's own list has them so; nobody else's. */
static void a_name_of_googles_has_two_forms(void **state) {
    (void)state;
    config *c = world_good("providers:\n"
                           "  google: {url: \"http://127.0.0.1:1/v1\"}\n"
                           "  far: {url: \"http://127.0.0.1:2/v1\"}\n"
                           "models: {a: google/models/gemini-a, \"*\": google}\n"
                           "prices:\n"
                           "  \"gemini-a*\": {input: 3}\n"
                           "  \"google/gemini-a-b*\": {input: 4}\n"
                           "  \"models/gemini-a-b-c\": {input: 5}\n");
    static const struct {
        const char *target;
        int64_t input;
    } rows[] = {
        {"google/gemini-a", 3},          {"google/models/gemini-a", 3},
        {"google/models/gemini-a-b", 4}, {"google/models/gemini-a-b-c", 5},
        {"google/gemini-a-b-c", 4},      {"far/models/gemini-a", -1},
        {"google/models/", -1},          {"google/models/models/gemini-a", -1},
        {"google/gemini-1.0-pro-x", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (input_of(c, rows[i].target) != rows[i].input)
            fail_msg("%s: %lld", rows[i].target, (long long)input_of(c, rows[i].target));
    prices *p = prices_new(c); /* and of the table */
    const price_found one = prices_find(p, SPAN_OF("google/gemini-2.5-pro")),
                      other = prices_find(p, SPAN_OF("google/models/gemini-2.5-pro"));
    assert_true(one.price && one.of_table && one.price == other.price && other.of_table);
    prices_free(p);
    world_done(c);
}

static void the_table_is_sound(void **state) {
    (void)state;
    span vendor;
    const config_price *p;
    size_t n = 0, tiered = 0, hourly = 0;
    for (; price_table_row(n, &vendor, &p); n++) {
        assert_true(vendor.len && p->pattern.len);
        assert_true(p->rates.nano[RATE_INPUT] >= 0);
        tiered += p->tier_count > 0;
        for (size_t i = 0; i < p->tier_count; i++) {
            assert_true(p->tiers[i].above > (i ? p->tiers[i - 1].above : 0));
            assert_true(p->tiers[i].rates.nano[RATE_INPUT] >= 0);
        }
        hourly += p->hour_count > 0;
        for (size_t i = 0; i < p->hour_count; i++) {
            assert_true(p->hours[i].from >= 0 && p->hours[i].from < p->hours[i].to);
            assert_true(p->hours[i].to <= CONFIG_DAY_MINUTES);
            assert_true(p->hours[i].price.rates.nano[RATE_INPUT] >= 0);
        }
        for (size_t i = 0; i < CONFIG_RATES; i++)
            assert_true(p->rates.nano[i] <= CONFIG_RATE_MAX);
    }
    assert_true(n > 100 && tiered > 0 && hourly > 0);
    assert_true(strstr(price_table_source, "genai-prices "));
}

/* By going through all of it. */
static const config_price *longest(span vendor, span model) {
    const config_price *best = NULL, *p;
    size_t most = 0;
    span of;
    for (size_t i = 0; price_table_row(i, &of, &p); i++) {
        span text = p->pattern;
        bool exact = !span_ends(text, SPAN_OF("*"));
        if (!exact) text.len--;
        if (!span_eq(of, vendor) || !(exact ? span_eq(text, model) : span_starts(model, text)))
            continue;
        if (best && text.len + exact < most) continue;
        best = p;
        most = text.len + exact;
    }
    return best;
}

static void the_table_is_searched_as_if_it_were_read_whole(void **state) {
    (void)state;
    static const char *const more[] = {"", "-", "x", "-2026-01-01", "~", "0"};
    config *c = world_good("providers:\n"
                           "  openai: {url: \"https://a.example/v1\"}\n"
                           "  xai: {url: \"https://b.example/v1\"}\n"
                           "  perplexity: {url: \"https://c.example/v1\"}\n");
    prices *known = prices_new(c);
    size_t hits = 0, misses = 0;
    const config_price *p;
    span vendor;
    for (size_t i = 0; price_table_row(i, &vendor, &p); i++)
        for (size_t k = 0; k < ARRAY_LEN(more); k++)
            for (size_t cut = 0; cut < 2; cut++) {
                char target[300];
                bool star = span_ends(p->pattern, SPAN_OF("*"));
                span text = span_slice(p->pattern, 0, p->pattern.len - star - cut);
                (void)snprintf(target, sizeof target, "openai/%.*s%s", SPAN_ARG(text), more[k]);
                const config_price *found = prices_find(known, span_cstr(target)).price;
                assert_ptr_equal(found, longest(SPAN_OF("openai"), span_cstr(target + 7)));
                found ? hits++ : misses++;
                (void)snprintf(target, sizeof target, "perplexity/%.*s%s", SPAN_ARG(text), more[k]);
                found = prices_find(known, span_cstr(target)).price;
                assert_ptr_equal(found, longest(SPAN_OF("perplexity"), span_cstr(target + 11)));
            }
    assert_true(hits > 300 && misses > 300);
    prices_free(known);
    world_done(c);
}

static void a_target_pays_its_price(void **state) {
    (void)state;
    config *c = world_good(PROVIDERS "models: {a: openai/m, \"*\": openai}\n"
                                     "prices: {m: {input: 2.50, output: 10}}\n");
    prices *p = prices_new(c);
    token_usage u = token_usage_unknown;
    assert_int_equal(prices_cost(p, SPAN_OF("openai/m"), &u, 0), -1);
    u.prompt = 8;
    u.completion = 3;
    assert_int_equal(prices_cost(p, SPAN_OF("openai/m"), &u, 0), 50000);
    assert_int_equal(prices_cost(p, SPAN_OF("far/m"), &u, 0), 50000); /* is not written anywhere */
    assert_int_equal(prices_cost(p, SPAN_OF("far/n"), &u, 0), -1);
    prices_free(p);
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_pattern_counts),
        cmocka_unit_test(the_table_is_beneath),
        cmocka_unit_test(a_name_of_googles_has_two_forms),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_table_is_searched_as_if_it_were_read_whole),
        cmocka_unit_test(a_target_pays_its_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
