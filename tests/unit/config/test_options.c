/* Every row of the option table: its default, its limits, and one step beyond each. */
#include "world.h"

#include "config/units.h"

#include <math.h>

/* Options that must keep an order with another: what the other is set to meanwhile. */
static const char *companion(const char *path) {
    static const char *const pairs[][2] = {
        {"chat.max_tokens", ", max_tokens_limit: 10000000"},
        {"chat.max_tokens_limit", ", max_tokens: 1"},
        {"chat.temperature_limit", ", temperature: 0"},
        {"retry.base", ", cap: 10m"},
        {"retry.cap", ", base: 1ms"},
        {"limits.url", ", head: 1MB"},
        {"limits.head", ", url: 64B"},
        {"limits.request.max_tokens.over", ", at_most: 5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (strcmp(pairs[i][0], path) == 0) return pairs[i][1];
    return "";
}

/* `breaker: {failures: 50%}` for the path breaker.failures. */
static void write_yaml(const char *path, const char *value, buf *out) {
    unsigned depth = 0;
    for (const char *p = path; *p; p++) {
        depth += *p == '.';
        if (*p == '.')
            buf_add_cstr(out, ": {");
        else
            buf_add_char(out, *p);
    }
    buf_addf(out, ": %s%s", value, companion(path));
    while (depth--)
        buf_add_char(out, '}');
    (void)buf_cstr(out);
}

static void write_field(const config *c, const option *o, buf *out) {
    buf_clear(out);
    o->type->write(o, (const char *)c + o->offset, out);
    (void)buf_cstr(out);
}

static void check_value(const option *o, const char *value) {
    buf yaml = BUF_EMPTY, got = BUF_EMPTY;
    write_yaml(o->path, value, &yaml);
    config *c = world_good(yaml.ptr);
    write_field(c, o, &got);
    /* 1000% and 24h have one spelling here, but compare as values all the same. */
    int64_t a, b;
    if (unit_duration(buf_span(&got), &a) && unit_duration(span_cstr(value), &b))
        assert_int_equal(a, b);
    else if (unit_size(buf_span(&got), &a) && unit_size(span_cstr(value), &b))
        assert_int_equal(a, b);
    else
        assert_span(buf_span(&got), value);
    world_done(c);
    buf_done(&yaml);
    buf_done(&got);
}

static void check_refusal(const option *o, const char *value) {
    buf yaml = BUF_EMPTY;
    world w;
    write_yaml(o->path, value, &yaml);
    world_init(&w, NULL, NULL);
    config *c = world_load(&w, yaml.ptr);
    if (c) fail_msg("accepted %s", yaml.ptr);
    char expected[256];
    snprintf(expected, sizeof expected, "%s is %s; allowed %s%s%s to %s", o->path, value,
             o->zero ? o->zero : "", o->zero ? ", or " : "", o->min, o->max);
    assert_span(world_problems.items[0].text, expected);
    world_done(NULL);
    buf_done(&yaml);
}

/* One step of the smallest unit beyond a limit. */
static void beyond(const option *o, const char *limit, int step, char out[64]) {
    int64_t n;
    double d;
    if (o->type == &type_duration && unit_duration(span_cstr(limit), &n))
        snprintf(out, 64, "%lldms", (long long)n + step);
    else if (o->type == &type_size && unit_size(span_cstr(limit), &n))
        snprintf(out, 64, "%lldB", (long long)n + step);
    else if (o->type == &type_ratio && unit_ratio(span_cstr(limit), &d))
        snprintf(out, 64, "%.3f%%", d * 100 + 0.001 * step);
    else if (o->type == &type_number && unit_number(span_cstr(limit), &d))
        snprintf(out, 64, "%.3f", d + 0.001 * step);
    else if (unit_count(span_cstr(limit), &n))
        snprintf(out, 64, "%lld", (long long)n + step);
    else
        fail_msg("%s has the limit %s, which its type cannot read", o->path, limit);
}

static void keeps_limits(void **state) {
    (void)state;
    for (size_t i = 0; i < scope_file.count; i++) {
        const option *o = &scope_file.options[i];
        if (!o->min) continue;
        char value[64];
        check_value(o, o->min);
        check_value(o, o->max);
        if (o->zero) check_value(o, o->zero[0] == 'a' ? o->min : o->zero);
        beyond(o, o->max, 1, value);
        check_refusal(o, value);
        beyond(o, o->min, -1, value);
        if (value[0] != '-') check_refusal(o, value);
    }
}

static void has_sound_rows(void **state) {
    (void)state;
    for (size_t s = 0; option_scopes[s]; s++) {
        const option_scope *scope = option_scopes[s];
        for (size_t i = 0; i < scope->count; i++) {
            const option *o = &scope->options[i];
            assert_non_null(o->type);
            assert_true(strlen(o->sentence) > 10 &&
                        strchr(".\"sm", o->sentence[strlen(o->sentence) - 1]));
            assert_true(!o->min == !o->max);
            assert_true(!o->words == (o->type != &type_word));
            assert_false(o->required && o->standard);
            assert_null(o->standard ? strchr(o->standard, '$') : NULL);
            assert_ptr_equal(option_find(scope, span_cstr(o->path)), o); /* no name twice */
        }
    }
}

/* The default of each row is what an empty file gives. */
static void has_its_defaults(void **state) {
    (void)state;
    config *c = world_good("");
    for (size_t i = 0; i < scope_file.count; i++) {
        const option *o = &scope_file.options[i];
        if (!o->standard || !o->type->write || (o->zero && strcmp(o->standard, "auto") == 0))
            continue;
        buf yaml = BUF_EMPTY, a = BUF_EMPTY, b = BUF_EMPTY;
        bool quoted = o->type == &type_text;
        char value[256];
        snprintf(value, sizeof value, quoted ? "\"%s\"" : "%s", o->standard);
        write_yaml(o->path, value, &yaml);
        config *same = world_good(yaml.ptr);
        write_field(c, o, &a);
        write_field(same, o, &b);
        assert_string_equal(a.ptr, b.ptr);
        world_done(same);
        buf_done(&yaml);
        buf_done(&a);
        buf_done(&b);
    }
    assert_true(c->server.workers >= 1);
    world_done(c);
}

/* The figures that others rely on, spelled out. */
static void has_the_documented_defaults(void **state) {
    (void)state;
    config *c = world_good("");
    assert_int_equal(c->listener_count, 1);
    assert_span(c->listeners[0].text, "127.0.0.1:8080");
    assert_true(c->listeners[0].loopback);
    assert_int_equal(c->retry.retries, 3);
    assert_int_equal(c->retry.base_ms, 1000);
    assert_int_equal(c->retry.cap_ms, 30000);
    assert_true(c->retry.budget_ratio == 0.2);
    assert_int_equal(c->retry.budget_floor, 10);
    assert_true(c->retry.context_length_next);
    assert_false(c->retry.content_policy_next);
    assert_true(c->breaker.on);
    assert_true(c->breaker.failure_ratio == 0.5);
    assert_int_equal(c->breaker.of, 20);
    assert_int_equal(c->breaker.window_ms, 30000);
    assert_int_equal(c->breaker.probe_ms, 5000);
    assert_false(c->hedge.on);
    assert_true(c->hedge.after_quantile == 0.95);
    assert_true(c->hedge.at_most_ratio == 0.05);
    assert_int_equal(c->timeouts.connect_ms, 5000);
    assert_int_equal(c->timeouts.first_byte_ms, 600000);
    assert_int_equal(c->timeouts.first_token_ms, 600000);
    assert_int_equal(c->timeouts.between_events_ms, 300000);
    assert_int_equal(c->timeouts.total_ms, 1800000);
    assert_false(c->retry.after_timeout);
    assert_int_equal(c->server.header_timeout_ms, 10000);
    assert_int_equal(c->server.body_timeout_ms, 60000);
    assert_int_equal(c->server.body_rate, 500);
    assert_int_equal(c->server.body_total_ms, 600 * 1000);
    assert_int_equal(c->server.idle_timeout_ms, 75000);
    assert_int_equal(c->server.drain_delay_ms, 0);
    assert_int_equal(c->server.drain_ms, 30000);
    assert_int_equal(c->server.keep_alive_comment_ms, 15000);
    assert_int_equal(c->server.max_connections, 16384);
    assert_false(c->server.open);
    assert_int_equal(c->limits.body_bytes, 50 << 20);
    assert_int_equal(c->limits.answer_bytes, 64 << 20);
    assert_int_equal(c->limits.answer_rate, 500);
    assert_int_equal(c->limits.event_bytes, 64 << 20);
    assert_int_equal(c->limits.head_bytes, 64 << 10);
    assert_int_equal(c->limits.url_bytes, 8 << 10);
    assert_int_equal(c->limits.headers, 100);
    assert_int_equal(c->limits.messages, 2000);
    assert_int_equal(c->limits.depth, 128);
    assert_int_equal(c->limits.members, 100000);
    assert_int_equal(c->limits.calls, 10000);
    assert_int_equal(c->chat.message_chars, 10000);
    assert_int_equal(c->chat.max_tokens, 1000);
    assert_int_equal(c->chat.max_tokens_limit, 4000);
    assert_true(c->chat.temperature == 0.7);
    assert_true(c->chat.temperature_limit == 2);
    assert_int_equal(c->client_count, 0);
    assert_int_equal(c->logs.level, LEVEL_INFO);
    assert_int_equal(c->logs.format, LOG_AUTO);
    world_done(c);
}

static void reads_words_and_switches(void **state) {
    (void)state;
    config *c = world_good("logs: {level: debug, format: json}\nbreaker: off\nhedge: on\n"
                           "server: {open: yes, keep_alive_comment: off}\n"
                           "chat: {system: 'Be kind. Costs $$5.', model: \"x\"}\n");
    assert_int_equal(c->logs.level, LEVEL_DEBUG);
    assert_int_equal(c->logs.format, LOG_JSON);
    assert_false(c->breaker.on);
    assert_true(c->hedge.on);
    assert_true(c->server.open);
    assert_int_equal(c->server.keep_alive_comment_ms, 0);
    assert_span(c->chat.system, "Be kind. Costs $5.");
    world_done(c);
    c = world_good("hedge: {after: 800ms, at_most: 1%}\nlogs: {level: \"off\"}");
    assert_true(c->hedge.on);
    assert_int_equal(c->hedge.after_ms, 800);
    assert_true(c->hedge.at_most_ratio == 0.01);
    assert_int_equal(c->logs.level, LEVEL_OFF);
    world_done(c);
    c = world_good("hedge: {after: p99.5}");
    assert_int_equal(c->hedge.after_ms, 0);
    assert_true(fabs(c->hedge.after_quantile - 0.995) < 1e-9);
    world_done(c);
    /* Nothing written is nothing said. */
    c = world_good("retry:\nmodels: ~\nproviders: null\nclients:\nbreaker:\n");
    assert_int_equal(c->retry.retries, 3);
    assert_true(c->breaker.on);
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_sound_rows),
        cmocka_unit_test(has_its_defaults),
        cmocka_unit_test(has_the_documented_defaults),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(reads_words_and_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
