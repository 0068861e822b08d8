/* How many tokens a text is, about: beside the real figures, in any pieces, of any bytes. */
#include "heap.h"

#include "dialect/tokens.h"

#include <math.h>

static int64_t count(token_family family, span text) {
    token_count c = tokens_begin(family);
    tokens_add(&c, text);
    return tokens_total(&c);
}

/* ---- beside real figures ---- */

/* The figures are those of OpenAI's vocabularies o200k and cl100k over these texts. */
static const struct {
    const char *what, *text;
    int o200k, cl100k;
} texts[] = {
    {"English",
     "The harbour was quiet when the last ferry came in. Two men in yellow coats tied the ropes, "
     "talked about the weather for a while, and went home before the rain began. Nobody noticed "
     "the small boat that lay behind the lighthouse.",
     47, 48},
    {"German",
     "Als die letzte Fähre einlief, war der Hafen schon still. Zwei Männer in gelben Jacken "
     "machten die Leinen fest, sprachen eine Weile über das Wetter und gingen nach Hause, bevor "
     "der Regen begann.",
     45, 56},
    {"French",
     "Le port était calme quand le dernier bateau est arrivé. Deux hommes en veste jaune ont "
     "attaché les cordes, ont parlé du temps pendant quelques minutes, puis sont rentrés chez eux "
     "avant la pluie.",
     41, 51},
    {"Polish",
     "W porcie było cicho, kiedy przypłynął ostatni prom. Dwóch mężczyzn w żółtych kurtkach "
     "przywiązało liny, przez chwilę rozmawiali o pogodzie i wrócili do domu, zanim zaczął padać "
     "deszcz.",
     61, 75},
    {"Vietnamese",
     "Bến cảng đã yên tĩnh khi chuyến phà cuối cùng cập bến. Hai người đàn ông mặc áo vàng buộc "
     "dây, nói chuyện về thời tiết một lúc rồi về nhà trước khi trời mưa.",
     47, 84},
    {"Russian",
     "В гавани было тихо, когда пришёл последний паром. Двое мужчин в жёлтых куртках закрепили "
     "канаты, немного поговорили о погоде и ушли домой, пока не начался дождь.",
     48, 84},
    {"Greek",
     "Το λιμάνι ήταν ήσυχο όταν έφτασε το τελευταίο πλοίο. Δύο άντρες με κίτρινα μπουφάν έδεσαν τα "
     "σκοινιά, μίλησαν λίγο για τον καιρό και γύρισαν στο σπίτι πριν αρχίσει η βροχή.",
     69, 150},
    {"Arabic",
     "كان الميناء هادئا عندما وصلت العبارة الأخيرة. ربط رجلان يرتديان معطفين أصفرين الحبال وتحدثا "
     "قليلا عن الطقس ثم عادا إلى البيت قبل أن يبدأ المطر.",
     46, 100},
    {"Hindi",
     "जब आखिरी नाव आई तब बंदरगाह शांत था। पीले कोट पहने दो आदमियों ने रस्सियाँ बाँधीं, थोड़ी देर मौसम के बारे में "
     "बात की और बारिश शुरू होने से पहले घर चले गए।",
     50, 159},
    {"Thai",
     "ท่าเรือเงียบสงบเมื่อเรือข้ามฟากลำสุดท้ายมาถึง ชายสองคนในเสื้อสีเหลืองผูกเชือก คุยกันเรื่องอากาศสักพัก "
     "แล้วกลับบ้านก่อนฝนตก",
     56, 113},
    {"Chinese",
     "最后一班渡轮到达时，港口已经很安静了。两个穿黄色外套的男人系好缆绳，聊了一会儿天气，在下雨之"
     "前回家了。没有人注意到灯塔后面的小船。",
     55, 81},
    {"Japanese",
     "最後のフェリーが着いたとき、港は静かだった。黄色い上着を着た二人の男がロープを結び、しばらく"
     "天気の話をして、雨が降り出す前に家へ帰った。",
     58, 79},
    {"Korean",
     "마지막 배가 들어왔을 때 항구는 조용했다. 노란 외투를 입은 두 남자가 밧줄을 묶고 잠시 날씨 "
     "이야기를 나눈 뒤 비가 오기 전에 집으로 돌아갔다.",
     52, 87},
    {"code",
     "static size_t count_lines(const char *text, size_t len) {\n    size_t lines = 0;\n    for "
     "(size_t i = 0; i < len; i++) {\n        if (text[i] == '\\n') lines++;\n    }\n    return "
     "lines;\n}\n",
     59, 59},
    {"JSON",
     "{\"id\":17,\"name\":\"harbour\",\"open\":true,\"boats\":[{\"kind\":\"ferry\",\"seats\":240,"
     "\"left\":\"18:45\"},{\"kind\":\"tug\",\"seats\":6,\"left\":null}],\"depth\":12.5,\"lights\":["
     "\"red\",\"green\"]}",
     61, 59},
    {"numbers",
     "12.503,8.117,904.2,33.871\n7.002,61.554,120.9,18.440\n99.310,4.275,871.6,2.008\n56.781,90."
     "113,402.5,73.962\n",
     64, 64},
    {"UUIDs",
     "3f2b8c1e-94d7-4a60-b1f5-0c7e62d98a13\n7a90e4d2-1b3c-4f58-8e6d-f24170b5c9ae\nc58d17f6-e2a4-"
     "4390-9b7c-6d03f81e5b42\n",
     90, 90},
    {"base64",
     "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs9AAAAAFUlEQVR42mNk+"
     "M9Qz0AEYBxVSF8FAKYqCEkMB7yPAAAAAElFTkSuQmCCq1Zx9KpLw3TnVb7YdRfE2sGhJ5uM8oQi0XyWc6Ak4BvDtPz1",
     103, 107},
};

