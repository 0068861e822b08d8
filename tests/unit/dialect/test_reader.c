/* Answers in bytes, events out: what a reader takes for what, its ends, and the provider's key. */
#include "said.h"
#include "secrets.h"

static void a_stream_ends_with_its_marker(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    assert_said(&spec, EVENT_STREAM,
                ": comment\n\n"
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n"
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\r\n\r\n"
                "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n"
                "data: [DONE]\n\n"
                "data: {\"choices\":[{\"delta\":{\"content\":\"late\"}}]}\n\n",
                "\ncontent\nfinish (stop)\nusage 3+4\nend");
}

/* Nothing comes after an end, whatever the body still holds. */
static void an_end_is_an_end(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
    span piece = SPAN_OF("data: [DONE]\n\n");
    assert_int_equal(reader_next(&r, &piece, &e), READER_BAD);
    piece = SPAN_OF("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n");
    assert_int_equal(reader_next(&r, &piece, &e), READER_BAD);
    assert_int_equal(reader_end(&r, true, &e), READER_BAD);
    reader_done(&r);
    reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
    piece = SPAN_OF("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\nx");
    assert_int_equal(reader_next(&r, &piece, &e), READER_EVENT);
    assert_int_equal(reader_next(&r, &piece, &e), READER_END);
    piece = SPAN_OF("data: {\"choices\":[]}\n\n");
    assert_int_equal(reader_next(&r, &piece, &e), READER_END);
    assert_int_equal(reader_end(&r, true, &e), READER_END);
    reader_done(&r);
}

/* Each row: what comes, and how it ends. */
static void a_stream_is_complete_without_its_marker(void **state) {
    (void)state;
#define FINISHED(i)   "data: {\"choices\":[{\"index\":" #i ",\"finish_reason\":\"stop\"}]}\n\n"
#define RESPONSE_LAST "data: {\"type\":\"response.completed\",\"response\":{}}\n\n"
    static const struct {
        dialect dialect;
        unsigned choices;
        const char *body, *clean, *cut;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, 1, FINISHED(0), "end", "end"},
        {DIALECT_OPENAI_CHAT, 1, "data: {\"choices\":[]}\n\n", "bad", "cut"},
        {DIALECT_OPENAI_CHAT, 1, "", "bad", "cut"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(0), "cut", "cut"},
        /* One that is told finished twice does not stand for another. */
        {DIALECT_OPENAI_CHAT, 2, FINISHED(0) FINISHED(0), "cut", "cut"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(1) FINISHED(0), "end", "end"},
        {DIALECT_OPENAI_CHAT, 2,
         "data: {\"choices\":[{\"finish_reason\":\"a\"},{\"finish_reason\":\"b\"}]}\n\n", "end",
         "end"},
        /* Some number from 1, or as they like. */
        {DIALECT_OPENAI_CHAT, 1, FINISHED(7), "end", "end"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(64) FINISHED(65), "end", "end"},
        {DIALECT_OPENAI_CHAT, 1, FINISHED(70000), "end", "end"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(0) FINISHED(200), "end", "end"},
        /* Those beyond what is told apart count as one. */
        {DIALECT_OPENAI_CHAT, 2, FINISHED(126) FINISHED(128), "end", "end"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(127) FINISHED(128), "cut", "cut"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(128) FINISHED(200), "cut", "cut"},
        {DIALECT_OPENAI_CHAT, 2, FINISHED(0) FINISHED(64), "end", "end"},
        {DIALECT_OPENAI_COMPLETIONS, 1, FINISHED(0), "end", "end"},
        {DIALECT_OPENAI_RESPONSES, 1, RESPONSE_LAST, "end", "end"},
        {DIALECT_OPENAI_RESPONSES, 1, RESPONSE_LAST "data: [DONE]\n\n", "end", "end"},
        {DIALECT_OPENAI_RESPONSES, 1, "data: [DONE]\n\n", "bad", "bad"},
        {DIALECT_OPENAI_RESPONSES, 1, "data: {\"type\":\"response.created\"}\n\n", "bad", "cut"},
        {DIALECT_RAW, 1, "data: x\n\n", "end", "cut"},
        {DIALECT_RAW, 1, FINISHED(0), "end", "cut"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        reader_spec spec = said_spec(rows[i].dialect, 0);
        spec.choices = rows[i].choices;
        for (int clean = 0; clean < 2; clean++) {
            buf said = said_in(&spec, EVENT_STREAM, span_cstr(rows[i].body), NULL, 0, clean);
            const char *last = strrchr(buf_cstr(&said), '\n');
            assert_string_equal(last ? last + 1 : buf_cstr(&said),
                                clean ? rows[i].clean : rows[i].cut);
            buf_done(&said);
        }
    }
}

