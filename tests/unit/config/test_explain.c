/* weir check --explain. */
#include "world.h"

static const world_pair env[] = {{"KEY", "sk-from-the-environment"}, {NULL, NULL}};
static const world_pair files[] = {{"c.pem", "x"}, {"k.pem", "x"}, {NULL, NULL}};

static const char full[] =
    "listen: [127.0.0.1:1, {address: \"127.0.0.1:2\", tls: {cert: c.pem, key: k.pem}}, "
    "unix:/run/x]\n"
    "providers:\n"
    "  a: {url: \"https://h/v1\", key: [\"${KEY}\", other-key], headers: {X-Token: \"${KEY}\"}, "
    "proxy: \"http://p:3128\"}\n"
    "  b: {kind: simulator, auth: none, timeouts: {first_token: 30s}}\n"
    "models:\n"
    "  g: {targets: a, guard: {out: off, restore: false}, output: {characters: 5}}\n"
    "  m: {pick: weighted, timeouts: {between_events: 90s, total: 1h}, targets: [{to: a/x, weight: "
    "9}, {to: b}]}\n"
    "  \"gpt-*\": [a, b/y]\n"
    "clients: [{name: \"the # one: \\\"quoted\\\" $$\", key: [a-client-key, its-next-key], "
    "environment: dev}, {name: b, key: another-key, guard: {in: flag, restore: true}, output: "
    "{tokens: 7}}]\n"
    "chat: {system: \"Line one\\nline two: $${x} 100%\"}\n"
    "breaker: off\nhedge: {after: 250ms}\n"
    "cors: {origins: [\"https://a.example\", \"http://b.example:8080\"]}\n"
    "passthrough: [/v1/audio/*]\n"
    "limits: {depth: 64}\n"
    "guard: {in: block, restore: true, stream_end: error, actions: {email: off, \"a b\": flag}, "
    "rules: [{name: t, pattern: \"T-[0-9]{6}$$\", lead: [T-, U-], near: \"a, b\", entropy: 2.5, "
    "where: in, show: 0, action: redact}, {name: u, pattern: \"x: #\"}]}\n"
    "output: {tokens: 100}\n";

static buf explain(const char *yaml) {
    world w;
    world_init(&w, env, files);
    config *c = world_load(&w, yaml);
    if (!c) {
        buf text = world_text(NULL);
        fail_msg("%s\n%s", yaml, text.ptr);
    }
    buf out = BUF_EMPTY;
    config_explain(c, &out);
    (void)buf_cstr(&out);
    world_done(c);
    return out;
}

/* The text without the remarks of where a value came from. */
static void drop_origins(buf *text) {
    buf plain = BUF_EMPTY;
    span rest = buf_span(text), line;
    while (span_cut(&rest, '\n', &line)) {
        size_t at = span_find_span(line, 0, SPAN_OF(" # weir.yaml:"));
        if (at == line.len) at = span_find_span(line, 0, SPAN_OF(" # default"));
        line = span_trim(span_slice(line, 0, at));
        buf_add(&plain, line);
        buf_add_char(&plain, '\n');
    }
    buf_done(text);
    *text = plain;
    (void)buf_cstr(text);
}

static void reads_back_as_itself(void **state) {
    (void)state;
    buf first = explain(full);
    buf second = explain(first.ptr);
    drop_origins(&first);
    drop_origins(&second);
    assert_string_equal(first.ptr, second.ptr);
    buf_done(&first);
    buf_done(&second);
    first = explain("");
    second = explain(first.ptr);
    drop_origins(&first);
    drop_origins(&second);
    assert_string_equal(first.ptr, second.ptr);
    buf_done(&first);
    buf_done(&second);
}

static void shows_no_secret(void **state) {
    (void)state;
    buf text = explain(full);
    assert_null(strstr(text.ptr, "sk-from"));
    assert_null(strstr(text.ptr, "other-key"));
    assert_null(strstr(text.ptr, "a-client-key"));
    assert_non_null(strstr(text.ptr, "key: [(set), (set)]"));
    assert_non_null(strstr(text.ptr, "headers: {X-Token: (set)}"));
    buf_done(&text);
}

