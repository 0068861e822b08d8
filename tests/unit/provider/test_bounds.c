/* What bounds a chat completion's answer, where one of its two names says nothing. */
#include "unit.h"

#include "asking.h"

typedef struct row {
    config_max_tokens known;
    int64_t cap;
    const char *in, *out; /* NULL: the same */
} row;

static void check(const row *r) {
    const config_provider p = {.url = {.path = SPAN("/v1")}, .max_tokens = r->known};
    request_facts f = facts_of(r->in);
    f.cap_tokens = r->cap;
    const provider_request sent = build(&p, &f, "", NULL);
    assert_span(body_of(&sent), r->out ? r->out : r->in);
}

#define OLD "\"max_tokens\":"
#define NEW "\"max_completion_tokens\":"

/* A client that writes all its members, null where it has nothing to say. */
static void null_is_no_bound(void **state) {
    (void)state;
    static const row rows[] = {
        {MAX_TOKENS_OLD, 0, "{" OLD "null, " NEW "5}", "{" OLD "5, " NEW "null}"},
        {MAX_TOKENS_OLD, 0, "{" NEW "5," OLD "null}", "{" NEW "null," OLD "5}"},
        {MAX_TOKENS_OLD, 0, "{\"max\\u005ftokens\":null," NEW "5}",
         "{\"max\\u005ftokens\":5," NEW "null}"},
        {MAX_TOKENS_OLD, 0, "{" OLD "5," NEW "null}", NULL},
        {MAX_TOKENS_OLD, 0, "{" OLD "null," NEW "null}", NULL},
        {MAX_TOKENS_OLD, 0, "{" OLD "null}", NULL},
        {MAX_TOKENS_NEW, 0, "{" OLD "5," NEW "null}", "{" OLD "null," NEW "5}"},
        {MAX_TOKENS_NEW, 0, "{" OLD "null," NEW "5}", NULL},
        {MAX_TOKENS_AS_SENT, 0, "{" OLD "null," NEW "5}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i]);
}

/* It stands where it is known. */
static void the_cap_holds_all_the_same(void **state) {
    (void)state;
    static const row rows[] = {
        {MAX_TOKENS_OLD, 100, "{" OLD "null," NEW "5}", "{" OLD "5," NEW "null}"},
        {MAX_TOKENS_OLD, 100, "{" OLD "null," NEW "500}", "{" OLD "100," NEW "null}"},
        {MAX_TOKENS_OLD, 100, "{" NEW "500," OLD "null}", "{" NEW "null," OLD "100}"},
        {MAX_TOKENS_OLD, 100, "{" OLD "500," NEW "null}", "{" OLD "100," NEW "null}"},
        {MAX_TOKENS_OLD, 100, "{" OLD "null," NEW "null}", "{" OLD "100," NEW "null}"},
        {MAX_TOKENS_OLD, 100, "{" NEW "null," OLD "null}", "{" NEW "null," OLD "100}"},
        {MAX_TOKENS_NEW, 100, "{" OLD "null," NEW "null}", "{" OLD "null," NEW "100}"},
        {MAX_TOKENS_NEW, 100, "{" NEW "null," OLD "500}", "{" NEW "100," OLD "null}"},
        {MAX_TOKENS_AS_SENT, 100, "{" OLD "null," NEW "500}", "{" OLD "null," NEW "100}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(null_is_no_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(the_cap_holds_all_the_same, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
