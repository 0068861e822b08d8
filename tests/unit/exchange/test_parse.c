/* The parse stage: what is refused, in which words, and what is found in what is not. */
#include "unit.h"

#include "exchange/internal.h"

#include <stdio.h>

static config *conf;
static snapshot prepared;
static loop_snapshot ups;

static int setup(void **state) {
    (void)state;
    config_problems problems = {0};
    conf = config_parse(SPAN_OF("providers: {p: {kind: openai, url: 'http://127.0.0.1:9/v1'}}\n"
                                "models: {'*': p}\n"
                                "limits: {depth: 8, messages: 3, members: 512}\n"
                                "chat: {model: small, message_chars: 10, max_tokens: 100, "
                                "max_tokens_limit: 400, temperature: 0.5, system: Be brief.}\n"),
                        "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    assert_non_null(conf);
    prepared = (snapshot){.refs = 1, .config = conf};
    ups = (loop_snapshot){.refs = 1, .snapshot = &prepared};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    config_unref(conf);
    return 0;
}

typedef struct parsed {
    exchange x;
    stage_result result;
} parsed;

static parsed *parse_as(const exchange_form *form, endpoint e, http_headers headers, span body,
                        span path_model) {
    parsed *p = calloc(1, sizeof *p);
    p->x.snapshot = &ups;
    p->x.failure = (failure){.error = ERR_NONE};
    arena_init(&p->x.arena, 0);
    p->x.request = (exchange_request){.form = form,
                                      .endpoint = e,
                                      .method = SPAN("POST"),
                                      .path = SPAN("/chat/completions"),
                                      .headers = headers,
                                      .body = body,
                                      .model = path_model};
    p->result = stage_parse(&p->x);
    return p;
}

static parsed *parse_with(const exchange_form *form, endpoint e, http_headers headers, span body) {
    return parse_as(form, e, headers, body, SPAN_EMPTY);
}

static parsed *parse(const exchange_form *form, endpoint e, span body) {
    return parse_with(form, e, (http_headers){NULL, 0}, body);
}

static void done(parsed *p) {
    arena_done(&p->x.arena);
    free(p);
}

typedef struct row {
    endpoint endpoint;
    const char *body;
    error_id error;
    const char *param;
    const char *message;
} row;

static void check(const exchange_form *form, const row *r) {
    parsed *p = parse(form, r->endpoint, span_cstr(r->body));
    if (p->result != STAGE_ANSWER || p->x.failure.error != r->error) print_error("%s\n", r->body);
    assert_int_equal(p->result, STAGE_ANSWER);
    assert_int_equal(p->x.failure.error, r->error);
    assert_span(p->x.failure.param, r->param);
    assert_span(p->x.failure.text, r->message);
    done(p);
}

#define CHAT      EP_CHAT_COMPLETIONS
#define M         "\"model\":\"m\",\"messages\":[{}]"
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

/* On a path that is passed through a body that looks like JSON is read, and no other. */
static void reads_json_on_other_paths(void **state) {
    (void)state;
    static const http_header typed = {SPAN("content-type"),
                                      SPAN("application/json; charset=utf-8")},
                             audio = {SPAN("content-type"), SPAN("audio/mpeg")},
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
        {&audio, "{\"model\":\"m\",\"stream\":true}", STAGE_NEXT, false},
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

/* ---- the outline ---- */

/* Only who asks gets one, of the bytes that go to the provider, and only once. */
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

/* ---- /chat ---- */

#define SIXTY_FOUR "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void chat_names_field_limit_and_value(void **state) {
    (void)state;
    static const row rows[] = {
        {CHAT, "{}", ERR_UNPROCESSABLE, "message", "'message' is missing."},
        {CHAT, "{\"message\":7}", ERR_UNPROCESSABLE, "message", "'message' must be a string."},
        {CHAT, "{\"message\":\" \\n\\t \"}", ERR_UNPROCESSABLE, "message",
         "'message' cannot be empty."},
        {CHAT, "{\"message\":\"elevenchars\"}", ERR_UNPROCESSABLE, "message",
         "'message' has 11 characters; at most 10 are allowed."},
        {CHAT, "{\"message\":\"x\",\"max_tokens\":0}", ERR_UNPROCESSABLE, "max_tokens",
         "'max_tokens' is 0; it must be between 1 and 400."},
        {CHAT, "{\"message\":\"x\",\"max_tokens\":401}", ERR_UNPROCESSABLE, "max_tokens",
         "'max_tokens' is 401; it must be between 1 and 400."},
        {CHAT, "{\"message\":\"x\",\"max_tokens\":1.5}", ERR_UNPROCESSABLE, "max_tokens",
         "'max_tokens' must be an integer."},
        {CHAT, "{\"message\":\"x\",\"temperature\":2.1}", ERR_UNPROCESSABLE, "temperature",
         "'temperature' is 2.1; it must be between 0 and 2."},
        {CHAT, "{\"message\":\"x\",\"temperature\":-1}", ERR_UNPROCESSABLE, "temperature",
         "'temperature' is -1; it must be between 0 and 2."},
        {CHAT, "{\"message\":\"x\",\"temperature\":\"1\"}", ERR_UNPROCESSABLE, "temperature",
         "'temperature' must be a number."},
        {CHAT, "{\"message\":\"x\",\"stream\":1}", ERR_UNPROCESSABLE, "stream",
         "'stream' must be true or false."},
        {CHAT, "{\"message\":\"x\",\"stream\":[]}", ERR_UNPROCESSABLE, "stream",
         "'stream' must be true or false."},
        {CHAT, "{\"message\":\"x\",\"temperature\":7.1234567890123456789012345678901234567890}",
         ERR_UNPROCESSABLE, "temperature",
         "'temperature' is 7.12345678901234567890123456789012345678; it must be between 0 and 2."},
        {CHAT, "{\"" SIXTY_FOUR "x\":1}", ERR_UNPROCESSABLE, SIXTY_FOUR,
         "'" SIXTY_FOUR "' is not a field of /chat; the fields are message, max_tokens, "
         "temperature, model and stream."},
        {CHAT, "{\"message\":\"x\",\"model\":[]}", ERR_UNPROCESSABLE, "model",
         "'model' must be a string."},
        {CHAT, "{\"message\":\"x\",\"model\":\"\"}", ERR_BAD_VALUE, "model", "'model' is empty."},
        {CHAT, "{\"message\":\"x\",\"mesage\":\"y\"}", ERR_UNPROCESSABLE, "mesage",
         "'mesage' is not a field of /chat; the fields are message, max_tokens, temperature, model "
         "and stream."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&form_chat, &rows[i]);
}

static void chat_refuses_a_crowd_of_fields(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"message\":\"x\"");
    for (int k = 0; k < 100; k++)
        buf_addf(&body, ",\"x%d\":%d", k, k);
    buf_add_char(&body, '}');
    parsed *p = parse(&form_chat, CHAT, buf_span(&body));
    assert_int_equal(p->x.failure.error, ERR_UNPROCESSABLE);
    assert_span(p->x.failure.param, "x0");
    done(p);
    buf_done(&body);
}

/* The facts are what reading the written body would find. */
static void check_facts_of_written(const parsed *p, const char *model, bool stream) {
    const request_facts *f = &p->x.facts;
    json_value root;
    json_fault fault;
    assert_true(json_scan(f->body, NULL, &root, &fault));
    assert_int_equal(f->root.type, JSON_OBJECT);
    assert_ptr_equal(f->root.raw.ptr, root.raw.ptr);
    assert_int_equal(f->root.raw.len, root.raw.len);
    json_value named = json_get(root, SPAN_OF("model"));
    assert_int_equal(f->model.type, JSON_STRING);
    assert_ptr_equal(f->model.raw.ptr, named.raw.ptr);
    assert_int_equal(f->model.raw.len, named.raw.len);
    assert_span(f->model_name, model);
    assert_span(p->x.record.model, model);
    assert_int_equal(f->endpoint, EP_CHAT_COMPLETIONS);
    assert_int_equal(f->choices, 1);
    assert_int_equal(f->stream, stream);
    assert_int_equal(json_get(root, SPAN_OF("stream")).type, stream ? JSON_TRUE : JSON_NONE);
    assert_int_equal(p->x.record.stream, stream);
    assert_false(f->usage_asked);
    assert_int_equal(f->stream_options.type, JSON_NONE);
    assert_int_equal(f->query.len, 0);
}

static void chat_becomes_a_completion(void **state) {
    (void)state;
    static const struct {
        const char *in, *out, *model;
        bool stream;
    } rows[] = {
        {"{\"message\":\" Hi \\u00fc. \"}",
         "{\"model\":\"small\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
         "{\"role\":\"user\",\"content\":\"Hi \xc3\xbc.\"}],\"max_tokens\":100,"
         "\"temperature\":0.5}",
         "small", false},
        {"{\"m\\u0065ssage\":\"x\",\"max_tokens\":400,\"temperature\":2,\"model\":\"big\","
         "\"stream\":true}",
         "{\"model\":\"big\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
         "{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":400,\"temperature\":2,"
         "\"stream\":true}",
         "big", true},
        {"{\"message\":\"x\",\"model\":\"\\u0062/\\\"q\\\"\"}",
         "{\"model\":\"\\u0062/\\\"q\\\"\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
         "brief.\"},"
         "{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":100,\"temperature\":0.5}",
         "b/\"q\"", false},
        {"{\"message\":\"x\",\"max_tokens\":null,\"temperature\":null,\"model\":null,"
         "\"stream\":null}",
         "{\"model\":\"small\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
         "{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":100,\"temperature\":0.5}",
         "small", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed *p = parse(&form_chat, CHAT, span_cstr(rows[i].in));
        assert_int_equal(p->result, STAGE_NEXT);
        assert_span(p->x.facts.body, rows[i].out);
        assert_span(p->x.facts.path, "/chat/completions");
        check_facts_of_written(p, rows[i].model, rows[i].stream);
        done(p);
    }
}

/* ---- errors as they are told ---- */

static void errors_have_openais_shape(void **state) {
    (void)state;
    weir_error e = error_of(ERR_BAD_VALUE);
    e.message = SPAN_OF("'n' is \"x\".");
    e.param = SPAN_OF("n");
    buf out = BUF_EMPTY;
    exchange_error_body(&e, &out);
    assert_span(buf_span(&out),
                "{\"error\":{\"message\":\"'n' is \\\"x\\\".\",\"type\":\"invalid_request_error\","
                "\"param\":\"n\",\"code\":\"invalid_value\"}}");
    buf_clear(&out);
    e = error_of(ERR_BAD_REQUEST); /* a row without a code */
    exchange_error_body(&e, &out);
    assert_span(buf_span(&out), "{\"error\":{\"message\":\"The request is invalid.\",\"type\":"
                                "\"invalid_request_error\",\"param\":null,\"code\":null}}");
    buf_done(&out);
}

static void which_id_is_the_clients_own(void **state) {
    (void)state;
    char most[513];
    memset(most, 'i', 513);
    const struct {
        http_header headers[2];
        span id;
    } rows[] = {
        {{{SPAN("x-request-id"), SPAN("mine")}}, SPAN("mine")},
        {{{SPAN("X-Client-Request-ID"), SPAN("mine")}}, SPAN("mine")},
        {{{SPAN("x-request-id"), SPAN("trace")}, {SPAN("x-client-request-id"), SPAN("mine")}},
         SPAN("mine")},
        {{{SPAN("x-request-id"), SPAN("a b~")}}, SPAN("a b~")},
        {{{SPAN("x-request-id"), {most, 512}}}, {most, 512}},
        {{{SPAN("x-request-id"), {most, 513}}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("")}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("\xC3\xA9")}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("a\tb")}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("a\x7F")}}, SPAN("")},
        {{{SPAN("x-weir-request-id"), SPAN("mine")}}, SPAN("")},
        /* what the provider will be sent as it is may not be answered otherwise */
        {{{SPAN("x-request-id"), SPAN("trace")}, {SPAN("x-client-request-id"), SPAN("\xC3")}},
         SPAN("")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const http_headers headers = {rows[i].headers, rows[i].headers[1].name.len ? 2 : 1};
        assert_true(span_eq(exchange_client_id(headers), rows[i].id));
    }
    assert_int_equal(exchange_client_id((http_headers){0}).len, 0);
}

