/* tools.NAME: whom clients may name, and the variables of a command. */
#include "world.h"

#define TOOLS "tools: {get_current_time: {kind: builtin, clients: [app, ops]}}\n"
#define APP   "clients:\n  - {name: app, key: app-0123456789abcdef}\n"
#define JWT   "auth: {jwt: {jwks: \"https://i/keys\", issuer: i, audience: a}}\n"

#define WHERE   "tools.get_current_time.clients: "
#define REFUSED WHERE "there is no client of the name at place 2"
#define WARNED                                                                                     \
    "warning: " WHERE "the name at place 2 is none of clients: nobody has it but a key of the "    \
    "store (keys: on says that there are such)"

/* told: what is told of the tool, without its place; NULL: nothing. */
static void assert_told(const char *yaml, bool good, const char *told) {
    world w;
    buf all = BUF_EMPTY;
    world_init(&w, NULL, NULL);
    buf_addf(&all, "providers: {a: {kind: simulator}}\n%s%s", TOOLS, yaml);
    config *c = world_load(&w, buf_cstr(&all));
    buf text = world_text(c);
    const bool is_told =
        told ? strstr(buf_cstr(&text), told) != NULL : strstr(buf_cstr(&text), WHERE) == NULL;
    if ((c != NULL) != good || !is_told) fail_msg("%s: %s", yaml, buf_cstr(&text));
    buf_done(&text);
    buf_done(&all);
    world_done(c);
}

static void a_client_may_be_none_of_the_files(void **state) {
    (void)state;
    static const struct {
        const char *yaml;
        bool good;
        const char *told;
    } rows[] = {
        {APP "  - {name: ops, key: ops-0123456789abcdef}\n", true, NULL},
        /* Nobody else can come. */
        {APP "keys: off\n", false, REFUSED},
        {APP "ledger: off\n", false, REFUSED},
        {"ledger: off\n", false, "no client of the name at place 1"},
        /* There are keys of the store, or tokens. */
        {APP "keys: on\n", true, NULL},
        {"keys: on\n", true, NULL},
        {APP JWT, true, NULL},
        {APP "keys: off\n" JWT, true, NULL},
        {APP "ledger: off\n" JWT, true, NULL},
        /* There may be. */
        {APP, true, WARNED},
        {"", true, "the name at place 1 is none of clients"},
        /* An entry that cannot be read has its own message, and may be the one. */
        {"keys: off\n" APP "  - {name: ops}\n", false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_told(rows[i].yaml, rows[i].good, rows[i].told);
}

static void a_commands_variables_are_kept(void **state) {
    (void)state;
    static const world_pair env[] = {{"USER_NAME", "ann"}, {"KEY", "a$b"}, {"NOT", "x"}, {NULL}};
    static const struct {
        const char *name, *value;
    } kept[] = {{"USER_NAME", "ann"}, {"KEY", "a$b"}, {"GONE", "c:d"}, {"KEY", "a$b"}};
    world w;
    world_init(&w, env, NULL);
    config *c = world_load(
        &w,
        "providers: {a: {kind: simulator}}\n"
        "tools:\n"
        "  a:\n"
        "    kind: command\n"
        "    description: a\n"
        "    command: [x, \"${USER_NAME}:${KEY}\", \"$${NOT} $5 $\", \"${GONE:-c:d}$$${KEY}$\"]\n");
    if (!c) fail_msg("%.*s", SPAN_ARG(world_problems.items[0].text));
    assert_string_equal(c->tools[0].argv[3], "c:d$a$b$");
    assert_int_equal(c->tools[0].variables.count, ARRAY_LEN(kept));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const config_tool_pair *pair = &c->tools[0].variables.items[i];
        assert_true(span_eq(pair->name, span_cstr(kept[i].name)));
        assert_true(span_eq(pair->value, span_cstr(kept[i].value)));
    }
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_client_may_be_none_of_the_files),
                                       cmocka_unit_test(a_commands_variables_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
