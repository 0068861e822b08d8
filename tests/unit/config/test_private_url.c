/* URLs that nothing would ever be sent to: of which a file is warned, and of which not. */
#include "world.h"

#define BEHIND                                                                                     \
    "url is an address of this machine or of a private network, which weir does not connect to: "  \
    "nothing is sent there without allow_private: true"

static const world_pair env[] = {{"HOOK", "http://10.1.2.3/hunter2"}, {NULL, NULL}};

/* What a warning of it says before `url is`; NULL: there is none. */
typedef struct row {
    const char *yaml, *name;
    unsigned line, column;
} row;

static const row rows[] = {
    {"alerts: {webhooks: {url: \"http://127.0.0.1:9/x\"}}", "alerts.webhooks.", 2, 26},
    {"alerts: {webhooks: [{url: \"https://a/b\"}, {url: \"https://[fd00::1]/x\"}]}",
     "alerts.webhooks[1].", 2, 49},
    {"alerts: {webhooks: {url: \"${HOOK}\"}}", "alerts.webhooks.", 2, 26},
    {"alerts: {webhooks: {url: \"http://127.0.0.1:9/x\", allow_private: true}}", NULL, 0, 0},
    {"alerts: {webhooks: {url: \"http://1.1.1.1/x\"}}", NULL, 0, 0},
    {"alerts: {webhooks: {url: \"unix:/run/a.sock\"}}", NULL, 0, 0},
    {"functions: {approval: {url: \"http://localhost/x\"}}", "functions.approval.", 2, 29},
    {"functions: {approval: {url: \"http://localhost/x\", allow_private: true}}", NULL, 0, 0},
    {"functions: {approval: {url: off}}", NULL, 0, 0},
    {"tools: {a: {kind: http, description: x, url: \"http://192.168.0.1/x?key=hunter2\"}}",
     "tools.a.", 2, 46},
    {"tools: {a: {kind: http, description: x, url: \"http://tool.internal/x\"}}", NULL, 0, 0},
    /* Most MCP servers are on this machine. */
    {"tools: {a: {kind: mcp, url: \"http://127.0.0.1/x\"}}", NULL, 0, 0},
    {"tools: {a: {kind: mcp, url: \"http://127.0.0.1/x\", allow_private: false}}", "tools.a.", 2,
     29},
    {"tools: {a: {kind: mcp, command: [a]}}", NULL, 0, 0},
};

static void is_told(const row *wanted) {
    world w;
    char yaml[512], text[512];
    const config_problem *told = NULL;
    world_init(&w, env, NULL);
    snprintf(yaml, sizeof yaml, "providers: {a: {kind: simulator}}\n%s\n", wanted->yaml);
    config *c = world_load(&w, yaml);
    if (!c) fail_msg("%s is refused", wanted->yaml);
    for (size_t i = 0; i < c->warning_count; i++)
        if (span_ends(c->warnings[i].text, SPAN_OF("allow_private: true"))) told = &c->warnings[i];
    if (!told != !wanted->name) fail_msg("%s", wanted->yaml);
    if (told) {
        snprintf(text, sizeof text, "%s" BEHIND, wanted->name);
        assert_span(told->text, text);
        assert_int_equal(told->line, wanted->line);
        assert_int_equal(told->column, wanted->column);
        assert_int_equal(told->excerpt.len, 0); /* it may hold a key */
    }
    world_done(c);
}

static void what_nothing_is_sent_to_is_warned_of(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        is_told(&rows[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_nothing_is_sent_to_is_warned_of)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
