/* Each tests/golden/config/NAME.yaml is loaded in one small world; what is said about it is
 * NAME.txt, compared whole. WEIR_GOLDEN=write makes the texts anew, to be read before they are
 * committed. */
#include "world.h"

#include <dirent.h>

static const world_pair env[] = {
    {"OPENAI_API_KEY", "sk-from-the-environment"},
    {"EMPTY", ""},
    {"PORT", "9000"},
    {"SOON", "soon"},
    {"SPACED", "two words"},
    {NULL, NULL},
};

static const world_pair files[] = {
    {"keys/good", "sk-from-the-file\n"},
    {"keys/empty", "\n"},
    {"keys/two", "12\n"},
    {"keys/two-lines", "one\ntwo\n"},
    {"tls/cert.pem", "x"},
    {"tls/key.pem", "x"},
    {"keys/set.json", "{\"keys\":[]}"},
    {"vault read key", "sk-from-a-command\n"},
    {"vault read nothing", ""},
    {NULL, NULL},
};

static char names[128][64];
static size_t name_count;

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static void list_cases(void) {
    char path[4096];
    DIR *dir = opendir(unit_source("tests/golden/config", path));
    if (!dir) fail_msg("cannot open %s", path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len < 6 || len > 60 || strcmp(e->d_name + len - 5, ".yaml") != 0) continue;
        assert_true(name_count < ARRAY_LEN(names));
        snprintf(names[name_count++], sizeof names[0], "%.*s", (int)len - 5, e->d_name);
    }
    closedir(dir);
    qsort(names, name_count, sizeof names[0], by_name);
}

static buf said_about(const char *name) {
    char path[4096], relative[128];
    snprintf(relative, sizeof relative, "tests/golden/config/%s.yaml", name);
    buf yaml = unit_read(unit_source(relative, path));
    world w;
    world_init(&w, env, files);
    w.exposed = true;
    config *c = world_load(&w, yaml.ptr);
    buf text = world_text(c);
    buf_add_cstr(&text, c ? "accepted\n" : "refused\n");
    (void)buf_cstr(&text);
    world_done(c);
    buf_done(&yaml);
    return text;
}

static void says_what_is_expected(void **state) {
    (void)state;
    const char *mode = getenv("WEIR_GOLDEN");
    list_cases();
    assert_true(name_count >= 10);
    for (size_t i = 0; i < name_count; i++) {
        char path[4096], relative[128];
        snprintf(relative, sizeof relative, "tests/golden/config/%s.txt", names[i]);
        (void)unit_source(relative, path);
        buf got = said_about(names[i]);
        if (mode && strcmp(mode, "write") == 0) {
            FILE *f = fopen(path, "wb");
            assert_non_null(f);
            fwrite(got.ptr, 1, got.len, f);
            fclose(f);
        }
        buf expected = unit_read(path);
        if (strcmp(expected.ptr, got.ptr) != 0) print_error("case %s\n", names[i]);
        assert_string_equal(got.ptr, expected.ptr);
        /* Whatever was wrong, no key is ever told. */
        assert_null(strstr(got.ptr, "sk-"));
        buf_done(&got);
        buf_done(&expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_is_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
