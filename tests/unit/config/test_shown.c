/* What of a configuration may stand in a message. */
#include "world.h"

#include "config/shown.h"

static void texts(void **state) {
    (void)state;
    static const char *const may[] = {
        "",
        "5",
        "-1",
        "0s",
        "250ms",
        "60001ms",
        "10minutes",
        "1 s",
        "20 parsecs",
        "wéir.internal",
        "unix:/tmp/run-of-a-long-name/pytest-269/test_a_certificate_that_is_mis0/weir0/w.sock",
        "/tmp/run-of-a-long-name/pytest-269/test_a_certificate_that_is_mis0/weir0/c.pem",
        "10 MB",
        "openai2",
        "1.5m",
        "200%",
        "20MB",
        "99999999999999999999",
        "8080",
        "127.0.0.1:65536",
        "::1:80",
        "[fd00::1]:443",
        "soon",
        "opnai",
        "openai/gpt-*",
        "openai/gpt-4o-mini",
        "local/llama-3.1-8b",
        "meta-llama/Llama-3.1-70B",
        "elsewhere/x",
        "k*l",
        "max_completion_tokens",
        "unix:/run/weir.sock",
        "unix:relative",
        "http://localhost",
        "/etc/letsencrypt/live/certificates/fullchain.pem",
        "/v1/audio/../x",
        "${PORT}",
        "127.0.0.1:${PORT}",
        "${PORT:-9000}",
        "${A}${B:-soon}",
        "${openai_api_key}",
        "$$",
    };
    static const char *const may_not[] = {
        "sk-x",
        "sk-proj-abcdefghijklmnop",
        "hunter2",
        "s3cret",
        "Tr0ub4dor",
        "MARKER",
        "aBcDeF",
        "abcdefghijklm",
        "correct-horse-battery-staple",
        "correct horse",
        "20 correct-horses",
        "/a b",
        "/a/Zq7xM2pW9vB4",
        "unix:/a/Zq7xM2pW9vB4",
        "two words",
        "user@host",
        "http://user:pw@host",
        "tab\there",
        "pässwörter-größer-als-äpfel",
        "\xc3",
        "019ab123-0000-7000-8000-00000000000a",
        "AKIAIOSFODNN7EXAMPLE",
        "123456789012345678901",
        "1234567abc",
        "${sk-x}",
        "${hunter 2}",
        "${1A}",
        "${}",
        "${",
        "x${PORT",
        "${PORT:-hunter2}",
        "${hf_abcdefghijklm4nop}",
        "${hf_abcdefghijklmnopqrstuvwxyz}",
        "hunter2${PORT}",
        "${PORT}hunter2",
    };
    for (size_t i = 0; i < ARRAY_LEN(may); i++)
        if (!shown_may(span_cstr(may[i]))) fail_msg("not shown: %s", may[i]);
    for (size_t i = 0; i < ARRAY_LEN(may_not); i++)
        if (shown_may(span_cstr(may_not[i]))) fail_msg("shown: %s", may_not[i]);
    char words[128] = "";
    for (size_t i = 0; i < 20; i++)
        strcat(words, "5s,");
    assert_true(shown_may(span_cstr(words)));
    strcat(words, "5");
    assert_false(shown_may(span_cstr(words))); /* 61 bytes */
}

