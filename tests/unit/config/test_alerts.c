/* alerts: which kinds, shares and webhooks are taken and which are not, how they are explained, and
 * that neither a webhook's path nor its secret is told to anybody. */
#include "world.h"

static const world_pair env[] = {
    {"HOOK", "https://hooks.example.com/services/hunter2"},
    {"SECRET", "hunter2-hunter2-hunter2"},
    {"WHSEC", "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"}, /* of 24 bytes */
    {"WHSEC_SHORT", "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM="},
    {"WHSEC_BROKEN", "whsec_hunter2"},
    {"SHORT", "hunter2"},
    {NULL, NULL}};

static config *load(const char *alerts, buf *ret_said) {
    world w;
    char yaml[2048];
    world_init(&w, env, NULL);
    snprintf(yaml, sizeof yaml, "providers: {a: {kind: simulator}}\nalerts: %s\n", alerts);
    config *c = world_load(&w, yaml);
    *ret_said = world_text(c);
    return c;
}

static unsigned bit(alert_kind k) {
    return 1u << k;
}

static void kinds(void **state) {
    (void)state;
    const unsigned all = (1u << ALERT_KINDS) - 1;
    const unsigned keys =
        bit(ALERT_EXPIRY) | bit(ALERT_ADDRESS) | bit(ALERT_MODEL) | bit(ALERT_RATE);
    const struct {
        const char *events;
        unsigned mask;
        const char *explained; /* after "events: "; NULL: nothing, as that is what holds anyway */
    } rows[] = {
        {"all", all, NULL},
        {"\"*\"", all, NULL},
        {"budget.threshold", bit(ALERT_BUDGET), "[budget.threshold]"},
        {"[budget.threshold]", bit(ALERT_BUDGET), "[budget.threshold]"},
        {"\"key.*\"", keys, "[key.expiring, key.new_address, key.new_model, key.rate]"},
        {"[\"loop.*\", test]", bit(ALERT_SAME) | bit(ALERT_SPEND) | bit(ALERT_TEST),
         "[loop.prompt, loop.spend, test]"},
        {"\"breaker.opened, breaker.closed\"", bit(ALERT_OPENED) | bit(ALERT_CLOSED),
         "[breaker.opened, breaker.closed]"},
        {"[test, test]", bit(ALERT_TEST), "[test]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        buf said, shown = BUF_EMPTY;
        snprintf(text, sizeof text, "{webhooks: {url: \"https://a/b\", events: %s}}",
                 rows[i].events);
        config *c = load(text, &said);
        if (!c) fail_msg("%s: %s", rows[i].events, buf_cstr(&said));
        assert_int_equal(c->alerts.webhooks[0].events, rows[i].mask);
        config_explain(c, &shown);
        snprintf(text, sizeof text, "events: %s}", rows[i].explained ? rows[i].explained : "");
        if (rows[i].explained && !strstr(buf_cstr(&shown), text))
            fail_msg("%s is not in\n%s", text, buf_cstr(&shown));
        if (!rows[i].explained)
            assert_non_null(strstr(buf_cstr(&shown), "[{url: \"https://a/(set)\"}]"));
        buf_done(&shown);
        buf_done(&said);
        world_done(c);
    }
}

static void shares_of_a_budget(void **state) {
    (void)state;
    const struct {
        const char *alerts;
        size_t count;
        double last;
        const char *explained;
    } rows[] = {
        {"{}", 3, 1.0, "budget: [50%, 80%, 100%]"},
        {"{budget: off}", 0, 0, "budget: []"},
        {"{budget: 90%}", 1, 0.9, "budget: [90%]"},
        {"{budget: [0.1%, 100%]}", 2, 1.0, "budget: [0.1%, 100%]"},
        {"{budget: \"10%, 20%\"}", 2, 0.2, "budget: [10%, 20%]"},
        {"{budget: [1%, 2%, 3%, 4%, 5%, 6%, 7%, 8%]}", 8, 0.08, "7%, 8%]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said, shown = BUF_EMPTY;
        config *c = load(rows[i].alerts, &said);
        if (!c) fail_msg("%s: %s", rows[i].alerts, buf_cstr(&said));
        const config_thresholds *t = &c->alerts.budget;
        assert_int_equal(t->count, rows[i].count);
        if (t->count)
            assert_true(t->items[t->count - 1] > rows[i].last - 1e-9 &&
                        t->items[t->count - 1] < rows[i].last + 1e-9);
        config_explain(c, &shown);
        if (!strstr(buf_cstr(&shown), rows[i].explained))
            fail_msg("%s is not in\n%s", rows[i].explained, buf_cstr(&shown));
        buf_done(&shown);
        buf_done(&said);
        world_done(c);
    }
}

static void webhooks(void **state) {
    (void)state;
    const struct {
        const char *webhooks;
        size_t count;
        bool signs;
        const char *explained, *warned;
    } rows[] = {
        {"", 0, false, "webhooks: []", NULL},
        {"[]", 0, false, "webhooks: []", NULL},
        {"\"${HOOK}\"", 1, false, "webhooks: [{url: (set)}]", NULL},
        {"[\"https://a/hunter2\", {url: \"http://b:81/hunter2\", allow_private: true}]", 2, false,
         "[{url: \"https://a/(set)\"}, {url: \"http://b:81/(set)\", allow_private: true}]", NULL},
        {"{url: \"${HOOK}\", secret: \"${SECRET}\"}", 1, true, "{url: (set), secret: (set)}", NULL},
        {"{url: \"${HOOK}\", secret: \"${WHSEC}\", format: json}", 1, true, "secret: (set)}", NULL},
        {"{url: \"${HOOK}\", secret: \"${SECRET}\", format: slack}", 1, true,
         "format: slack, secret: (set)", "alerts.webhooks.secret signs what Slack does not verify"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        buf said, shown = BUF_EMPTY;
        snprintf(text, sizeof text, "{webhooks: %s}", rows[i].webhooks);
        config *c = load(text, &said);
        if (!c) fail_msg("%s: %s", rows[i].webhooks, buf_cstr(&said));
        assert_int_equal(c->alerts.webhook_count, rows[i].count);
        assert_int_equal(rows[i].count && c->alerts.webhooks[0].secret, rows[i].signs);
        config_explain(c, &shown);
        if (!strstr(buf_cstr(&shown), rows[i].explained))
            fail_msg("%s is not in\n%s", rows[i].explained, buf_cstr(&shown));
        if (rows[i].warned)
            assert_non_null(strstr(buf_cstr(&said), rows[i].warned));
        else
            assert_int_equal(said.len, 0);
        assert_null(strstr(buf_cstr(&shown), "hunter2"));
        assert_null(strstr(buf_cstr(&said), "hunter2"));
        buf_done(&shown);
        buf_done(&said);
        world_done(c);
    }
}

static void what_is_refused_and_how(void **state) {
    (void)state;
    static const char too_many[] =
        "{webhooks: [\"https://a\", \"https://a\", \"https://a\", \"https://a\", \"https://a\", "
        "\"https://a\", \"https://a\", \"https://a\", \"https://a\", \"https://a\", \"https://a\", "
        "\"https://a\", \"https://a\", \"https://a\", \"https://a\", \"https://a\", "
        "\"https://a\"]}";
    static const struct {
        const char *alerts, *said;
    } rows[] = {
        {"{webhooks: {url: \"https://a\", events: budgets}}",
         "alerts.webhooks.events names 'budgets'; expected all, or some of budget.threshold, "},
        {"{webhooks: {url: \"https://a\", events: [test, \"x*\"]}}", "names 'x*'; expected all"},
        {"{webhooks: {url: \"https://a\", events: []}}",
         "events is a list; expected all, or a list of kinds of alerts"},
        {"{webhooks: {url: \"https://a\", events: {a: b}}}", "expected all, or a list of kinds"},
        {"{webhooks: {url: \"https://a\", events: \"\"}}", "events names ''; expected all"},
        {"{budget: [50%, 40%]}", "alerts.budget: each share is above the one before it"},
        {"{budget: [50%, 50%]}", "alerts.budget: each share is above the one before it"},
        {"{budget: [0%]}", "expected up to 8 percentages above 0 up to 100%"},
        {"{budget: 101%}", "expected up to 8 percentages above 0 up to 100%"},
        {"{budget: [off]}", "expected up to 8 percentages"},
        {"{budget: [10%, off]}", "expected up to 8 percentages"},
        {"{budget: {a: 1}}", "expected up to 8 percentages"},
        {"{budget: [1%, 2%, 3%, 4%, 5%, 6%, 7%, 8%, 9%]}", "expected up to 8 percentages"},
        {"{webhooks: [[\"https://hunter2\"]]}", "alerts.webhooks[0] is a list; expected a URL, a"},
        {"{webhooks: ftp://hunter2}", "alerts.webhooks"},
        {"{webhooks: {secret: \"${SECRET}\"}}", "alerts.webhooks.url is missing"},
        {"{webhooks: {url: \"https://a\", secret: \"${SHORT}\"}}",
         "alerts.webhooks.secret is too short or no whole one; expected at least 16 characters"},
        {"{webhooks: {url: \"https://a\", secret: \"${WHSEC_SHORT}\"}}", "too short or no whole"},
        {"{webhooks: {url: \"https://a\", secret: \"${WHSEC_BROKEN}\"}}", "too short or no whole"},
        {"{webhooks: {url: \"https://a\", secret: [\"${SECRET}\"]}}", "secret is a list; expected"},
        {"{webhooks: {url: \"https://a\", secret: {command: [x], weight: 2}}}",
         "unknown option 'alerts.webhooks.secret.weight'"},
        {"{webhooks: {url: \"https://a\", format: teams}}", "alerts.webhooks.format is"},
        {too_many, "alerts.webhooks has 17 entries; allowed up to 16"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].alerts, &said);
        if (c || !strstr(buf_cstr(&said), rows[i].said))
            fail_msg("%s: %s", rows[i].alerts, buf_cstr(&said));
        assert_null(strstr(buf_cstr(&said), "hunter2"));
        buf_done(&said);
        world_done(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(shares_of_a_budget),
        cmocka_unit_test(webhooks),
        cmocka_unit_test(what_is_refused_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
