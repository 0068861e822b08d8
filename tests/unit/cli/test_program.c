/* The program itself: what it prints where, and the status it ends with. */
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

typedef struct ran {
    int status;
    buf out; /* standard output */
    buf err;
} ran;

/* Runs `weir ARGUMENTS` by the shell, in an empty folder and without weir's variables. */
static ran run(const char *arguments) {
    char command[1024];
    const char *weir = getenv("WEIR_PROGRAM");
    if (!weir) skip();
    snprintf(command, sizeof command,
             "cd %s && env -u OPENAI_API_KEY -u XDG_CONFIG_HOME XDG_CONFIG_DIRS=%s HOME=%s '%s' %s "
             "2>err",
             folder, folder, folder, weir, arguments);
    ran r = {0};
    FILE *p = popen(command, "r");
    assert_non_null(p);
    for (size_t n; (n = fread(buf_reserve(&r.out, 4096), 1, 4096, p)) > 0;)
        buf_grow(&r.out, n);
    (void)buf_cstr(&r.out);
    r.status = WEXITSTATUS(pclose(p));
    char path[128];
    snprintf(path, sizeof path, "%s/err", folder);
    r.err = unit_read(path);
    return r;
}

static void done(ran *r) {
    buf_done(&r->out);
    buf_done(&r->err);
}

static void check(const char *arguments, int status, const char *out, const char *err) {
    ran r = run(arguments);
    assert_string_equal(r.err.ptr, err);
    assert_string_equal(r.out.ptr, out);
    assert_int_equal(r.status, status);
    done(&r);
}

static void write_file(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "/tmp/weir-cli-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void answers_what_it_does_not_know(void **state) {
    (void)state;
    check("chek", 2, "", "weir: unknown command 'chek'; did you mean 'check'?\n");
    check("frobnicate", 2, "", "weir: unknown command 'frobnicate'; weir --help lists them\n");
    check("--frobnicate", 2, "",
          "weir: unknown option --frobnicate; a command comes first; see weir --help\n");
    check("-c weir.yaml serve", 2, "",
          "weir: unknown option -c; a command comes first; see weir --help\n");
    check("--hlep", 2, "", "weir: unknown option --hlep; did you mean --help?\n");
    check("check --explan", 2, "",
          "weir: check: unknown option --explan; did you mean --explain?\n");
    check("check -x", 2, "", "weir: check: unknown option -x; see weir check --help\n");
    check("check --config", 2, "", "weir: check: --config needs a value: --config FILE\n");
    check("check -c", 2, "", "weir: check: --config needs a value: --config FILE\n");
    check("check weir.yaml", 2, "",
          "weir: check: takes no arguments, but was given 'weir.yaml'; see weir check --help\n");
    check("help chek", 2, "", "weir: unknown command 'chek'; did you mean 'check'?\n");
    check("help check serve", 2, "",
          "weir: help: 'serve' is one too many; usage: weir help [COMMAND]\n");
}

/* A screen of 80 columns and 24 lines, the prompt's included, with an example on it. */
static void check_screen(const ran *r) {
    size_t lines = 1;
    span rest = buf_span(&r->out), line;
    assert_string_equal(r->err.ptr, "");
    assert_int_equal(r->status, 0);
    while (span_cut(&rest, '\n', &line)) {
        if (span_utf8_len(line) > 80) fail_msg("over 80 columns: %.*s", SPAN_ARG(line));
        lines += rest.ptr != NULL;
    }
    if (lines > 24) fail_msg("%zu lines, with the prompt:\n%s", lines, r->out.ptr);
    assert_non_null(strstr(r->out.ptr, "\nExample:"));
}

static void check_help(span name) {
    char arguments[64];
    static const char *const ways[] = {"%.*s --help", "help %.*s", "--help %.*s",
                                       "%.*s --wrong -h"};
    ran first = {0};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        snprintf(arguments, sizeof arguments, ways[i], SPAN_ARG(name));
        ran r = run(arguments);
        check_screen(&r);
        if (i)
            assert_string_equal(r.out.ptr, first.out.ptr);
        else
            first = r;
        if (i) done(&r);
    }
    done(&first);
}

