/* A line of the input to what is asked, or to what is wrong with it. */
#include "unit.h"

#include "batch/item.h"

static arena a;

static int set_up(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

static item read_as(batch_format format, const char *system, const char *text) {
    item it;
    line l = {.number = 7, .text = span_cstr(text), .len = strlen(text)};
    item_rules rules = {.format = format, .system = span_cstr(system)};
    item_read(&l, &rules, &a, &it);
    return it;
}

static item read_record(long id, const char *text) {
    item it;
    const table t = {.separator = ',', .headed = true, .columns = 2, .prompt = 1, .id = id};
    line l = {.number = 7, .text = span_cstr(text), .len = strlen(text)};
    item_rules rules = {.format = FORMAT_TABLE, .table = &t};
    item_read(&l, &rules, &a, &it);
    return it;
}

static void reads_records_of_a_table(void **state) {
    (void)state;
    item it = read_record(0, "a\xC3\xA4,\"say \"\"hi\"\"\nthere\"");
    assert_int_equal(it.problem, ITEM_GOOD);
    assert_span(it.custom_id, "\"a\xC3\xA4\"");
    assert_span(it.id_text, "a\xC3\xA4");
    assert_span(it.body,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"say \\\"hi\\\"\\nthere\"}]}");
    it = read_record(TABLE_NO_COLUMN, "a,b");
    assert_span(it.custom_id, "\"line-7\"");
    assert_true(it.id_made);
    static const struct {
        const char *text;
        item_problem problem;
        const char *message;
    } rows[] = {
        {"a", ITEM_NOT_A_RECORD, "line 7: has 1 columns; the header has 2"},
        {"a,b,c", ITEM_NOT_A_RECORD, "line 7: has 3 columns; the header has 2"},
        {"a,\"b", ITEM_NOT_A_RECORD, "line 7: has a quote that is not closed"},
        {",b", ITEM_CUSTOM_ID, "line 7: custom_id has 0 characters; allowed 1 to 512"},
        {"a,", ITEM_BODY, "line 7: has no prompt"},
        {"a,\xFF", ITEM_NOT_UTF8, "line 7: is not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        it = read_record(0, rows[i].text);
        assert_int_equal(it.problem, rows[i].problem);
        assert_span(it.message, rows[i].message);
    }
    assert_int_equal(read_record(0, "a").custom_id.len, 0);
}

/* What the command line says of bodies, where they do not say it themselves. */
static void members_that_bodies_lack(void **state) {
    (void)state;
    static const struct {
        batch_format format;
        const char *text, *body;
    } rows[] = {
        {FORMAT_PROMPTS, "hi",
         "{\"temperature\":0,\"max_completion_tokens\":9,\"messages\":[{\"role\":\"user\","
         "\"content\":\"hi\"}]}"},
        {FORMAT_JSON, "{\"messages\":[]}",
         "{\"temperature\":0,\"max_completion_tokens\":9,\"messages\":[]}"},
        {FORMAT_JSON, "{\"temperature\":1,\"messages\":[]}",
         "{\"max_completion_tokens\":9,\"temperature\":1,\"messages\":[]}"},
        {FORMAT_JSON, "{\"messages\":[],\"max_tokens\":1}",
         "{\"temperature\":0,\"messages\":[],\"max_tokens\":1}"},
        {FORMAT_JSON,
         "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/embeddings\",\"body\":{}}", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        item it;
        line l = {.number = 7, .text = span_cstr(rows[i].text), .len = strlen(rows[i].text)};
        item_rules rules = {.format = rows[i].format, .member_count = 2};
        rules.members[0] = (item_member){SPAN("temperature"), SPAN_EMPTY, SPAN("0")};
        rules.members[1] =
            (item_member){SPAN("max_completion_tokens"), SPAN("max_tokens"), SPAN("9")};
        item_read(&l, &rules, &a, &it);
        assert_int_equal(it.problem, ITEM_GOOD);
        assert_span(it.body, rows[i].body);
    }
}

static item read_json(const char *text) {
    return read_as(FORMAT_JSON, NULL, text);
}

#define GOOD_PARTS "\"custom_id\":\"a\",\"method\":\"POST\""

static void reads_openai_lines(void **state) {
    (void)state;
    static const char *const paths[] = {"/chat/completions", "/embeddings", "/completions",
                                        "/responses", "/moderations"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{" GOOD_PARTS ",\"url\":\"\\/v1%s\",\"body\":{\"model\":\"m\","
                 " \"n\": 1.0}}",
                 paths[i]);
        item it = read_json(text);
        assert_int_equal(it.problem, ITEM_GOOD);
        assert_string_equal(it.path, paths[i]);
        assert_span(it.custom_id, "\"a\"");
        assert_span(it.id_text, "a");
        assert_false(it.id_made);
        assert_span(it.body, "{\"model\":\"m\", \"n\": 1.0}");
        assert_span(it.model, "m");
    }
}

/* Escapes stay as they came in the result, and are undone for comparing. */
static void keeps_custom_ids_as_they_are(void **state) {
    (void)state;
    item it = read_json("{\"custom_id\":\"\\u0061\\n\",\"method\":\"POST\",\"url\":"
                        "\"/v1/embeddings\",\"body\":{}}");
    assert_int_equal(it.problem, ITEM_GOOD);
    assert_span(it.custom_id, "\"\\u0061\\n\"");
    assert_span(it.id_text, "a\n");
}

static void reads_plain_bodies(void **state) {
    (void)state;
    const char *body = " {\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1} ";
    static const batch_format formats[] = {FORMAT_JSON, FORMAT_MESSAGES};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        item it = read_as(formats[i], NULL, body);
        assert_int_equal(it.problem, ITEM_GOOD);
        assert_span(it.custom_id, "\"line-7\"");
        assert_span(it.id_text, "line-7");
        assert_true(it.id_made);
        assert_string_equal(it.path, "/chat/completions");
        assert_span(it.body, "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}");
        assert_span(it.model, "");
    }
}

static void reads_prompts(void **state) {
    (void)state;
    item it = read_as(FORMAT_PROMPTS, NULL, "say \"hi\" \xC3\xA4");
    assert_int_equal(it.problem, ITEM_GOOD);
    assert_span(it.custom_id, "\"line-7\"");
    assert_span(it.body,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"say \\\"hi\\\" \xC3\xA4\"}]}");
    it = read_as(FORMAT_PROMPTS, "Be \"brief\".", "{}");
    assert_span(it.body, "{\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},"
                         "{\"role\":\"user\",\"content\":\"{}\"}]}");
}

static void puts_the_system_message_first(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"{\"messages\":[]}", "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"}]}"},
        {"{\"messages\": [ {\"role\":\"user\"}],\"n\":1}",
         "{\"messages\": [{\"role\":\"system\",\"content\":\"S\"}, {\"role\":\"user\"}],\"n\":1}"},
        {"{\"messages\":[{\"role\":\"system\"}]}", "{\"messages\":[{\"role\":\"system\"}]}"},
        {"{\"messages\":[{\"role\":\"developer\"}]}", "{\"messages\":[{\"role\":\"developer\"}]}"},
        {"{\"messages\":7}", "{\"messages\":7}"}, /* the provider will say what it thinks of that */
        {"{\"messages\":[3]}", "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},3]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        item it = read_as(FORMAT_MESSAGES, "S", rows[i].in);
        assert_int_equal(it.problem, ITEM_GOOD);
        assert_span(it.body, rows[i].out);
    }
    item it = read_as(FORMAT_JSON, "S",
                      "{" GOOD_PARTS ",\"url\":\"/v1/chat/completions\","
                      "\"body\":{\"messages\":[]}}");
    assert_span(it.body, "{\"messages\":[]}"); /* a whole batch line is left as it is */
}