/* Whoever has begun is waited for, asked for or not. */
static void a_choice_that_has_begun_must_finish(void **state) {
    (void)state;
#define SAYS(i) "data: {\"choices\":[{\"index\":" #i ",\"delta\":{\"content\":\"a\"}}]}\n\n"
#define TEXT(i) "data: {\"choices\":[{\"index\":" #i ",\"text\":\"a\"}]}\n\n"
#define ROLE(i) "data: {\"choices\":[{\"index\":" #i ",\"delta\":{\"role\":\"assistant\"}}]}\n\n"
    static const struct {
        unsigned choices;
        const char *body, *last;
    } rows[] = {
        {1, SAYS(0) FINISHED(0), "end"},
        {1, SAYS(0) SAYS(1) FINISHED(0), "cut"},
        {1, SAYS(0) SAYS(1) FINISHED(1), "cut"},
        {1, SAYS(0) SAYS(1) FINISHED(1) FINISHED(0), "end"},
        {1, FINISHED(0) SAYS(1), "cut"},
        {1, TEXT(0) FINISHED(0) TEXT(1), "cut"},
        {1, TEXT(0) FINISHED(0) TEXT(1) FINISHED(1), "end"},
        {2, SAYS(0) SAYS(1) SAYS(2) FINISHED(0) FINISHED(1), "cut"},
        {1, SAYS(63) FINISHED(0) FINISHED(63), "end"},
        {1, SAYS(64) FINISHED(0), "cut"},
        {1, SAYS(10) FINISHED(1), "cut"},
        /* What says nothing has not begun. */
        {1, ROLE(0) ROLE(1) FINISHED(0), "end"},
        {1, TEXT(0) "data: {\"choices\":[{\"index\":1,\"text\":\"\"}]}\n\n" FINISHED(0), "end"},
        /* Those beyond what is told apart stand for one another. */
        {1, SAYS(200) FINISHED(0), "cut"},
        {1, SAYS(200) FINISHED(0) FINISHED(300), "end"},
        /* Without a number its place is its number. */
        {1,
         "data: {\"choices\":[{\"text\":\"a\"},{\"text\":\"b\",\"finish_reason\":\"stop\"}]}\n\n",
         "cut"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int want = 0; want < 2; want++) {
            reader_spec spec = said_spec(DIALECT_OPENAI_COMPLETIONS, want ? WANT_PARTS : 0);
            spec.choices = rows[i].choices;
            buf said = said_in(&spec, EVENT_STREAM, span_cstr(rows[i].body), NULL, 0, true);
            const char *last = strrchr(buf_cstr(&said), '\n');
            assert_string_equal(last ? last + 1 : buf_cstr(&said), rows[i].last);
            buf_done(&said);
        }
    }
}

