/* What an answer says to people, read out of every form that it comes in. */
#include "said.h"

#include "dialect/words.h"

typedef struct row {
    const char *document;
    bool is_delta;
    const char *text; /* NULL: it says nothing */
} row;

/* The one event of a document: lives as long as the reader and the arena. */
static answer_event read_one(reader *r, dialect d, bool is_delta, const char *document, arena *a) {
    const reader_spec spec = said_spec(d, WANT_PARTS);
    answer_event e = {.kind = ANSWER_RAW};
    span input =
        is_delta ? arena_printf(a, "data: %s\n\n", document) : arena_dup(a, span_cstr(document));
    reader_init(r, &spec, is_delta ? SPAN_OF(EVENT_STREAM) : SPAN_OF("application/json"), -1);
    reader_result got = reader_next(r, &input, &e);
    if (!is_delta) got = reader_end(r, true, &e);
    assert_true(got == READER_EVENT ||
                (!is_delta && got == READER_BAD)); /* it is read all the same */
    return e;
}

/* As a JSON string it says the same. */
static void check_json(const answer_event *e, bool all, const char *expected, arena *a) {
    json_value v = answer_words_json(e, all, a);
    assert_int_equal(v.type, expected ? JSON_STRING : JSON_NONE);
    if (expected) assert_span(json_string(v, a), expected);
}

static void check(dialect d, const row *rows, size_t count) {
    bool all = dialect_get(d)->one_answer;
    for (size_t i = 0; i < count; i++) {
        arena a;
        reader r;
        arena_init(&a, 0);
        answer_event e = read_one(&r, d, rows[i].is_delta, rows[i].document, &a);
        span text = SPAN_EMPTY;
        bool any = answer_words(&e, all, &a, &text);
        if (any != (rows[i].text != NULL)) print_error("%s\n", rows[i].document);
        assert_int_equal(any, rows[i].text != NULL);
        if (any) assert_span(text, rows[i].text);
        check_json(&e, all, rows[i].text, &a);
        reader_done(&r);
        arena_done(&a);
    }
}

static void chat_completions(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\\nb\\u00e9\"}}]}", false,
         "a\nb\xC3\xA9"},
        {"{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"}}]}", false, "no"},
        {"{\"choices\":[{\"message\":{\"content\":\"\"}}]}", false, ""},
        {"{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[]}}]}", false, NULL},
        {"{\"choices\":[{\"index\":1,\"message\":{\"content\":\"b\"}},"
         "{\"index\":0,\"message\":{\"content\":\"a\"}}]}",
         false, "a"},
        {"{\"choices\":[{\"index\":1,\"message\":{\"content\":\"only\"}}]}", false, "only"},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}", true, "a"},
        {"{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}", true, NULL},
        {"{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}},"
         "{\"index\":0,\"delta\":{\"content\":\"a\"}}]}",
         true, "a"},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"no\"}}]}", true, "no"},
        {"{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}", true, NULL},
        {"{\"choices\":[],\"usage\":{}}", true, NULL},
        /* Content in parts, as Mistral sends it, and texts of one choice that stand apart. */
        {"{\"choices\":[{\"message\":{\"content\":[{\"text\":\"x\"}]}}]}", false, "x"},
        {"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\\t\"},"
         "{\"type\":\"thinking\",\"thinking\":[]},{\"type\":\"text\",\"text\":\"b\"}]}}]}",
         false, "a\tb"},
        {"{\"choices\":[{\"delta\":{\"content\":[{\"text\":\"a\"},{\"text\":\"b\"}]}}]}", true,
         "ab"},
        /* No words: reasoning, tool calls, a transcript, a message beside its delta. */
        {"{\"choices\":[{\"message\":{\"reasoning_content\":\"r\",\"tool_calls\":[{\"function\":"
         "{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}]}",
         false, NULL},
        {"{\"choices\":[{\"message\":{\"audio\":{\"data\":\"QQ==\",\"transcript\":\"t\"}}}]}",
         false, NULL},
        {"{\"choices\":[{\"message\":{\"content\":\"so far\"},\"delta\":{\"content\":\"far\"}}]}",
         true, "far"},
        {"{\"choices\":[{\"message\":{\"content\":\"so far\"},\"delta\":{}}]}", true, NULL},
        {"{\"choices\":[{\"message\":{\"content\":\"a\",\"refusal\":\"no\"}}]}", false, "a"},
        /* Blanks ahead of an answer that took long. */
        {" \n\r\n\t {\"choices\":[{\"message\":{\"content\":\"late\"}}]}\n", false, "late"},
    };
    check(DIALECT_OPENAI_CHAT, rows, ARRAY_LEN(rows));
}

static void completions(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"choices\":[{\"index\":0,\"text\":\"a\"}]}", false, "a"},
        {"{\"choices\":[{\"index\":0,\"text\":\"a\"}]}", true, "a"},
        {"{\"choices\":[{\"index\":1,\"text\":\"b\"}]}", true, NULL},
    };
    check(DIALECT_OPENAI_COMPLETIONS, rows, ARRAY_LEN(rows));
}

