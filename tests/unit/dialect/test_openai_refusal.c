/* Why an answer was refused, and what a client is told of it. */
#include "unit.h"

#include "dialect/openai.h"

static arena a;

static int setup(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

static void classifies_refusals(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        failure_class failure;
    } rows[] = {
        {400, "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"m\"}}",
         FAIL_CONTEXT_LENGTH},
        {400, "{\"error\":{\"message\":\"This model's maximum Context Length is 4096 tokens\"}}",
         FAIL_CONTEXT_LENGTH},
        {400, "{\"error\":{\"code\":\"content_policy_violation\",\"message\":\"m\"}}",
         FAIL_CONTENT_POLICY},
        {400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}", FAIL_CONTENT_POLICY},
        {400, "{\"error\":{\"code\":null,\"message\":\"m\"}}", FAIL_REQUEST},
        {401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"m\"}}", FAIL_KEY},
        {404, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"m\"}}", FAIL_TARGET},
        {408, "", FAIL_OVERLOAD},
        {409, "", FAIL_OVERLOAD},
        {422, "{}", FAIL_REQUEST},
        {400, "{\"message\":\"Context length\"}", FAIL_CONTEXT_LENGTH}, /* that alone */
        {413, "{\"message\":\"the prompt is too long.\"}", FAIL_CONTEXT_LENGTH},
        {422, "{\"message\":\"context_length\"}", FAIL_CONTEXT_LENGTH},
        {422, "{\"message\":\"context_lengt\"}", FAIL_REQUEST},
        {402, "", FAIL_KEY},
        {403, "{\"message\":\"context_length\"}", FAIL_KEY},
        {414, "{\"message\":\"context_length\"}", FAIL_REQUEST},
        {499, "", FAIL_REQUEST},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}", FAIL_LIMIT},
        {429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}", FAIL_KEY},
        {500, "<html>", FAIL_OVERLOAD},
        {529, "", FAIL_OVERLOAD},
        {302, "", FAIL_TARGET},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        refusal r;
        openai_refuse(rows[i].status, span_cstr(rows[i].body), NULL, &a, &r);
        assert_int_equal(r.class, rows[i].failure);
        json_value root;
        json_fault fault;
        assert_true(json_scan(r.body, NULL, &root, &fault));
        assert_int_equal(json_get(root, SPAN_OF("error")).type, JSON_OBJECT);
    }
}

static void errors_take_openais_shape_without_the_key(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("sk-secret-123"));
    refusal r;
    openai_refuse(401,
                  SPAN_OF("{\"error\":{\"message\":\"Incorrect key: sk-secret-123\",\"type\":\"t\","
                          "\"param\":null,\"code\":\"invalid_api_key\"}}"),
                  key, &a, &r);
    assert_span(r.body, "{\"error\":{\"message\":\"Incorrect key: [redacted]\",\"type\":\"t\","
                        "\"param\":null,\"code\":\"invalid_api_key\"}}");
    assert_span(r.message, "Incorrect key: [redacted]");
    openai_refuse(502, SPAN_OF("<html><h1>Bad Gateway</h1>\r\nnginx sk-secret-123\x01</html>"), key,
                  &a, &r);
    assert_span(r.message, "The provider answered with status 502: Bad Gateway nginx [redacted]");
    assert_span(r.body,
                "{\"error\":{\"message\":\"The provider answered with status 502: Bad Gateway "
                "nginx [redacted]\",\"type\":\"server_error\",\"param\":null,"
                "\"code\":\"provider_error\"}}");
    openai_refuse(400, SPAN_OF("{\"detail\":\"no such thing\"}"), key, &a, &r);
    assert_span(r.message, "The provider answered with status 400: no such thing");
    openai_refuse(500, SPAN_OF("{\"type\":\"theirs\",\"message\":\"m\",\"code\":\"c\"}"), key, &a,
                  &r);
    assert_span(r.body,
                "{\"error\":{\"message\":\"The provider answered with status 500: m\",\"type\":"
                "\"theirs\",\"param\":null,\"code\":\"c\"}}");
    openai_refuse(500, SPAN_OF("[\"message\"]"), key, &a, &r); /* no object: its text */
    assert_span(r.body, "{\"error\":{\"message\":\"The provider answered with status 500: "
                        "[\\\"message\\\"]\",\"type\":\"server_error\",\"param\":null,\"code\":"
                        "\"provider_error\"}}");
    secret_unref(key);
}

