/* The parse stage: what is refused, in which words, and within which bounds. */
#include "exchange/parsed.h"

#define JSON_SAYS "The request body is not acceptable JSON: "

static void refuses_in_words(void **state) {
    (void)state;
    static const row rows[] = {
        {CHAT, "{}", ERR_MISSING_FIELD, "model", "'model' is missing."},
        {EP_EMBEDDINGS, "{}", ERR_MISSING_FIELD, "model", "'model' is missing."},
        {CHAT, "{\"model\":null}", ERR_BAD_VALUE, "model", "'model' must be a string."},
        {CHAT, "{\"model\":7}", ERR_BAD_VALUE, "model", "'model' must be a string."},
        {CHAT, "{\"model\":\"\"}", ERR_BAD_VALUE, "model", "'model' is empty."},
        {CHAT, "{\"model\":\"m\"}", ERR_MISSING_FIELD, "messages", "'messages' is missing."},
        {CHAT, "{\"model\":\"m\",\"messages\":{}}", ERR_BAD_VALUE, "messages",
         "'messages' must be an array."},
        {CHAT, "{\"model\":\"m\",\"messages\":[]}", ERR_BAD_VALUE, "messages",
         "'messages' is empty; it must have at least one item."},
        {CHAT, "{\"model\":\"m\",\"messages\": [ ] }", ERR_BAD_VALUE, "messages",
         "'messages' is empty; it must have at least one item."},
        {CHAT, "{\"model\":\"m\",\"messages\":[{},\"x\"]}", ERR_BAD_VALUE, "messages",
         "'messages[1]' must be an object."},
        {CHAT, "{\"model\":\"m\",\"messages\":[{},{},{},{}]}", ERR_BAD_VALUE, "messages",
         "'messages' has 4 items; at most 3 are allowed (limits.messages)."},
        {CHAT, "{" M ",\"stream\":\"true\"}", ERR_BAD_VALUE, "stream",
         "'stream' must be true or false."},
        {CHAT, "{" M ",\"stream_options\":true}", ERR_BAD_VALUE, "stream_options",
         "'stream_options' must be an object."},
        {CHAT, "{" M ",\"n\":\"2\"}", ERR_BAD_VALUE, "n", "'n' must be an integer."},
        {CHAT, "{" M ",\"n\":0}", ERR_BAD_VALUE, "n", "'n' must be an integer from 1 to 128."},
        {CHAT, "{" M ",\"n\":129}", ERR_BAD_VALUE, "n", "'n' must be an integer from 1 to 128."},
        {CHAT, "{" M ",\"n\":1.5}", ERR_BAD_VALUE, "n", "'n' must be an integer from 1 to 128."},
        {CHAT, "{" M ",\"max_tokens\":\"9\"}", ERR_BAD_VALUE, "max_tokens",
         "'max_tokens' must be an integer."},
        {CHAT, "{" M ",\"max_completion_tokens\":[]}", ERR_BAD_VALUE, "max_completion_tokens",
         "'max_completion_tokens' must be an integer."},
        {CHAT, "{" M ",\"temperature\":\"hot\"}", ERR_BAD_VALUE, "temperature",
         "'temperature' must be a number."},
        {CHAT, "{" M ",\"top_p\":true}", ERR_BAD_VALUE, "top_p", "'top_p' must be a number."},
        {CHAT, "{" M ",\"tools\":{}}", ERR_BAD_VALUE, "tools", "'tools' must be an array."},
        {EP_RESPONSES, "{\"model\":\"m\",\"input\":7}", ERR_BAD_VALUE, "input",
         "'input' must be a string or an array."},
        {EP_RESPONSES, "{\"model\":\"m\",\"max_output_tokens\":\"7\"}", ERR_BAD_VALUE,
         "max_output_tokens", "'max_output_tokens' must be an integer."},
        {EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":{}}", ERR_BAD_VALUE, "input",
         "'input' must be a string or an array."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&form_openai, &rows[i]);
}

static void refuses_what_is_no_json_object(void **state) {
    (void)state;
    static const char *const bodies[] = {"",
                                         "[]",
                                         "\"m\"",
                                         "{\"model\":\"m\",}",
                                         "{\"model\":\"m\"}x",
                                         "{\"model\":\"m\",\"model\":\"n\"}",
                                         "{\"model\":\"m\",\"mod\\u0065l\":\"n\"}",
                                         "{\"model\":\"\xff\"}",
                                         "{\"model\":01}",
                                         "{\"a\":[[[[[[[[1]]]]]]]]}",
                                         "{'model':'m'}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const exchange_form *const forms[] = {&form_openai, &form_chat};
        for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
            parsed *p = parse(forms[k], CHAT, span_cstr(bodies[i]));
            assert_int_equal(p->result, STAGE_ANSWER);
            assert_int_equal(p->x.failure.error, ERR_BAD_JSON);
            assert_true(span_starts(p->x.failure.text, SPAN_OF(JSON_SAYS)));
            assert_true(span_ends(p->x.failure.text, SPAN_OF(".")));
            done(p);
        }
    }
}

