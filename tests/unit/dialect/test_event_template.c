/* Events that are like one before: which are, and that those are read as a reader reads any. */
#include "said.h"
#include "secrets.h"

#include "dialect/reader_like.h"

#include <stdlib.h>

enum { ALL = WANT_PARTS | WANT_ENVELOPE };

static reader_spec spec_of(dialect d) {
    reader_spec spec = said_spec(d, ALL);
    spec.usage_added = true;
    return spec;
}

/* Text of an event and all places in it, by a reader that has seen no other. */
static buf read_alone(dialect d, span name, const char *data) {
    const reader_spec spec = spec_of(d);
    buf out = BUF_EMPTY;
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
    reader_take_made(&r, name, span_cstr(data), &e);
    said_add(&out, &e);
    buf_addf(&out, "%.*s", SPAN_ARG(e.null_usage));
    reader_done(&r);
    return out;
}

/* Whether the second is like the first; if so it is read as it would be alone. */
static bool are_alike(dialect d, span first_name, const char *first, span name,
                      const char *second) {
    const reader_spec spec = spec_of(d);
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
    event_notes notes;
    e = (answer_event){.kind = ANSWER_STREAM, .name = first_name, .data = span_cstr(first)};
    reader_read_event(&r, &e, &notes);
    event_template *t = event_template_make(&e, notes.loose, notes.loose_count);
    bool alike = false;
    if (t) {
        /* On the heap and without an end: nothing beyond it is read. */
        size_t len = strlen(second);
        char *copy = malloc(len ? len : 1);
        memcpy(copy, second, len);
        answer_part parts[TEMPLATE_PARTS];
        answer_envelope envelope;
        e = (answer_event){.kind = ANSWER_STREAM,
                           .name = name,
                           .data = span_from(copy, len),
                           .envelope = &envelope};
        alike = event_template_read(t, &e, parts, &envelope);
        if (alike) {
            buf told = BUF_EMPTY, alone = read_alone(d, name, second);
            said_add(&told, &e);
            buf_addf(&told, "%.*s", SPAN_ARG(e.null_usage));
            assert_string_equal(buf_cstr(&told), buf_cstr(&alone));
            buf_done(&told);
            buf_done(&alone);
        }
        free(copy);
    }
    free(t);
    reader_done(&r);
    return alike;
}

typedef struct alike_row {
    const char *first, *second;
    bool alike;
} alike_row;

static void assert_rows(dialect d, const alike_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool alike = are_alike(d, SPAN_EMPTY, rows[i].first, SPAN_EMPTY, rows[i].second);
        if (alike != rows[i].alike)
            fail_msg("%s\n%s\nare%s alike", rows[i].first, rows[i].second, alike ? "" : " not");
    }
}

#define CHUNK(content, rest)                                                                       \
    "{\"id\":\"c1\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{"           \
    "\"content\":" content "},\"finish_reason\":null}]" rest "}"
#define TEXT(content)     CHUNK("\"" content "\"", "")
#define PADDED(text, pad) CHUNK("\"" text "\"", ",\"usage\":null,\"obfuscation\":" pad)

static void texts_may_differ(void **state) {
    (void)state;
    static const alike_row rows[] = {
        {TEXT("a"), TEXT("a"), true},
        {TEXT("a"), TEXT("much longer than that, and longer still"), true},
        {TEXT("much longer than that"), TEXT("a"), true},
        {TEXT("a"), TEXT("\\n\\\"\\u00e9\\ud83d\\ude00"), true},
        {TEXT("a"), TEXT("\xE4\xBD\xA0\xE5\xA5\xBD, \xD0\xBC\xD0\xB8\xD1\x80"), true},
        {TEXT("\\\\"), TEXT("\\\\\\\""), true},
        {PADDED("a", "\"xyz\""), PADDED("bcd", "\"x\""), true},
        {PADDED("a", "1"), PADDED("bcd", "200"), true},
        {PADDED("a", "-7"), PADDED("b", "-7"), true},
        {PADDED("a", "7.5"), PADDED("b", "7.5"), true},
        {"{\"obfuscation\":\"a\",\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"id\":\"i\"}",
         "{\"obfuscation\":\"12\",\"choices\":[{\"delta\":{\"content\":\"345\"}}],\"id\":\"i\"}",
         true},
        {"{\"choices\":[{\"delta\":{\"content\":\"\",\"reasoning_content\":\"b\"}}]}",
         "{\"choices\":[{\"delta\":{\"content\":\"\",\"reasoning_content\":\"cd\"}}]}", true},
        {"{\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":2,\"function\":{"
         "\"arguments\":\"{\"}}]}}]}",
         "{\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":2,\"function\":{"
         "\"arguments\":\"\\\"city\"}}]}}]}",
         true},
        {"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"custom\":{\"input\":\"{\"}}]}}]}",
         "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"custom\":{\"input\":\"ls\"}}]}}]}", true},
        {"{\"choices\":[{\"text\":\"a\",\"index\":3}]}",
         "{\"choices\":[{\"text\":\"bcd\",\"index\":3}]}", true},
    };
    assert_rows(DIALECT_OPENAI_CHAT, rows, ARRAY_LEN(rows));
}

