/* What a client is told of a refusal. What follows from one: test_refusal_class.c. */
#include "unit.h"
#include "secrets.h"

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

#define ANSWERED(status) "The provider answered with status " status ": "
#define ERROR(message, type, param, code)                                                          \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":" param               \
    ",\"code\":" code "}}"
#define MADE(status, message) ERROR(ANSWERED(status) message, "invalid_request_error", "null", CODE)
#define CODE                  "\"provider_error\""

static void assert_body(int status, const char *body, const char *wanted) {
    refusal r;
    openai_refuse(status, span_cstr(body), NULL, &a, &r);
    assert_span(r.body, wanted);
}

/* What is whole passes byte for byte. */
static void whole_errors_pass(void **state) {
    (void)state;
    static const char *const bodies[] = {
        ERROR("m", "t", "null", "null"),
        ERROR("m", "t", "\"p\"", "\"c\""),
        ERROR("", "t", "null", "\"400\""),
        ERROR("a\\u00e9\\n", "t", "null", "null"),
        "{\"error\":{\"message\":\"m\",\"type\":null,\"param\":null,\"code\":null}}",
        " { \"error\" : {\"code\":\"c\", \"param\":null,\"more\":[1, "
        "2.50],\n\"type\":\"t\",\"message\":"
        "\"m\"} , \"id\": 1e2 } \n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        assert_body(400, bodies[i], bodies[i]);
}

/* But for a byte order mark, which no JSON may have before it. */
static void a_byte_order_mark_does_not_pass(void **state) {
    (void)state;
    assert_body(400, "\xEF\xBB\xBF" ERROR("m", "t", "null", "\"c\""),
                ERROR("m", "t", "null", "\"c\""));
    assert_body(400, "\xEF\xBB\xBF{\"detail\":\"No.\"}", MADE("400", "No."));
}

/* An object that is nearly so: what does not fit is mended, all else stays as it is. */
static void errors_are_mended(void **state) {
    (void)state;
#define INNER(members) "{\"error\":{" members "}}"
#define NULLS          ",\"param\":null,\"code\":null"
    static const struct {
        const char *body, *wanted;
    } rows[] = {
        /* llama.cpp */
        {INNER(
             "\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\",\"n_ctx\":512"),
         INNER("\"code\":\"400\",\"message\":\"m\",\"type\":\"exceed_context_size_error\",\"n_"
               "ctx\":512,"
               "\"param\":null")},
        /* Anthropic */
        {"{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\"},\"request_id\":\"r\"}",
         "{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\"" NULLS
         "},\"request_id\":\"r\"}"},
        /* Gemini */
        {"[" INNER("\"code\":400,\"message\":\"m\",\"status\":\"S\",\"details\":[{}]") ",{}]",
         INNER("\"code\":\"400\",\"message\":\"m\",\"status\":\"S\",\"details\":[{}],\"type\":"
               "\"invalid_request_error\",\"param\":null")},
        {INNER("\"message\":\"m\""),
         INNER("\"message\":\"m\",\"type\":\"invalid_request_error\"" NULLS)},
        {INNER("\"message\":\"m\",\"type\":{},\"param\":[\"body\",\"n\",0],\"code\":true"),
         INNER("\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":\"body.n.0\","
               "\"code\":null")},
        {INNER("\"message\":\"m\",\"type\":7,\"param\":8,\"code\":-1.5e3"),
         INNER("\"message\":\"m\",\"type\":\"7\",\"param\":\"8\",\"code\":\"-1.5e3\"")},
        /* a message that is none */
        {INNER("\"message\":{\"detail\":[{\"loc\":[\"body\",\"n\"],\"msg\":\"Too "
               "many\"}]},\"code\":null"),
         INNER("\"message\":\"body.n: Too many\",\"code\":null,\"type\":\"invalid_request_error\","
               "\"param\":null")},
        {INNER("\"message\":[\"a\",\"b\"],\"type\":\"t\"" NULLS),
         INNER("\"message\":\"a; b\",\"type\":\"t\"" NULLS)},
        {INNER("\"msg\":\"m\",\"type\":\"t\"" NULLS),
         INNER("\"msg\":\"m\",\"type\":\"t\"" NULLS ",\"message\":\"m\"")},
        {INNER("\"message\":null,\"type\":\"t\"" NULLS),
         INNER("\"message\":\"The provider answered with status 400 and no "
               "explanation.\",\"type\":\"t\"" NULLS)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_body(400, rows[i].body, rows[i].wanted);
}

/* Any other shape: its text in one of OpenAI's. */
static void other_shapes_are_read(void **state) {
    (void)state;
    static const struct {
        const char *body, *wanted;
    } rows[] = {
        {"{\"error\":\"m\"}", MADE("400", "m")},
        {"{\"error\":\"m\",\"code\":\"c\"}",
         ERROR(ANSWERED("400") "m", "invalid_request_error", "null", "\"c\"")},
        {"{\"error\":\"m\",\"code\":7,\"type\":\"t\"}",
         ERROR(ANSWERED("400") "m", "t", "null", "\"7\"")},
        {"{\"error\":\"m\",\"error_type\":\"validation\"}", /* TGI */
         ERROR(ANSWERED("400") "m", "validation", "null", CODE)},
        {"{\"error\":\"Bad Request\",\"message\":\"m\"}", MADE("400", "m")},
        {"{\"error\":\"model_not_available\",\"message\":\"m\"}",
         ERROR(ANSWERED("400") "m", "invalid_request_error", "null", "\"model_not_available\"")},
        {"{\"error\":{},\"message\":\"m\"}", MADE("400", "m")},
        {"{\"error\":[{\"message\":\"m\",\"code\":\"c\"}]}",
         ERROR(ANSWERED("400") "m", "invalid_request_error", "null", "\"c\"")},
        {"{\"code\":20012,\"message\":\"m\",\"data\":null}",
         ERROR(ANSWERED("400") "m", "invalid_request_error", "null", "\"20012\"")},
        {"{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\",\"param\":\"p\",\"code\":400}",
         ERROR(ANSWERED("400") "m", "t", "\"p\"", "\"400\"")},
        {"{\"type\":\"error\",\"message\":\"m\",\"code\":\"c\"}",
         ERROR(ANSWERED("400") "m", "invalid_request_error", "null", "\"c\"")},
        {"{\"errors\":[{\"code\":5007,\"message\":\"m\"},{\"message\":\"n\"}],\"success\":false}",
         ERROR(ANSWERED("400") "m; n", "invalid_request_error", "null", "\"5007\"")},
        {"{\"error_code\":336103,\"error_msg\":\"m\"}",
         ERROR(ANSWERED("400") "m", "invalid_request_error", "null", "\"336103\"")},
        {"{\"detail\":\"m\"}", MADE("400", "m")},
        {"{\"detail\":{\"error\":\"m\"}}", MADE("400", "m")},
        {"{\"title\":\"t\",\"status\":400,\"detail\":\"m\"}", MADE("400", "m")},
        {"{\"title\":\"t\",\"status\":400,\"errors\":{\"n\":[1]}}", MADE("400", "t")},
        {"[\"a\",\"b\"]", MADE("400", "a; b")},
        {"[{\"message\":\"a\"},{\"message\":\"b\"}]", MADE("400", "a; b")},
        {"\"m\"", MADE("400", "m")},
        {"{\n  \"x\":  1\n}", MADE("400", "{ \\\"x\\\": 1 }")},
        {"null", MADE("400", "null")},
        /* FastAPI */
        {"{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"input\"],\"msg\":\"Field "
         "required\","
         "\"input\":{}},{\"type\":\"x\",\"loc\":[\"body\",\"messages\",0,\"content\"],\"msg\":"
         "\"No\"}]}",
         MADE("400", "body.input: Field required; body.messages.0.content: No")},
        {"{\"detail\":[{\"loc\":[],\"msg\":\"m\"},{\"loc\":[\"body\"]},{\"msg\":\"n\"},7]}",
         MADE("400", "m; n")},
        /* Mistral */
        {"{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":["
         "\"body\","
         "\"x\"],\"msg\":\"Extra inputs are not "
         "permitted\"}]},\"type\":\"invalid_request_error\",\"param\":"
         "null,\"code\":null}",
         MADE("400", "body.x: Extra inputs are not permitted")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_body(400, rows[i].body, rows[i].wanted);
}

/* ---- what is put together is bounded, and cut between its parts alone ---- */

static void add_entry(buf *body, char letter, size_t len) {
    buf_add_cstr(body, "{\"loc\":[\"body\"],\"msg\":\"");
    for (size_t i = 0; i < len; i++)
        buf_add_char(body, letter);
    buf_add_cstr(body, "\"}");
}

static span message_of(buf *body, const secret_set *secrets) {
    refusal r;
    openai_refuse(422, buf_span(body), secrets, &a, &r);
    assert_true(span_is_utf8(r.message));
    assert_false(secret_set_found(secrets, r.message));
    return r.message;
}

#define MANY_SAYS ANSWERED("422")

/* Two entries: the second is there whole, or not at all. */
static void a_list_is_cut_between_its_elements(void **state) {
    (void)state;
    for (size_t len = 150; len < 250; len++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, "{\"detail\":[");
        add_entry(&body, 'a', 188); /* with "body: " 194 bytes */
        buf_add_char(&body, ',');
        add_entry(&body, 'b', len);
        buf_add_char(&body, ',');
        add_entry(&body, 'c', 1000);
        buf_add_cstr(&body, "]}");
        span message = message_of(&body, NULL);
        size_t second = span_find(message, 0, 'b') < message.len ? 2 + 6 + len : 0;
        bool fits = 194 + 2 + 6 + len <= 400;
        assert_int_equal(message.len, strlen(MANY_SAYS) + 194 + (fits ? second : 0) + 2 + 3);
        assert_true(span_ends(message, SPAN_OF("; \xe2\x80\xa6")));
        assert_int_equal(span_find(message, 0, 'c') < message.len, false);
        buf_done(&body);
    }
}

/* One that is too long itself is cut between characters, and no part of the key stays. */
static void an_element_is_cut_between_characters(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-secret-123");
    for (size_t before = 370; before <= 400; before++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, "[\"");
        for (size_t i = 0; i < before; i++)
            buf_add_char(&body, '.');
        buf_add_cstr(&body, "sk-secret-123\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"]");
        span message = message_of(&body, secrets);
        assert_int_equal(span_find_span(message, 0, SPAN_OF("sk-")), message.len);
        assert_in_range(message.len, strlen(MANY_SAYS) + before, strlen(MANY_SAYS) + 400 + 3);
        buf_done(&body);
    }
    secret_set_unref(secrets);
}

/* Whoever looks for more than the key is told that the rest of a word is missing. */
static void what_is_cut_is_told(void **state) {
    (void)state;
    static const struct {
        const char *before;
        size_t len; /* of a text between */
        const char *behind;
        bool cut;
    } rows[] = {
        {"", 200, "", false},
        {"", 200, "x", true},
        {"[\"", 400, "\"]", false},
        {"[\"", 401, "\"]", true},
        {"[\"", 400, "\",\"b\"]", false}, /* between its elements */
        {"{\"errors\":[[\"", 398, "\xf0\x9f\x98\x80\"],\"b\"]}", true},
        {"{\"a\":1,\"b\":\"", 401, "\"}", true},
        {"{\"detail\":\"", 999, "\"}", false},
        {"{\"error\":{\"message\":[\"", 401, "\"]}}", true},
        {"{\"error\":{\"message\":\"", 401, "\"}}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf body = BUF_EMPTY;
        refusal r;
        buf_add_cstr(&body, rows[i].before);
        for (size_t n = 0; n < rows[i].len; n++)
            buf_add_char(&body, 'x');
        buf_add_cstr(&body, rows[i].behind);
        openai_refuse(422, buf_span(&body), NULL, &a, &r);
        const span said = span_slice(r.message, 0, r.message.len - failure_cut_marks(r.message));
        if (r.cut != rows[i].cut) fail_msg("%zu: %s", i, buf_cstr(&body));
        assert_true(span_ends(said, SPAN_OF("x")) || span_ends(said, SPAN_OF("\"}")) == !r.cut);
        buf_done(&body);
    }
}

/* JSON that explains nothing is shown whole where it is short, else by the texts in it. */
static void json_is_not_cut(void **state) {
    (void)state;
    for (size_t len = 180; len < 220; len++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, "{\"a\":{\"b\":\"c\"},\"d\":\"");
        for (size_t i = body.len + 2; i < len; i++)
            buf_add_char(&body, 'e');
        buf_add_cstr(&body, "\"}");
        span message = message_of(&body, NULL);
        message = span_slice(message, strlen(MANY_SAYS), message.len);
        if (len <= 200)
            assert_true(span_eq(message, buf_span(&body)));
        else
            assert_true(span_starts(message, SPAN_OF("c; eee")) &&
                        span_ends(message, SPAN_OF("ee")));
        buf_done(&body);
    }
}

/* There is no text in it, and it is too long to be shown. */
static void numbers_alone_explain_nothing(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "[0");
    for (int i = 0; i < 200; i++)
        buf_add_cstr(&body, ",1");
    buf_add_cstr(&body, "]");
    assert_span(message_of(&body, NULL),
                "The provider answered with status 422 and no explanation.");
    buf_done(&body);
}

/* An explanation is looked for within four objects and lists. */
static void deep_explanations_are_found(void **state) {
    (void)state;
    static const struct {
        const char *body, *wanted;
    } rows[] = {
        {"{\"detail\":{\"detail\":{\"detail\":{\"detail\":\"m\"}}}}", MADE("400", "m")},
        {"{\"detail\":[{\"detail\":[{\"loc\":[\"a\"],\"msg\":\"m\"}]}]}", MADE("400", "a: m")},
        {"{\"detail\":{\"detail\":{\"detail\":{\"detail\":{\"detail\":\"m\"}}}}}",
         MADE("400",
              "{\\\"detail\\\":{\\\"detail\\\":{\\\"detail\\\":{\\\"detail\\\":{\\\"detail\\\":"
              "\\\"m\\\"}}}}}")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_body(400, rows[i].body, rows[i].wanted);
}

/* Deep, long, odd: it is read all the same, or taken for a text. */
static void hostile_bodies_are_read(void **state) {
    (void)state;
    enum { MANY = 256 * 1024 };
    static const char *const units[] = {"[",
                                        "{\"error\":",
                                        "{\"detail\":[",
                                        "\xff",
                                        "\"\\u0000",
                                        "9",
                                        "does not support ",
                                        "# ",
                                        "{\"a\":\"",
                                        "[{\"loc\":[\"body\"],\"msg\":\"x\"},"};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        for (int closed = 0; closed < 2; closed++) {
            refusal r;
            buf body = BUF_EMPTY;
            if (closed) buf_add_cstr(&body, "{\"message\":[\"");
            while (body.len < MANY)
                buf_add_cstr(&body, units[i]);
            if (closed) buf_add_cstr(&body, "\"]}");
            openai_refuse(422, buf_span(&body), NULL, &a, &r);
            json_value root;
            json_fault fault;
            assert_true(json_scan(r.body, NULL, &root, &fault));
            assert_in_range(r.message.len, 1, 1000);
            buf_done(&body);
        }
    }
    assert_body(400, "{\"error\":{\"message\":\"a\\u0000b\",\"code\":1e999999}}",
                "{\"error\":{\"message\":\"a\\u0000b\",\"code\":\"1e999999\",\"type\":"
                "\"invalid_request_error\",\"param\":null}}");
    assert_body(400, "{\"detail\":\"a\\u0000b\"}", MADE("400", "a\\u0000b"));
}

static void errors_take_openais_shape_without_the_key(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-secret-123");
    refusal r;
    openai_refuse(401,
                  SPAN_OF("{\"error\":{\"message\":\"Incorrect key: sk-secret-123\",\"type\":\"t\","
                          "\"param\":null,\"code\":\"invalid_api_key\"}}"),
                  secrets, &a, &r);
    assert_span(r.body, "{\"error\":{\"message\":\"Incorrect key: [redacted]\",\"type\":\"t\","
                        "\"param\":null,\"code\":\"invalid_api_key\"}}");
    assert_span(r.message, "Incorrect key: [redacted]");
    openai_refuse(502, SPAN_OF("<html><h1>Bad Gateway</h1>\r\nnginx sk-secret-123\x01</html>"),
                  secrets, &a, &r);
    assert_span(r.message, "The provider answered with status 502: Bad Gateway nginx [redacted]");
    assert_span(r.body,
                "{\"error\":{\"message\":\"The provider answered with status 502: Bad Gateway "
                "nginx [redacted]\",\"type\":\"server_error\",\"param\":null,"
                "\"code\":\"provider_error\"}}");
    openai_refuse(400, SPAN_OF("{\"detail\":\"no such thing\"}"), secrets, &a, &r);
    assert_span(r.message, "The provider answered with status 400: no such thing");
    openai_refuse(500, SPAN_OF("{\"type\":\"theirs\",\"message\":\"m\",\"code\":\"c\"}"), secrets,
                  &a, &r);
    assert_span(r.body,
                "{\"error\":{\"message\":\"The provider answered with status 500: m\",\"type\":"
                "\"theirs\",\"param\":null,\"code\":\"c\"}}");
    openai_refuse(500, SPAN_OF("[\"message\"]"), secrets, &a, &r); /* no object: its text */
    assert_span(r.body, "{\"error\":{\"message\":\"The provider answered with status 500: "
                        "message\",\"type\":\"server_error\",\"param\":null,\"code\":"
                        "\"provider_error\"}}");
    secret_set_unref(secrets);
}

/* Whatever the error is about: a limit and a bad request quote the key, too. */
static void nor_the_key_in_part(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-proj-0123456789WXYZ");
    refusal r;
    openai_refuse(
        429, SPAN_OF(ERROR("Rate limit reached for key sk-proj-****WXYZ", "t", "null", "\"c\"")),
        secrets, &a, &r);
    assert_span(r.body, ERROR("Rate limit reached for key [redacted]", "t", "null", "\"c\""));
    assert_span(r.message, "Rate limit reached for key [redacted]");
    openai_refuse(400, SPAN_OF("{\"detail\":[\"sk-p\\u2026XYZ may not\",\"...WXYZ\"]}"), secrets,
                  &a, &r);
    assert_span(r.message, "The provider answered with status 400: [redacted] may not; [redacted]");
    openai_refuse(500, SPAN_OF("<h1>No, sk-...WXYZ</h1>"), secrets, &a, &r);
    assert_span(r.message, "The provider answered with status 500: No, [redacted]");
    assert_body(400, ERROR("**bold** sk-...WXYZ", "t", "null", "null"),
                ERROR("**bold** sk-...WXYZ", "t", "null", "null"));
    secret_set_unref(secrets);
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
        cmocka_unit_test_setup_teardown(whole_errors_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(a_byte_order_mark_does_not_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_are_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(other_shapes_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_is_cut_between_its_elements, setup, teardown),
        cmocka_unit_test_setup_teardown(an_element_is_cut_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_cut_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(json_is_not_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_alone_explain_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_explanations_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_bodies_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_take_openais_shape_without_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(nor_the_key_in_part, setup, teardown),
        cmocka_unit_test(markup_and_blanks_go),
        cmocka_unit_test(the_cut_falls_between_characters),
        cmocka_unit_test(the_cut_leaves_no_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