static void says_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text, *code, *message, *custom_id;
    } rows[] = {
        {"nope", "invalid_json_line", "line 7: is not JSON: ", ""},
        {"{\"custom_id\":\"a\"", "invalid_json_line", "line 7: is not JSON: ", ""},
        {"{\"a\":1,\"a\":2}", "invalid_json_line", "line 7: is not JSON: ", ""},
        {"{\"custom_id\":\"\xFF\"}", "invalid_utf8", "line 7: is not UTF-8: ", ""},
        {"[1]", "invalid_line", "line 7: is [1]; expected an object", ""},
        {"\"a text that is long enough to be cut off somewhere\"", "invalid_line",
         "line 7: is \"a text that is long enough to be cut of…; expected an object", ""},
        {"{}", "invalid_line", "line 7: has neither custom_id, method, url and body, nor messages",
         ""},
        {"{\"method\":\"POST\"}", "invalid_custom_id", "line 7: has no custom_id", ""},
        {"{\"custom_id\":12}", "invalid_custom_id", "line 7: custom_id is 12; expected a string",
         ""},
        {"{\"custom_id\":null}", "invalid_custom_id",
         "line 7: custom_id is null; expected a string", ""},
        {"{\"custom_id\":\"\"}", "invalid_custom_id",
         "line 7: custom_id has 0 characters; allowed 1 to 512", ""},
        {"{\"custom_id\":\"a\"}", "invalid_method", "line 7: has no method; expected \"POST\"",
         "\"a\""},
        {"{\"custom_id\":\"a\",\"method\":\"GET\"}", "invalid_method",
         "line 7: method is \"GET\"; expected \"POST\"", "\"a\""},
        {"{\"custom_id\":\"a\",\"method\":1}", "invalid_method",
         "line 7: method is 1; expected \"POST\"", "\"a\""},
        {"{" GOOD_PARTS "}", "invalid_url", "line 7: has no url; expected \"/v1/chat", "\"a\""},
        {"{" GOOD_PARTS ",\"url\":\"/v1/files\"}", "invalid_url",
         "line 7: url is \"/v1/files\"; expected \"/v1/chat/completions\", \"/v1/completions\", "
         "\"/v1/embeddings\", \"/v1/responses\" or \"/v1/moderations\"",
         "\"a\""},
        {"{" GOOD_PARTS ",\"url\":\"/chat/completions\"}", "invalid_url",
         "line 7: url is \"/chat/completions\"; ", "\"a\""},
        {"{" GOOD_PARTS ",\"url\":\"/v2/embeddings\"}", "invalid_url", "line 7: url is ", "\"a\""},
        {"{" GOOD_PARTS ",\"url\":{}}", "invalid_url", "line 7: url is {}; ", "\"a\""},
        {"{" GOOD_PARTS ",\"url\":\"/v1/embeddings\"}", "invalid_body", "line 7: has no body",
         "\"a\""},
        {"{" GOOD_PARTS ",\"url\":\"/v1/embeddings\",\"body\":[]}", "invalid_body",
         "line 7: body is []; expected an object", "\"a\""},
        {"{" GOOD_PARTS ",\"url\":\"/v1/embeddings\",\"body\":{\"stream\":true}}",
         "stream_not_supported",
         "line 7: asks for a stream (\"stream\": true), which a batch cannot give", "\"a\""},
        {"{\"messages\":[],\"stream\":true}", "stream_not_supported", "line 7: asks for a stream",
         "\"line-7\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        item it = read_json(rows[i].text);
        assert_int_not_equal(it.problem, ITEM_GOOD);
        assert_string_equal(item_problem_code(it.problem), rows[i].code);
        if (!span_starts(it.message, span_cstr(rows[i].message)))
            fail_msg("%.*s is not %s", SPAN_ARG(it.message), rows[i].message);
        assert_span(it.custom_id, rows[i].custom_id);
    }
}