/* It is the provider's word that this was all; what it is worth is for others to say. */
static void an_end_marker_before_the_end(void **state) {
    (void)state;
#define MARK        "data: [DONE]\n\n"
#define DELTA(word) "data: {\"type\":\"response.output_text.delta\",\"delta\":\"" word "\"}\n\n"
    static const struct {
        dialect dialect;
        unsigned fewest, choices;
        const char *body, *last;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, 1, 1, SAYS(0) MARK, "unfinished"},
        {DIALECT_OPENAI_CHAT, 1, 1, SAYS(0) FINISHED(0) MARK, "end"},
        {DIALECT_OPENAI_CHAT, 1, 1, FINISHED(0) MARK, "end"},
        {DIALECT_OPENAI_CHAT, 1, 1, SAYS(0) SAYS(1) FINISHED(0) MARK, "unfinished"},
        {DIALECT_OPENAI_CHAT, 1, 2, SAYS(0) SAYS(1) FINISHED(0) MARK, "unfinished"},
        {DIALECT_OPENAI_CHAT, 1, 2, SAYS(0) SAYS(1) MARK, "unfinished"},
        /* `n` is not known there, and that is all there will be. */
        {DIALECT_OPENAI_CHAT, 1, 2, SAYS(0) FINISHED(0) MARK, "end"},
        {DIALECT_OPENAI_COMPLETIONS, 2, 4, TEXT(0) FINISHED(0) TEXT(1) FINISHED(1) MARK, "end"},
        {DIALECT_OPENAI_CHAT, 2, 2, SAYS(0) FINISHED(0) MARK, "unfinished"}, /* it is known */
        /* But a prompt was left out. */
        {DIALECT_OPENAI_COMPLETIONS, 2, 2, TEXT(0) FINISHED(0) MARK, "unfinished"},
        {DIALECT_OPENAI_COMPLETIONS, 3, 6, TEXT(0) FINISHED(0) TEXT(1) FINISHED(1) MARK,
         "unfinished"},
        {DIALECT_OPENAI_RESPONSES, 1, 1, DELTA("a") MARK, "unfinished"},
        {DIALECT_OPENAI_RESPONSES, 1, 1, DELTA("a") RESPONSE_LAST MARK, "end"},
        {DIALECT_RAW, 1, 1, SAYS(0) MARK, "end"}, /* none is known there */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        reader_spec spec = said_spec(rows[i].dialect, 0);
        spec.fewest = rows[i].fewest;
        spec.choices = rows[i].choices;
        span body = span_cstr(rows[i].body);
        for (size_t less = 0; less < 3; less++) { /* also without its line ends */
            buf said =
                said_in(&spec, EVENT_STREAM, span_slice(body, 0, body.len - less), NULL, 0, true);
            assert_string_equal(strrchr(buf_cstr(&said), '\n') + 1, rows[i].last);
            buf_done(&said);
        }
    }
}