static void says_where_from(void **state) {
    (void)state;
    buf text = explain("retry:\n  base: 2s\nproviders:\n  p:\n    url: http://127.0.0.1:1\n");
    assert_non_null(
        strstr(text.ptr, "\n  base: 2s                                      # weir.yaml:2\n"));
    assert_non_null(
        strstr(text.ptr, "\n  retries: 3                                    # default\n"));
    assert_non_null(
        strstr(text.ptr, "\n    url: http://127.0.0.1:1                     # weir.yaml:5\n"));
    buf_done(&text);
}

/* What is another scope's is not written. */
static void says_whose_a_deadline_is(void **state) {
    (void)state;
    buf text = explain(full);
    assert_non_null(strstr(text.ptr, "\n    timeouts:\n      first_token: 30s    "));
    assert_non_null(strstr(text.ptr, "\n    timeouts:\n      between_events: 90s "));
    assert_non_null(strstr(text.ptr, "\n      total: 60m "));
    unsigned headings = 0, tokens = 0;
    for (const char *at = text.ptr; (at = strstr(at, "timeouts:")) != NULL; at++)
        headings++;
    for (const char *at = text.ptr; (at = strstr(at, "first_token:")) != NULL; at++)
        tokens++;
    assert_int_equal(headings, 3); /* the file's, and two */
    assert_int_equal(tokens, 2);
    buf_done(&text);
}

/* What nobody bounds is not written; the rest is, in each of the three places. */
static void says_how_large_a_request_may_be(void **state) {
    (void)state;
    static const char yaml[] =
        "providers: {p: {url: \"http://127.0.0.1:1\"}}\n"
        "models:\n"
        "  a: {targets: p, limits: {request: {images: 2, max_tokens: {at_most: 9}}}}\n"
        "  b: p\n"
        "clients:\n"
        "  - {name: c, key: a-client-key-of-16, limits: {parallel: 3, request: {body: 1MB, n: 1, "
        "max_tokens: {at_most: 7, over: cap}}}}\n"
        "  - {name: d, key: another-key-of-16, limits: {request: {tools: 4}}}\n"
        "limits: {request: {depth: 8, max_tokens: {at_most: 5, over: cap}}}\n";
    buf text = explain(yaml);
    assert_non_null(strstr(text.ptr, "limits: {parallel: 3, request: {body: 1MB, n: 1, "
                                     "max_tokens: {at_most: 7, over: cap}}}"));
    assert_non_null(strstr(text.ptr, "limits: {request: {tools: 4}}"));
    assert_non_null(strstr(text.ptr, "\n    limits:\n      request:\n        images: 2 "));
    assert_non_null(strstr(text.ptr, "\n        max_tokens:\n          at_most: 9 "));
    assert_non_null(strstr(text.ptr, "\n    depth: 8 "));
    assert_non_null(strstr(text.ptr, "\n      at_most: 5 "));
    assert_non_null(strstr(text.ptr, "\n      over: cap "));
    unsigned headings = 0;
    for (const char *at = text.ptr; (at = strstr(at, " request:")) != NULL; at++)
        headings++;
    assert_int_equal(headings, 4);
    buf second = explain(text.ptr);
    drop_origins(&text);
    drop_origins(&second);
    assert_string_equal(text.ptr, second.ptr);
    buf_done(&text);
    buf_done(&second);
}

static bool restart(const char *from, const char *to, const char *expected) {
    world w;
    world_init(&w, env, files);
    buf names = BUF_EMPTY;
    config *old = world_load(&w, from), *fresh = world_load(&w, to);
    bool needed = config_needs_restart(old, fresh, &names);
    assert_span(buf_span(&names), expected);
    buf_done(&names);
    config_unref(old);
    config_unref(fresh);
    return needed;
}

static void names_what_needs_a_restart(void **state) {
    (void)state;
    assert_false(restart("", "", ""));
    assert_false(restart("retry: {retries: 1}", "retry: {retries: 2}\nlisten: 127.0.0.1:8080", ""));
    assert_false(restart("", "listen: 127.0.0.1:1\nserver: {max_connections: 5}", ""));
    assert_true(restart("", "server: {workers: 5, drain: 1s}", "server.workers"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_as_itself),
        cmocka_unit_test(shows_no_secret),
        cmocka_unit_test(says_where_from),
        cmocka_unit_test(says_whose_a_deadline_is),
        cmocka_unit_test(says_how_large_a_request_may_be),
        cmocka_unit_test(names_what_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