/* ---- the text of a refusal that is no JSON: one line for people, of bounded length ---- */

#define SAYS    "The provider answered with status 502: "
#define NOTHING "The provider answered with status 502 and no explanation."

enum { LONGEST = 200 };

static void assert_says(span body, const char *message) {
    arena own;
    arena_init(&own, 0);
    refusal r;
    openai_refuse(502, body, NULL, &own, &r);
    assert_span(r.message, message);
    arena_done(&own);
}

static void markup_and_blanks_go(void **state) {
    (void)state;
    static const struct {
        span body;
        const char *message;
    } rows[] = {
        {SPAN("Down"), SAYS "Down"},
        {SPAN("Down \r\n\t"), SAYS "Down"},
        {SPAN("\n Down  for\tnow.\n"), SAYS "Down for now."},
        {SPAN("<html><h1>Bad</h1>\r\n<p class=x>Gateway</p></html>"), SAYS "Bad Gateway"},
        {SPAN("a<b"), SAYS "a"},
        {SPAN("a\x01"
              "b\x7f"
              "c"),
         SAYS "a b c"},
        {SPAN("Geht nicht: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"),
         SAYS "Geht nicht: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
        {SPAN(""), NOTHING},
        {SPAN("<html></html>"), NOTHING},
        {SPAN("\xff\xfe D\xe9j\xe0 vu"), NOTHING}, /* not UTF-8 */
        {SPAN("\xc3"), NOTHING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_says(rows[i].body, rows[i].message);
}

/* Some ASCII, then one character over and over, past the cut: all that fit whole are there. */
static void the_cut_falls_between_characters(void **state) {
    (void)state;
    static const span characters[] = {SPAN("z"), SPAN("\xc3\xa9"), SPAN("\xe2\x82\xac"),
                                      SPAN("\xf0\x9f\x98\x80")};
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        for (size_t before = LONGEST - 12; before <= LONGEST + 4; before++) {
            for (size_t after = 1; after <= 12; after++) {
                buf body = BUF_EMPTY, message = BUF_EMPTY;
                buf_add_cstr(&message, SAYS);
                for (size_t n = 0; n < before; n++) {
                    buf_add_char(&body, 'a');
                    if (n < LONGEST) buf_add_char(&message, 'a');
                }
                for (size_t n = 1; n <= after; n++) {
                    buf_add(&body, characters[i]);
                    if (before + n * characters[i].len <= LONGEST) buf_add(&message, characters[i]);
                }
                assert_says(buf_span(&body), buf_cstr(&message));
                buf_done(&body);
                buf_done(&message);
            }
        }
    }
}

/* A blank that the cut leaves at the end goes too. */
static void the_cut_leaves_no_blank(void **state) {
    (void)state;
    buf body = BUF_EMPTY, message = BUF_EMPTY;
    buf_add_cstr(&message, SAYS);
    for (int n = 0; n < LONGEST - 1; n++)
        buf_add_char(&body, 'a');
    buf_add(&message, buf_span(&body));
    buf_add_cstr(&body, " more");
    assert_says(buf_span(&body), buf_cstr(&message));
    buf_done(&body);
    buf_done(&message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(classifies_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_take_openais_shape_without_the_key, setup, teardown),
        cmocka_unit_test(markup_and_blanks_go),
        cmocka_unit_test(the_cut_falls_between_characters),
        cmocka_unit_test(the_cut_leaves_no_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