static void nothing_else_may(void **state) {
    (void)state;
    static const alike_row rows[] = {
        /* Whether it says anything decides what it is. */
        {TEXT("a"), TEXT(""), false},
        {TEXT("a"), CHUNK("null", ""), false},
        {TEXT("a"), CHUNK("[\"b\"]", ""), false},
        {"{\"choices\":[{\"delta\":{\"content\":\"\",\"reasoning_content\":\"b\"}}]}",
         "{\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning_content\":\"b\"}}]}", false},
        {PADDED("a", "\"xyz\""), PADDED("b", "\"\""), false},
        {PADDED("a", "\"xyz\""), PADDED("b", "7"), false},
        {PADDED("a", "7"), PADDED("b", "07"), false},
        {PADDED("a", "7"), PADDED("b", "7.5"), false},
        {PADDED("a", "7"), PADDED("b", "-7"), false},
        {PADDED("a", "7"), PADDED("b", ""), false},
        {PADDED("a", "7.5"), PADDED("a", "7.6"), false},
        /* What stands between the texts. */
        {TEXT("a"), TEXT("b") " ", false},
        {TEXT("a"), TEXT("b") "}", false},
        {TEXT("a"), CHUNK("\"b\"", ",\"usage\":null"), false},
        {CHUNK("\"a\"", ",\"usage\":null"), CHUNK("\"a\"", ",\"usage\":{}"), false},
        {TEXT("a"), TEXT("b\",\"content\":\"c"), false},
        {"{\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}",
         "{\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}", false},
        {"{\"choices\":[{\"delta\":{\"content\":\"b\"},\"index\":0}]}",
         "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"index\":1}]}", false},
        /* What is no JSON. */
        {TEXT("a"), TEXT("\\x"), false},
        {TEXT("a"), TEXT("\\u00g0"), false},
        {TEXT("a"), TEXT("\n"), false},
        {TEXT("a"), TEXT("\xFF"), false},
        {TEXT("a"), TEXT("\xE4\xBD"), false},
        {TEXT("a"), "", false},
        {TEXT("a"), "{", false},
        {"{\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"obfuscation\":7}",
         "{\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"obfuscation\":7", false},
        /* Of these none is like another. */
        {"{\"choices\":[{\"delta\":{},\"finish_reason\":\"a\"}]}",
         "{\"choices\":[{\"delta\":{},\"finish_reason\":\"a\"}]}", false},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"b\"}]}",
         "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"b\"}]}", false},
        {CHUNK("\"a\"", ",\"usage\":{\"prompt_tokens\":1}"),
         CHUNK("\"a\"", ",\"usage\":{\"prompt_tokens\":1}"), false},
        {"{\"error\":{\"message\":\"a\"}}", "{\"error\":{\"message\":\"a\"}}", false},
        {"{\"choices\":[{\"delta\":{\"content\":7}}]}",
         "{\"choices\":[{\"delta\":{\"content\":7}}]}", false},
        {"{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}",
         "{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}", false},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}},"
         "{\"delta\":{\"content\":\"c\"}}]}",
         "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}},"
         "{\"delta\":{\"content\":\"c\"}}]}",
         false},
    };
    assert_rows(DIALECT_OPENAI_CHAT, rows, ARRAY_LEN(rows));
}