static void errors_say_whether_to_come_again(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    http_header h[4];
    weir_error e = error_of(ERR_UNKNOWN_MODEL);
    assert_int_equal(exchange_error_headers(&e, &a, h), 1);
    assert_span(h[0].name, "x-should-retry");
    assert_span(h[0].value, "false");
    e = error_of(ERR_TOO_BUSY);
    e.retry_after_ms = 1001;
    assert_int_equal(exchange_error_headers(&e, &a, h), 3);
    assert_span(h[0].value, "true");
    assert_span(h[1].value, "1001");
    assert_span(h[2].value, "2"); /* whole seconds, never too early */
    e.retry_after_ms = 1000;
    assert_int_equal(exchange_error_headers(&e, &a, h), 3);
    assert_span(h[2].value, "1");
    e.retry_after_ms = 0; /* at once */
    assert_int_equal(exchange_error_headers(&e, &a, h), 3);
    assert_span(h[1].value, "0");
    assert_span(h[2].value, "0");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_in_words),
        cmocka_unit_test(refuses_what_is_no_json_object),
        cmocka_unit_test(bounds_the_models_name),
        cmocka_unit_test(a_stored_prompt_needs_no_model),
        cmocka_unit_test(looks_at_every_member),
        cmocka_unit_test(what_goes_on_by_itself),
        cmocka_unit_test(how_many_choices_are_asked_for),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(counts_messages_behind_a_crowd),
        cmocka_unit_test(bounds_the_members_of_objects),
        cmocka_unit_test(reads_json_on_other_paths),
        cmocka_unit_test(lets_pass_what_is_not_its_affair),
        cmocka_unit_test(the_paths_model_goes_before_the_bodys),
        cmocka_unit_test(outlines_when_asked),
        cmocka_unit_test(says_why_there_is_no_outline),
        cmocka_unit_test(chat_names_field_limit_and_value),
        cmocka_unit_test(chat_refuses_a_crowd_of_fields),
        cmocka_unit_test(chat_becomes_a_completion),
        cmocka_unit_test(errors_have_openais_shape),
        cmocka_unit_test(which_id_is_the_clients_own),
        cmocka_unit_test(errors_say_whether_to_come_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
