/* What was counted is told again, to whom it belongs, and is what counting says. */
#include "outline_unit.h"

#include "dialect/usage_guess.h"

static json_value string_of(buf *json, const char *text, size_t times) {
    buf_clear(json);
    buf_add_char(json, '"');
    for (size_t i = 0; i < times; i++)
        buf_add_cstr(json, text);
    buf_add_char(json, '"');
    return (json_value){JSON_STRING, buf_span(json)};
}

static uint64_t counted_alone(token_family family, json_value text) {
    token_count c = tokens_begin(family);
    tokens_add_value(&c, text);
    return c.hundredths;
}

static void it_is_what_counting_says(void **state) {
    (void)state;
    static const char *const texts[] = {"A word and 12345 others.\\n", "\\u4f60\\u597d, ",
                                        "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 ",
                                        "{\\\"a\\\":[1,2,3]} ", "    \\t"};
    token_memo *m = token_memo_new();
    buf json = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (token_family f = 0; f < TOKENS_FAMILIES; f++) {
            uint64_t known;
            const json_value text = string_of(&json, texts[i], 60);
            assert_true(token_memo_takes(text));
            assert_false(token_memo_knows(m, 7, f, text, &known));
            const uint64_t alone = counted_alone(f, text);
            assert_int_equal(token_memo_count(m, 7, f, text), alone);
            assert_true(token_memo_knows(m, 7, f, text, &known));
            assert_int_equal(known, alone);
            assert_int_equal(token_memo_count(m, 7, f, text), alone);
            assert_false(token_memo_knows(m, 8, f, text, &known));
        }
    buf_done(&json);
    token_memo_free(m);
}

/* Also not of those who share its place. */
static void it_is_its_owners_alone(void **state) {
    (void)state;
    token_memo *m = token_memo_new();
    buf json = BUF_EMPTY;
    const json_value text = string_of(&json, "A word and 12345 others. ", 12);
    uint64_t known;
    (void)token_memo_count(m, 7, TOKENS_O200K, text);
    for (uint64_t owner = 8; owner < 16 * MEMO_PLACES; owner++)
        assert_false(token_memo_knows(m, owner, TOKENS_O200K, text, &known));
    buf_done(&json);
    token_memo_free(m);
}

/* A string says less than its JSON; an object is counted as it stands. */
static void what_is_no_string_counts_by_its_json(void **state) {
    (void)state;
    buf json = BUF_EMPTY;
    buf_add_cstr(&json, "{\"description\":\"");
    for (int i = 0; i < 40; i++)
        buf_add_cstr(&json, "what \\u0041 tool is for, ");
    buf_add_cstr(&json, "\"}");
    const json_value tool = {JSON_OBJECT, buf_span(&json)};
    token_memo *m = token_memo_new();
    token_count plain = tokens_begin(TOKENS_O200K);
    tokens_add(&plain, tool.raw);
    for (int i = 0; i < 2; i++)
        assert_int_equal(token_memo_count(m, 1, TOKENS_O200K, tool), plain.hundredths);
    token_memo_free(m);
    buf_done(&json);
}

static void short_and_long_ones_are_not_kept(void **state) {
    (void)state;
    buf json = BUF_EMPTY;
    assert_false(token_memo_takes(string_of(&json, "a", MEMO_LEAST - 3)));
    assert_true(token_memo_takes(string_of(&json, "a", MEMO_LEAST - 2)));
    assert_true(token_memo_takes(string_of(&json, "a", MEMO_MOST - 2)));
    assert_false(token_memo_takes(string_of(&json, "a", MEMO_MOST - 1)));
    buf_done(&json);
}

/* What is counted later may have taken the place of one of these: which share one is chance, and
 * another with each memo's secret. */
static bool knows_long_ones_alone(const token_memo *m, const request_outline *o, token_family f) {
    uint64_t known;
    assert_false(token_memo_knows(m, 5, f, o->parts[1].value, &known));
    return token_memo_knows(m, 5, f, o->tools[0].source, &known) &&
           token_memo_knows(m, 5, f, o->parts[0].value, &known);
}

static void it_comes_to_the_same(const request_outline *o, token_family f) {
    const int64_t alone = guess_prompt(o, DIALECT_OPENAI_CHAT, f, NULL);
    assert_true(alone > 300);
    bool knows = false;
    for (int tries = 0; tries < 8 && !knows; tries++) {
        token_memo *m = NULL;
        const counted_texts before = {&m, 5};
        for (int i = 0; i < 2; i++)
            assert_int_equal(guess_prompt(o, DIALECT_OPENAI_CHAT, f, &before), alone);
        assert_non_null(m);
        knows = knows_long_ones_alone(m, o, f);
        token_memo_free(m);
    }
    assert_true(knows);
}

/* Each text is one by itself, however it stands beside others: a request comes to the same, whether
 * all of it, some or none was counted before. */
static void a_prompt_comes_to_the_same(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{'tools':[{'type':'function','function':{'name':'f','description':'");
    for (int i = 0; i < 30; i++)
        buf_add_cstr(&body, "looks something up ");
    buf_add_cstr(&body, "'}}],'messages':[{'role':'system','content':'");
    for (int i = 0; i < 30; i++)
        buf_add_cstr(&body, "You are helpful, no");
    buf_add_cstr(&body, "'},{'role':'user','content':'short'},{'role':'user','content':[{'type':"
                        "'text','text':'");
    for (int i = 0; i < 30; i++)
        buf_add_cstr(&body, "w then, 42 ");
    buf_add_cstr(&body, "'}]}]}");
    arena a;
    arena_init(&a, 0);
    request_outline o = outline_of(DIALECT_OPENAI_CHAT, outline_scan(buf_cstr(&body), &a), &a);
    for (token_family f = 0; f < TOKENS_FAMILIES; f++)
        it_comes_to_the_same(&o, f);
    arena_done(&a);
    buf_done(&body);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_counting_says),
        cmocka_unit_test(it_is_its_owners_alone),
        cmocka_unit_test(what_is_no_string_counts_by_its_json),
        cmocka_unit_test(short_and_long_ones_are_not_kept),
        cmocka_unit_test(a_prompt_comes_to_the_same),
    };
    return run_watched(tests);
}