static double error_of(size_t i, token_family family, int real) {
    double error = (double)count(family, span_cstr(texts[i].text)) / real - 1;
    if (fabs(error) >= 0.3) print_error("%s: %+.0f %%\n", texts[i].what, error * 100);
    assert_true(fabs(error) < 0.3);
    return fabs(error);
}

static void prose_code_and_data_of_many_scripts(void **state) {
    (void)state;
    double o200k = 0, cl100k = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        o200k += error_of(i, TOKENS_O200K, texts[i].o200k);
        cl100k += error_of(i, TOKENS_CL100K, texts[i].cl100k);
    }
    assert_true(o200k / ARRAY_LEN(texts) < 0.12);
    assert_true(cl100k / ARRAY_LEN(texts) < 0.12);
}

/* ---- what counts ---- */

static void each_kind_of_run(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int hundredths; /* in o200k's weights */
    } rows[] = {
        {"", 0},
        {"word", 88},
        {"Word", 88},
        {"WORD", 88},
        {"two words", 2 * 88},
        {"seven77", 88 + 98},
        {"letters", 88},
        {"lettered", 88 + 29},
        {"letteredly", 88 + 3 * 29},
        {"aWord", 2 * 88 + 37},
        {"aWORD", 2 * 88 + 37},
        {"HTTPServer", 2 * 88 + 37},
        {"x1y", 88 + 98 + 88 + 37},
        {"a_b", 88 + 91 + 88},
        {"1", 98},
        {"123", 98},
        {"1234", 2 * 98},
        {"1234567", 3 * 98},
        {" 1", 10 + 98},
        {"a 1", 88 + 10 + 98},
        {" a", 88},
        {"  a", 62 + 88},
        {"\t\ta", 62 + 88},
        {"\n", 99},
        {"\r\n", 99},
        {"\n\n\n", 99},
        {".", 91},
        {"...", 91},
        {"....", 91 + 100},
        {".......", 91 + 200},
        {"\xC3\xBC", 139},                     /* u with two dots */
        {"\xCE\xB1", 39},                      /* alpha */
        {"\xD0\xB4", 28},                      /* de */
        {"\xD7\x90", 46},                      /* alef, Hebrew */
        {"\xD8\xA7", 39},                      /* alef, Arabic */
        {"\xE0\xA4\x85", 44},                  /* a, Devanagari */
        {"\xE0\xB8\x81", 41},                  /* ko kai */
        {"\xE1\x83\x90", 38},                  /* an, Georgian */
        {"\xD5\xA1", 38},                      /* ayb */
        {"\xE1\x9E\x80", 64},                  /* ka, Khmer */
        {"\xE3\x81\x82", 54},                  /* a, hiragana */
        {"\xE4\xB8\xAD\xE6\x96\x87", 2 * 76},  /* two Han */
        {"\xEA\xB0\x80", 72},                  /* ga */
        {"\xE3\x80\x82\xEF\xBC\x8C", 2 * 221}, /* full stop and comma */
        {"\xF0\x9F\x98\x80", 180},             /* a face */
        {"\xE2\x80\xA6", 55},                  /* dots */
        {"\xE1\xBB\x9B"
         "i b\xE1\xBA\xA1n",
         2 * 88}, /* two words in Vietnamese */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        token_count c = tokens_begin(TOKENS_O200K);
        tokens_add(&c, span_cstr(rows[i].text));
        if (c.hundredths != (uint64_t)rows[i].hundredths) print_error("'%s'\n", rows[i].text);
        assert_int_equal(c.hundredths, rows[i].hundredths);
    }
}

