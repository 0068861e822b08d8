/* The rule of a name among many: what a look at each of them would find. */
#include "world.h"

#include "base/random.h"

/* The exact one, else that of the longest pattern: each is asked. */
static const config_limit_rule *ask_each(const config_limit_rules *rules, span name) {
    const config_limit_rule *best = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const config_limit_rule *rule = &rules->items[i];
        span stem = rule->pattern;
        const bool open = span_ends(stem, SPAN_OF("*"));
        if (open) stem.len--;
        if (!open && span_eq(stem, name)) return rule;
        if (!open || !span_starts(name, stem)) continue;
        if (!best || rule->pattern.len > best->pattern.len) best = rule;
    }
    return best;
}

/* Of few letters, so that many begin with others; some stand before and behind a *. */
static void write_name(rng *random, unsigned most, buf *out) {
    static const char letters[] = "aab!+~";
    buf_clear(out);
    for (unsigned n = (unsigned)(rng_unit(random) * (most + 1)); n; n--)
        buf_add_char(out, letters[(size_t)(rng_unit(random) * 6)]);
    (void)buf_cstr(out);
}

static config *load(const buf *rules) {
    buf yaml = BUF_EMPTY;
    buf_addf(&yaml, "providers: {p: {url: \"http://127.0.0.1:1/v1\"}}\nlimits:\n  model:\n%.*s",
             SPAN_ARG(buf_span(rules)));
    config *c = world_good(buf_cstr(&yaml));
    buf_done(&yaml);
    return c;
}

static void add_rule(buf *rules, const buf *name, const char *star) {
    buf_addf(rules, "    \"%.*s%s\": {parallel: 1}\n", SPAN_ARG(buf_span(name)), star);
}

/* YAML takes no name twice. */
static bool has(const buf *rules, const buf *name, const char *star) {
    buf line = BUF_EMPTY;
    buf_addf(&line, "\"%.*s%s\"", SPAN_ARG(buf_span(name)), star);
    const bool found = span_find_span(buf_span(rules), 0, buf_span(&line)) < rules->len;
    buf_done(&line);
    return found;
}

static void finds_what_each_would_say(void **state) {
    (void)state;
    rng random;
    rng_init(&random);
    buf name = BUF_EMPTY, rules = BUF_EMPTY;
    size_t found = 0, exact = 0;
    for (unsigned round = 0; round < 100; round++) {
        const unsigned count = 1 + round;
        buf_clear(&rules);
        for (unsigned i = 0; i < count; i++) {
            const char *star = rng_unit(&random) < 0.5 ? "*" : "";
            write_name(&random, 5, &name);
            if ((name.len || *star) && !has(&rules, &name, star)) add_rule(&rules, &name, star);
        }
        if (!rules.len) continue;
        config *c = load(&rules);
        for (unsigned i = 0; i < 200; i++) {
            write_name(&random, 7, &name);
            const config_limit_rule *is = config_find_limit(&c->limits.model, buf_span(&name));
            if (is != ask_each(&c->limits.model, buf_span(&name)))
                fail_msg("%.*s among\n%.*s", SPAN_ARG(buf_span(&name)), SPAN_ARG(buf_span(&rules)));
            found += is != NULL;
            exact += is && span_eq(is->pattern, buf_span(&name));
        }
        world_done(c);
    }
    assert_true(found > 1000 && exact > 100);
    buf_done(&name);
    buf_done(&rules);
}

static void one_of_ten_thousand(void **state) {
    (void)state;
    buf rules = BUF_EMPTY, name = BUF_EMPTY;
    for (unsigned i = 0; i < 10000; i++)
        buf_addf(&rules, "    \"team=%05u%s\": {parallel: %u}\n", i, i % 2 ? "*" : "", i + 1);
    config *c = load(&rules);
    for (unsigned i = 0; i < 10000; i++) {
        buf_clear(&name);
        buf_addf(&name, "team=%05u%s", i, i % 2 ? "-b" : "");
        const config_limit_rule *r = config_find_limit(&c->limits.model, buf_span(&name));
        assert_true(r && r->limits.parallel == i + 1);
    }
    assert_null(config_find_limit(&c->limits.model, SPAN_OF("team=00000-b")));
    assert_null(config_find_limit(&c->limits.tag, SPAN_OF("team=00000")));
    world_done(c);
    buf_done(&rules);
    buf_done(&name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_each_would_say),
        cmocka_unit_test(one_of_ten_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