/* More than are told apart: of those that are not, as many finishes count as come. */
static void very_many_choices(void **state) {
    (void)state;
    static const struct {
        unsigned choices, finished;
        const char *last;
    } rows[] = {
        {127, 127, "end"}, {128, 127, "cut"}, {128, 128, "end"}, {129, 128, "cut"},
        {129, 129, "end"}, {200, 199, "cut"}, {200, 200, "end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        reader_spec spec = said_spec(DIALECT_OPENAI_COMPLETIONS, 0);
        spec.choices = rows[i].choices;
        buf body = BUF_EMPTY;
        for (unsigned k = 0; k < rows[i].finished; k++)
            buf_addf(&body,
                     "data: {\"choices\":[{\"index\":%u,\"text\":\"a\",\"finish_reason\":"
                     "\"stop\"}]}\n\n",
                     k);
        buf said = said_in(&spec, EVENT_STREAM, buf_span(&body), NULL, 0, true);
        assert_string_equal(strrchr(buf_cstr(&said), '\n') + 1, rows[i].last);
        buf_done(&said);
        buf_done(&body);
    }
}

/* The final blank line may be missing where the body ends, but not where it was cut. */
static void a_last_event_may_lack_its_blank_line(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    span body = SPAN_OF("data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}");
    buf said = said_in(&spec, EVENT_STREAM, body, NULL, 0, true);
    assert_string_equal(buf_cstr(&said), "finish (stop)\nend");
    buf_done(&said);
    said = said_in(&spec, EVENT_STREAM, body, NULL, 0, false);
    assert_string_equal(buf_cstr(&said), "cut");
    buf_done(&said);
    assert_said(&spec, EVENT_STREAM,
                "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]",
                "finish (stop)\nend");
}

static void what_is_no_json_is_left_out_and_counted(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    assert_said(&spec, EVENT_STREAM,
                "data: nonsense\n\ndata: {\"choices\":[\n\ndata: [1]\n\n"
                "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n",
                "content\nunfinished, 3 skipped");
    spec.dialect = DIALECT_RAW; /* here it is as good as anything */
    assert_said(&spec, EVENT_STREAM, "event: tick\ndata: nonsense\n\ndata: [DONE]\n\n",
                "tick: content\ncontent\nend");
}

static void a_plain_body_is_one_event(void **state) {
    (void)state;
    static const char answer[] = " {\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hi\"},"
                                 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}} ";
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    assert_said(&spec, "application/json", answer, "content,full,finish (stop) 1+-1\nend");
    assert_said(&spec, "", answer, "content,full,finish (stop) 1+-1\nend");
    assert_said(&spec, "text/html", "<html>", "bad");
    assert_said(&spec, "application/json", "", "bad");
    assert_said(&spec, "application/json", "{} {}", "bad");
    assert_said(&spec, "application/json", "{\"error\":{\"message\":\"x\"}}",
                "full,error 502\nend");
    assert_said(&spec, "application/json", "{\"error\":{\"code\":429}}", "full,error 429\nend");
    buf said = said_in(&spec, "application/json", span_cstr(answer), NULL, 0, false);
    assert_string_equal(buf_cstr(&said), "cut");
    buf_done(&said);
    spec.dialect = DIALECT_OPENAI_EMBEDDINGS;
    assert_said(&spec, "application/json", "{\"data\":[{}],\"usage\":{\"prompt_tokens\":8}}",
                "content,full 8+-1\nend");
    assert_said(&spec, "application/json",
                "{\"data\":[{}],\"service_tier\":\"flex\",\"usage\":{\"prompt_tokens\":8}}",
                "content,full 8+-1 flex\nend");
    assert_said(&spec, "application/json",
                "{\"data\":[{}],\"usage\":{\"prompt_tokens\":8},\"service_tier\":\"batch\"}",
                "content,full 8+-1 batch\nend");
    assert_said(&spec, "application/json",
                "{\"data\":[{}],\"usage\":{\"prompt_tokens\":8},\"service_tier\":\"default\"}",
                "content,full 8+-1\nend");
    assert_said(&spec, "application/json",
                "{\"data\":[{}],\"usage\":{\"prompt_tokens\":8},\"service_tier\":[\"flex\"]}",
                "content,full 8+-1\nend");
    spec.dialect = DIALECT_RAW;
    assert_said(&spec, "application/vnd.x+json", "not json", "content,full\nend");
    assert_said(&spec, "application/json", "{\"error\":{\"code\":429}}", "full 429\nend");
}

static void the_content_type_says_what_it_is(void **state) {
    (void)state;
    static const struct {
        dialect dialect;
        const char *type;
        answer_kind kind;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, "text/event-stream", ANSWER_STREAM},
        {DIALECT_OPENAI_CHAT, "Text/Event-Stream ; charset=utf-8", ANSWER_STREAM},
        {DIALECT_OPENAI_CHAT, "text/event-streams", ANSWER_PLAIN},
        {DIALECT_OPENAI_CHAT, "audio/mpeg", ANSWER_PLAIN}, /* where it should be JSON */
        {DIALECT_RAW, "text/event-stream", ANSWER_STREAM},
        {DIALECT_RAW, "audio/mpeg", ANSWER_RAW},
        {DIALECT_RAW, "a", ANSWER_RAW},
        {DIALECT_RAW, "", ANSWER_PLAIN},
        {DIALECT_RAW, "; charset=utf-8", ANSWER_PLAIN},
        {DIALECT_RAW, "application/json; charset=utf-8", ANSWER_PLAIN},
        {DIALECT_RAW, "application/problem+json", ANSWER_PLAIN},
        {DIALECT_RAW, "Application/Problem+JSON;charset=UTF-8", ANSWER_PLAIN},
        {DIALECT_RAW, "APPLICATION/JSON", ANSWER_PLAIN},
        {DIALECT_RAW, "application/jsonl", ANSWER_RAW},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const reader_spec spec = said_spec(rows[i].dialect, 0);
        reader r;
        reader_init(&r, &spec, span_cstr(rows[i].type), -1);
        assert_int_equal(r.kind, rows[i].kind);
        reader_done(&r);
    }
    const reader_spec spec = said_spec(DIALECT_RAW, 0);
    reader r;
    reader_init(&r, &spec, SPAN_EMPTY, -1);
    assert_int_equal(r.kind, ANSWER_PLAIN);
    reader_done(&r);
}

