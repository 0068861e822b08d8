/* Who a good token's claims say that it is, as tables of rows; that none has more by saying less.
 */
#include "unit.h"

#include "access/token_caller.h"

static arena memory;

static jwt token_of(const char *claims) {
    jwt t = {.until_us = 7};
    json_fault fault;
    assert_true(json_scan(span_cstr(claims), NULL, &t.claims, &fault));
    return t;
}

static access_key *read(const config_jwt *o, const char *claims, span *ret_why) {
    static span models[] = {SPAN("m")};
    static config_client there[] = {{.name = SPAN("app"), .models = models, .model_count = 1}};
    const config c = {.jwt = *o, .clients = there, .client_count = 1};
    const jwt t = token_of(claims);
    return token_caller(&c, &t, &memory, ret_why);
}

static const config_jwt bare = {.client = SPAN("sub")};
static const config_jwt full = {
    .client = SPAN("sub"), .user = SPAN("u"), .limits = SPAN("l"), .models = SPAN("m")};

static void what_is_refused(void **state) {
    (void)state;
#define LACKS(c) "The token lacks the claim '" c "', which this gateway needs."
#define BAD(c)   "The token's claim '" c "' cannot be used here."
    static const struct {
        const char *claims, *says;
    } rows[] = {
        {"{}", LACKS("sub")},
        {"{\"sub\":null}", LACKS("sub")},
        {"{\"sub\":7}", BAD("sub")},
        {"{\"sub\":\"\"}", BAD("sub")},
        {"{\"sub\":\"a\\nb\"}", BAD("sub")},
        {"{\"sub\":\"s\",\"u\":7,\"l\":{},\"m\":[\"*\"]}", BAD("u")},
        {"{\"sub\":\"s\",\"u\":\"\",\"l\":{},\"m\":[\"*\"]}", BAD("u")},
        {"{\"sub\":\"app\",\"u\":[\"a\"]}", BAD("u")},
        {"{\"sub\":\"s\",\"l\":{}}", LACKS("m")},
        {"{\"sub\":\"s\",\"l\":{},\"m\":null}", LACKS("m")},
        {"{\"sub\":\"s\",\"l\":{},\"m\":[]}", BAD("m")},
        {"{\"sub\":\"s\",\"l\":{},\"m\":{}}", BAD("m")},
        {"{\"sub\":\"s\",\"l\":{},\"m\":[[\"x\"]]}", BAD("m")},
        {"{\"sub\":\"s\",\"m\":[\"x\"]}", LACKS("l")},
        {"{\"sub\":\"s\",\"m\":[\"x\"],\"l\":null}", LACKS("l")},
        {"{\"sub\":\"s\",\"m\":[\"x\"],\"l\":[]}", BAD("l")},
        {"{\"sub\":\"s\",\"m\":[\"x\"],\"l\":{\"requests\":\"many\"}}", BAD("l")},
        {"{\"sub\":\"s\",\"m\":[\"x\"],\"l\":{\"spent\":\"1/d\"}}", BAD("l")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span why = SPAN_EMPTY;
        assert_null(read(&full, rows[i].claims, &why));
        assert_span(why, rows[i].says);
    }
}

static void what_a_token_may(void **state) {
    (void)state;
    static const struct {
        const config_jwt *by;
        const char *claims, *user;
        size_t models, limits;
        const char *first_model;
    } rows[] = {
        {&bare, "{\"sub\":\"s\",\"m\":[\"x\"],\"l\":{\"requests\":\"1/m\"},\"u\":7}", "", 0, 0, ""},
        {&full, "{\"sub\":\"s\",\"m\":[\"x*\",\"y\"],\"l\":{\"requests\":\"1/m\"},\"u\":\"w\"}",
         "w", 2, 1, "x*"},
        {&full, "{\"sub\":\"s\",\"m\":\"x\",\"l\":{}}", "", 1, 0,
         "x"}, /* for whom: as the request says */
        {&full, "{\"sub\":\"s\",\"m\":[\"*\"],\"l\":{},\"u\":null}", "", 1, 0, "*"},
        {&full, "{\"sub\":\"app\"}", "", 1, 0, "m"}, /* as the file has it */
        {&full, "{\"sub\":\"app\",\"m\":[\"*\"],\"u\":\"w\"}", "w", 1, 0, "m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span why = SPAN_EMPTY;
        access_key *key = read(rows[i].by, rows[i].claims, &why);
        assert_span(why, "");
        assert_non_null(key);
        assert_int_equal(key->until_us, 7);
        assert_span(key->user, rows[i].user);
        assert_int_equal(key->client.model_count, rows[i].models);
        assert_int_equal(key->client.limits.requests.count, rows[i].limits);
        if (rows[i].models) assert_span(key->client.models[0], rows[i].first_model);
        access_key_unref(key);
    }
}

int main(void) {
    arena_init(&memory, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_a_token_may),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return failed;
}
