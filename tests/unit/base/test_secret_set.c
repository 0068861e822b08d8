#include "unit.h"

#include "base/escapes.h"
#include "base/secret_set.h"

enum { MANY = 300 };

/* A set of one, or with so many others, which end as `text` does or begin as it does. */
static secret_set *set_of(const char *text, size_t others) {
    secret *all[MANY + 1];
    size_t len = strlen(text);
    char other[128];
    for (size_t i = 0; i < others; i++) {
        if (i % 2)
            (void)snprintf(other, sizeof other, "~other%zu~%s", i, text + 1);
        else
            (void)snprintf(other, sizeof other, "%.*s~%zu~", (int)len - 1, text, i);
        all[i] = secret_new(span_cstr(other));
    }
    all[others] = secret_new(span_cstr(text));
    secret_set *s = secret_set_new(all, others + 1);
    for (size_t i = 0; i <= others; i++)
        secret_unref(all[i]);
    return s;
}

static const size_t sizes[] = {0, 1, 7, MANY};

static void check_redacted(const secret_set *s, const char *in, const char *out) {
    buf clean = BUF_EMPTY;
    bool differs = strcmp(in, out) != 0;
    assert_int_equal(secret_set_found(s, span_cstr(in)), differs);
    assert_int_equal(secret_set_redact(s, span_cstr(in), &clean), differs);
    if (differs) assert_string_equal(buf_cstr(&clean), out);
    buf_done(&clean);
}

static void redacts_every_occurrence(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        secret_set *s = set_of("sk-12345678", sizes[i]);
        check_redacted(s, "bad key sk-12345678, again: sk-12345678",
                       "bad key [redacted], again: [redacted]");
        check_redacted(s, "sk-12345678", "[redacted]");
        check_redacted(s, "sk-1234567", "sk-1234567");
        check_redacted(s, "sk-sk-12345678sk-", "sk-[redacted]sk-");
        check_redacted(s, "", "");
        secret_set_unref(secret_set_ref(s));
        secret_set_unref(s);
    }
}

#define SEVEN_BACKSLASHES "\\\\\\\\\\\\\\"
#define EIGHT_BACKSLASHES SEVEN_BACKSLASHES "\\"
#define NINE_BACKSLASHES  EIGHT_BACKSLASHES "\\"

/* As PHP, Python and others write it, also into a string of another document; cut off, or nearly
 * the same, is not it. What was JSON is JSON then. */
