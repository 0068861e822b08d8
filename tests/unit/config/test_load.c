/* From real files: where they are found, what they refer to, what is watched. */
#include "unit.h"

#include "config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static config_problems problems;

static void write_file(const char *name, const char *text, mode_t mode) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        (void)mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    if (!f) fail_msg("cannot write %s", path);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/weir-load-XXXXXX");
    if (!mkdtemp(root) || chdir(root) != 0) return -1;
    static const char *const cleared[] = {"OPENAI_API_KEY", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"};
    for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
        unsetenv(cleared[i]);
    return setenv("HOME", root, 1);
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static config *load(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    config *c = config_load(path, &problems);
    if (!c) {
        buf text = BUF_EMPTY;
        config_problems_print(&problems, &text);
        fail_msg("%s", buf_cstr(&text));
    }
    return c;
}

static void check_found(const char *expected) {
    char path[256];
    buf found = BUF_EMPTY;
    if (*expected == '/' || strcmp(expected, "weir.yaml") == 0)
        snprintf(path, sizeof path, "%s", expected);
    else
        snprintf(path, sizeof path, "%s/%s", root, expected);
    assert_true(config_find(&found));
    assert_span(buf_span(&found), path);
    buf_done(&found);
}

static void looks_in_order(void **state) {
    (void)state;
    char dirs[256];
    buf found = BUF_EMPTY;
    snprintf(dirs, sizeof dirs, "relative:%s/sys1:%s/sys2", root, root);
    setenv("XDG_CONFIG_DIRS", dirs, 1);
    if (access("/etc/weir/weir.yaml", F_OK) != 0) assert_false(config_find(&found));
    assert_null(found.ptr);
    write_file("relative/weir/weir.yaml", "", 0600); /* ignored: no absolute path */
    write_file("sys2/weir/weir.yaml", "", 0600);
    check_found("sys2/weir/weir.yaml");
    write_file("sys1/weir/weir.yaml", "", 0600);
    check_found("sys1/weir/weir.yaml");
    write_file(".config/weir/weir.yaml", "", 0600);
    check_found(".config/weir/weir.yaml");
    snprintf(dirs, sizeof dirs, "%s/xdg", root);
    setenv("XDG_CONFIG_HOME", dirs, 1); /* instead of ~/.config */
    check_found("sys1/weir/weir.yaml");
    write_file("xdg/weir/weir.yaml", "", 0600);
    check_found("xdg/weir/weir.yaml");
    setenv("XDG_CONFIG_HOME", "xdg", 1);
    check_found("sys1/weir/weir.yaml");
    write_file("weir.yaml", "", 0600);
    check_found("weir.yaml");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_CONFIG_DIRS");
}

static bool watches(const config *c, const char *name) {
    char path[256];
    const span *paths;
    size_t count = config_watch_paths(c, &paths);
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (size_t i = 0; i < count; i++)
        if (span_eq(paths[i], span_cstr(path))) return true;
    return false;
}

static void follows_references(void **state) {
    (void)state;
    write_file("etc/weir.yaml",
               "listen: [{address: \"127.0.0.1:0\", tls: {cert: tls/c.pem, key: tls/k.pem}}]\n"
               "providers:\n"
               "  a: {url: \"https://h\", key: {file: a.key}, ca_file: ca.pem}\n"
               "  b: {url: \"https://h\", key: [{command: [echo, from-command], refresh: 10m},\n"
               "      {command: [printf, from-other], refresh: 90s}, \"${WEIR_TEST_KEY}\"]}\n",
               0600);
    write_file("etc/a.key", "from-file\r\n\n", 0600);
    write_file("etc/ca.pem", "x", 0600);
    write_file("etc/tls/c.pem", "x", 0600);
    write_file("etc/tls/k.pem", "x", 0600);
    setenv("WEIR_TEST_KEY", "from-environment", 1);
    config *c = load("etc/weir.yaml");
    assert_int_equal(c->providers[0].key_count, 1);
    assert_span(secret_reveal(c->providers[0].keys[0]), "from-file");
    assert_int_equal(c->providers[1].key_count, 3);
    assert_span(secret_reveal(c->providers[1].keys[0]), "from-command");
    assert_span(secret_reveal(c->providers[1].keys[1]), "from-other");
    assert_span(secret_reveal(c->providers[1].keys[2]), "from-environment");
    assert_int_equal(config_refresh_ms(c), 90000);
    static const char *const watched[] = {"etc/weir.yaml", "etc/a.key", "etc/ca.pem",
                                          "etc/tls/c.pem", "etc/tls/k.pem"};
    const span *paths;
    assert_int_equal(config_watch_paths(c, &paths), ARRAY_LEN(watched));
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        assert_true(watches(c, watched[i]));
    assert_true(span_ends(c->path, SPAN_OF("/etc/weir.yaml")));
    assert_true(span_ends(c->providers[0].ca_file, SPAN_OF("/etc/ca.pem")));
    config_unref(c);
    config_problems_done(&problems);
}

/* Whoever waits for a better one has to know what it lacks. */
static void names_the_files_of_a_bad_one(void **state) {
    (void)state;
    char path[256];
    bool named = false;
    write_file("etc/weir.yaml", "providers: {a: {url: \"https://h\", key: {file: a.key}}}\n", 0600);
    snprintf(path, sizeof path, "%s/etc/weir.yaml", root);
    assert_null(config_load(path, &problems));
    assert_int_equal(problems.path_count, 2);
    for (size_t i = 0; i < problems.path_count; i++)
        named = named || span_ends(problems.paths[i], SPAN_OF("/etc/a.key"));
    assert_true(named);
    config_problems_done(&problems);
    assert_int_equal(problems.path_count, 0);
}

static size_t warnings_about_writing(const config *c) {
    size_t count = 0;
    for (size_t i = 0; i < c->warning_count; i++)
        count += span_find_span(c->warnings[i].text, 0, SPAN_OF("written out")) <
                 c->warnings[i].text.len;
    return count;
}

static void warns_of_keys_that_others_may_read(void **state) {
    (void)state;
    static const char yaml[] = "providers: {p: {url: \"https://h\", key: literal-key}}\n"
                               "clients: [{name: ci, key: another-literal}]\n";
    write_file("weir.yaml", yaml, 0644);
    config *c = load("weir.yaml");
    assert_int_equal(warnings_about_writing(c), 2);
    config_unref(c);
    write_file("weir.yaml", yaml, 0640); /* the group is who the owner says */
    c = load("weir.yaml");
    assert_int_equal(warnings_about_writing(c), 0);
    config_unref(c);
}

static void check_refused(const char *name, const char *expected) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_null(config_load(path, &problems));
    buf text = BUF_EMPTY;
    config_problems_print(&problems, &text);
    char full[512];
    snprintf(full, sizeof full, "%s%s", path, expected);
    assert_string_equal(buf_cstr(&text), full);
    buf_done(&text);
    config_problems_done(&problems);
}

