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

int main(void) {
    struct CMUnitTest tests[] = {cmocka_unit_test(a_url_has_some),
                                 cmocka_unit_test(headers_and_variables_do)};
    return run_watched(tests);
}
