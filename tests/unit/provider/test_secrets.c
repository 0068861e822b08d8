/* What is secret of all that weir sends to a provider. */
#include "unit.h"

#include "provider/secrets.h"

static void headers_are_secret_but_for_words(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_secret;
    } rows[] = {
        {"x-gate-token", "0123456789abcdef", true},
        {"X-Team", "a1b2c3d4e5", true},
        {"x-tenant", "eu-central-1", true},
        {"authorization", "Bearer abc", true},
        {"x-secret", "production", true},
        {"x-api-key", "production", true},
        {"x-team", "correct-horse-battery-staple", true},
        {"x-team", "ABCDEFGH", true},
        {"x-team", "deadBEEF", true},
        {"x-gate-token", "1234567", false}, /* too short for any */
        {"x-secret", "", false},
        {"x-environment", "production", false},
        {"x-team", "Acme Corp", false},
        {"x-team", "on-call_team", false},
        {"User-Agent", "my-service/1.0 (batch)", false},
        {"accept", "application/json;q=0.9", false},
        {"HTTP-Referer", "https://app.example/0123456789", false},
        {"X-Title", "My Application 2", false},
        {"OpenAI-Beta", "assistants=v2", false},
        {"anthropic-version", "2023-06-01", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool found = provider_header_is_secret(span_cstr(rows[i].name), span_cstr(rows[i].value));
        if (found != rows[i].is_secret) print_error("%s: %s\n", rows[i].name, rows[i].value);
        assert_int_equal(found, rows[i].is_secret);
    }
}

static void finds_what_is_in_them(void **state) {
    (void)state;
    static const struct {
        const char *value;
        const char *all; /* between bars */
    } rows[] = {
        {"gate-token-1", "gate-token-1"},
        {"Bearer gate-token-1", "Bearer gate-token-1|gate-token-1"},
        {"Bearer short", "Bearer short"},
        {"AWS4 one two-three-four", "AWS4 one two-three-four"},
        {"k1=v1 gate-token-1", "k1=v1 gate-token-1"}, /* no scheme */
        {"Basic dXNlcjpwYXNzd29yZC0wMDA0",
         "Basic dXNlcjpwYXNzd29yZC0wMDA0|dXNlcjpwYXNzd29yZC0wMDA0|user:password-0004|"
         "password-0004"},
        {"basic dXNlcjpwYXNzd29yZC0wMDA=", "basic dXNlcjpwYXNzd29yZC0wMDA=|"
                                           "dXNlcjpwYXNzd29yZC0wMDA=|user:password-000|"
                                           "password-000"},
        {"Basic dXNlcjpwYXNzd29yZC0wMA==", "Basic dXNlcjpwYXNzd29yZC0wMA==|"
                                           "dXNlcjpwYXNzd29yZC0wMA==|user:password-00|password-00"},
        {"Basic not*base64*at-all", "Basic not*base64*at-all|not*base64*at-all"},
        {"Basic dXNlcjpwYXNzd29yZA=", "Basic dXNlcjpwYXNzd29yZA=|dXNlcjpwYXNzd29yZA="},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_header header = {SPAN("authorization"), span_cstr(rows[i].value)};
        const config_provider p = {.headers = &header, .header_count = 1};
        secret_list found = {0};
        buf all = BUF_EMPTY;
        provider_secrets(&p, NULL, &found);
        for (size_t k = 0; k < found.count; k++) {
            if (k) buf_add_char(&all, '|');
            buf_add(&all, secret_reveal(found.items[k]));
        }
        assert_string_equal(buf_cstr(&all), rows[i].all);
        buf_done(&all);
        secret_list_done(&found);
    }
}

static void keys_and_the_proxys_login_are(void **state) {
    (void)state;
    secret *keys[] = {secret_new(SPAN_OF("sk-one-0001")), secret_new(SPAN_OF("sk-two-0002"))};
    secret *login = secret_new(SPAN_OF("Basic eDp5"));
    const config_provider p = {.keys = keys, .key_count = 2};
    secret_list found = {0};
    provider_secrets(&p, login, &found);
    assert_int_equal(found.count, 3);
    assert_true(secret_list_has(&found, keys[0]));
    assert_true(secret_list_has(&found, keys[1]));
    assert_true(secret_list_has(&found, login));
    secret_list_add(&found, NULL);
    assert_int_equal(found.count, 3);
    secret_list_done(&found);
    assert_false(secret_list_has(&found, login));
    secret_unref(keys[0]);
    secret_unref(keys[1]);
    secret_unref(login);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(headers_are_secret_but_for_words),
                                       cmocka_unit_test(finds_what_is_in_them),
                                       cmocka_unit_test(keys_and_the_proxys_login_are)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