/* Words of the table may be of any length, and in any case, but only whole. */
static void words_of_the_table(void **state) {
    (void)state;
    static const char *const words[] = {
        "header_timeout", "passthrough", "Simulator", "LLAMA_CPP_PYTHON",
        "max_tokens",     "Off",         "TRUE"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_true(shown_may(span_cstr(words[i])));
    assert_false(shown_may(SPAN_OF("Simulators9")));
}

/* Beside keys a short word is no proof. */
static void what_is_proven(void **state) {
    (void)state;
    static const char *const yes[] = {"0", "5s", "-1", "1 s", "Simulator", "first_byte", "${PORT}"};
    static const char *const no[] = {"soon",          "/xyz",    "openai/xyz",
                                     "${PORT:-soon}", "hunter2", "1234567890123456789012345"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!shown_proven(span_cstr(yes[i]))) fail_msg("not shown: %s", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (shown_proven(span_cstr(no[i]))) fail_msg("shown: %s", no[i]);
}

static void variables(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool is, shown;
    } rows[] = {
        {"OPENAI_API_KEY", true, true},
        {"A_VERY_LONG_NAME_OF_A_VARIABLE_OF_THE_YEAR_2026", true, true},
        {"openai_key", true, true},
        {"_x9", true, true},
        {"hf_abcdefghijklm4nop", true, false},
        {"abcdefghijklmnopqrstuvwxy", true, false},
        {"", false, false},
        {"1A", false, false},
        {"a-b", false, false},
        {"a b", false, false},
        {"\xc3\xa9", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(shown_is_variable(span_cstr(rows[i].name)), rows[i].is);
        assert_int_equal(shown_variable(span_cstr(rows[i].name)), rows[i].shown);
    }
}

static void shows(const char *source, unsigned line, const char *expected) {
    arena a;
    arena_init(&a, 0);
    char *copy = strdup(source); /* so that a sanitizer sees a byte too far */
    span shown = shown_line(&a, span_cstr(copy), line);
    if (!span_eq(shown, span_cstr(expected)))
        fail_msg("line %u of\n%s\nshown as '%.*s'", line, source, SPAN_ARG(shown));
    free(copy);
    arena_done(&a);
}

/* What stands in a line that may be shown. */
static void covers_what_may_be_a_secret(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"retry: {base: 0s}", "retry: {base: 0s}"},
        {"retry: {base: hunter2, cap: 5s}", "retry: {base: *******, cap: 5s}"},
        {"retry: {base: \"hunter2\", cap: '5s'}", "retry: {base: \"*******\", cap: '5s'}"},
        {"retry: {base: sk-x}", "retry: {base: ****}"},
        {"retry: {base: ${NONE}, cap: ${a-b}}", "retry: {base: ${NONE}, cap: ******}"},
        {"retry: {base: ${a b}, cap: ${5}", "retry: {base: ******, cap: ****"},
        {"retry: {base: ${X:-5s}, cap: ${X:-h2o2}}", "retry: {base: ${X:-5s}, cap: **********}"},
        {"chat: {model: ${sk, x: 5}", "chat: {model: ***********"},
        {"chat: {system: \"n\xc3\xa4h\"}", "chat: {system: \"n\xc3\xa4h\"}"},
        {"chat: {system: \"n\xc3\xa4h~1\"}", "chat: {system: \"*****\"}"},
        {"chat: {system: x}   # my old one was hunter", "chat: {system: x}   "},
        {"chat: {system: x#y}", "chat: {system: ***}"},
        {"chat: {model: https://u:p@h/}", "chat: {model: **************}"},
        {"chat: {system: one correct horse battery staple and four other animals}", ""},
        {"logs: {api_key: x}", ""},
        {"ledger: {store: \"postgres://u:ti,ger@h/d\"}", ""},
        {"chat: {system: \"my password is x\"}", ""},
        {"logs:\t{level: x}", "logs:\t{level: x}"},
        {"logs: {level: \x01}", "logs: {level: *}"},
        {"logs: {level: \xff}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        shows(rows[i][0], 1, rows[i][1]);
    char line[256];
    snprintf(line, sizeof line, "retry: {%152s", "");
    shows(line, 1, line);
    snprintf(line, sizeof line, "retry: {%153s", "");
    shows(line, 1, "");
}

/* Which lines may be: those that plainly stand below a name that may be shown. */
static void covers_whole_sections(void **state) {
    (void)state;
    static const char yaml[] = "%YAML 1.2\n"          /* 1 */
                               "---\n"                /* 2 */
                               "# retry:\n"           /* 3 */
                               "providers:\n"         /* 4 */
                               "  retry:\n"           /* 5 */
                               "    url: x\n"         /* 6 */
                               "\n"                   /* 7 */
                               "# comment\n"          /* 8 */
                               "retry:\r\n"           /* 9 */
                               "  base: 5s\r\n"       /* 10 */
                               "provders:\n"          /* 11 */
                               "  a: x\n"             /* 12 */
                               "\"listen\" :\n"       /* 13 */
                               "- 8080\n"             /* 14 */
                               "clients:\n"           /* 15 */
                               "- name: x\n"          /* 16 */
                               "'logs': {level: x}\n" /* 17 */
                               "level\n"              /* 18 */
                               "  x: y\n"             /* 19 */
                               "chats: x\n"           /* 20 */
                               "{retry: x}\n"         /* 21 */
                               "cors: [\n"            /* 22 */
                               "origins: x\n";        /* 23 */
    static const char *const shown[] = {
        [9] = "retry:",
        [10] = "  base: 5s",
        [13] = "\"listen\" :",
        [14] = "- 8080",
        [17] = "'logs': {level: x}",
        [20] = "chats: x",
        [22] = "cors: [",
        [24] = NULL,
    };
    for (unsigned i = 1; i < ARRAY_LEN(shown); i++)
        shows(yaml, i, shown[i] ? shown[i] : "");
    shows(yaml, 24, "");
    shows(yaml, 99, "");
    /* All of it further in, and then further out again. */
    shows("  retry:\n   base: 5s\n", 2, "   base: 5s");
    shows("  retry:\n base: 5s\n", 2, "");
    shows("  retry:\n base: 5s\n  cap: 5s\n", 3, "");
    shows("{retry: {base: 5s},\n providers: {}}\n", 1, "");
    shows("- retry\n", 1, "");
    shows("", 1, "");
    /* A name that is misspelt is as good as what is meant, where that is plain. */
    shows("braker: off\n", 1, "braker: off");
    shows("lsiten: 8080\n", 1, "lsiten: 8080");
    shows("provders: x\n", 1, "");
    shows("client: x\n", 1, "");
    shows("headers: x\n", 1, "");
    shows("x: y\n", 1, "");
    shows("retr\xc2\x9by: {}\n", 1, "retr\xc2\x9by: {}");
    shows("retry.hunter2: 5s\n", 1, "retry********* 5s");
    shows("retry.base: 5s\n", 1, "retry.base: 5s");
    shows("total: 5s\n", 1, "");
    shows("url: 5s\n", 1, "");
    shows("providers.x: y\n", 1, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(words_of_the_table),
        cmocka_unit_test(what_is_proven),
        cmocka_unit_test(variables),
        cmocka_unit_test(covers_what_may_be_a_secret),
        cmocka_unit_test(covers_whole_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
