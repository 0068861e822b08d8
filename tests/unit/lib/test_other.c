/* Calls that weir has no endpoint for: as they are, there and back. */
#include "lib.h"

static const char *header(const weir_result *r, const char *name) {
    for (size_t i = 0; i < r->header_count; i++)
        if (strcasecmp(r->headers[i].name, name) == 0) return r->headers[i].value;
    return NULL;
}

static weir_request *call(const char *method, const char *path) {
    weir_request *q = weir_request_new();
    weir_request_set_call(q, method, path);
    return q;
}

static void any_path_is_asked(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_result *r = lib_chat(c, call("GET", "/models?limit=2"));
    if (r->code != WEIR_OK) fail_msg("%s", r->error_message);
    assert_int_equal(r->status, 200);
    assert_null(r->text);
    assert_non_null(strstr(r->body, "\"list\""));
    assert_non_null(strstr(header(r, "content-type"), "application/json"));
    assert_string_equal(header(r, "x-request-id"), r->request_id);
    weir_result_free(r);

    /* An endpoint of weir's own, by the same way: nothing is read or added. */
    weir_request *q = call("POST", "/chat/completions");
    static const char body[] =
        "{\"model\":\"gpt\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    weir_request_set_content(q, "application/json", body, strlen(body));
    r = lib_chat(c, q);
    assert_int_equal(r->code, WEIR_OK);
    assert_non_null(strstr(r->body, "You said: hi"));
    weir_result_free(r);
    weir_client_free(c);
}

static void a_refusal_is_the_result(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_result *r = lib_chat(c, call("GET", "/nothing/of/this"));
    assert_int_equal(r->code, WEIR_NOT_FOUND);
    assert_int_equal(r->status, 404);
    assert_non_null(r->error_message);
    assert_non_null(header(r, "content-type"));
    weir_result_free(r);
    weir_client_free(c);
}

static void headers_are_kept_for_who_wants_them(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    for (int wanted = 0; wanted < 2; wanted++) {
        weir_request *q = lib_request("gpt", "hi");
        weir_request_keep_headers(q, wanted);
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_OK);
        assert_int_equal(r->headers != NULL, wanted);
        assert_int_equal(r->header_count > 0, wanted);
        if (wanted) assert_non_null(header(r, "x-ratelimit-limit-requests"));
        weir_result_free(r);
    }
    weir_client_free(c);
}

/* What is wrong is the result, and nobody is asked. */
static void bad_calls(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    static const struct {
        const char *method, *path, *type, *says;
    } rows[] = {
        {"get", "/files", NULL, "'get' is no method"},
        {"", "/files", NULL, "'' is no method"},
        {"CONNECT", "/files", NULL, "'CONNECT' is no method"},
        {"GET /x", "/files", NULL, "is no method"},
        {NULL, "/files", NULL, "the method is NULL"},
        {"GET", NULL, NULL, "the path is NULL"},
        {"GET", "files", NULL, "'files' is no path below the base URL"},
        {"GET", "/../files", NULL, "is no path"},
        {"GET", "/files/%2e%2e/x", NULL, "is no path"},
        {"GET", "/files x", NULL, "is no path"},
        {"GET", "/files\r\nx: y", NULL, "is no path"},
        {"GET", "/files#x", NULL, "is no path"},
        {"POST", "/files", "a\r\nb", "is no type"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_request *q = call(rows[i].method, rows[i].path);
        if (rows[i].type) weir_request_set_content(q, rows[i].type, "x", 1);
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_INVALID);
        if (!strstr(r->error_message, rows[i].says)) fail_msg("row %zu: %s", i, r->error_message);
        assert_int_equal(r->attempts, 0);
        weir_result_free(r);
    }
    weir_client_free(c);
}

/* By a function that asks less of endpoints' paths, which are looked up. */
static void a_path_of_a_call_is_looked_at_whoever_sets_it(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    static const char *const bad[] = {"files", "/../../admin", "/files/%2e%2e/x", "/files\r\nx: y",
                                      "/files#x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        weir_request *q = call("GET", "/models");
        weir_request_set_path(q, bad[i]);
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_INVALID);
        assert_non_null(strstr(r->error_message, "weir_request_set_path: "));
        assert_non_null(strstr(r->error_message, "is no path below the base URL"));
        assert_int_equal(r->attempts, 0);
        weir_result_free(r);
    }
    weir_request *q = call("GET", "/files");
    weir_request_set_path(q, "/models?limit=2");
    weir_result *r = lib_chat(c, q);
    assert_int_equal(r->code, WEIR_OK);
    assert_non_null(strstr(r->body, "\"list\""));
    weir_result_free(r);
    weir_client_free(c);
}

static void bodies_of_two_kinds(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_request *q = call("POST", "/files");
    weir_request_set_string(q, "purpose", "x");
    weir_result *r = lib_chat(c, q);
    assert_int_equal(r->code, WEIR_INVALID);
    assert_non_null(strstr(r->error_message, "weir_request_set_content"));
    weir_result_free(r);
    q = lib_request("gpt", "hi");
    weir_request_set_content(q, "text/plain", "x", 1);
    r = lib_chat(c, q);
    assert_int_equal(r->code, WEIR_INVALID);
    assert_non_null(strstr(r->error_message, "is for calls of weir_request_set_call"));
    weir_result_free(r);
    weir_client_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_path_is_asked),
        cmocka_unit_test(a_refusal_is_the_result),
        cmocka_unit_test(headers_are_kept_for_who_wants_them),
        cmocka_unit_test(bad_calls),
        cmocka_unit_test(a_path_of_a_call_is_looked_at_whoever_sets_it),
        cmocka_unit_test(bodies_of_two_kinds),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
