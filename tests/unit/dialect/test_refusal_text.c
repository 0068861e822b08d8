/* Finding a wording in what a provider says. */
#include "unit.h"

#include "dialect/refusal_text.h"

static void brings_texts_into_one_form(void **state) {
    (void)state;
    static const struct {
        span text;
        const char *form;
    } rows[] = {
        {SPAN(""), ""},
        {SPAN("Input is Too LONG"), "input is too long"},
        {SPAN("a \t\n b\x01\x7f c"), "a b c"},
        {SPAN("  a"), "a"},
        {SPAN("a "), "a "},
        {SPAN("4096 tokens, 1,048,576 tokens, 1_000, 72417.0, 4096."),
         "# tokens, # tokens, #, #, #."},
        {SPAN("1, 2. 3_"), "#, #. #_"},
        {SPAN("gpt-4o"), "gpt-#o"},
        {SPAN("'a' \"b\" `c` \xe2\x80\x98"
              "d\xe2\x80\x99 \xe2\x80\x9c"
              "e\xe2\x80\x9d"),
         "a b c d e"},
        {SPAN("isn't"), "isnt"},
        {SPAN("{\\\"error\\\":\\\"a\\nb\\\\\"}"), "{error:a b}"},
        {SPAN("\xc3\x9c\xff\xe2\x80"), "\xc3\x9c\xff\xe2\x80"},
        {SPAN("a\0b"), "a b"},
        {SPAN("a\\n"), "a "},
        {SPAN("a\\rb\\tc\\x"), "a b cx"},
        {SPAN("AZ[az{"), "az[az{"},
        {{"1,2", 2}, "#,"}, /* what follows is not the text's */
        {{"1,2", 1}, "#"},
        {{"\\n", 1}, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[128];
        size_t n = refusal_fold(rows[i].text, out, sizeof out);
        assert_span(span_from(out, n), rows[i].form);
        for (size_t room = 0; room < n; room++) /* never more than there is room for */
            assert_int_equal(refusal_fold(rows[i].text, out, room), room);
    }
}

static bool says(const char *text, const char *wording) {
    char said[512], words[REFUSAL_WORDING_MAX];
    return refusal_says(span_from(said, refusal_fold(span_cstr(text), said, sizeof said)),
                        span_from(words, refusal_fold(span_cstr(wording), words, sizeof words)));
}

static void finds_wordings(void **state) {
    (void)state;
    static const struct {
        const char *text, *wording;
        bool found;
    } rows[] = {
        {"Prompt is too long.", "prompt is too long", true},
        {"a b", "a b c", false},
        {"", "a", false},
        /* whole words */
        {"invalid model 'x'", "Invalid model", true},
        {"invalid model_kwargs", "Invalid model", false},
        {"an invalid models", "Invalid model", false},
        {"xinvalid model", "Invalid model", false},
        {"zinvalid model", "Invalid model", false},
        {"xinvalid model, invalid model", "Invalid model", true},
        {"2 validation errors for", "# validation error", false},
        {"2 validation errors for", "# validation errors", true},
        {"v2 validation error", "# validation error", false},
        /* numbers */
        {"limit is 8192 tokens", "limit is # tokens", true},
        {"limit is 8,192 tokens", "limit is # tokens", true},
        {"limit is many tokens", "limit is # tokens", false},
        /* one word */
        {"The model `my-model` does not exist", "model @ does not exist", true},
        {"The model does not exist", "model @ does not exist", false},
        {"The model a b does not exist", "model @ does not exist", false},
        {"model a b, model c does not exist", "model @ does not exist", true},
        /* a run of bytes */
        {"too large for m in o on tokens", "too large for * on tokens", true},
        {"too large for m in o", "too large for * on tokens", false},
        {"a on tokens too large for", "too large for * on tokens", false},
        /* what a model can */
        {"x does not support tools", "does not support %", true},
        {"x does not support the tools parameter", "does not support %", true},
        {"x does not support native function calling", "does not support %", true},
        {"x does not support toolsmiths", "does not support %", false},
        {"x does not support 0.2 with this model. Use tools", "does not support %", false},
        {"x does not support parameters: tools", "does not support %", false},
        {"x does not support what is rather far from tools", "does not support %", false},
        {"'tools' is not supported", "% is not supported", true},
        {"tools parameter is not supported", "% is not supported", true},
        {"vision mode is not supported", "% is not supported", true},
        {"tools for all is not supported", "% is not supported", false},
        {"the tools in it is not supported", "% is not supported", false},
        {"mytools is not supported", "% is not supported", false},
        {"max_tokens is not supported, tools is not supported", "% is not supported", true},
        {"max_tokens is not supported", "% is not supported", false},
        {"tools is not supportedly", "% is not supported", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (says(rows[i].text, rows[i].wording) != rows[i].found)
            fail_msg("'%s' in '%s'", rows[i].wording, rows[i].text);
}

/* '*' stands for 160 bytes at most. */
static void a_run_is_bounded(void **state) {
    (void)state;
    for (size_t n = 150; n < 170; n++) {
        buf text = BUF_EMPTY;
        buf_add_cstr(&text, "a");
        for (size_t i = 0; i < n; i++)
            buf_add_char(&text, '-');
        buf_add_cstr(&text, "b");
        assert_int_equal(refusal_says(buf_span(&text), SPAN_OF("a*b")), n <= 160);
        buf_done(&text);
    }
}

static void finds_words(void **state) {
    (void)state;
    static const struct {
        span text;
        bool found;
    } rows[] = {
        {SPAN("code_a"), true},         {SPAN("a code_a."), true},  {SPAN("code:code_a,"), true},
        {SPAN("code_ab"), false},       {SPAN("my_code_a"), false}, {SPAN("code_a_b"), false},
        {SPAN("xcode_a code_a"), true}, {SPAN("code_a#"), false},   {SPAN(""), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(refusal_has_word(rows[i].text, SPAN_OF("code_a")), rows[i].found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_texts_into_one_form),
        cmocka_unit_test(finds_wordings),
        cmocka_unit_test(a_run_is_bounded),
        cmocka_unit_test(finds_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