static void responses(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"output\":[{\"type\":\"reasoning\",\"summary\":[]},{\"type\":\"message\",\"content\":["
         "{\"type\":\"output_text\",\"text\":\"a\\t\"},{\"type\":\"refusal\",\"refusal\":\"no\"}]},"
         "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"b\"}]}]}",
         false, "a\tnob"},
        {"{\"output\":[{\"type\":\"message\",\"content\":[]}]}", false, NULL},
        {"{\"output\":[]}", false, NULL},
        {"{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}", true, "a"},
        {"{\"type\":\"response.refusal.delta\",\"delta\":\"no\"}", true, "no"},
        {"{\"type\":\"response.reasoning_text.delta\",\"delta\":\"hm\"}", true, NULL},
        /* Repeats of what has come in pieces, and what stands beside. */
        {"{\"type\":\"response.output_text.done\",\"text\":\"a\"}", true, NULL},
        {"{\"type\":\"response.output_item.done\",\"item\":{\"content\":[{\"type\":\"output_text\","
         "\"text\":\"a\"}]}}",
         true, NULL},
        {"{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"type\":"
         "\"output_text\",\"text\":\"a\"}]}]}}",
         true, NULL},
        {"{\"type\":\"response.audio.transcript.delta\",\"delta\":\"a\"}", true, NULL},
        {"{\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"b\"}", true, "b"},
    };
    check(DIALECT_OPENAI_RESPONSES, rows, ARRAY_LEN(rows));
}

/* A provider's documents are JSON and nothing more. */
static void what_is_shaped_otherwise(void **state) {
    (void)state;
    static const char *const documents[] = {
        "{}",
        "{\"choices\":7}",
        "{\"choices\":[7]}",
        "{\"choices\":{\"message\":{\"content\":\"x\"}}}",
        "{\"choices\":[{\"message\":\"x\"}]}",
        "{\"choices\":[{\"message\":{\"content\":[{\"thinking\":\"x\"}]}}]}",
        "{\"choices\":[{\"text\":7}]}",
        "{\"output\":\"x\"}",
        "{\"output\":[{\"content\":[{\"type\":\"output_text\",\"text\":7}]}]}",
        "{\"type\":\"response.output_text.delta\",\"delta\":{}}",
        "{\"type\":\"response.output_text.delta\"}",
        "{\"error\":{\"message\":\"x\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        const row rows[] = {{documents[i], false, NULL}, {documents[i], true, NULL}};
        check(DIALECT_OPENAI_CHAT, rows, ARRAY_LEN(rows));
        check(DIALECT_OPENAI_RESPONSES, rows, ARRAY_LEN(rows));
    }
}

/* What needs no new bytes gets none. */
static void one_part_is_borrowed(void **state) {
    (void)state;
    static const struct {
        const char *document, *json; /* NULL: it is borrowed */
        bool text_too;
    } rows[] = {
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"plain\"}}]}", NULL, true},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u00e9\\/\"}}]}", NULL, false},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"text\":\"a\\/"
         "\"},{\"text\":\"\\n\"}]}}]}",
         "\"a/\\n\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        reader r;
        arena_init(&a, 0);
        answer_event e = read_one(&r, DIALECT_OPENAI_CHAT, true, rows[i].document, &a);
        span text = SPAN_EMPTY;
        assert_true(answer_words(&e, false, &a, &text));
        assert_int_equal(text.ptr == e.parts[0].value.raw.ptr + 1, rows[i].text_too);
        json_value v = answer_words_json(&e, false, &a);
        assert_int_equal(v.raw.ptr == e.parts[0].value.raw.ptr, !rows[i].json);
        if (rows[i].json) assert_span(v.raw, rows[i].json);
        reader_done(&r);
        arena_done(&a);
    }
}

/* A filter may have put nothing in a text's place. */
static void nothing_is_no_text(void **state) {
    (void)state;
    arena a;
    reader r;
    arena_init(&a, 0);
    answer_event said = read_one(&r, DIALECT_OPENAI_CHAT, true,
                                 "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}", &a);
    answer_event e;
    span text;
    answer_rewrite(&said, &(answer_edit){.part = 0}, 1, &a, &e);
    assert_false(answer_words(&e, false, &a, &text));
    reader_done(&r);
    arena_done(&a);
}

static void a_root_has_no_blanks_around_it(void **state) {
    (void)state;
    assert_span(answer_root(SPAN_OF(" \t\r\n{}\n ")).raw, "{}");
    assert_span(answer_root(SPAN_OF("{}")).raw, "{}");
    assert_int_equal(answer_root(SPAN_OF(" \n")).raw.len, 0);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(chat_completions),
        cmocka_unit_test(completions),
        cmocka_unit_test(responses),
        cmocka_unit_test(what_is_shaped_otherwise),
        cmocka_unit_test(one_part_is_borrowed),
        cmocka_unit_test(nothing_is_no_text),
        cmocka_unit_test(a_root_has_no_blanks_around_it),
    };
    return run_watched(tests);
}