static void bounds_custom_ids_by_characters(void **state) {
    (void)state;
    for (size_t count = ITEM_ID_MAX; count <= ITEM_ID_MAX + 1; count++) {
        buf text = BUF_EMPTY;
        buf_add_cstr(&text, "{\"custom_id\":\"");
        for (size_t i = 0; i < count; i++)
            buf_add_cstr(&text, "\xC3\xA4");
        buf_add_cstr(&text, "\",\"method\":\"POST\",\"url\":\"/v1/embeddings\",\"body\":{}}");
        item it = read_json(buf_cstr(&text));
        assert_int_equal(it.problem, count <= ITEM_ID_MAX ? ITEM_GOOD : ITEM_CUSTOM_ID);
        if (count > ITEM_ID_MAX)
            assert_span(it.message, "line 7: custom_id has 513 characters; allowed 1 to 512");
        buf_done(&text);
    }
}

static void accepts_one_form_where_told(void **state) {
    (void)state;
    item it = read_as(FORMAT_OPENAI, NULL, "{\"messages\":[]}");
    assert_span(it.message, "line 7: has no custom_id");
    it = read_as(FORMAT_MESSAGES, NULL, "{" GOOD_PARTS "}");
    assert_span(it.message, "line 7: has no messages");
    it = read_as(FORMAT_PROMPTS, NULL, "\xFF");
    assert_span(it.message, "line 7: is not UTF-8");
}