static void a_response_counts_its_events(void **state) {
    (void)state;
#define DELTA(number, text, index)                                                                 \
    "{\"type\":\"response.output_text.delta\",\"sequence_number\":" number                         \
    ",\"item_id\":\"i\",\"output_index\":" index ",\"content_index\":1,\"delta\":\"" text          \
    "\",\"logprobs\":[],\"obfuscation\":\"" text text "\"}"
    static const alike_row rows[] = {
        {DELTA("9", "a", "0"), DELTA("10", "bcd", "0"), true},
        {DELTA("0", "abc", "2"), DELTA("100", "d", "2"), true},
        {DELTA("9", "a", "0"), DELTA("10", "b", "1"), false},
        {DELTA("9", "a", "0"), DELTA("10", "", "0"), false},
        {"{\"type\":\"response.output_text.done\",\"text\":\"a\"}",
         "{\"type\":\"response.output_text.done\",\"text\":\"a\"}", false},
    };
    assert_rows(DIALECT_OPENAI_RESPONSES, rows, ARRAY_LEN(rows));
    const span name = SPAN_OF("response.output_text.delta");
    assert_true(are_alike(DIALECT_OPENAI_RESPONSES, name, rows[0].first, name, rows[0].second));
    assert_false(
        are_alike(DIALECT_OPENAI_RESPONSES, name, rows[0].first, SPAN_EMPTY, rows[0].second));
    assert_false(
        are_alike(DIALECT_OPENAI_RESPONSES, name, rows[0].first, SPAN_OF("error"), rows[0].second));
    /* What it is may stand in its name alone. */
    assert_true(
        are_alike(DIALECT_OPENAI_RESPONSES, name, "{\"delta\":\"a\"}", name, "{\"delta\":\"b\"}"));
    assert_false(are_alike(DIALECT_OPENAI_RESPONSES, name, "{\"delta\":\"a\"}",
                           SPAN_OF("response.refusal.delta"), "{\"delta\":\"b\"}"));
}

static void what_is_large_is_not_kept(void **state) {
    (void)state;
    buf one = BUF_EMPTY;
    buf_add_cstr(&one, "{\"choices\":[{\"delta\":{\"content\":\"");
    const size_t before = one.len, behind = strlen("\"}}]}");
    while (one.len + behind < TEMPLATE_BYTES)
        buf_add_char(&one, 'a');
    buf_add_cstr(&one, "\"}}]}");
    assert_int_equal(one.len, TEMPLATE_BYTES);
    assert_true(
        are_alike(DIALECT_OPENAI_CHAT, SPAN_EMPTY, buf_cstr(&one), SPAN_EMPTY, buf_cstr(&one)));
    assert_false(
        are_alike(DIALECT_OPENAI_CHAT, SPAN_OF("n"), buf_cstr(&one), SPAN_OF("n"), buf_cstr(&one)));
    /* What is like a small one may be larger. */
    buf_clear(&one);
    buf_add_cstr(&one, "{\"choices\":[{\"delta\":{\"content\":\"");
    assert_int_equal(one.len, before);
    for (int i = 0; i < 70000; i++)
        buf_add_char(&one, 'a');
    buf_add_cstr(&one, "\"}}]}");
    assert_true(are_alike(DIALECT_OPENAI_CHAT, SPAN_EMPTY,
                          "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", SPAN_EMPTY,
                          buf_cstr(&one)));
    buf_done(&one);
}

/* ---- within a reader ---- */

static reader fed(const reader_spec *spec) {
    reader r;
    reader_init(&r, spec, SPAN_OF(EVENT_STREAM), -1);
    return r;
}

static reader_result feed(reader *r, const char *text) {
    answer_event e;
    span piece = span_cstr(text);
    return reader_next(r, &piece, &e);
}

#define EVENT(data) "data: " data "\n\n"

