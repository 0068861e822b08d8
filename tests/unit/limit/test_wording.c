/* Limits in words, whatever was put into words before them. */
#include "limit/wording.h"
#include "unit.h"

#include "base/hash.h"
#include "base/random.h"

static const char *const names[] = {
    "a",
    "b",
    "",
    "10.0.0.1",
    "app/of somebody",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "0123456789012345678901234567890123456789012345678901234567890123x",
    "0123456789012345678901234567890123456789012345678901234567890123y",
};

static void expect(const limit_ask *a, buf *key, buf *rule) {
    buf_clear(key);
    buf_clear(rule);
    buf_addf(key, "{weir}:%s:%s:%s:", limit_scope_word(a->scope), limit_kind_word(a->kind),
             a->kind == LIMIT_PARALLEL ? "" : config_period_names[a->quota.per].ptr);
    if (a->who.len > WORDING_WHO_MAX) {
        unsigned char hash[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        sha256(a->who, hash);
        hex_encode(hash, SHA256_LEN, hex);
        buf_add_cstr(key, hex);
    } else {
        buf_add(key, a->who);
    }
    buf_addf(rule, " %lld", (long long)a->quota.amount);
    if (a->kind == LIMIT_SPEND)
        buf_add_cstr(rule, a->quota.per == PERIOD_MONTH ? " 1" : " 0");
    else if (a->kind != LIMIT_PARALLEL)
        buf_addf(rule, " %lld", (long long)config_period_us(a->quota.per));
}

/* Subjects are few, and some of one: names whose hash is the same are kept apart. */
static limit_ask make_ask(rng *r) {
    static const config_period pers[] = {PERIOD_MINUTE, PERIOD_DAY, PERIOD_MONTH};
    static const int64_t amounts[] = {1, 60, 61, INT64_MAX};
    return (limit_ask){
        .scope = (limit_scope)(rng_u64(r) % 3),
        .kind = (limit_kind)(rng_u64(r) % LIMIT_KINDS),
        .subject = rng_u64(r) % 2,
        .who = span_cstr(names[rng_u64(r) % ARRAY_LEN(names)]),
        .quota = {amounts[rng_u64(r) % ARRAY_LEN(amounts)], pers[rng_u64(r) % ARRAY_LEN(pers)]}};
}

static void it_is_that_limit_s_key_and_rule(void **state) {
    (void)state;
    rng r;
    wordings s = {0};
    buf key = BUF_EMPTY, rule = BUF_EMPTY;
    rng_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        const limit_ask a = make_ask(&r);
        span told_key, told_rule;
        wordings_get(&s, &a, &told_key, &told_rule);
        expect(&a, &key, &rule);
        assert_span(told_key, buf_cstr(&key));
        assert_span(told_rule, buf_cstr(&rule));
    }
    wordings_done(&s);
    buf_done(&key);
    buf_done(&rule);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_that_limit_s_key_and_rule)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