static void bounds_the_models_name(void **state) {
    (void)state;
    for (int n = 0; n < 4; n++) {
        bool simple = n >= 2;
        int len = n % 2 ? 257 : 256;
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, simple ? "{\"message\":\"x\",\"model\":\""
                                   : "{\"messages\":[{}],\"model\":\"");
        for (int i = 0; i < len; i++)
            buf_add_char(&body, 'm');
        buf_add_cstr(&body, "\"}");
        parsed *p = parse(simple ? &form_chat : &form_openai, CHAT, buf_span(&body));
        assert_int_equal(p->result, len <= 256 ? STAGE_NEXT : STAGE_ANSWER);
        if (len > 256)
            assert_span(p->x.failure.text, "'model' has 257 bytes; at most 256 are allowed.");
        done(p);
        buf_done(&body);
    }
}

/* The last values that are let in. */
static void bounds_are_inclusive(void **state) {
    (void)state;
    static const struct {
        const exchange_form *form;
        const char *body;
        unsigned choices;
    } rows[] = {
        {&form_openai, "{\"model\":\"m\",\"messages\":[{},{},{}]}", 1},
        {&form_openai, "{" M ",\"n\":1}", 1},
        {&form_openai, "{" M ",\"n\":128}", 128},
        {&form_chat, "{\"message\":\"tencharss\xc3\xbc\"}", 1},
        {&form_chat, "{\"message\":\"x\",\"max_tokens\":1}", 1},
        {&form_chat, "{\"message\":\"x\",\"max_tokens\":400}", 1},
        {&form_chat, "{\"message\":\"x\",\"temperature\":0}", 1},
        {&form_chat, "{\"message\":\"x\",\"temperature\":0.25}", 1},
        {&form_chat, "{\"message\":\"x\",\"temperature\":2.0}", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(rows[i].form, CHAT, span_cstr(rows[i].body));
        if (p->result != STAGE_NEXT) print_error("%s\n", rows[i].body);
        assert_int_equal(p->result, STAGE_NEXT);
        assert_int_equal(p->x.facts.choices, rows[i].choices);
        done(p);
    }
}

/* Messages behind more members than are recorded are counted all the same. */
static void counts_messages_behind_a_crowd(void **state) {
    (void)state;
    static const struct {
        const char *messages, *says;
    } rows[] = {
        {"[{},{},{}]", NULL},
        {"[]", "'messages' is empty; it must have at least one item."},
        {"[{},\"x\",{}]", "'messages[1]' must be an object."},
        {"[[],{}]", "'messages[0]' must be an object."},
        {"[{},{},{},{}]", "'messages' has 4 items; at most 3 are allowed (limits.messages)."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int ahead = 62; ahead <= 66; ahead++) { /* 64 are recorded */
            buf body = BUF_EMPTY;
            buf_add_cstr(&body, "{\"model\":\"m\"");
            for (int k = 1; k < ahead; k++)
                buf_addf(&body, ",\"x%d\":[1]", k);
            buf_addf(&body, ",\"messages\":%s}", rows[i].messages);
            parsed *p = parse(&form_openai, CHAT, buf_span(&body));
            assert_int_equal(p->result, rows[i].says ? STAGE_ANSWER : STAGE_NEXT);
            if (rows[i].says) assert_span(p->x.failure.text, rows[i].says);
            done(p);
            buf_done(&body);
        }
    }
}

/* Wherever they stand, and on every path whose body is read. */
static void bounds_the_members_of_objects(void **state) {
    (void)state;
    static const http_header json = {SPAN("content-type"), SPAN("application/json")};
    static const struct {
        const exchange_form *form;
        endpoint endpoint;
        const char *before, *after;
        int inside; /* so many members are not too many */
    } rows[] = {
        {&form_openai, CHAT, "{" M ",\"metadata\":{", "}}", 509},
        {&form_openai, EP_EMBEDDINGS, "{\"model\":\"m\",\"x\":[[{", "}]]}", 510},
        {&form_openai, EP_OTHER, "{\"x\":{", "}}", 511},
        {&form_openai, EP_OTHER, "[{", "}]", 512},
        {&form_chat, CHAT, "{\"message\":{", "}}", 511},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int more = 0; more < 2; more++) {
            buf body = BUF_EMPTY;
            buf_add_cstr(&body, rows[i].before);
            for (int k = 0; k < rows[i].inside + more; k++)
                buf_addf(&body, "%s\"k%d\":0", k ? "," : "", k);
            buf_add_cstr(&body, rows[i].after);
            parsed *p = parse_with(rows[i].form, rows[i].endpoint, (http_headers){&json, 1},
                                   buf_span(&body));
            assert_int_equal(p->x.failure.error == ERR_BAD_JSON, more);
            if (more)
                assert_span(p->x.failure.text,
                            "An object of the request body has, with those "
                            "around it, more than 512 members (limits.members).");
            done(p);
            buf_done(&body);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_in_words),
        cmocka_unit_test(refuses_what_is_no_json_object),
        cmocka_unit_test(bounds_the_models_name),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(counts_messages_behind_a_crowd),
        cmocka_unit_test(bounds_the_members_of_objects),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