static void finds_what_json_escapes(void **state) {
    (void)state;
    static const struct {
        const char *key, *in, *out;
    } rows[] = {
        {"sk-pro/v+id", "a sk-pro\\/v+id b", "a [redacted] b"},
        {"sk-pro/v+id", "sk-pro\\u002Fv\\u002bid", "[redacted]"},
        {"sk-pro/v+id", "\\u0073k-pro/v+id\\/sk-pro/v+id", "[redacted]\\/[redacted]"},
        {"sk-pro/v+id", "sk-pro\\/v+i", "sk-pro\\/v+i"},
        {"sk-pro/v+id", "sk-pro\\u012fv+id", "sk-pro\\u012fv+id"},
        {"sk-pro/v+id", "\\/ sk-pro\\", "\\/ sk-pro\\"},
        {"sk-pro/v+id", "\\/ sk-pro\\u00", "\\/ sk-pro\\u00"},
        {"sk-pro/v+id", "\\/ sk-pro\\u00 ", "\\/ sk-pro\\u00 "},
        /* No escapes: what stands before the key stays, and two stay two. */
        {"sk-pro/v+id", "\\/ \\sk-pro/v+id", "\\/ \\[redacted]"},
        {"sk-pro/v+id", "\\/ \\\\sk-pro/v+id", "\\/ \\\\[redacted]"},
        /* JSON in a string of JSON. */
        {"sk-pro/v+id", "{\\\"k\\\":\\\"\\\\u0073k-pro\\\\\\/v+id\\\"}",
         "{\\\"k\\\":\\\"[redacted]\\\"}"},
        {"sk-pro/v+id", "\\\\\\\\u0073k-pro/v+id", "[redacted]"},
        /* What JSON cannot write otherwise. */
        {"ab\"cd\\efgh", "\"ab\\\"cd\\\\efgh\"", "\"[redacted]\""},
        {"ab\"cd\\efgh", "ab\"cd\\efgh", "[redacted]"},
        {"ab\"cd\\efgh", "\\\"ab\\\\\\\"cd\\\\\\\\efgh\\\"", "\\\"[redacted]\\\""},
        {"ab\"cd\\efgh", "ab\\u0022cd\\u005cefgh", "[redacted]"},
        {"ab\"cd\\efgh", "ab\\u0022cd\\u005c\\u005cefgh", "[redacted]"},
        {"ab\"cd\\efgh", "ab\\\\\\u0022cd" NINE_BACKSLASHES "efgh", "[redacted]"},
        /* A backslash of it comes as as many as one before another byte. */
        {"ab\\\\\\cdefgh", "ab" EIGHT_BACKSLASHES EIGHT_BACKSLASHES EIGHT_BACKSLASHES "cdefgh",
         "[redacted]"},
        /* As some write into JSON what they took from Markdown. */
        {"sk_pro_vid", "sk\\\\_pro\\\\_vid", "[redacted]"},
        {"sk_pro_vid", "sk\\_pro\\_vid", "[redacted]"},
        /* The outer document writes the inner one's backslash as a code. */
        {"sk-pro/v+id", "sk-pro\\u005c/v+id", "[redacted]"},
        {"sk-pro/v+id", "sk-pro\\u005C\\u005c/v+id", "[redacted]"},
        {"sk-pro/v+id", "\\u005cu0073k-pro/v+id", "[redacted]"},
        {"sk-pro/v+id", "\\u005cu005cu0073k-pro/v+id", "[redacted]"},
        {"sk-pro/v+id", "sk-prou005c/v+id", "sk-prou005c/v+id"},
        /* As deep as three documents, and no deeper: it is not looked for without end. */
        {"sk-pro/v+id", "sk-pro" SEVEN_BACKSLASHES "/v+id", "[redacted]"},
        {"sk-pro/v+id", "sk-pro" EIGHT_BACKSLASHES "/v+id", "[redacted]"},
        {"sk-pro/v+id", "sk-pro" NINE_BACKSLASHES "/v+id", "sk-pro" NINE_BACKSLASHES "/v+id"},
        {"sk-pro/v+id", "sk-pro" SEVEN_BACKSLASHES "u002fv+id", "[redacted]"},
        {"sk-pro/v+id", "sk-pro" SEVEN_BACKSLASHES "u005c/v+id", "[redacted]"},
        {"sk-pro/v+id", "sk-pro" EIGHT_BACKSLASHES "u005c/v+id",
         "sk-pro" EIGHT_BACKSLASHES "u005c/v+id"},
        /* Before it there may be more: what is left stays JSON. */
        {"sk-pro/v+id", NINE_BACKSLASHES "u0073k-pro/v+id", "[redacted]"},
        {"sk-pro/v+id", NINE_BACKSLASHES "\\u0073k-pro/v+id", "\\\\[redacted]"},
        {"tab\tkey-1", "tab\\tkey-1", "[redacted]"},
        {"tab\tkey-1", "tab\\u0009key-1", "[redacted]"},
        {"schl\xc3\xbcssel-1", "schl\\u00fcssel-1", "[redacted]"},
        {"schl\xc3\xbcssel-1", "schl\xc3\xbcssel-1", "[redacted]"},
        {"euro\xe2\x82\xac-key", "euro\\u20ac-key", "[redacted]"},
        {"euro\xe2\x82\xac-key", "euro\\ud83d\\ude00-key", "euro\\ud83d\\ude00-key"},
        /* Where the key begins like the second half of an escape, that goes with it. */
        {"nsecret-1", "line\\nsecret-1.", "line[redacted]."},
        {"nsecret-1", "line\\\\nsecret-1.", "line\\\\[redacted]."},
        {"0073abcdef", "\\u0073abcdef", "[redacted]"},
        {"u0073abcdef", "\\u0073abcdef", "[redacted]"},
        {"73abcdefgh", "\\\\u0073abcdefgh", "\\\\u00[redacted]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
            secret_set *s = set_of(rows[i].key, sizes[k]);
            check_redacted(s, rows[i].in, rows[i].out);
            secret_set_unref(s);
        }
}

/* Wherever it stands, among bytes that begin, hold or end it. */
static void finds_it_anywhere(void **state) {
    (void)state;
    static const char *const keys[] = {"ZZZZZZZZZ", "sk-aaaaaaZ", "Zk-aaaaaaa", "eeeeeeee\x01",
                                       "sk-proj-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDE"};
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        for (size_t n = 0; n < ARRAY_LEN(sizes); n++) {
            secret_set *s = set_of(keys[k], sizes[n]);
            size_t len = strlen(keys[k]);
            for (size_t at = 0; at <= 40; at++) {
                char text[128];
                for (size_t i = 0; i < sizeof text; i++)
                    text[i] = keys[k][(i * 5 + 1) % (len - 1)];
                span whole = span_from(text, 40 + len);
                memset(text, keys[k][len - 1], at < 7 ? at : 7);
                if (strcmp(keys[k], "ZZZZZZZZZ") != 0) assert_false(secret_set_found(s, whole));
                memcpy(text + at, keys[k], len);
                assert_true(secret_set_found(s, whole));
                assert_true(secret_set_found(s, span_slice(whole, at, at + len)));
                assert_false(secret_set_found(s, span_slice(whole, at, at + len - 1)));
            }
            secret_set_unref(s);
        }
    }
}