static void helps_within_a_screen(void **state) {
    (void)state;
    ran whole = run("--help");
    check_screen(&whole);
    assert_non_null(strstr(whole.out.ptr, "\n  check "));
    assert_null(strstr(whole.out.ptr, "\n  reference ")); /* hidden */
    check_help(SPAN_OF("reference"));
    ran part = run("batch join --help");
    check_screen(&part);
    done(&part);
    /* Each command that is listed has a page, the same by every way to it. */
    span rest = buf_span(&whole.out), line;
    size_t seen = 0;
    while (span_cut(&rest, '\n', &line) && !span_eq(line, SPAN_OF("Commands:")))
        ;
    while (span_cut(&rest, '\n', &line) && line.len) {
        if (span_starts(line, SPAN_OF("    "))) continue; /* a summary's second line */
        span name = span_slice(line, 2, span_find(line, 2, ' '));
        if (!span_eq(name, SPAN_OF("help"))) check_help(name);
        seen++;
    }
    assert_true(seen >= 4);
    done(&whole);
}

static void shows_the_list_where_nothing_is_asked(void **state) {
    (void)state;
    ran bare = run(""), asked = run("help");
    assert_int_equal(bare.status, 2);
    assert_int_equal(bare.out.len, 0);
    assert_string_equal(bare.err.ptr, asked.out.ptr);
    done(&bare);
    done(&asked);
}

static void tells_its_version(void **state) {
    (void)state;
    ran r = run("--version");
    assert_int_equal(r.status, 0);
    assert_true(span_starts(buf_span(&r.out), SPAN_OF("weir ")));
    done(&r);
}

static void checks(void **state) {
    (void)state;
    check(
        "check", 0, "no configuration file was found; the defaults are good\n",
        "warning: there is no configuration file and no OPENAI_API_KEY: weir serve will serve its "
        "built-in simulator, and no real model\n");
    write_file("bare.yaml", "ledger: off\n");
    check("check -c bare.yaml", 0, "bare.yaml is good\n",
          "bare.yaml: warning: no provider is configured, so every call will be refused; add "
          "providers, or set OPENAI_API_KEY\n");
    write_file("good.yaml", "providers: {p: {url: \"http://127.0.0.1:1/v1\"}}\n");
    check("check -c good.yaml", 0, "good.yaml is good\n", "");
    check("check --config=good.yaml", 0, "good.yaml is good\n", "");
    write_file("weir.yaml", "retry: {base: 0s}\nretrys: {}\n");
    check("check", 1, "",
          "weir.yaml:1:15: retry.base is 0s; allowed 1ms to 60s\n"
          "    retry: {base: 0s}\n"
          "                  ^\n"
          "weir.yaml:2:1: unknown option 'retrys'; did you mean 'retry'?\n"
          "    retrys: {}\n"
          "    ^\n"
          "weir: 2 problems\n");
    check("check -c none.yaml", 1, "",
          "none.yaml: cannot read the file: No such file or directory\nweir: 1 problem\n");
    ran r = run("check -c good.yaml --explain");
    assert_int_equal(r.status, 0);
    assert_true(
        span_starts(buf_span(&r.out), SPAN_OF("# The effective configuration, from good.yaml\n")));
    done(&r);
}

static void says_when_output_is_not_taken(void **state) {
    (void)state;
    static const char *const asked[] = {"--help", "--version", "help check",
                                        "check",  "reference", "sim --words"};
    write_file("weir.yaml", "providers: {p: {url: \"http://127.0.0.1:1/v1\"}}\n");
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "%s >/dev/full", asked[i]);
        check(arguments, 1, "", "weir: cannot write to standard output: No space left on device\n");
        snprintf(arguments, sizeof arguments, "%s >&-", asked[i]);
        check(arguments, 1, "", "weir: cannot write to standard output: Bad file descriptor\n");
        /* Whoever has read enough is told nothing. */
        snprintf(arguments, sizeof arguments, "%s | :", asked[i]);
        check(arguments, 0, "", "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_what_it_does_not_know, set_up, tear_down),
        cmocka_unit_test_setup_teardown(helps_within_a_screen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_the_list_where_nothing_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_its_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_output_is_not_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