static void long_runs(void **state) {
    (void)state;
    static const struct {
        char of;
        size_t n;
        int tokens;
    } rows[] = {{' ', 82, 162},      {' ', 2000, 62 + 24 * 100}, {'\n', 17, 199},
                {'\n', 1601, 10099}, {'-', 301, 91 + 100 * 100}, {'7', 3000, 98000}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = malloc(rows[i].n);
        memset(text, rows[i].of, rows[i].n);
        token_count c = tokens_begin(TOKENS_O200K);
        tokens_add(&c, span_from(text, rows[i].n));
        assert_int_equal(c.hundredths, rows[i].tokens);
        free(text);
    }
}

/* ---- pieces ---- */

static void cut_anywhere_it_counts_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        span all = span_cstr(texts[i].text);
        token_count whole = tokens_begin(TOKENS_QWEN), single = tokens_begin(TOKENS_QWEN);
        tokens_add(&whole, all);
        for (size_t at = 0; at < all.len; at++) {
            token_count c = tokens_begin(TOKENS_QWEN);
            tokens_add(&c, span_slice(all, 0, at));
            tokens_add(&c, span_slice(all, at, all.len));
            assert_int_equal(c.hundredths, whole.hundredths);
            tokens_add(&single, span_slice(all, at, at + 1));
        }
        assert_int_equal(single.hundredths, whole.hundredths);
    }
}

/* Sixty-four bytes are counted at once where they can be: of any mixture as if one by one. */
static void any_mixture_counts_as_byte_by_byte(void **state) {
    (void)state;
    static const char *const alphabets[] = {
        "aA",     "aA1",          "ab C",        "Aa1 .\n",     "a.\n",
        " \t\n1", "abcdefghijK ", "0123456789-", "a1\xC3\xBC ",
    };
    uint32_t seed = 17;
    for (size_t round = 0; round < 4000; round++) {
        const char *alphabet = alphabets[round % ARRAY_LEN(alphabets)];
        char text[200];
        size_t len = 0, run = 1 + round / ARRAY_LEN(alphabets) % 20;
        while (len < sizeof text) { /* runs of any length up to that */
            seed = seed * 1664525 + 1013904223;
            const char c = alphabet[(seed >> 24) % strlen(alphabet)];
            for (size_t n = 1 + (seed >> 8) % run; n && len < sizeof text; n--)
                text[len++] = c;
        }
        token_count whole = tokens_begin(TOKENS_LLAMA), single = whole;
        tokens_add(&whole, span_from(text, len));
        for (size_t at = 0; at < len; at++)
            tokens_add(&single, span_from(text + at, 1));
        assert_int_equal(whole.hundredths, single.hundredths);
        tokens_add(&whole, SPAN_OF("aB"));
        tokens_add(&single, SPAN_OF("aB"));
        assert_int_equal(whole.hundredths, single.hundredths);
    }
}

static void another_text_begins_anew(void **state) {
    (void)state;
    token_count c = tokens_begin(TOKENS_O200K);
    tokens_add(&c, SPAN_OF("har"));
    tokens_add(&c, SPAN_OF("bour"));
    assert_int_equal(c.hundredths, 88);
    tokens_break(&c);
    tokens_add(&c, SPAN_OF("master"));
    assert_int_equal(c.hundredths, 2 * 88);
    tokens_add(&c, SPAN_OF("\xE4\xB8")); /* cut off: what follows is not its rest */
    tokens_break(&c);
    tokens_add(&c, SPAN_OF("\xAD"));
    assert_int_equal(c.hundredths, 2 * 88 + 55);
}

/* What a string says counts, not how it is written. */
static void escapes_are_undone(void **state) {
    (void)state;
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"\"\"", ""},
        {"\"plain words\"", "plain words"},
        {"\"a\\nb\\t\\tc\\\\ \\\"d\\/\"", "a\nb\t\tc\\ \"d/"},
        {"\"\\u0434\\u043e\\u043c\"", "\xD0\xB4\xD0\xBE\xD0\xBC"},
        {"\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80"},
        {"\"wo\\u0072d\"", "word"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        token_count said = tokens_begin(TOKENS_O200K), written = said;
        tokens_add(&said, span_cstr(rows[i].text));
        tokens_add_json(&written, (json_value){JSON_STRING, span_cstr(rows[i].json)});
        assert_int_equal(written.hundredths, said.hundredths);
    }
}

