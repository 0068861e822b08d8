/* What an answer says to people, read out of every form that it comes in. */
#include "unit.h"

#include "exchange/words.h"

typedef struct row {
    const char *document;
    bool is_delta;
    const char *text; /* NULL: it says nothing */
} row;

static void check(const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        arena a;
        arena_init(&a, 0);
        span text = SPAN_EMPTY;
        bool any = answer_text(span_cstr(rows[i].document), rows[i].is_delta, &a, &text);
        if (any != (rows[i].text != NULL)) print_error("%s\n", rows[i].document);
        assert_int_equal(any, rows[i].text != NULL);
        if (any) assert_span(text, rows[i].text);
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
        /* Blanks ahead of an answer that took long. */
        {" \n\r\n\t {\"choices\":[{\"message\":{\"content\":\"late\"}}]}\n", false, "late"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void completions(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"choices\":[{\"index\":0,\"text\":\"a\"}]}", false, "a"},
        {"{\"choices\":[{\"index\":0,\"text\":\"a\"}]}", true, "a"},
        {"{\"choices\":[{\"index\":1,\"text\":\"b\"}]}", true, NULL},
    };
    check(rows, ARRAY_LEN(rows));
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
        {"{\"type\":\"response.output_text.done\",\"text\":\"a\"}", true, NULL},
    };
    check(rows, ARRAY_LEN(rows));
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
        "{\"choices\":[{\"message\":{\"content\":[{\"text\":\"x\"}]}}]}",
        "{\"choices\":[{\"text\":7}]}",
        "{\"output\":\"x\"}",
        "{\"output\":[{\"content\":[{\"type\":\"output_text\",\"text\":7}]}]}",
        "{\"type\":\"response.output_text.delta\",\"delta\":{}}",
        "{\"type\":\"response.output_text.delta\"}",
        "{\"error\":{\"message\":\"x\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        const row rows[] = {{documents[i], false, NULL}, {documents[i], true, NULL}};
        check(rows, ARRAY_LEN(rows));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chat_completions),
        cmocka_unit_test(completions),
        cmocka_unit_test(responses),
        cmocka_unit_test(what_is_shaped_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