static void bounds_hold_in_any_pieces(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    spec.event_bytes = 20;
    assert_said(&spec, EVENT_STREAM, "data: {\"choices\":[]}\n\ndata: [DONE]\n\n", "\nbad");
    assert_said(&spec, EVENT_STREAM, "data: {\"choices\":[],\"a\":1}\n\ndata: [DONE]\n\n",
                "too large");
    spec.answer_bytes = 25;
    assert_said(&spec, "application/json", "{\"choices\":[{\"text\":\"\"}]}", "full\nend");
    assert_said(&spec, "application/json", "{\"choices\":[{\"text\":\"\"}]} ", "too large");
}

/* ---- the provider's key ---- */

static void no_event_holds_the_key(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-secret/123");
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS | WANT_ENVELOPE);
    spec.secrets = secrets;
    assert_said(&spec, EVENT_STREAM,
                "event: sk-secret/123\n"
                "data: {\"id\":\"1\",\"model\":\"sk-secret/123\",\"choices\":[{\"delta\":{"
                "\"content\":\"a sk-secret\\/123 b\"},\"finish_reason\":\"stop\"}],\"created\":5}"
                "\n\ndata: [DONE]\n\n",
                "content,finish text 0/0 \"a [redacted] b\" finish 0/0 \"stop\" (stop) "
                "[\"1\" \"[redacted]\" 5]\nend");
    assert_said(&spec, EVENT_STREAM, /* twice */
                "data: {\"choices\":[{\"delta\":{\"content\":\"1 sk-secret/123\"}}]}\n\n"
                "data: {\"choices\":[{\"delta\":{\"content\":\"2 sk-secret/123\"}}]}\n\n"
                "data: [DONE]\n\n",
                "content text 0/0 \"1 [redacted]\" [  ]\ncontent text 0/0 \"2 [redacted]\" [  "
                "]\nunfinished");
    assert_said(&spec, "application/json",
                "{\"choices\":[{\"message\":{\"content\":\"\\u0073k-secret/123!\"}}]}",
                "content,full text 0/0 \"[redacted]!\" [  ]\nend");
    secret_set_unref(secrets);
}

/* Every cut of a body that nobody reads, in two and in three, and byte by byte. */
static void no_piece_lets_the_key_through(void **state) {
    (void)state;
    static const struct {
        const char *body, *expected;
    } rows[] = {
        {"xx sk-sk-secret/9 yy", "xx sk-[redacted] yyend"},
        {"sk-secret/9sk-secret/9", "[redacted][redacted]end"},
        {"a sk-secret\\/9 b \\u0073\\u006B-secret/9 c", "a [redacted] b [redacted] cend"},
        {"sk-secre", "sk-secreend"}, /* it was not the key */
        {"sk-secret/8 sk-secret", "sk-secret/8 sk-secretend"},
        {"\\u00", "\\u00end"},
        {"\\u0073k\\", "\\u0073k\\end"},
        {"\\uzz sk\\n", "\\uzz sk\\nend"},
        {"s\\k-secret/9 \\/", "[redacted] \\/end"},
        {"", "end"},
    };
    secret_set *secrets = secret_set_of("sk-secret/9");
    reader_spec spec = said_spec(DIALECT_RAW, 0);
    spec.secrets = secrets;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_said(&spec, "audio/mpeg", rows[i].body, rows[i].expected);
        span body = span_cstr(rows[i].body);
        for (size_t a = 0; a < body.len; a++)
            for (size_t b = a; b <= body.len; b++) {
                size_t cuts[] = {a, b};
                buf said = said_in(&spec, "audio/mpeg", body, cuts, 2, true);
                assert_string_equal(buf_cstr(&said), rows[i].expected);
                buf_done(&said);
            }
    }
    secret_set_unref(secrets);
}