/* Each of them, long or short, and what overlaps goes whole. */
static void finds_each_of_many(void **state) {
    (void)state;
    secret *all[MANY];
    char texts[MANY][96];
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(
            texts[i], sizeof texts[i], "k%05zu-%.*s", i * 7919 % 100003, (int)(i % 80 + 1),
            "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrst");
        all[i] = secret_new(span_cstr(texts[i]));
    }
    secret_set *s = secret_set_new(all, MANY);
    for (size_t i = 0; i < MANY; i++) {
        char in[160], out[160];
        int len = snprintf(in, sizeof in, "The key %s, it says", texts[i]);
        assert_in_range(len, 1, sizeof in - 1);
        (void)snprintf(out, sizeof out, "The key [redacted], it says");
        check_redacted(s, in, out);
        secret_unref(all[i]);
    }
    secret_set_unref(s);

    secret *two[] = {secret_new(SPAN_OF("abcdefgh-1234")), secret_new(SPAN_OF("1234-ijklmnop")),
                     secret_new(SPAN_OF("Bearer abcdefgh-1234")), NULL};
    s = secret_set_new(two, ARRAY_LEN(two));
    check_redacted(s, "<abcdefgh-1234-ijklmnop>", "<[redacted]>");
    check_redacted(s, "<Bearer abcdefgh-1234>", "<[redacted]>");
    check_redacted(s, "<abcdefgh-1234abcdefgh-1234>", "<[redacted][redacted]>");
    secret_set_unref(s);
    for (size_t i = 0; i < ARRAY_LEN(two); i++)
        secret_unref(two[i]);
}

static void looks_for_no_short_ones(void **state) {
    (void)state;
    secret *tiny[] = {secret_new(SPAN_OF("key")), NULL, secret_new(SPAN_OF("1234567")),
                      secret_new(SPAN_OF("\\\\\\\\\\\\\\\\\\\\"))};
    assert_null(secret_set_new(tiny, ARRAY_LEN(tiny)));
    assert_null(secret_set_new(tiny, 0));
    assert_null(secret_set_ref(NULL));
    secret_set_unref(NULL);
    check_redacted(NULL, "key 1234567", "key 1234567");
    assert_int_equal(secret_set_begun(NULL, SPAN_OF("key")), 0);
    arena a;
    arena_init(&a, 0);
    span text = SPAN("key 12345678");
    assert_ptr_equal(secret_set_without(NULL, text, &a).ptr, text.ptr);
    secret *eight[] = {secret_new(SPAN_OF("12345678"))};
    secret_set *s = secret_set_new(eight, 1);
    assert_span(secret_set_without(s, text, &a), "key [redacted]");
    secret_set_unref(s);
    secret_unref(eight[0]);
    for (size_t i = 0; i < ARRAY_LEN(tiny); i++)
        secret_unref(tiny[i]);
    arena_done(&a);
}

/* The end of a text that comes in pieces, as far as the next piece may make it the key. */
static void knows_a_beginning(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t begun;
    } rows[] = {
        {"", 0},
        {"xx", 0},
        {"xs", 1},
        {"sk-sk", 2},
        {"sk-se", 5},
        {"sk-secret/", 10},
        {"sk-secret\\", 10},     /* of "\/" */
        {"a \\u0073k-s", 9},     /* "\u0073" is s */
        {"a \\u0073\\u006", 11}, /* half an escape */
        {"a \\\\u0073\\\\u006", 13},
        {"sk-secret x", 0},
        {"sk\\n", 0},
        {"\\ux", 0},
        {"\\", 1},
        {"another-ke", 10},
        {"an", 2},
    };
    secret *two[] = {secret_new(SPAN_OF("sk-secret/9")), secret_new(SPAN_OF("another-key"))};
    secret_set *s = secret_set_new(two, 2);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(secret_set_begun(s, span_cstr(rows[i].text)), rows[i].begun);
    secret_set_unref(s);
    secret_unref(two[0]);
    secret_unref(two[1]);
}