static void says_why_a_file_cannot_be_read(void **state) {
    (void)state;
    check_refused("none.yaml", ": cannot read the file: No such file or directory\n");
    check_refused(".", ": cannot read the file: Is a directory\n");
    /* A key from a pipe would keep weir waiting. */
    char path[256];
    snprintf(path, sizeof path, "%s/pipe", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "providers: {p: {url: \"https://h\", key: {file: %s/pipe}}}\n",
             root);
    write_file("piped.yaml", path, 0600);
    check_refused("piped.yaml", ":1:47: providers.p.key.file: cannot read the file it names: it is "
                                "not a regular file\n");
    buf big = BUF_EMPTY;
    for (int i = 0; i < 20000; i++)
        buf_add_char(&big, 'k');
    write_file("big.key", buf_cstr(&big), 0600);
    write_file("big.yaml", "providers: {p: {url: \"https://h\", key: {file: big.key}}}\n", 0600);
    check_refused("big.yaml",
                  ":1:40: providers.p.key: cannot read the file: it has more than 16384 bytes\n");
    buf_done(&big);
}

static void reads_from_a_pipe_when_asked(void **state) {
    (void)state;
    int fds[2];
    char path[64];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "retry: {retries: 9}\n", 20), 20);
    close(fds[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
    config *c = config_load(path, &problems);
    assert_non_null(c);
    assert_int_equal(c->retry.retries, 9);
    config_unref(c);
    close(fds[0]);
}

static void works_without_a_file(void **state) {
    (void)state;
    config *c = config_default(NULL, &problems);
    assert_int_equal(c->provider_count, 0);
    assert_int_equal(c->model_count, 0);
    assert_int_equal(c->warning_count, 1);
    config_unref(c);

    c = config_default("http://127.0.0.1:4242/v1", &problems);
    assert_int_equal(c->provider_count, 1);
    assert_span(c->providers[0].name, "simulator");
    assert_span(c->providers[0].kind, "simulator");
    assert_int_equal(c->providers[0].url.port, 4242);
    assert_int_equal(c->providers[0].key_count, 0);
    assert_ptr_equal(config_find_model(c, SPAN_OF("x"))->targets[0].provider, &c->providers[0]);
    assert_int_equal(c->warning_count, 0);
    config_unref(c);

    setenv("OPENAI_API_KEY", "sk-test", 1);
    c = config_default("http://127.0.0.1:4242/v1", &problems);
    assert_int_equal(c->provider_count, 1);
    assert_span(c->providers[0].name, "openai");
    assert_span(c->providers[0].url.text, "https://api.openai.com/v1");
    assert_int_equal(c->providers[0].auth, AUTH_BEARER);
    assert_span(secret_reveal(c->providers[0].keys[0]), "sk-test");
    config_unref(c);

    setenv("OPENAI_API_KEY", "sk test", 1);
    assert_null(config_default(NULL, &problems));
    assert_int_equal(problems.count, 1);
    config_problems_done(&problems);
    unsetenv("OPENAI_API_KEY");
}

/* Anyone may call it, so no key of the environment's is in it. */
static void a_trial_serves_the_simulator_alone(void **state) {
    (void)state;
    setenv("OPENAI_API_KEY", "sk-test", 1);
    config *c =
        config_trial("http://127.0.0.1:4242/v1", SPAN_OF("0.0.0.0:8080"), "--try", &problems);
    assert_int_equal(c->provider_count, 1);
    assert_span(c->providers[0].kind, "simulator");
    assert_int_equal(c->providers[0].key_count, 0);
    assert_ptr_equal(config_find_model(c, SPAN_OF("x"))->targets[0].provider, &c->providers[0]);
    assert_true(c->server.open);
    assert_int_equal(c->listener_count, 1);
    assert_int_equal(c->warning_count, 0);
    config_unref(c);
    unsetenv("OPENAI_API_KEY");

    assert_null(config_trial("http://127.0.0.1:4242/v1", SPAN_OF("8080"), "--try", &problems));
    assert_int_equal(problems.count, 1);
    config_problems_done(&problems);
}

/* OpenAI's key goes to OpenAI alone. */
static void gives_the_environments_key_to_openai_alone(void **state) {
    (void)state;
    setenv("OPENAI_API_KEY", "sk-test", 1);
    config *c = config_parse(
        SPAN_OF(
            "providers: {openai: {}, other: {kind: openai}, local: {url: \"http://127.0.0.1:1\"}, "
            "quiet: {kind: openai, auth: none}, none: {kind: openai, key: []}}\n"),
        "weir.yaml", &problems);
    assert_non_null(c);
    assert_int_equal(c->providers[0].key_count, 1);
    assert_int_equal(c->providers[1].key_count, 1); /* kind openai at OpenAI's own URL */
    assert_int_equal(c->providers[2].key_count, 0);
    assert_int_equal(c->providers[3].key_count, 0);
    assert_int_equal(c->providers[4].key_count, 0);
    config_unref(c);
    unsetenv("OPENAI_API_KEY");
}

static void is_shared_by_count(void **state) {
    (void)state;
    config *c =
        config_parse(SPAN_OF("providers: {p: {url: \"https://h\", key: k}}"), "f", &problems);
    assert_ptr_equal(config_ref(c), c);
    config_unref(c);
    assert_span(secret_reveal(c->providers[0].keys[0]), "k");
    config_unref(c);
    config_unref(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(looks_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(follows_references, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_the_files_of_a_bad_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(warns_of_keys_that_others_may_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_why_a_file_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_from_a_pipe_when_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(works_without_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trial_serves_the_simulator_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_the_environments_key_to_openai_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(is_shared_by_count, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
