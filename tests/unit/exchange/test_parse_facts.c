/* The parse stage: what is found in a request that is not refused, and its outline. */
#include "exchange/parsed.h"

/* The model stands in the prompt that the provider keeps. */
static void a_stored_prompt_needs_no_model(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *body;
        bool goes_on;
    } rows[] = {
        {EP_RESPONSES, "{\"prompt\":{\"id\":\"pmpt_1\"}}", true},
        {EP_RESPONSES, "{\"prompt\":{\"version\":\"2\",\"id\":\"pmpt_1\"},\"stream\":true}", true},
        {EP_RESPONSES, "{\"model\":\"m\",\"prompt\":{\"id\":\"pmpt_1\"}}", true},
        {EP_RESPONSES, "{\"input\":\"x\"}", false},
        {EP_RESPONSES, "{\"prompt\":\"pmpt_1\"}", false},
        {EP_RESPONSES, "{\"prompt\":{}}", false},
        {EP_RESPONSES, "{\"prompt\":{\"id\":\"\"}}", false},
        {EP_RESPONSES, "{\"prompt\":{\"id\":1}}", false},
        {EP_RESPONSES, "{\"prompt\":[{\"id\":\"pmpt_1\"}]}", false},
        {EP_RESPONSES, "{\"prompt\":null}", false},
        {EP_COMPLETIONS, "{\"prompt\":{\"id\":\"pmpt_1\"}}", false},
        {CHAT, "{\"prompt\":{\"id\":\"pmpt_1\"},\"messages\":[{}]}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(&form_openai, rows[i].endpoint, span_cstr(rows[i].body));
        if ((p->result == STAGE_NEXT) != rows[i].goes_on) fail_msg("%s", rows[i].body);
        if (rows[i].goes_on)
            assert_span(p->x.facts.model_name,
                        span_find_span(p->x.facts.body, 0, SPAN_OF("model")) < p->x.facts.body.len
                            ? "m"
                            : "");
        else if (rows[i].endpoint != EP_COMPLETIONS)
            assert_span(p->x.failure.text, "'model' is missing.");
        done(p);
    }
}

/* However many other members come first, those that weir acts on are found and checked. */
static void looks_at_every_member(void **state) {
    (void)state;
    static const struct {
        const char *last;
        error_id error;
        const char *param;
    } rows[] = {
        {"\"stream_options\":5,\"stream\":true", ERR_BAD_VALUE, "stream_options"},
        {"\"stream\":\"yes\"", ERR_BAD_VALUE, "stream"},
        {"\"n\":\"2\"", ERR_BAD_VALUE, "n"},
        {"\"stream\":true,\"n\":2,\"stream_options\":{\"include_usage\":true}", ERR_NONE, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, " {");
        for (int k = 0; k < 200; k++)
            buf_addf(&body, "\"x%d\":%d,", k, k);
        buf_addf(&body, M ",%s} ", rows[i].last);
        parsed *p = parse(&form_openai, CHAT, buf_span(&body));
        assert_int_equal(p->x.failure.error, rows[i].error);
        assert_span(p->x.failure.param, rows[i].param);
        if (rows[i].error == ERR_NONE) {
            assert_true(p->x.facts.stream && p->x.facts.usage_asked);
            assert_int_equal(p->x.facts.choices, 2);
            assert_span(p->x.facts.model_name, "m");
        }
        done(p);
        buf_done(&body);
    }
}

/* Responses alone are made in the background. */
static void what_goes_on_by_itself(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *body;
        bool background;
    } rows[] = {
        {EP_RESPONSES, "{\"model\":\"m\",\"background\":true}", true},
        {EP_RESPONSES, "{\"model\":\"m\",\"background\":false}", false},
        {EP_RESPONSES, "{\"model\":\"m\",\"background\":null}", false},
        {EP_RESPONSES, "{\"model\":\"m\"}", false},
        {CHAT, "{" M ",\"background\":true}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(&form_openai, rows[i].endpoint, span_cstr(rows[i].body));
        assert_int_equal(p->result, STAGE_NEXT);
        assert_int_equal(p->x.facts.background, rows[i].background);
        done(p);
    }
}

