/* functions: how far runs may go. */
#include "world.h"

static void limits_are_read(void **state) {
    (void)state;
    config *c = world_good("{}\n");
    assert_int_equal(c->functions.max_steps, 8);
    assert_int_equal(c->functions.max_time_ms, 120000);
    assert_int_equal(c->functions.max_tokens, 0);
    assert_int_equal(c->functions.max_cost_nano, 0);
    world_done(c);
    c = world_good("functions: {max_steps: 3, max_time: 5s, max_tokens: 20000, max_cost: 0.25}\n");
    assert_int_equal(c->functions.max_steps, 3);
    assert_int_equal(c->functions.max_time_ms, 5000);
    assert_int_equal(c->functions.max_tokens, 20000);
    assert_int_equal(c->functions.max_cost_nano, 250000000);
    world_done(c);
    c = world_good("functions: {max_tokens: off, max_cost: off}\n");
    assert_int_equal(c->functions.max_cost_nano, 0);
    world_done(c);
}

static void whose_models_are_offered_tools_is_read(void **state) {
    (void)state;
#define CLIENT(name, key, more) "  - {name: " name ", key: " key "-0123456789abcdef" more "}\n"
    config *c = world_good("functions: {server_tools: true}\nclients:\n" CLIENT("a", "a", "")
                               CLIENT("b", "b", ", functions: {server_tools: true}")
                                   CLIENT("c", "c", ", functions: {server_tools: false}"));
    assert_true(c->functions.server_tools);
    assert_int_equal(c->clients[0].server_tools, CONFIG_SERVER_TOOLS_UNSET);
    assert_int_equal(c->clients[1].server_tools, CONFIG_SERVER_TOOLS);
    assert_int_equal(c->clients[2].server_tools, CONFIG_SERVER_TOOLS_NOT);
    world_done(c);
    c = world_good("{}\n");
    assert_false(c->functions.server_tools);
    world_done(c);
}

#define AMOUNT "an amount of money above 0 such as 0.25, or off"

static void what_is_no_limit_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *says;
    } rows[] = {
        {"functions: {max_steps: 0}\n", "1:24: functions.max_steps is 0; allowed 1 to 1000"},
        {"functions: {max_steps: many}\n",
         "1:24: functions.max_steps is 'many'; expected a whole number"},
        {"functions: {max_time: 2}\n", "1:23: functions.max_time is 2 without a unit; expected a "
                                       "duration such as 250ms, 5s or 10m"},
        {"functions: {max_cost: 0}\n", "1:23: functions.max_cost is '0'; expected " AMOUNT},
        {"functions: {max_cost: -1}\n", "1:23: functions.max_cost is '-1'; expected " AMOUNT},
        {"functions: {max_cost: a lot}\n",
         "1:23: functions.max_cost is another value; expected " AMOUNT},
        {"functions: {server_tools: some}\n",
         "1:27: functions.server_tools is 'some'; expected true or false"},
        {"functions: {approval: {url: ftp://h/x}}\n",
         "1:29: functions.approval.url: a URL begins with https://, http:// or unix:/"},
        {"functions: {approval: {url: \"https://h/x\", secret: short}}\n",
         "1:52: functions.approval.secret is too short or no whole one; expected at least 16 "
         "characters that nobody can guess, or whsec_ and the base64 of 24 to 64 bytes"},
        {"functions: {approval: {timeout: 11m}}\n",
         "1:33: functions.approval.timeout is 11m; allowed 10ms to 10m"},
        {"functions: {approval: {failed: approve}}\n",
         "1:32: functions.approval.failed is 'approve'; allowed: deny, ask"},
        {"tools: {t: {kind: builtin, approve: webhook}}\n",
         "1:8: tools.t.approve is webhook, and functions.approval.url, which would be asked, is "
         "not "
         "set"},
        {"functions: {max_step: 3}\n",
         "1:13: unknown option 'functions.max_step'; did you mean 'functions.max_steps'?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_bad(rows[i].yaml, rows[i].says);
}

static void who_approves_is_read(void **state) {
    (void)state;
    config *c = world_good(
        "functions: {approval: {url: \"https://h.example/may?a=1\", allow_private: true}}\n");
    const config_approval *a = &c->functions.approval;
    assert_true(a->webhook.url.tls && a->webhook.allow_private && !a->webhook.secret);
    assert_true(span_eq(a->webhook.url.path, SPAN_OF("/may?a=1")));
    assert_int_equal(a->timeout_ms, 10000);
    assert_int_equal(a->failed, APPROVAL_DENIES);
    world_done(c);
    c = world_good("functions: {approval: {failed: ask}}\n");
    assert_int_equal(c->functions.approval.failed, APPROVAL_ASKS);
    assert_int_equal(c->functions.approval.webhook.url.text.len, 0);
    world_done(c);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read),
        cmocka_unit_test(whose_models_are_offered_tools_is_read),
        cmocka_unit_test(who_approves_is_read),
        cmocka_unit_test(what_is_no_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
