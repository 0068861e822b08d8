#include "heap.h"

#include "http/plain_path.h"

static void check(span path, bool want) {
    /* To its exact size, so that a sanitizer sees any read beyond it. */
    char *copy = malloc(path.len ? path.len : 1);
    if (path.len) memcpy(copy, path.ptr, path.len);
    if (http_path_is_plain(span_from(copy, path.len)) != want)
        fail_msg("%.*s is %s", SPAN_ARG(path), want ? "not plain" : "plain");
    free(copy);
}

/* path with its bytes from `from` to `to` in escapes: to who undoes them the same. */
static void check_wrapped(span path, size_t from, size_t to, bool want) {
    buf wrapped = BUF_EMPTY;
    for (size_t i = 0; i < path.len; i++) {
        if (i < from || i >= to)
            buf_add_char(&wrapped, path.ptr[i]);
        else
            buf_addf(&wrapped, "%%%02x", (unsigned char)path.ptr[i]);
    }
    check(buf_span(&wrapped), want);
    buf_done(&wrapped);
}

/* No escape makes plain what is not. */
static void hold(const char *const *paths, size_t count, bool want) {
    for (size_t i = 0; i < count; i++) {
        span path = span_cstr(paths[i]);
        check(path, want);
        for (size_t from = 0; !want && from < path.len; from++)
            for (size_t to = from + 1; to <= path.len; to++)
                check_wrapped(path, from, to, want);
    }
}

static void what_paths_of_an_api_hold(void **state) {
    (void)state;
    static const char *const good[] = {
        "",
        "/",
        "/v1/a",
        "/v1/a/",
        "/v1//a",
        "/v1/a.b/..c/c../...",
        "/v1/.well-known",
        "/v1/%2efoo",
        "/v1/a%20b",
        "/v1/a%2Fb",
        "/v1/models/gpt-4o:free",
        "/v1/a;x=y/b;z",
        "/v1/;..",
        "/v1/a;../b",
        "/v1/..a;x",
        "/v1/100%25",
        "/v1/100%2525/b",
        "/v1/%3F/%23",
        "/v1/%",
        "/v1/a%2",
        "/v1/%zz",
        "/v1/%u",
        "/v1/%user",
        "/v1/file-abc+d%2Be",
        "/v1/Gr%C3%BC%C3%9Fe",
        "/v1/x%E2%80%A6",
        "/v1/ft:gpt-4o-mini:org::id",
        "/v1/projects/p/locations/l:predict",
    };
    hold(good, ARRAY_LEN(good), true);
}

static void dot_segments(void **state) {
    (void)state;
    static const char *const bad[] = {
        "..",          ".",          "/v1/..",         "/v1/./a",        "/v1/a/..",
        "/v1/a/../b",  "/v1/a/%2e",  "/v1/%2E./a",     "/v1/.%2e",       "/v1/a%2f..%2fb",
        "/v1/a%2F%2e", "/v1/..%2Fa", "/v1/a%2f%2E%2e", "/v1/%2e%2e%2fa",
    };
    hold(bad, ARRAY_LEN(bad), false);
}

/* A parameter, a query or a fragment behind them, or blanks around. */
static void dots_with_something_behind(void **state) {
    (void)state;
    static const char *const bad[] = {
        "/v1/..;/a",     "/v1/..;x=y/a",  "/v1/.;/a",       "/v1/a/..;",        "/v1/..;;/a",
        "/v1/..;../a",   "/v1/..%3B/a",   "/v1/..%3bx=y/a", "/v1/%2e%2e;/a",    "/v1/..;a%2fb/c",
        "/v1/..%3F/a",   "/v1/..%23/a",   "/v1/..%3fx%2fa", "/v1/..%20/a",      "/v1/%20../a",
        "/v1/..%20;x/a", "/v1/a%2f..;/b", "/v1/.%2e%3Bx/a", "/v1/..%253Bx=y/a",
    };
    hold(bad, ARRAY_LEN(bad), false);
}

static void escapes_of_escapes(void **state) {
    (void)state;
    static const char *const bad[] = {
        "/v1/%252e%252e/a",   "/v1/%25252e./a",       "/v1/..%252fa",
        "/v1/a%252F..%252Fb", "/v1/a%252F%252e%252e", "/v1/%2e%252e/a",
        "/v1/%25%32%65./a",   "/v1/%2%65./a",         "/v1/..%255ca",
        "/v1/%2525252e./a",   "/v1/%25252525252e./a", "/v1/%252525252525252525",
    };
    hold(bad, ARRAY_LEN(bad), false);
}

static void bytes_that_some_read_as_others(void **state) {
    (void)state;
    static const char *const bad[] = {
        "/v1/a\\b",         "/v1/a\\..\\b",     "/v1/a%5c..",       "/v1/a%255Cb",
        "/v1/..%00/a",      "/v1/a%00",         "/v1/a%0d%0ab",     "/v1/.%09./a",
        "/v1/a%7F",         "/v1/%2500",        "/v1/%c0%ae%c0%ae", "/v1/..%c0%afa",
        "/v1/%ff",          "/v1/%e0%80%ae./a", "/v1/%u002e./a",    "/v1/..%u2215a",
        "/v1/%U002E%U002e", "/v1/%25u002e./a",
    };
    hold(bad, ARRAY_LEN(bad), false);
}

/* A target may be long: what it takes to judge it stays in proportion. */
static void layers_are_bounded(void **state) {
    (void)state;
    buf path = BUF_EMPTY;
    buf_add_cstr(&path, "/v1/%");
    for (int i = 0; i < 100000; i++)
        buf_add_cstr(&path, "25");
    assert_false(http_path_is_plain(buf_span(&path)));
    buf_done(&path);
}

static void check_loose(const char *path, const char *want) {
    buf loose = BUF_EMPTY;
    http_path_loosely(span_cstr(path), &loose);
    if (!span_eq(buf_span(&loose), span_cstr(want)))
        fail_msg("%s is %.*s, not %s", path, SPAN_ARG(buf_span(&loose)), want);
    buf_done(&loose);
}

static void what_others_may_take_it_for(void **state) {
    (void)state;
    static const char *const same[] = {
        "/a/b",          "/A/b",       "//a/b/",    "/a;x=1/b;y/",   "/%61/b",
        "/a%2Fb",        "/a%252fb",   "/a/%62%20", "/a/b%3Fc/d",    "/a/b%23",
        "/a/%2562%252f", "/%41///%42", "/a/;/b",    "/a/%20b;%2fc?", "a/b"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        check_loose(same[i], i == 13 ? "/a/b/c" : "/a/b");
    check_loose("/a/bc", "/a/bc");
    check_loose("/a%zz/%", "/a%zz/%");
    check_loose("/Gr%C3%9C", "/gr\xC3\x9C");
    check_loose("/", "");
    check_loose("", "");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_paths_of_an_api_hold),      cmocka_unit_test(dot_segments),
        cmocka_unit_test(dots_with_something_behind),     cmocka_unit_test(escapes_of_escapes),
        cmocka_unit_test(bytes_that_some_read_as_others), cmocka_unit_test(layers_are_bounded),
        cmocka_unit_test(what_others_may_take_it_for),
    };
    return run_watched(tests);
}
