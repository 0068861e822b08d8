#include "unit.h"

#include "base/secret_window.h"

#define SEVEN_BACKSLASHES "\\\\\\\\\\\\\\"
#define EIGHT_BACKSLASHES SEVEN_BACKSLASHES "\\"
#define NINE_BACKSLASHES  EIGHT_BACKSLASHES "\\"
#define SIXTY_BACKSLASHES                                                                          \
    EIGHT_BACKSLASHES EIGHT_BACKSLASHES EIGHT_BACKSLASHES EIGHT_BACKSLASHES EIGHT_BACKSLASHES      \
        EIGHT_BACKSLASHES EIGHT_BACKSLASHES "\\\\\\\\"

enum { SECRETS = 3 };

static secret_set *set_of(const char *const texts[SECRETS]) {
    secret *all[SECRETS] = {NULL};
    for (size_t i = 0; i < SECRETS; i++)
        if (texts[i]) all[i] = secret_new(span_cstr(texts[i]));
    secret_set *s = secret_set_new(all, SECRETS);
    for (size_t i = 0; i < SECRETS; i++)
        secret_unref(all[i]);
    return s;
}

/* What is told of a text that comes in pieces of `step`, but for the first, of `first`. */
static buf told_of(const secret_set *s, span text, size_t first, size_t step) {
    secret_window w = {0};
    buf told = BUF_EMPTY;
    for (size_t at = 0; at < text.len;) {
        size_t end = at + (at ? step : first);
        buf_add(&told, secret_window_take(&w, s, span_slice(text, at, end)));
        at = end;
    }
    assert_int_equal(secret_window_take(&w, s, SPAN_EMPTY).len, 0);
    buf_add(&told, secret_window_end(&w, s));
    assert_int_equal(secret_window_end(&w, s).len, 0);
    secret_window_done(&w);
    return told;
}

static void check(const secret_set *s, const char *in, const char *out) {
    span text = span_cstr(in);
    for (size_t first = 1; first <= text.len; first++)
        for (size_t step = 1; step <= text.len; step++) {
            buf told = told_of(s, text, first, step);
            assert_string_equal(buf_cstr(&told), out);
            buf_done(&told);
        }
}