/* Of endless backslashes, or of a secret that never ends, no more is held than one may have. */
static void holds_back_little(void **state) {
    (void)state;
    secret *one[] = {secret_new(SPAN_OF("ssssssss\\ss"))};
    secret_set *s = secret_set_new(one, 1);
    char text[4096];
    memset(text, '\\', sizeof text);
    for (size_t at = 1; at < 12; at++) {
        size_t held = secret_set_begun(s, span_from(text, sizeof text));
        assert_in_range(held, 1, 11 * ESCAPE_LEN_MAX(2 * ESCAPE_RUN_MAX));
        text[at * 300] = 's';
    }
    secret_set_unref(s);
    secret_unref(one[0]);
}

/* A third, and at least so many bytes; or all. */
static void knows_a_part(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool part;
    } rows[] = {
        {"", false},
        {"ab", false},
        {"sk-long-0123", false}, /* twelve of forty */
        {"sk-long-01234", false},
        {"sk-long-012345", true}, /* fourteen */
        {"x sk-long-012345", true},
        {"sk-long-012345x", false},
        {"sk-long-0123456789012345678901234567", true},
        {"\\u0073k-long-01234\\u0035", true},
        {"\\u0073k-long-01234\\u00", false}, /* thirteen, and what may follow */
        {"sk-medium-01", true},              /* twelve of seventeen */
        {"sk-medium-0", false},
        {"sk-brie", false},
    };
    secret *all[] = {secret_new(SPAN_OF("sk-long-01234567890123456789012345678901")),
                     secret_new(SPAN_OF("sk-medium-0123456")), secret_new(SPAN_OF("sk-brief"))};
    secret_set *s = secret_set_new(all, ARRAY_LEN(all));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(secret_set_nearly(s, span_cstr(rows[i].text)), rows[i].part);
    assert_false(secret_set_nearly(NULL, SPAN_OF("sk-long-0123456789")));
    secret_set_unref(s);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        secret_unref(all[i]);
}

/* ---- beside a plain search ---- */

static unsigned draw(uint64_t *seed, unsigned below) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static span draw_text(uint64_t *seed, char *out, size_t len) {
    for (size_t i = 0; i < len; i++)
        out[i] = "abcd"[draw(seed, 4)];
    return span_from(out, len);
}

/* Of few letters, so that they begin, hold and end each other. */
static void finds_what_a_plain_search_finds(void **state) {
    (void)state;
    enum { ROUNDS = 400, KEYS = 12, TEXTS = 30 };
    uint64_t seed = 1;
    for (int round = 0; round < ROUNDS; round++) {
        secret *all[KEYS];
        char bytes[64], text[512];
        size_t count = 1 + draw(&seed, KEYS);
        for (size_t i = 0; i < count; i++)
            all[i] = secret_new(draw_text(&seed, bytes, 8 + draw(&seed, i % 2 ? 40 : 3)));
        secret_set *s = secret_set_new(all, count);
        for (int t = 0; t < TEXTS; t++) {
            size_t len = draw(&seed, sizeof text);
            span whole = draw_text(&seed, text, len);
            span some = secret_reveal(all[draw(&seed, (unsigned)count)]);
            if (t % 2 && some.len <= len)
                memcpy(text + draw(&seed, (unsigned)(len - some.len + 1)), some.ptr, some.len);
            bool expected = false;
            for (size_t i = 0; i < count; i++)
                expected |= span_find_span(whole, 0, secret_reveal(all[i])) < len;
            assert_int_equal(secret_set_found(s, whole), expected);
            buf clean = BUF_EMPTY;
            if (!secret_set_redact(s, whole, &clean)) buf_add(&clean, whole);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(span_find_span(buf_span(&clean), 0, secret_reveal(all[i])),
                                 clean.len);
            buf_done(&clean);
        }
        secret_set_unref(s);
        for (size_t i = 0; i < count; i++)
            secret_unref(all[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(redacts_every_occurrence),
                                       cmocka_unit_test(finds_what_json_escapes),
                                       cmocka_unit_test(finds_it_anywhere),
                                       cmocka_unit_test(finds_each_of_many),
                                       cmocka_unit_test(looks_for_no_short_ones),
                                       cmocka_unit_test(knows_a_beginning),
                                       cmocka_unit_test(holds_back_little),
                                       cmocka_unit_test(knows_a_part),
                                       cmocka_unit_test(finds_what_a_plain_search_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
