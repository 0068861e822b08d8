/* How many tokens a call took, about: of what was asked, and of what was answered. */
#include "outline_unit.h"

#include "dialect/openai.h"
#include "dialect/usage_guess.h"

/* ---- what was asked ---- */

typedef struct ask_row {
    dialect d;
    const char *body; /* ' for " */
    int tokens;
} ask_row;

static int64_t guessed(dialect d, const char *body, token_family family) {
    arena a;
    arena_init(&a, 0);
    request_outline o = outline_of(d, outline_scan(body, &a), &a);
    int64_t tokens = guess_prompt(&o, d, family, NULL);
    arena_done(&a);
    return tokens;
}

#define CHAT          DIALECT_OPENAI_CHAT
#define RESPONSES     DIALECT_OPENAI_RESPONSES
#define USER(content) "{'messages':[{'role':'user','content':" content "}]}"

/* A word of up to seven letters is 0.88 of a token; a chat 3, and each of its messages 4. */
static void what_a_model_reads(void **state) {
    (void)state;
    static const ask_row rows[] = {
        {CHAT, "{'model':'m'}", 3},
        {CHAT, "{'model':'m','messages':[]}", 3},
        {CHAT, USER("'one two three'"), 10},
        {CHAT, USER("null"), 7},
        {CHAT, USER("[{'type':'text','text':'one two three'}]"), 10},
        {CHAT,
         "{'messages':[{'role':'system','content':'one two three'},{'role':'user','content':'four "
         "five six'}]}",
         16},
        {CHAT, "{'messages':[{'role':'user','name':'somebody','content':'one two three'}]}", 10},
        /* What no model reads. */
        {CHAT,
         "{'user':'somebody else','metadata':{'a':'long story'},'stop':['word'],'messages':[]}", 3},
        /* Calls with their names, results, thoughts. */
        {CHAT,
         "{'messages':[{'role':'assistant','tool_calls':[{'id':'call_1','type':'function',"
         "'function':{'name':'weather','arguments':'{}'}}]},"
         "{'role':'tool','tool_call_id':'call_1','content':'sunny'}]}",
         14},
        {CHAT,
         "{'messages':[{'role':'assistant','reasoning_content':'one two','content':'three'}]}", 10},
        {RESPONSES, "{'input':'one two three'}", 10},
        {RESPONSES, "{'instructions':'four five','input':'one two three'}", 15},
        {RESPONSES,
         "{'input':[{'type':'function_call','call_id':'c','name':'weather','arguments':'{}'},"
         "{'type':'function_call_output','call_id':'c','output':'sunny'}]}",
         14},
        /* Without a chat's form. */
        {DIALECT_OPENAI_COMPLETIONS, "{'prompt':'one two three'}", 3},
        {DIALECT_OPENAI_COMPLETIONS, "{'prompt':['one two three','four five six']}", 5},
        {DIALECT_OPENAI_COMPLETIONS, "{'prompt':[1,2,3,40000]}", 4},
        {DIALECT_OPENAI_COMPLETIONS, "{'prompt':[[1,2,3],[4,5]]}", 5},
        {DIALECT_OPENAI_EMBEDDINGS, "{'input':'one two three'}", 3},
        {DIALECT_OPENAI_EMBEDDINGS, "{'input':[[1,2,3],[4,5]],'encoding_format':'base64'}", 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t tokens = guessed(rows[i].d, rows[i].body, TOKENS_O200K);
        if (tokens != rows[i].tokens) print_error("%s\n", rows[i].body);
        assert_int_equal(tokens, rows[i].tokens);
    }
}

/* A tool counts with its names and its schema, which is told to the model. */
static void tools_and_schemas(void **state) {
    (void)state;
    static const char tool[] =
        "{'tools':[{'type':'function','function':{'name':'weather','description':'tells it',"
        "'parameters':{'type':'object','properties':{'city':{'type':'string'}}}}}],'messages':[]}";
    int64_t tokens = guessed(CHAT, tool, TOKENS_O200K);
    assert_in_range(tokens, 30, 60);
#define SCHEMA                                                                                     \
    "{'type':'object','properties':{'city':{'type':'string'},'street':{'type':'string'}}}"
    static const struct {
        dialect d;
        const char *body;
    } schemas[] = {
        {CHAT, "{'response_format':{'type':'json_schema','json_schema':{'name':'answer',"
               "'schema':" SCHEMA "}},'messages':[]}"},
        {CHAT, "{'response_format':{'type':'json_object','schema':" SCHEMA "},'messages':[]}"},
        {DIALECT_OPENAI_RESPONSES,
         "{'text':{'format':{'type':'json_schema','name':'answer','schema':" SCHEMA "}},"
         "'input':[]}"},
    };
    tokens = guessed(CHAT, "{'tools':[" SCHEMA "],'messages':[]}", TOKENS_O200K);
    assert_in_range(tokens, 20, 60);
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        assert_in_range(guessed(schemas[i].d, schemas[i].body, TOKENS_O200K), tokens, tokens + 15);
    assert_in_range(
        guessed(CHAT, "{'response_format':{'type':'json_object'},'messages':[]}", TOKENS_O200K), 3,
        6);
}

static int64_t counted(const char *text) {
    token_count c = tokens_begin(TOKENS_O200K);
    tokens_add(&c, span_cstr(text));
    return tokens_total(&c);
}

/* A bare text among tools is told as it stands in the request, too. */
static void bare_tools(void **state) {
    (void)state;
    static const char *const names[] = {"web_search", "look\\nup", ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf body = BUF_EMPTY, quoted = BUF_EMPTY;
        buf_addf(&body, "{'tools':['%s']}", names[i]);
        buf_addf(&quoted, "\"%s\"", names[i]);
        assert_int_equal(guessed(CHAT, buf_cstr(&body), TOKENS_O200K),
                         3 + counted(buf_cstr(&quoted)));
        buf_done(&body);
        buf_done(&quoted);
    }
}

/* ---- what is no text ---- */

#define URL(url)        "[{'type':'image_url','image_url':{'url':'" url "'}}]"
#define DETAIL(url, of) "[{'type':'image_url','image_url':{'url':'" url "','detail':'" of "'}}]"
#define AT              "https://example.com/a.png"
#define PNG_640_480     "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAA="
#define JPEG_1024_768                                                                              \
    "data:image/jpeg;base64,/9j/4AAUAAAAAAAAAAAAAAAAAAAAAAAA/8QABWFiY//AABEIAwAEAAM="
#define WEBP_1920_1080 "data:image/webp;base64,UklGRmQAAABXRUJQVlA4WDIAAAAQAAAAfwcANwQA"
#define WEBP_16384_1   "data:image/webp;base64,UklGRmQAAABXRUJQVlA4TDIAAAAv/z8AAA=="

static void pictures(void **state) {
    (void)state;
    static const ask_row rows[] = {
        {CHAT, USER(URL(AT)), 7 + 765},
        {CHAT, USER(DETAIL(AT, "low")), 7 + 85},
        {CHAT, USER(DETAIL(AT, "high")), 7 + 765},
        {CHAT, USER(URL(PNG_640_480)), 7 + 85 + 2 * 170},
        {CHAT, USER(DETAIL(PNG_640_480, "low")), 7 + 85},
        {CHAT, USER(URL(JPEG_1024_768)), 7 + 85 + 4 * 170},
        {CHAT, USER(URL(WEBP_1920_1080)), 7 + 85 + 6 * 170}, /* 1366 x 768 */
        {CHAT, USER(URL(WEBP_16384_1)), 7 + 85 + 4 * 170},   /* 2048 x 1 */
        {CHAT,
         USER("[{'type':'text','text':'one two three'},{'type':'image_url','image_url':'" AT "'}]"),
         10 + 765},
        {RESPONSES,
         "{'input':[{'role':'user','content':[{'type':'input_image','image_url':'" PNG_640_480
         "'}]}]}",
         7 + 425},
        {RESPONSES,
         "{'input':[{'role':'user','content':[{'type':'input_image','detail':'low','file_id':"
         "'file-1'}]}]}",
         7 + 85},
        {CHAT, USER("[{'type':'video_url','video_url':{'url':'data:video/mp4;base64,AAAA'}}]"),
         7 + 1500 + 3}, /* and its type's name */
        {CHAT, USER("[{'type':'file','file':{'file_id':'file-1'}}]"), 7 + 1500},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t tokens = guessed(rows[i].d, rows[i].body, TOKENS_O200K);
        if (tokens != rows[i].tokens) print_error("%s\n", rows[i].body);
        assert_int_equal(tokens, rows[i].tokens);
    }
}

/* However many bytes it takes: 60 KB once were 20,000 tokens. */
static void bytes_that_are_no_text(void **state) {
    (void)state;
    static const struct {
        const char *before, *behind;
        int tokens;
    } rows[] = {
        {"[{'type':'image_url','image_url':{'url':'data:image/x;base64,", "'}}]", 7 + 765},
        {"[{'type':'file','file':{'file_data':'data:application/pdf;base64,", "'}}]", 7 + 1500},
        /* 60,000 bytes: a second and a quarter; nearly four. */
        {"[{'type':'input_audio','input_audio':{'format':'wav','data':'", "'}}]", 7 + 13},
        {"[{'type':'input_audio','input_audio':{'format':'mp3','data':'", "'}}]", 7 + 38},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf body = BUF_EMPTY;
        buf_addf(&body, "{'messages':[{'role':'user','content':%s", rows[i].before);
        for (int k = 0; k < 20000; k++)
            buf_add_cstr(&body, "kF9z");
        buf_addf(&body, "%s}]}", rows[i].behind);
        assert_int_equal(guessed(CHAT, buf_cstr(&body), TOKENS_O200K), rows[i].tokens);
        buf_done(&body);
    }
}

/* ---- by samples ---- */

#define RUSSIAN                                                                                    \
    "\xD0\x92 \xD0\xB3\xD0\xB0\xD0\xB2\xD0\xB0\xD0\xBD\xD0\xB8 \xD1\x82\xD0\xB8\xD1\x85\xD0\xBE. "
#define CHINESE                                                                                    \
    "\xE6\xB8\xAF\xE5\x8F\xA3\xE5\xB7\xB2\xE7\xBB\x8F\xE5\xBE\x88\xE5\xAE\x89\xE9\x9D\x99\xE3\x80" \
    "\x82"

static void roughly_it_is_the_same(void **state) {
    (void)state;
    static const char *const texts[] = {
        "The harbour was quiet when the last ferry came in, and nobody noticed the small boat. ",
        RUSSIAN, CHINESE, "for (size_t i = 0; i < count; i++) total += items[i].price * 1.19; "};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (size_t size = 500; size <= 64000; size *= 4) {
            buf body = BUF_EMPTY;
            buf_add_cstr(&body, "{'messages':[{'role':'user','content':'");
            while (body.len < size)
                buf_add_cstr(&body, texts[i]);
            buf_add_cstr(&body, "'}]}");
            double exact = (double)guessed(CHAT, buf_cstr(&body), TOKENS_O200K);
            double rough = (double)guess_prompt_roughly(buf_span(&body), TOKENS_O200K);
            if (rough < 0.75 * exact || rough > 1.35 * exact)
                fail_msg("%s: %.0f for %.0f", texts[i], rough, exact);
            buf_done(&body);
        }
    }
}