static void tells_the_same_wherever_it_is_cut(void **state) {
    (void)state;
    static const struct {
        const char *secrets[SECRETS];
        const char *in, *out;
    } rows[] = {
        {{"sk-secret/9", "another-key"},
         "abc sk-secret/9 and another-key, sk-sk-secret/9another-ke",
         "abc [redacted] and [redacted], sk-[redacted]another-ke"},
        {{"sk-secret/9", "another-key"},
         "abc sk-secret\\/9 \\u0073k-secret\\u002f9 \\\\u0073k-secret/9 \\\\\\/ "
         "another-k\\u0065y\\",
         "abc [redacted] [redacted] [redacted] \\\\\\/ [redacted]\\"},
        /* As many backslashes as count, and one more or fewer. */
        {{"sk-secret/9"}, "s" SEVEN_BACKSLASHES "k-secret/9", "[redacted]"},
        {{"sk-secret/9"}, "s" EIGHT_BACKSLASHES "k-secret/9", "[redacted]"},
        {{"sk-secret/9"}, "s" NINE_BACKSLASHES "k-secret/9", "s" NINE_BACKSLASHES "k-secret/9"},
        {{"sk-secret/9"}, "s" SIXTY_BACKSLASHES "k-secret/9", "s" SIXTY_BACKSLASHES "k-secret/9"},
        {{"sk-secret/9"}, EIGHT_BACKSLASHES "u0073k-secret/9", "[redacted]"},
        {{"sk-secret/9"}, NINE_BACKSLASHES "u0073k-secret/9", "[redacted]"},
        {{"sk-secret/9"},
         SIXTY_BACKSLASHES "u0073k-secret/9",
         SEVEN_BACKSLASHES SEVEN_BACKSLASHES SEVEN_BACKSLASHES SEVEN_BACKSLASHES SEVEN_BACKSLASHES
             SEVEN_BACKSLASHES SEVEN_BACKSLASHES "\\\\\\[redacted]"},
        {{"sk-secret/9"}, "s\\u005c\\u005c\\u005c\\u005ck-secret/9", "[redacted]"},
        {{"sk-secret/9"},
         "s\\u005c\\u005c\\u005c\\u005c\\k-secret/9",
         "s\\u005c\\u005c\\u005c\\u005c\\k-secret/9"},
        {{"sk-secret/9"},
         "sk-secret" SEVEN_BACKSLASHES "u005c/9 \\u005cu0073k-secret/9",
         "[redacted] [redacted]"},
        /* A backslash that escapes nothing counts whether there is another or not. */
        {{"sk-secret/9"}, "s\\k-secret/9 \\/", "[redacted] \\/"},
        {{"sk-secret/9"}, "s\\k-secret/9", "[redacted]"},
        /* Escapes go whole, as JSON reads them. */
        {{"nsecret-1"},
         "line\\nsecret-1. line\\\\nsecret-1. line\\\\\\nsecret-1.",
         "line[redacted]. line\\\\[redacted]. line\\\\[redacted]."},
        {{"nsecret-1"}, "a" NINE_BACKSLASHES "nsecret-1", "a" EIGHT_BACKSLASHES "[redacted]"},
        {{"0073abcdef"}, "\\u0073abcdef", "[redacted]"},
        {{"73abcdefgh"}, "\\\\u0073abcdefgh", "\\\\u00[redacted]"},
        /* A backslash before it is not of its escape. */
        {{"u0073/bcd"}, "\\\\u0073\\/bcd", "\\\\[redacted]"},
        /* One overlaps another, is another's beginning, or its own. */
        {{"abcdefgh-1234", "1234-ijklmnop"}, "<abcdefgh-1234-ijklmnop>", "<[redacted]>"},
        {{"abcdefgh", "defghijk", "ghijklmn"},
         "<abcdefghijklmn>abcdefgh",
         "<[redacted]>[redacted]"},
        {{"abcdefgh", "abcdefghijkl"}, "<abcdefghijkl>", "<[redacted]>"},
        {{"abcdefgh", "abcdefghijkl"}, "<abcdefghijk>", "<[redacted]ijk>"},
        {{"abcdefgh", "abcdefghijkl"}, "abcdefghijk", "[redacted]ijk"},
        {{"abababab"}, "abababababababababa", "[redacted]a"},
        {{"abababab"}, "abababababababababa\\u0062", "[redacted]"},
        {{"abababab"}, "abababababababab-abababab", "[redacted]-[redacted]"},
        /* The end breaks off a secret. */
        {{"sk-secret-012345"}, "a sk-secret-0", "a sk-secret-0"},
        {{"sk-secret-012345"}, "a sk-secret-01", "a [redacted]"},
        {{"sk-secret-012345"}, "a \\\\\\u0073k-secret-012\\u00", "a [redacted]"},
        {{"abcdefgh", "ghijklmnopqr01", "abcdefghx"}, "abcdefghijklmnopqr", "[redacted]"},
        {{"abcdefgh", "bcdefghijklmnopq"}, "abcdefghijklm", "[redacted]"},
        {{"abcdefgh"}, "abcdefg", "abcdefg"},
        {{"abcdefgh"}, "abcdefgh", "[redacted]"},
        {{"short"}, "short or \\short", "short or \\short"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        secret_set *s = set_of(rows[i].secrets);
        check(s, rows[i].in, rows[i].out);
        secret_set_unref(s);
    }
}

/* What goes on for ever is told as it comes. */
static void holds_back_little(void **state) {
    (void)state;
    static const char *const endless[] = {"\\", "abababab", "s\\", "\\u005c", "sk-s", "abcdefgh"};
    static const char *const secrets[SECRETS] = {"abababab", "sk-secret/9", "abcdefgh"};
    secret_set *s = set_of(secrets);
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        secret_window w = {0};
        for (int k = 0; k < 10000; k++) {
            (void)secret_window_take(&w, s, span_cstr(endless[i]));
            assert_in_range(w.held.len, 0, 1000);
        }
        (void)secret_window_end(&w, s);
        secret_window_done(&w);
    }
    secret_set_unref(s);
}

/* Of few letters and escapes, so that secrets begin, hold and end each other. */
static void tells_the_same_of_any_text(void **state) {
    (void)state;
    static const char *const words[] = {"a", "b", "n", "\\", "\\u0061", "\\u005c", "aab", "abnab"};
    uint64_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        char texts[SECRETS][64];
        const char *secrets[SECRETS];
        buf in = BUF_EMPTY;
        for (size_t i = 0; i < SECRETS; i++) {
            for (size_t k = 0; k < sizeof texts[i]; k++)
                texts[i][k] = "aabbn\\"[((seed = seed * 6364136223846793005u + 1) >> 33) % 7];
            texts[i][8 + (seed >> 40) % 8] = '\0';
            secrets[i] = texts[i];
        }
        secret_set *s = set_of(secrets);
        for (int k = 0; k < 40; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            buf_add_cstr(&in, seed >> 60 ? words[(seed >> 33) % ARRAY_LEN(words)] : texts[0]);
        }
        buf whole = told_of(s, buf_span(&in), in.len, 1);
        for (size_t step = 1; step < 12; step++) {
            buf told = told_of(s, buf_span(&in), step, step);
            if (strcmp(buf_cstr(&told), buf_cstr(&whole))) {
                printf("%zu %s %s %s\n%s\n", step, secrets[0], secrets[1], secrets[2],
                       buf_cstr(&in));
            }
            assert_string_equal(buf_cstr(&told), buf_cstr(&whole));
            buf_done(&told);
        }
        buf_done(&whole);
        buf_done(&in);
        secret_set_unref(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_the_same_wherever_it_is_cut),
                                       cmocka_unit_test(holds_back_little),
                                       cmocka_unit_test(tells_the_same_of_any_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