/* Each event is told as a reader tells it that compares none. */
static void a_stream_says_the_same(void **state) {
    (void)state;
    reader_spec spec = spec_of(DIALECT_OPENAI_CHAT);
    assert_said(&spec, EVENT_STREAM,
                EVENT("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}")   //
                EVENT("{\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}")            //
                EVENT("{\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"bc\"}}]}")           //
                EVENT("{\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"\\u00\"}}]}")        //
                "data\n\n" EVENT("{\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"d\"}}]}") //
                EVENT("{\"id\":\"j\",\"choices\":[{\"delta\":{\"content\":\"e\"}}]}")            //
                EVENT("{\"id\":\"j\",\"choices\":[{\"delta\":{\"content\":\"\"}}]}")             //
                EVENT("{\"id\":\"j\",\"choices\":[{\"delta\":{\"content\":\"f\"}}]}")            //
                EVENT("{\"id\":\"j\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}")  //
                EVENT("[DONE]"),
                " text 0/0 \"\" [  ]\n"
                "content text 0/0 \"a\" [\"i\"  ]\n"
                "content text 0/0 \"bc\" [\"i\"  ]\n"
                "content text 0/0 \"d\" [\"i\"  ]\n"
                "content text 0/0 \"e\" [\"j\"  ]\n"
                " text 0/0 \"\" [\"j\"  ]\n"
                "content text 0/0 \"f\" [\"j\"  ]\n"
                "finish finish 0/0 \"stop\" (stop) [\"j\"  ]\n"
                "end, 2 skipped");
}

/* What a secret is spelled in is put together over events that are read either way. */
static void a_secret_is_spelled_all_the_same(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-0123456789abcdef");
    reader_spec spec = spec_of(DIALECT_OPENAI_CHAT);
    spec.secrets = secrets;
    reader r = fed(&spec);
    assert_int_equal(feed(&r, EVENT("{\"choices\":[{\"delta\":{\"content\":\"s\"}}]}")),
                     READER_EVENT);
    assert_non_null(r.like.of);
    assert_int_equal(feed(&r, EVENT("{\"choices\":[{\"delta\":{\"content\":\"k-0123\"}}]}")),
                     READER_EVENT);
    assert_int_equal(r.like.missed, 0);
    assert_int_equal(feed(&r, EVENT("{\"id\":1,\"choices\":[{\"delta\":{\"content\":\"4567\"}}]}")),
                     READER_EVENT);
    assert_int_equal(r.like.missed, 1);
    assert_int_equal(feed(&r, EVENT("{\"id\":1,\"choices\":[{\"delta\":{\"content\":\"8\"}}]}")),
                     READER_BAD);
    assert_int_equal(r.like.missed, 0);
    reader_done(&r);
    /* Texts that stand beside its parts would have to be watched with each. */
    r = fed(&spec);
    assert_int_equal(
        feed(&r, EVENT("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"type\":\"function\","
                       "\"function\":{\"arguments\":\"a\"}}]}}]}")),
        READER_EVENT);
    assert_null(r.like.of);
    assert_int_equal(feed(&r, EVENT("{\"choices\":[{\"delta\":{\"tool_calls\":[{"
                                    "\"function\":{\"arguments\":\"a\"}}]}}]}")),
                     READER_EVENT);
    assert_non_null(r.like.of);
    reader_done(&r);
    secret_set_unref(secrets);
}

static void who_never_finds_one_alike_gives_up(void **state) {
    (void)state;
    const reader_spec spec = spec_of(DIALECT_OPENAI_CHAT);
    reader r = fed(&spec);
    assert_int_equal(feed(&r, EVENT("{\"id\":1,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}")),
                     READER_EVENT);
    char text[128];
    unsigned events = 0;
    for (; r.like.of && events < 100; events++) {
        (void)snprintf(text, sizeof text,
                       EVENT("{\"id\":%u,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"),
                       events + 2);
        assert_int_equal(feed(&r, text), READER_EVENT);
    }
    assert_true(events > 1 && events < 100);
    assert_int_equal(feed(&r, text), READER_EVENT);
    assert_null(r.like.of);
    reader_done(&r);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_may_differ),
        cmocka_unit_test(nothing_else_may),
        cmocka_unit_test(a_response_counts_its_events),
        cmocka_unit_test(what_is_large_is_not_kept),
        cmocka_unit_test(a_stream_says_the_same),
        cmocka_unit_test(a_secret_is_spelled_all_the_same),
        cmocka_unit_test(who_never_finds_one_alike_gives_up),
    };
    return run_watched(tests);
}