static void refuses_long_lines(void **state) {
    (void)state;
    line l = {.number = 7, .text = SPAN("begin"), .len = 50, .too_long = true};
    static const struct {
        batch_format format;
        const char *custom_id;
    } rows[] = {{FORMAT_JSON, ""}, {FORMAT_PROMPTS, "\"line-7\""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        item it;
        item_read(&l, &(item_rules){.format = rows[i].format}, &a, &it);
        assert_int_equal(it.problem, ITEM_TOO_LONG);
        assert_span(it.message, "line 7: has 50 bytes; allowed are 5 (--max-line)");
        assert_span(it.custom_id, rows[i].custom_id);
    }
}

static void tells_of_duplicates(void **state) {
    (void)state;
    item it = read_json("{" GOOD_PARTS ",\"url\":\"/v1/embeddings\",\"body\":{}}");
    item_set_duplicate(&it, &(line){.number = 7}, 3, &a);
    assert_int_equal(it.problem, ITEM_DUPLICATE);
    assert_span(it.message, "line 7: custom_id \"a\" is that of line 3 too");
}

static void detects_the_format(void **state) {
    (void)state;
    assert_int_equal(item_detect(&(line){.text = SPAN(" \t{\"a\"")}, SPAN_OF("a.txt")),
                     FORMAT_JSON);
    line prompt = {.text = SPAN("What is {this}?")};
    assert_int_equal(item_detect(&prompt, SPAN_OF("a.txt")), FORMAT_PROMPTS);
    assert_int_equal(item_detect(&prompt, SPAN_OF("standard input")), FORMAT_PROMPTS);
    assert_int_equal(item_detect(&prompt, SPAN_OF("a.jsonl")), FORMAT_JSON);
    assert_int_equal(item_detect(&prompt, SPAN_OF("a.ndjson")), FORMAT_JSON);
    assert_int_equal(item_detect(&prompt, SPAN_OF("a.json")), FORMAT_JSON);
    assert_int_equal(item_detect(&prompt, SPAN_OF("a.json.txt")), FORMAT_PROMPTS);
    batch_format format;
    assert_true(batch_format_of(SPAN_OF("openai"), &format));
    assert_int_equal(format, FORMAT_OPENAI);
    assert_false(batch_format_of(SPAN_OF("jsonl"), &format));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_openai_lines),
        cmocka_unit_test(reads_records_of_a_table),
        cmocka_unit_test(members_that_bodies_lack),
        cmocka_unit_test(keeps_custom_ids_as_they_are),
        cmocka_unit_test(reads_plain_bodies),
        cmocka_unit_test(reads_prompts),
        cmocka_unit_test(puts_the_system_message_first),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(bounds_custom_ids_by_characters),
        cmocka_unit_test(accepts_one_form_where_told),
        cmocka_unit_test(refuses_long_lines),
        cmocka_unit_test(tells_of_duplicates),
        cmocka_unit_test(detects_the_format),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
