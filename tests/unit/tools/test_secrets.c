/* Which of a tool's own words are looked for in what comes back from it. */
#include "unit.h"

#include "heap.h"
#include "tools/secrets.h"

static config_tool tool_of(const char *path) {
    return (config_tool){.url = {.text = SPAN_OF("x"), .path = span_cstr(path)}};
}

static void a_url_has_some(void **state) {
    (void)state;
    static const struct {
        const char *path;
        const char *secrets[4];
        const char *others[4];
    } rows[] = {
        {"/", {NULL}, {"/"}},
        {"/v1/weather/current-conditions", {NULL}, {"current-conditions", "weather"}},
        {"/services/T0123456/B0a7Kq2LmPz9RtYb4Wd8NcVf",
         {"B0a7Kq2LmPz9RtYb4Wd8NcVf"},
         {"services", "T0123456"}},
        {"/x?key=abcdefgh&unit=celsius&q=ab",
         {"abcdefgh"}, /* under a name that speaks of one: words, too */
         {"celsius", "unit", "key=ab"}},
        {"/x?a=Zx81Kk2p&b=plainwords", {"Zx81Kk2p"}, {"plainwords"}},
        {"/x?token=a%2Fb%2Bc+d%20e1", {"a%2Fb%2Bc+d%20e1", "a/b+c d e1"}, {"a%2Fb"}},
        {"/x?token=", {NULL}, {"token"}},
        {"/x?token", {NULL}, {"token"}},
        {"/x?=%", {NULL}, {"%"}},
        {"/bot123456%3AABCDEFghijKLMNop?x", {"bot123456:ABCDEFghijKLMNop"}, {"bot123456"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_tool tool = tool_of(rows[i].path);
        secret_set *set = tool_secrets_of(&tool);
        for (size_t k = 0; k < 4 && rows[i].secrets[k]; k++)
            if (!secret_set_found(set, span_cstr(rows[i].secrets[k])))
                fail_msg("%s: %s is none", rows[i].path, rows[i].secrets[k]);
        for (size_t k = 0; k < 4 && rows[i].others[k]; k++)
            if (secret_set_found(set, span_cstr(rows[i].others[k])))
                fail_msg("%s: %s is one", rows[i].path, rows[i].others[k]);
        secret_set_unref(set);
    }
}

static void headers_and_variables_do(void **state) {
    (void)state;
    config_tool_pair header = {SPAN_OF("Authorization"), SPAN_OF("Bearer abcdefgh12")};
    config_tool_pair variable = {SPAN_OF("API_KEY"), SPAN_OF("ijklmnop34")};
    config_tool tool = tool_of("/x?key=qrstuvwx56");
    tool.headers = (config_tool_pairs){&header, 1};
    tool.env = (config_tool_pairs){&variable, 1};
    secret_set *set = tool_secrets_of(&tool);
    assert_true(secret_set_found(set, SPAN_OF("abcdefgh12")));
    assert_true(secret_set_found(set, SPAN_OF("ijklmnop34")));
    assert_true(secret_set_found(set, SPAN_OF("qrstuvwx56")));
    secret_set_unref(set);
}

static void arguments_do_where_a_name_says_so(void **state) {
    (void)state;
    static const struct {
        char *argv[4];
        config_tool_pair variable;
        const char *secret, *other;
    } rows[] = {
        {{"x", "--api-key", "abcdefgh12"}, {{0}}, "abcdefgh12", "--api-key"},
        {{"x", "--api-key=abcdefgh12"}, {{0}}, "abcdefgh12", "api-key"},
        {{"x", "-e", "GITHUB_TOKEN=abcdefgh12"}, {{0}}, "abcdefgh12", "GITHUB"},
        {{"x", "--header", "Authorization: Bearer abcdefgh12"}, {{0}}, "abcdefgh12", "Bearer "},
        {{"x", "abcdefgh12"}, {SPAN("SEARCH_KEY"), SPAN("abcdefgh12")}, "abcdefgh12", NULL},
        {{"x", "Bearer abcdefgh12 y"},
         {SPAN("TOKEN"), SPAN("abcdefgh12")},
         "abcdefgh12",
         "Bearer "},
        {{"x", "/abcdefgh12"}, {SPAN("TOKEN"), SPAN("/abcdefgh12")}, "/abcdefgh12", NULL},
        {{"x", "postgres://user:abcdefgh12@host/database"}, {{0}}, "abcdefgh12", "database"},
        {{"x", "--db=mysql://u:ab%40defgh12@host"}, {{0}}, "ab@defgh12", "mysql"},
        {{"x", "https://host/mcp?token=abcdefgh12"}, {{0}}, "abcdefgh12", "mcp"},
        {{"x", "https://host/mcp?a=1&sig=abcdefghi#d"}, {{0}}, "abcdefghi", NULL},
        /* words of a name, however they are put together */
        {{"x", "--apiKey", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "--theAPIKey", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "--apikey", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "--access.token", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "--accesstoken", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "--token2", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "--auth", "abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "MYSQL_PWD=abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "PGPASSWORD=abcdefghi"}, {{0}}, "abcdefghi", NULL},
        {{"x", "PASSPHRASE=abcdefghi"}, {{0}}, "abcdefghi", NULL},
        /* none */
        {{"x", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "/srv/files/abcdefgh12"},
         {SPAN("FILES"), SPAN("/srv/files/abcdefgh12")},
         NULL,
         "/srv/files/abcdefgh12"},
        {{"x", "--api-key-file", "etc/abcdefgh12"}, {{0}}, NULL, "etc/abcdefgh12"},
        {{"x", "--apiKeyPath", "etc/abcdefgh12"}, {{0}}, NULL, "etc/abcdefgh12"},
        {{"x", "--api-key", "--verbose", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--keys=1", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "abc12@host://defgh123456"}, {{0}}, NULL, "defgh123456"},
        {{"x", "--author", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--author=abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--tokenizer", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--monkey", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--bypass", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "abcdefgh12"}, {SPAN("KEYCLOAK_HOST"), SPAN("abcdefgh12")}, NULL, "abcdefgh12"},
        {{"x", "--no-auth", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--noAuth", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--skip-token-check", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--disable-auth", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--without-password", "abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "--key", "/etc/abcdefgh12"}, {{0}}, NULL, "/etc/abcdefgh12"},
        {{"x", "--key", "./abcdefgh12"}, {{0}}, NULL, "./abcdefgh12"},
        {{"x", "--key", "../abcdefgh12"}, {{0}}, NULL, "../abcdefgh12"},
        {{"x", "--key", "~/abcdefgh12"}, {{0}}, NULL, "~/abcdefgh12"},
        {{"x", "--key=/etc/abcdefgh12"}, {{0}}, NULL, "/etc/abcdefgh12"},
        {{"x", "https://git.example.com/acme/customer-portal-2024"},
         {{0}},
         NULL,
         "customer-portal-2024"},
        {{"x", "https://host/?page=abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "https://host/?author=abcdefgh12"}, {{0}}, NULL, "abcdefgh12"},
        {{"x", "postgres://postgres:postgres@host/database"}, {{0}}, NULL, "postgres"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_tool tool = tool_of("/");
        config_tool_pair variable = rows[i].variable;
        tool.argv = (char **)rows[i].argv;
        tool.variables = (config_tool_pairs){&variable, variable.name.len > 0};
        secret_set *set = tool_secrets_of(&tool);
        if (rows[i].secret && !secret_set_found(set, span_cstr(rows[i].secret)))
            fail_msg("row %zu: %s is none", i, rows[i].secret);
        if (rows[i].other && set && secret_set_found(set, span_cstr(rows[i].other)))
            fail_msg("row %zu: %s is one", i, rows[i].other);
        secret_set_unref(set);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {cmocka_unit_test(a_url_has_some),
                                 cmocka_unit_test(headers_and_variables_do),
                                 cmocka_unit_test(arguments_do_where_a_name_says_so)};
    return run_watched(tests);
}