/* As many choices as `n` says of each prompt; a prompt may be written in tokens. */
static void how_many_choices_are_asked_for(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *members;
        unsigned prompts, choices;
    } rows[] = {
        {EP_COMPLETIONS, "\"n\":1", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":\"a\"", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":\"a\",\"n\":3", 1, 3},
        {EP_COMPLETIONS, "\"prompt\":null", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[]", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[ ]", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[\"a\"]", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[\"a\",\"b\"]", 2, 2},
        {EP_COMPLETIONS, "\"n\":3,\"prompt\":[\"a\",\"b\"]", 2, 6},
        {EP_COMPLETIONS, "\"prompt\":[\"a,b\",\"[c\"],\"n\":128", 2, 256},
        {EP_COMPLETIONS, "\"prompt\":[ 1 ]", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[1,2,3]", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[[1,2,3]]", 1, 1},
        {EP_COMPLETIONS, "\"prompt\":[[1,2],[3],[4]]", 3, 3},
        {EP_COMPLETIONS, "\"prompt\":[[1,2],[3]],\"n\":2,\"best_of\":5", 2, 4},
        {CHAT, "\"messages\":[{}],\"prompt\":[\"a\",\"b\"],\"n\":2", 1, 2},
        {EP_RESPONSES, "\"prompt\":{\"id\":\"x\"}", 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int many = 0; many < 2; many++) { /* so many members that not all are recorded */
            buf body = BUF_EMPTY;
            buf_add_cstr(&body, "{");
            for (int k = 0; many && k < 100; k++)
                buf_addf(&body, "\"x%d\":[%d],", k, k);
            buf_addf(&body, "\"model\":\"m\",%s}", rows[i].members);
            parsed *p = parse(&form_openai, rows[i].endpoint, buf_span(&body));
            assert_int_equal(p->result, STAGE_NEXT);
            assert_int_equal(p->x.facts.prompts, rows[i].prompts);
            assert_int_equal(p->x.facts.choices, rows[i].choices);
            done(p);
            buf_done(&body);
        }
    }
}

/* On a path that is passed through a body that is JSON is read, whatever its type says, and no
 * other; where nobody would look at it, what is none goes on. */
static void reads_json_on_other_paths(void **state) {
    (void)state;
    static const http_header typed = {SPAN("content-type"),
                                      SPAN("application/json; charset=utf-8")},
                             audio = {SPAN("content-type"), SPAN("audio/mpeg")},
                             lines = {SPAN("content-type"), SPAN("application/jsonl")},
                             vendors = {SPAN("content-type"), SPAN("application/vnd.x+json")},
                             coded = {SPAN("content-encoding"), SPAN("gzip")}; /* undone by now */
    static const struct {
        const http_header *header;
        const char *body;
        stage_result result;
        bool read;
    } rows[] = {
        {NULL, "{\"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {NULL, "\t{\"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {NULL, "\r\n {\"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {&typed, "{\"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {&audio, "{\"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {&audio, "\n{ \"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {&audio, "{\"model\":\"m\",\"stream\":true,\"n\":500}", STAGE_NEXT, true},
        {&audio, "{\"model\":\"m\",\"model\":\"m\"}", STAGE_NEXT, false},
        {&audio, "\xEF\xBB\xBF{\"model\":\"m\"}", STAGE_NEXT, false},
        {&audio, "{\"model\":\"m\"}\n{\"model\":\"m\"}", STAGE_NEXT, false},
        {&lines, "{\"model\":\"m\"}\n{\"model\":\"m\"}", STAGE_NEXT, false},
        {&typed, "{\"model\":\"m\"}\n{\"model\":\"m\"}", STAGE_ANSWER, false},
        {&vendors, "{\"model\":\"m\",\"model\":\"m\"}", STAGE_ANSWER, false},
        {&audio, "{model}", STAGE_NEXT, false},
        {&audio, "[\"model\"", STAGE_NEXT, false},
        {&audio, "{", STAGE_NEXT, false},
        {&coded, "{\"model\":\"m\",\"stream\":true}", STAGE_NEXT, true},
        {&audio, "\xff", STAGE_NEXT, false},
        {NULL, "", STAGE_NEXT, false},
        {NULL, "[1]", STAGE_NEXT, false},
        {NULL, " ", STAGE_ANSWER, false},
        {NULL, "[1", STAGE_ANSWER, false},
        {NULL, "{\"model\":}", STAGE_ANSWER, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const http_headers headers = {rows[i].header, rows[i].header ? 1 : 0};
        parsed *p = parse_with(&form_openai, EP_OTHER, headers, span_cstr(rows[i].body));
        if (p->result != rows[i].result) print_error("%s\n", rows[i].body);
        assert_int_equal(p->result, rows[i].result);
        if (rows[i].result == STAGE_ANSWER) assert_int_equal(p->x.failure.error, ERR_BAD_JSON);
        assert_int_equal(p->x.facts.stream, rows[i].read);
        assert_span(p->x.facts.model_name, rows[i].read ? "m" : "");
        done(p);
    }
}

/* What weir acts on in JSON it acts on in a form. */
static void reads_forms_on_other_paths(void **state) {
    (void)state;
    static const http_header parts = {SPAN("content-type"),
                                      SPAN("multipart/form-data; boundary=b")},
                             pairs = {SPAN("content-type"),
                                      SPAN("application/x-www-form-urlencoded")};
#define FIELD(name, text) "--b\r\nContent-Disposition: form-data; name=" name "\r\n\r\n" text "\r\n"
    static const struct {
        const http_header *header;
        const char *body, *model, *user;
        int64_t choices; /* 0: it is not read */
        bool stream;
    } rows[] = {
        {&parts,
         FIELD("n", "3") FIELD("x", "\n") FIELD("model", "m") FIELD("stream", "True") "--b--", "m",
         "", 3, true},
        {&parts, FIELD("user", "a") FIELD("safety_identifier", "b") FIELD("n", "-1") "--b--", "",
         "b", 1, false},
        {&parts, FIELD("stream", "0") "--b--", "", "", 1, false},
        {&parts, FIELD("model", "m") FIELD("model", "n") "--b--", "", "", 0, false},
        {&parts, "{\"model\":\"m\"}", "m", "", 0, false},
        {&pairs, "model=m&n=2&stream=1&user=jo+ha", "m", "jo ha", 2, true},
        {&pairs, "{\"model\":\"m\",\"n\":3}", "m", "", 0, false},
        {&pairs, "", "", "", 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse_with(&form_openai, EP_OTHER, (http_headers){rows[i].header, 1},
                               span_cstr(rows[i].body));
        if (p->result != STAGE_NEXT) print_error("%s\n", rows[i].body);
        assert_int_equal(p->result, STAGE_NEXT);
        assert_span(p->x.facts.model_name, rows[i].model);
        assert_span(p->x.record.model, rows[i].model);
        assert_span(p->x.record.user, rows[i].user);
        assert_int_equal(p->x.facts.stream, rows[i].stream);
        assert_int_equal(p->x.facts.form ? p->x.facts.form->choices : 0, rows[i].choices);
        done(p);
    }
    parsed *p = parse_with(&form_openai, EP_OTHER, (http_headers){&parts, 1},
                           SPAN_OF(FIELD("model", "") "--b--"));
    assert_int_equal(p->result, STAGE_ANSWER);
    assert_span(p->x.failure.param, "model");
    done(p);
#undef FIELD
}

/* Null where OpenAI's schema has it, fields that weir does not know, and other endpoints' members.
 */
static void lets_pass_what_is_not_its_affair(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *body;
    } rows[] = {
        {CHAT, "{" M ",\"stream\":null,\"stream_options\":null,\"n\":null,\"max_tokens\":null,"
               "\"temperature\":null,\"top_p\":null,\"tools\":null}"},
        {CHAT, "{" M ",\"unknown\":{\"a\":1e400},\"input\":7,\"temperature\":99}"},
        {EP_MODERATIONS, "{\"input\":\"x\"}"},
        {EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":[1,2],\"n\":\"x\",\"messages\":7}"},
        {EP_RESPONSES, "{\"model\":\"m\",\"input\":null}"},
        {EP_OTHER, "{\"model\":7,\"stream\":\"x\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(&form_openai, rows[i].endpoint, span_cstr(rows[i].body));
        if (p->result != STAGE_NEXT) print_error("%s\n", rows[i].body);
        assert_int_equal(p->result, STAGE_NEXT);
        assert_span(p->x.facts.body, rows[i].body); /* the client's own bytes */
        done(p);
    }
}

/* Azure's clients name a deployment in the path, and in the body what they like. */
static void the_paths_model_goes_before_the_bodys(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *type, *body;
    } rows[] = {
        {EP_EMBEDDINGS, "application/json", "{\"model\":\"other\",\"input\":\"x\"}"},
        {EP_EMBEDDINGS, "application/json", "{\"model\":\"\",\"input\":\"x\"}"},
        {EP_EMBEDDINGS, "application/json", "{\"input\":\"x\"}"},
        {EP_OTHER, "application/json", "{\"model\":\"other\"}"},
        {EP_OTHER, "application/json", "[1]"},
        {EP_OTHER, "multipart/form-data; boundary=b", "--b--"},
        {EP_OTHER, "application/json", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const http_header type = {SPAN("content-type"), span_cstr(rows[i].type)};
        parsed *p = parse_as(&form_openai, rows[i].endpoint, (http_headers){&type, 1},
                             span_cstr(rows[i].body), SPAN_OF("mine"));
        if (p->result != STAGE_NEXT) print_error("%s\n", rows[i].body);
        assert_int_equal(p->result, STAGE_NEXT);
        assert_span(p->x.facts.model_name, "mine");
        assert_span(p->x.record.model, "mine");
        assert_true(p->x.facts.path_named);
        done(p);
    }
    char name[258] = "";
    memset(name, 'm', 257);
    parsed *p = parse_as(&form_openai, EP_EMBEDDINGS, (http_headers){0},
                         SPAN_OF("{\"input\":\"x\"}"), span_cstr(name));
    assert_int_equal(p->result, STAGE_ANSWER);
    assert_span(p->x.failure.param, "model");
    done(p);
}

/* ---- the outline ---- */

/* Only who asks gets one, of the bytes that go to the provider, and only once. */
static void outlines_when_asked(void **state) {
    (void)state;
    static const struct {
        const exchange_form *form;
        endpoint endpoint;
        const char *body;
        size_t turns, parts;
    } rows[] = {
        {&form_openai, CHAT,
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", 1, 1},
        {&form_openai, EP_RESPONSES, "{\"model\":\"m\",\"instructions\":\"a\",\"input\":\"b\"}", 2,
         2},
        {&form_openai, EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",\"b\",\"c\"]}", 3, 3},
        {&form_chat, CHAT, "{\"message\":\"a\"}", 2,
         2}, /* the configuration's own, and the user's */
        {&form_openai, EP_OTHER, "[\"a\"]", 1, 1},
        {&form_openai, EP_OTHER, "", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(rows[i].form, rows[i].endpoint, span_cstr(rows[i].body));
        request_facts *facts = &p->x.facts;
        assert_int_equal(p->result, STAGE_NEXT);
        assert_null(facts->outline.made);
        const request_outline *o = request_outline_of(facts, &p->x.arena);
        assert_non_null(o);
        assert_int_equal(o->turn_count, rows[i].turns);
        assert_int_equal(o->part_count, rows[i].parts);
        for (size_t k = 0; k < o->part_count; k++) {
            const char *at = o->parts[k].source.raw.ptr;
            assert_true(at >= facts->body.ptr && at < facts->body.ptr + facts->body.len);
        }
        assert_ptr_equal(request_outline_of(facts, &p->x.arena), o);
        done(p);
    }
}

static void says_why_there_is_no_outline(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"model\":\"m\",\"input\":[\"a\"");
    for (size_t i = 0; i < outline_limits_usual.turns; i++)
        buf_add_cstr(&body, ",\"a\"");
    buf_add_cstr(&body, "]}");
    parsed *p = parse(&form_openai, EP_EMBEDDINGS, buf_span(&body));
    assert_int_equal(p->result, STAGE_NEXT);
    assert_null(request_outline_of(&p->x.facts, &p->x.arena));
    assert_string_equal(p->x.facts.outline.fault.what, "turns");
    assert_int_equal(p->x.facts.outline.fault.most, outline_limits_usual.turns);
    done(p);
    buf_done(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_prompt_needs_no_model),
        cmocka_unit_test(looks_at_every_member),
        cmocka_unit_test(what_goes_on_by_itself),
        cmocka_unit_test(how_many_choices_are_asked_for),
        cmocka_unit_test(reads_json_on_other_paths),
        cmocka_unit_test(reads_forms_on_other_paths),
        cmocka_unit_test(lets_pass_what_is_not_its_affair),
        cmocka_unit_test(the_paths_model_goes_before_the_bodys),
        cmocka_unit_test(outlines_when_asked),
        cmocka_unit_test(says_why_there_is_no_outline),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