/* Nothing is worth less than its bytes' number, and no bytes are too odd. */
static void any_bytes(void **state) {
    (void)state;
    char bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (int family = 0; family < TOKENS_FAMILIES; family++)
        assert_in_range(count((token_family)family, span_from(bytes, sizeof bytes)), 1, 6 * 4096);
    assert_int_equal(count(TOKENS_O200K, SPAN_EMPTY), 0);
    assert_int_equal(count(TOKENS_GEMMA, SPAN_OF("\xE4\xB8")), 0); /* not there yet */
    assert_int_equal(count(TOKENS_O200K, SPAN_OF("\xD0\xB4")), 1); /* one at least */
    assert_int_equal(count(TOKENS_O200K, SPAN_OF("\xFF\xFE\x80")), 2);
    assert_int_equal(count(TOKENS_O200K, SPAN_OF("\xE4\xB8 \xAD")), 1); /* not one character */
}

/* ---- families ---- */

static void a_name_tells_its_family(void **state) {
    (void)state;
    static const struct {
        const char *model;
        token_family family;
    } rows[] = {
        {"gpt-4o", TOKENS_O200K},
        {"gpt-4o-mini-2024-07-18", TOKENS_O200K},
        {"gpt-4.1", TOKENS_O200K},
        {"gpt-4.5-preview", TOKENS_O200K},
        {"gpt-5-nano", TOKENS_O200K},
        {"o3-mini", TOKENS_O200K},
        {"gpt-oss-120b", TOKENS_O200K},
        {"gpt-4", TOKENS_CL100K},
        {"gpt-4-turbo-2024-04-09", TOKENS_CL100K},
        {"GPT-4-32k", TOKENS_CL100K},
        {"gpt-3.5-turbo", TOKENS_CL100K},
        {"gpt-35-turbo", TOKENS_CL100K},
        {"text-embedding-3-large", TOKENS_CL100K},
        {"text-embedding-ada-002", TOKENS_CL100K},
        {"meta-llama/Llama-3.3-70B-Instruct", TOKENS_LLAMA},
        {"DeepSeek-R1-Distill-Llama-8B", TOKENS_LLAMA},
        {"deepseek-r1-distill-qwen-32b", TOKENS_QWEN},
        {"qwen3:4b", TOKENS_QWEN},
        {"deepseek-chat", TOKENS_DEEPSEEK},
        {"gemini-2.5-pro", TOKENS_GEMMA},
        {"google/gemma-3-27b-it", TOKENS_GEMMA},
        {"anthropic.claude-sonnet-4", TOKENS_CLAUDE},
        {"mistral-large", TOKENS_O200K},
        {"", TOKENS_O200K},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(tokens_family(span_cstr(rows[i].model)), rows[i].family);
}

static void families_differ(void **state) {
    (void)state;
    span numbers = SPAN_OF("123456789");
    assert_int_equal(count(TOKENS_O200K, numbers), 3);
    assert_int_equal(count(TOKENS_GEMMA, numbers), 7);
    assert_int_equal(count(TOKENS_QWEN, numbers), 7);
    span words = SPAN_OF("one two three four five six seven eight nine ten");
    assert_int_equal(count(TOKENS_O200K, words), 9);
    assert_int_equal(count(TOKENS_CLAUDE, words), 10); /* 15 % more */
    assert_int_equal(count(TOKENS_LLAMA, SPAN_OF("\xE1\x83\x90\xE1\x83\x91")), 4);
    assert_int_equal(count(TOKENS_DEEPSEEK, SPAN_OF("\xE4\xB8\xAD\xE6\x96\x87")), 1);
}

static void the_form_of_a_chat(void **state) {
    (void)state;
    assert_int_equal(tokens_of_chat(TOKENS_O200K), 3);
    assert_int_equal(tokens_of_message(TOKENS_O200K, TOKENS_FROM_USER), 4);
    assert_int_equal(tokens_of_chat(TOKENS_LLAMA), 5);
    assert_int_equal(tokens_of_message(TOKENS_LLAMA, TOKENS_FROM_OTHER), 5);
    assert_int_equal(tokens_of_chat(TOKENS_DEEPSEEK), 2);
    assert_int_equal(tokens_of_message(TOKENS_DEEPSEEK, TOKENS_FROM_USER), 1);
    assert_int_equal(tokens_of_message(TOKENS_DEEPSEEK, TOKENS_FROM_MODEL), 2);
    assert_int_equal(tokens_of_message(TOKENS_DEEPSEEK, TOKENS_FROM_OTHER), 0);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(prose_code_and_data_of_many_scripts),
        cmocka_unit_test(each_kind_of_run),
        cmocka_unit_test(long_runs),
        cmocka_unit_test(cut_anywhere_it_counts_the_same),
        cmocka_unit_test(any_mixture_counts_as_byte_by_byte),
        cmocka_unit_test(another_text_begins_anew),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(a_name_tells_its_family),
        cmocka_unit_test(families_differ),
        cmocka_unit_test(the_form_of_a_chat),
    };
    return run_watched(tests);
}