/* A body that is called events and is none goes on as it comes, however short its pieces. */
static void what_is_called_events_and_is_none(void **state) {
    (void)state;
    static const struct {
        const char *body, *expected;
    } rows[] = {
        {"{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}\n{\"b\":2}\nend"},
        {"RIFF\n\n: data", "RIFF\n\n: dataend"},
        {"\r\n\r\n[1]", "\r\n\r\n[1]end"},
        {"datum: 1\n\n", "datum: 1\n\nend"},
        {"retry\n", "retry\nend"},
        {"even", "evenend"},
        {"\n\n", "\n\nend"},
        {"", "end"},
        {": ping\n\nRIFF\n\n", "end"}, /* it has begun as one */
        {"\xEF\xBB\xBF\ndata: x\n\n", "content\nend"},
    };
    const reader_spec spec = said_spec(DIALECT_RAW, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_said(&spec, EVENT_STREAM, rows[i].body, rows[i].expected);
}

/* What cannot be the key is not kept waiting, and what was held is told also where a body breaks
 * off. */
static void only_the_keys_beginning_is_held_back(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-secret/9");
    reader_spec spec = said_spec(DIALECT_RAW, 0);
    spec.secrets = secrets;
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF("audio/mpeg"), -1);
    span piece = SPAN_OF("risk-se");
    assert_int_equal(reader_next(&r, &piece, &e), READER_EVENT);
    assert_span(e.data, "ri");
    assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
    piece = SPAN_OF("c");
    assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
    piece = SPAN_OF("t-s");
    assert_int_equal(reader_next(&r, &piece, &e), READER_EVENT);
    assert_span(e.data, "sk-sect-");
    assert_int_equal(reader_end(&r, false, &e), READER_EVENT);
    assert_span(e.data, "s");
    assert_int_equal(reader_end(&r, false, &e), READER_CUT);
    reader_done(&r);
    secret_set_unref(secrets);
}

/* ---- memory ---- */

/* A stream may go on for ever, and say whatever it likes. */
static void nothing_grows_with_the_number_of_events(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS | WANT_ENVELOPE);
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
    size_t held[2];
    for (int i = 0; i < 2000; i++) {
        span piece = i % 2 ? SPAN_OF("data: {\"choices\":[{\"finish_reason\":\"a\"}]}\n\n")
                           : SPAN_OF("data: {\"choices\":[{\"finish_reason\":\"b\",\"delta\":{"
                                     "\"content\":[1,2,3,4,5,6,7,8,9]}}]}\n\n");
        assert_int_equal(reader_next(&r, &piece, &e), READER_EVENT);
        assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
        size_t now = r.part_cap + r.body.cap + r.clean.cap + r.events.line.cap +
                     r.events.data.held.cap + r.events.name.held.cap;
        if (i == 9) held[0] = now;
        held[1] = now;
    }
    assert_int_equal(held[0], held[1]);
    reader_done(&r);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_ends_with_its_marker),
        cmocka_unit_test(an_end_is_an_end),
        cmocka_unit_test(a_stream_is_complete_without_its_marker),
        cmocka_unit_test(a_choice_that_has_begun_must_finish),
        cmocka_unit_test(an_end_marker_before_the_end),
        cmocka_unit_test(very_many_choices),
        cmocka_unit_test(a_last_event_may_lack_its_blank_line),
        cmocka_unit_test(what_is_no_json_is_left_out_and_counted),
        cmocka_unit_test(a_plain_body_is_one_event),
        cmocka_unit_test(the_content_type_says_what_it_is),
        cmocka_unit_test(bounds_hold_in_any_pieces),
        cmocka_unit_test(no_event_holds_the_key),
        cmocka_unit_test(no_piece_lets_the_key_through),
        cmocka_unit_test(what_is_called_events_and_is_none),
        cmocka_unit_test(only_the_keys_beginning_is_held_back),
        cmocka_unit_test(nothing_grows_with_the_number_of_events),
    };
    return run_watched(tests);
}
