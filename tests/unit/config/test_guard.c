/* guard and output: what is in force for a call, and how it is written. */
#include "world.h"

#define PROVIDER "providers: {p: {url: \"http://127.0.0.1:1\"}}\n"

static config_guard_use use_of(const config *c, const char *model, size_t client) {
    return config_guard_of(c, config_find_model(c, span_cstr(model)),
                           client ? &c->clients[client - 1] : NULL);
}

static void the_stricter_of_model_and_client_counts(void **state) {
    (void)state;
    config *c = world_good(PROVIDER "guard: {in: redact, out: flag, restore: true}\n"
                                    "models:\n"
                                    "  plain: p\n"
                                    "  open: {targets: p, guard: {in: off, out: off}}\n"
                                    "  strict: {targets: p, guard: {in: block, restore: false}}\n"
                                    "clients:\n"
                                    "- {name: a, key: first-key}\n"
                                    "- {name: b, key: second-key, guard: {in: flag}}\n"
                                    "- {name: c, key: third-key, guard: {in: off, out: block}}\n");
    static const struct {
        const char *model;
        size_t client;
        config_guard_use is;
    } rows[] = {
        {"plain", 0, {CONFIG_GUARD_REDACT, CONFIG_GUARD_FLAG, CONFIG_GUARD_RESTORE}},
        {"plain", 1, {CONFIG_GUARD_REDACT, CONFIG_GUARD_FLAG, CONFIG_GUARD_RESTORE}},
        {"plain", 2, {CONFIG_GUARD_FLAG, CONFIG_GUARD_FLAG, CONFIG_GUARD_RESTORE}},
        {"plain", 3, {CONFIG_GUARD_OFF, CONFIG_GUARD_BLOCK, CONFIG_GUARD_RESTORE}},
        {"open", 1, {CONFIG_GUARD_OFF, CONFIG_GUARD_OFF, CONFIG_GUARD_RESTORE}},
        {"open", 2, {CONFIG_GUARD_FLAG, CONFIG_GUARD_OFF, CONFIG_GUARD_RESTORE}},
        {"open", 3, {CONFIG_GUARD_OFF, CONFIG_GUARD_BLOCK, CONFIG_GUARD_RESTORE}},
        {"strict", 2, {CONFIG_GUARD_BLOCK, CONFIG_GUARD_FLAG, CONFIG_GUARD_RESTORE_NOT}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_guard_use u = use_of(c, rows[i].model, rows[i].client);
        assert_int_equal(u.in, rows[i].is.in);
        assert_int_equal(u.out, rows[i].is.out);
        assert_int_equal(u.restore, rows[i].is.restore);
    }
    assert_true(c->guard.any);
    world_done(c);
}

static void what_is_asked_is_looked_at(void **state) {
    (void)state;
    static const struct {
        const char *guard;
        bool file, open, strict;
    } rows[] = {
        {"", false, false, true},
        {"guard: {in: off}\n", false, false, true},
        {"guard: {in: flag}\n", true, false, true},
        {"guard: {out: block}\n", false, false, true},
        {"guard: {rules: [{name: mine, pattern: 'TICK-[0-9]{6}', lead: TICK-, action: block}]}\n",
         true, false, true},
        {"guard: {in: off, rules: [{name: mine, pattern: 'TICK-[0-9]{6}', lead: TICK-, action: "
         "block}]}\n",
         false, false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text = BUF_EMPTY;
        buf_addf(&text,
                 PROVIDER "%smodels:\n"
                          "  open: {targets: p, guard: {in: off}}\n"
                          "  strict: {targets: p, guard: {in: block}}\n"
                          "clients:\n"
                          "- {name: a, key: first-key, guard: {in: redact}}\n",
                 rows[i].guard);
        config *c = world_good(buf_cstr(&text));
        const bool is[] = {config_guard_looks(c, NULL, NULL),
                           config_guard_looks(c, config_find_model(c, SPAN_OF("open")), NULL),
                           config_guard_looks(c, config_find_model(c, SPAN_OF("strict")), NULL)};
        if (is[0] != rows[i].file || is[1] != rows[i].open || is[2] != rows[i].strict)
            fail_msg("%s: %d %d %d", rows[i].guard, is[0], is[1], is[2]);
        assert_true(config_guard_looks(c, NULL, &c->clients[0]));
        config_unref(c);
        buf_done(&text);
    }
    config outside = {.guard.external = {.tool = SPAN("t"), .out = EXTERNAL_BLOCK}};
    assert_false(config_guard_looks(&outside, NULL, NULL));
    outside.guard.external.in = EXTERNAL_FLAG;
    assert_true(config_guard_looks(&outside, NULL, NULL));
}

static void nothing_is_looked_at_unless_it_is_said(void **state) {
    (void)state;
    static const struct {
        const char *yaml;
        bool any;
    } rows[] = {
        {PROVIDER, false},
        {PROVIDER "guard: {in: off, out: off}\n", false},
        {PROVIDER "guard: {out: flag}\n", true},
        {PROVIDER "models: {m: {targets: p, guard: {in: redact}}}\n", true},
        {PROVIDER "clients: [{name: a, key: first-key, guard: {out: block}}]\n", true},
        {PROVIDER "guard: {rules: [{name: ticket, pattern: TICK}]}\n", false},
        {PROVIDER "guard: {rules: [{name: ticket, pattern: TICK, action: block}]}\n", true},
        {PROVIDER "guard: {in: off, out: off, rules: [{name: a, pattern: B, action: block}]}\n",
         false},
        {PROVIDER "guard: {actions: {email: block}}\n", true},
        {PROVIDER "guard: {actions: {email: off}}\n", false},
        {PROVIDER "guard: {in: off, out: off, actions: {email: block}}\n", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config *c = world_good(rows[i].yaml);
        assert_int_equal(c->guard.any, rows[i].any);
        world_done(c);
    }
}

/* Who wrote it counts on it. */
static void what_holds_for_nothing_is_warned_of(void **state) {
    (void)state;
#define RULE "{name: a, pattern: AB}"
    static const struct {
        const char *guard, *warning; /* NULL: none */
    } rows[] = {
        {"{in: redact, restore: true}", NULL},
        {"{restore: true, actions: {email: redact}}", NULL},
        {"{restore: true, rules: [{name: a, pattern: AB, action: redact}]}", NULL},
        {"{in: block, restore: false}", NULL},
        {"{in: block, restore: true}",
         "guard.restore has no effect where nothing of requests is redacted: guard.in is not "
         "redact, and no rule says it"},
        {"{out: redact, restore: true}",
         "guard.restore has no effect where nothing of requests is redacted: guard.in is not "
         "redact, and no rule says it"},
        {"{in: flag, encoded: true}", NULL},
        {"{encoded: true}",
         "guard.encoded has no effect where nothing is looked at: neither guard.in nor guard.out "
         "says block, redact or flag"},
        {"{external: {out: block}}",
         "guard.external.out has no effect without guard.external.tool"},
        {"{external: {in: block}}", "guard.external.in has no effect without guard.external.tool"},
        {"{external: {tool: \"\", in: block}}", NULL},
        {"{out: flag, rules: [" RULE "]}", NULL},
        {"{actions: {own: flag}, rules: [" RULE "]}", NULL},
        {"{actions: {a: flag}, rules: [" RULE "]}", NULL},
        {"{actions: {personal: flag}, rules: [{name: email, show: 0}]}", NULL},
        {"{rules: [{name: b, pattern: CD, action: flag}, " RULE "]}",
         "guard.rules[1] has no action, and neither guard.in nor guard.out says one: it is not "
         "looked for"},
        {"{rules: [" RULE "]}",
         "guard has rules, but nothing is looked at: neither guard.in nor guard.out says block, "
         "redact or flag, and no rule has an action of its own"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf yaml = BUF_EMPTY;
        buf_addf(&yaml, PROVIDER "guard: %s\n", rows[i].guard);
        config *c = world_good(buf_cstr(&yaml));
        size_t told = 0;
        for (size_t k = 0; k < c->warning_count; k++) {
            if (!span_starts(c->warnings[k].text, SPAN_OF("guard"))) continue;
            told++;
            if (!rows[i].warning || !span_eq(c->warnings[k].text, span_cstr(rows[i].warning)))
                fail_msg("%s: %.*s", rows[i].guard, SPAN_ARG(c->warnings[k].text));
        }
        if (told != (rows[i].warning != NULL)) fail_msg("%s: %zu", rows[i].guard, told);
        world_done(c);
        buf_done(&yaml);
    }
}

static void rules_are_read(void **state) {
    (void)state;
    config *c = world_good(
        PROVIDER "guard:\n"
                 "  in: redact\n"
                 "  actions: {email: off, secret: block}\n"
                 "  rules:\n"
                 "  - {name: ticket, pattern: \"TICK-[0-9]{6}\", lead: \"TICK-\", action: "
                 "block, near: [issue, bug], check: luhn, entropy: 2.5, where: out, show: 0}\n"
                 "  - {name: end-1, pattern: \"x$$\"}\n");
    assert_int_equal(c->guard.rules.count, 2);
    const config_guard_rule *r = c->guard.rules.items;
    assert_true(span_eq(r->name, SPAN_OF("ticket")));
    assert_true(span_eq(r->pattern, SPAN_OF("TICK-[0-9]{6}")));
    assert_int_equal(r->lead_count, 1);
    assert_true(span_eq(r->leads[0], SPAN_OF("TICK-")));
    assert_int_equal(r->action, CONFIG_GUARD_BLOCK);
    assert_int_equal(r->near_count, 2);
    assert_true(span_eq(r->check, SPAN_OF("luhn")));
    assert_true(r->entropy == 2.5);
    assert_int_equal(r->where, CONFIG_GUARD_OUT);
    assert_int_equal(r->show, 1);
    assert_true(span_eq(r[1].pattern, SPAN_OF("x$")));
    assert_int_equal(r[1].show, 0);
    assert_int_equal(c->guard.actions.count, 2);
    assert_true(span_eq(c->guard.actions.items[1].rule, SPAN_OF("secret")));
    assert_int_equal(c->guard.actions.items[1].action, CONFIG_GUARD_BLOCK);
    assert_true(c->guard.shipped);
    assert_int_equal(r[1].action, CONFIG_GUARD_UNSET);
    assert_int_equal(r[1].where, CONFIG_GUARD_BOTH);
    world_done(c);
}

static void the_smallest_bound_of_an_answer_counts(void **state) {
    (void)state;
    config *c =
        world_good(PROVIDER "output: {characters: 100, tokens: 50}\n"
                            "models: {m: {targets: p, output: {characters: 20}}, n: p}\n"
                            "clients: [{name: a, key: first-key, output: {characters: 30, tokens: "
                            "60}}]\n");
    static const struct {
        const char *model;
        bool client;
        config_answer_limit is;
    } rows[] = {
        {"m", false, {20, 50}},
        {"m", true, {20, 50}},
        {"n", true, {30, 50}},
        {"n", false, {100, 50}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_answer_limit a = config_answer_of(c, config_find_model(c, span_cstr(rows[i].model)),
                                                 rows[i].client ? c->clients : NULL);
        assert_int_equal(a.characters, rows[i].is.characters);
        assert_int_equal(a.tokens, rows[i].is.tokens);
    }
    world_done(c);
    c = world_good("");
    config_answer_limit a = config_answer_of(c, NULL, NULL);
    assert_false(config_answer_limited(&a));
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stricter_of_model_and_client_counts),
        cmocka_unit_test(what_is_asked_is_looked_at),
        cmocka_unit_test(nothing_is_looked_at_unless_it_is_said),
        cmocka_unit_test(what_holds_for_nothing_is_warned_of),
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(the_smallest_bound_of_an_answer_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