static void roughly_a_picture_is_one(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                        "\"image_url\":{\"url\":\"data:image/png;base64,");
    for (int k = 0; k < 20000; k++)
        buf_add_cstr(&body, "kF9z");
    buf_add_cstr(&body, "\"}}]}]}");
    assert_in_range(guess_prompt_roughly(buf_span(&body), TOKENS_O200K), 765, 8000);
    buf_done(&body);
    assert_int_equal(guess_prompt_roughly(SPAN_EMPTY, TOKENS_O200K), 0);
}

/* ---- what was answered ---- */

static json_value text(const char *raw) {
    return (json_value){JSON_STRING, span_cstr(raw)};
}

static void add(answer_guess *g, answer_kind kind, unsigned sorts, const answer_part *parts,
                size_t count) {
    guess_add(g,
              &(answer_event){.kind = kind, .sorts = sorts, .parts = parts, .part_count = count});
}

typedef struct answer_row {
    answer_part parts[5];
    int tokens;
} answer_row;

static void an_answer_at_once(void **state) {
    (void)state;
    static const answer_row rows[] = {
        {{{PART_TEXT, 0, 0, {JSON_STRING, SPAN("\"one two three\"")}}}, 3},
        {{{PART_REFUSAL, 0, 0, {JSON_STRING, SPAN("\"one two three\"")}}}, 3},
        {{{PART_REASONING, 0, 0, {JSON_STRING, SPAN("\"one two three\"")}},
          {PART_TEXT, 0, 0, {JSON_STRING, SPAN("\"four\"")}}},
         4},
        /* Of all choices. */
        {{{PART_TEXT, 0, 0, {JSON_STRING, SPAN("\"one two three\"")}},
          {PART_FINISH, 0, 0, {JSON_STRING, SPAN("\"stop\"")}},
          {PART_TEXT, 1, 0, {JSON_STRING, SPAN("\"four five six\"")}},
          {PART_FINISH, 1, 0, {JSON_STRING, SPAN("\"stop\"")}}},
         5},
        {{{PART_TOOL_NAME, 0, 0, {JSON_STRING, SPAN("\"weather\"")}},
          {PART_TOOL_ARGS, 0, 0, {JSON_STRING, SPAN("\"{\\\"city\\\":\\\"Oslo\\\"}\"")}}},
         5},
        {{{PART_AUDIO, 0, 0, {JSON_STRING, SPAN("\"AAAA\"")}}}, 1},
        {{{PART_OPAQUE, 0, 0, {JSON_OBJECT, SPAN("{\"new\":[\"one two\",3]}")}}}, 2},
        /* What stands beside says it again, but for reasoning under another name. */
        {{{PART_TEXT, 0, 0, {JSON_STRING, SPAN("\"one\"")}},
          {PART_TEXT, 0, ITEM_BESIDE, {JSON_STRING, SPAN("\"one two three\"")}}},
         1},
        {{{PART_REASONING, 0, ITEM_BESIDE, {JSON_STRING, SPAN("\"one two three\"")}}}, 3},
        {{{PART_REASONING, 0, 0, {JSON_STRING, SPAN("\"one two three\"")}},
          {PART_REASONING, 0, ITEM_BESIDE, {JSON_STRING, SPAN("\"one two three\"")}}},
         3},
        {{{PART_REASONING, 0, ITEM_BESIDE, {JSON_STRING, SPAN("\"one two three\"")}},
          {PART_REASONING, 0, ITEM_NAMED, {JSON_STRING, SPAN("\"one two three\"")}}},
         3},
        {{{PART_REASONING, 0, ITEM_NAMED, {JSON_STRING, SPAN("\"one two three\"")}},
          {PART_OPAQUE, 0, ITEM_BESIDE, {JSON_STRING, SPAN("\"one two three\"")}}},
         3},
        {{{PART_OTHER, 0, ITEM_NAMED, {JSON_STRING, SPAN("\"one two three\"")}}}, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer_guess g = guess_begin(TOKENS_O200K, false);
        size_t count = 0;
        while (count < ARRAY_LEN(rows[i].parts) && rows[i].parts[count].value.type != JSON_NONE)
            count++;
        add(&g, ANSWER_PLAIN, EVENT_CONTENT | EVENT_FULL, rows[i].parts, count);
        assert_int_equal(guess_total(&g), rows[i].tokens);
    }
}

/* Every eighth event is counted and stands for the others by its bytes: for those that count. */
static void what_stands_beside_weighs_nothing(void **state) {
    (void)state;
    const answer_part parts[] = {{PART_TEXT, 0, 0, text("\"one\"")},
                                 {PART_OPAQUE, 0, ITEM_BESIDE, text("\"a long list of sources\"")}};
    const answer_event e = {.parts = parts, .part_count = ARRAY_LEN(parts)};
    assert_int_equal(guess_bytes(&e), 5);
}

/* As many as an answer of some MB may have: each is looked at a few times, not all for each. */
static void an_answer_of_many_choices(void **state) {
    (void)state;
    enum { MANY = 400 * 1000 };
    answer_part *parts = malloc(MANY * sizeof *parts);
    for (unsigned i = 0; i < MANY; i++)
        parts[i] = (answer_part){PART_REASONING, i, ITEM_BESIDE, text("\"one\"")};
    answer_guess g = guess_begin(TOKENS_O200K, false);
    add(&g, ANSWER_PLAIN, EVENT_CONTENT | EVENT_FULL, parts, MANY);
    assert_int_equal(guess_total(&g), MANY * 88 / 100);
    free(parts);
}

/* A word that two events share is one; what a stream repeats is not counted. */
static void a_stream(void **state) {
    (void)state;
    static const char *const pieces[] = {"\"\"", "\"one tw\"", "\"o th\"", "\"\"", "\"ree\""};
    answer_guess g = guess_begin(TOKENS_O200K, false);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        add(&g, ANSWER_STREAM, EVENT_CONTENT, &(answer_part){PART_TEXT, 0, 0, text(pieces[i])}, 1);
    assert_int_equal(guess_total(&g), 3);
    assert_int_equal(g.tokens.hundredths, 3 * 88);
    add(&g, ANSWER_STREAM, EVENT_FULL, &(answer_part){PART_TEXT, 0, 0, text("\"one two three\"")},
        1);
    add(&g, ANSWER_STREAM, EVENT_FINISH, &(answer_part){PART_FINISH, 0, 0, text("\"stop\"")}, 1);
    assert_int_equal(g.tokens.hundredths, 3 * 88);
    /* Another choice's word is its own. */
    add(&g, ANSWER_STREAM, EVENT_CONTENT, &(answer_part){PART_TEXT, 1, 0, text("\"four\"")}, 1);
    assert_int_equal(g.tokens.hundredths, 4 * 88);
    add(&g, ANSWER_STREAM, EVENT_CONTENT, &(answer_part){PART_TOOL_ARGS, 1, 0, text("\"five\"")},
        1);
    assert_int_equal(g.tokens.hundredths, 5 * 88);
}

/* Roughly: some of the events stand for all of them, whatever script they change to. */
static void a_stream_by_some_of_its_events(void **state) {
    (void)state;
    static const char *const words[] = {"\" one\"", "\" three\"", "\" fifteen\"", "\" слово\"",
                                        "\"字\""};
    for (unsigned length = 1; length <= 3000; length += length < 40 ? 1 : 371) {
        answer_guess exact = guess_begin(TOKENS_O200K, false),
                     rough = guess_begin(TOKENS_O200K, true);
        for (unsigned i = 0; i < length; i++) {
            const answer_part part = {PART_TEXT, 0, 0,
                                      text(words[(i * 7 / 3 + i / 600) % ARRAY_LEN(words)])};
            add(&exact, ANSWER_STREAM, EVENT_CONTENT, &part, 1);
            add(&rough, ANSWER_STREAM, EVENT_CONTENT, &part, 1);
        }
        double e = (double)guess_total(&exact), r = (double)guess_total(&rough);
        if (length <= 16) assert_true(r == e);
        assert_true(r > e * 0.85 - 1 && r < e * 1.15 + 1);
    }
}

/* What is no stream is counted whole, and empty texts stand for nothing. */
static void roughly_is_for_streams(void **state) {
    (void)state;
    answer_guess g = guess_begin(TOKENS_O200K, true);
    for (int i = 0; i < 40; i++)
        add(&g, ANSWER_PLAIN, EVENT_CONTENT | EVENT_FULL,
            &(answer_part){PART_TEXT, 0, 0, text("\" one\"")}, 1);
    assert_int_equal(guess_total(&g), 35);
    g = guess_begin(TOKENS_O200K, true);
    for (int i = 0; i < 40; i++)
        add(&g, ANSWER_STREAM, EVENT_CONTENT, &(answer_part){PART_TEXT, 0, 0, text("\"\"")}, 1);
    assert_int_equal(guess_total(&g), 0);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_model_reads),
        cmocka_unit_test(tools_and_schemas),
        cmocka_unit_test(bare_tools),
        cmocka_unit_test(pictures),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(roughly_it_is_the_same),
        cmocka_unit_test(roughly_a_picture_is_one),
        cmocka_unit_test(an_answer_at_once),
        cmocka_unit_test(what_stands_beside_weighs_nothing),
        cmocka_unit_test(an_answer_of_many_choices),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_stream_by_some_of_its_events),
        cmocka_unit_test(roughly_is_for_streams),
    };
    return run_watched(tests);
}
