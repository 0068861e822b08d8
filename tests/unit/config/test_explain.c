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

/* A secret by ${…} in every option that takes a text. */
static const char entrusted[] =
    "listen: [\"unix:/run/${S}\", {address: \"unix:/run/t-${S}\", tls: {cert: "
    "\"${S}.pem\", key: \"${S}.pem\"}}]\n"
    "providers:\n"
    "  p:\n"
    "    kind: \"${KIND}\"\n"
    "    url: \"https://${S}.example/${S}\"\n"
    "    key: [{file: \"${S}.pem\"}, {command: [\"${S}\", a]}, \"${S}\"]\n"
    "    headers: {x-key: \"${S}\"}\n"
    "    api_version: \"${S}\"\n"
    "    ca_file: \"${S}.pem\"\n"
    "    proxy: \"http://${S}:1\"\n"
    "    health: {path: \"/${S}\"}\n"
    "models:\n"
    "  m: {pick: weighted, targets: [{to: \"p/${S}\", weight: 2}, \"p/x-${S}\"]}\n"
    "  n: \"p/y-${S}\"\n"
    "clients:\n"
    "  - name: \"${S}\"\n"
    "    key: [{sha256: \"${HASH}\"}, {file: \"${S}.pem\"}, {command: [\"${S}\", b]}]\n"
    "    environment: \"${S}\"\n"
    "    owner: \"${S}\"\n"
    "    models: [\"${S}\"]\n"
    "    endpoints: [\"${ENDPOINT}\"]\n"
    "    addresses: [\"${ADDRESS}\"]\n"
    "    tags: {a: \"${S}\"}\n"
    "    metadata: {a: \"${S}\"}\n"
    "passthrough: [\"/v1/${S}\"]\n"
    "auth:\n"
    "  jwt:\n"
    "    jwks: \"https://h/${S}\"\n"
    "    issuer: \"${S}\"\n"
    "    audience: [\"${S}\", b]\n"
    "    ca_file: \"${S}.pem\"\n"
    "    claims: {client: \"${S}\", user: \"${S}\", limits: \"${S}\", models: \"${S}\"}\n"
    "chat:\n"
    "  model: \"${MODEL}\"\n"
    "  system: \"Be ${S}, for $$5.\"\n"
    "  say: {rate_limited: \"${S}\", unreachable: \"${S}\", invalid: \"${S}\", failed: "
    "\"${S}\"}\n"
    "functions: {approval: {url: \"https://h/${S}\", secret: \"${LONG}\", ca_file: "
    "\"${S}.pem\"}}\n"
    "server: {environment: \"${S}\", trusted_proxies: \"${ADDRESS}\", hosts: [\"${S}\"]}\n"
    "cors: {origins: [\"https://${S}\"]}\n"
    "ledger: {store: \"sqlite:/${S}\", user_header: \"${S}\"}\n"
    "audit: {key: \"${LONG}\"}\n"
    "admin: {keys: [\"${LONG}\"]}\n"
    "shared: {url: \"rediss://${S}\", ca_file: \"${S}.pem\", password: \"${S}\"}\n"
    "cache:\n"
    "  models: [\"${S}\"]\n"
    "  headers: [\"${S}\"]\n"
    "  group: \"${S}\"\n"
    "  semantic: {model: \"${MODEL}\"}\n"
    "  store: {url: \"rediss://${S}\", ca_file: \"${S}.pem\"}\n"
    "telemetry:\n"
    "  endpoint: \"https://${S}\"\n"
    "  headers: {x-key: \"${S}\"}\n"
    "  ca_file: \"${S}.pem\"\n"
    "  service: \"${S}\"\n"
    "  resource: {a: \"${S}\"}\n"
    "alerts: {webhooks: [{url: \"https://${S}/${S}\", secret: \"${LONG}\", ca_file: "
    "\"${S}.pem\"}, \"https://${S}\"]}\n"
    "guard:\n"
    "  files: [\"${S}.pem\"]\n"
    "  external: {tool: \"${TOOL}\"}\n"
    "  rules:\n"
    "    - {name: \"${S}\", pattern: \"${S}\", lead: \"${S}\", near: \"${S}\", stop: "
    "[\"${S}\"], label: \"${S}\", source: \"${S}\", kind: \"${S}\", check: \"${S}\"}\n"
    "    - {name: b, pattern: b, start: \"${S}\"}\n"
    "tools:\n"
    "  asked: {kind: http, description: \"${S}\", url: \"https://${S}/${S}?${S}\", "
    "headers: {x-key: \"${S}\"}, ca_file: \"${S}.pem\"}\n"
    "  made: {kind: command, description: made, clients: [\"${S}\"], command: [curl, -H, "
    "\"Authorization: Bearer ${S}\"], env: {A: \"${S}\"}, folder: \"/${S}\"}\n";

static void tells_nothing_of_what_a_reference_stands_for(void **state) {
    (void)state;
    static const world_pair secrets[] = {
        {"S", "hidden7f3"},
        {"LONG", "hidden7f3-hidden7f3-hidden7f3-hidden7f3-hidden7f3-hidden7f3-hidden7f3-hidden"},
        {"HASH", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
        {"ADDRESS", "192.0.2.99"},
        /* These are words that there have to be. */
        {"KIND", "simulator"},
        {"ENDPOINT", "/v1/embeddings"},
        {"MODEL", "m"},
        {"TOOL", "asked"},
        {NULL, NULL}};
    static const world_pair their_files[] = {{"hidden7f3.pem", "hidden7f3-of-a-file"},
                                             {"hidden7f3 a", "hidden7f3-of-a-command"},
                                             {"hidden7f3 b", "hidden7f3-of-another"},
                                             {NULL, NULL}};
    world w;
    world_init(&w, secrets, their_files);
    config *c = world_load(&w, entrusted);
    buf text = world_text(c);
    if (!c) fail_msg("%s", text.ptr);
    bool all = true;
    for (size_t i = 0; option_scopes[i]; i++)
        for (size_t k = 0; k < option_scopes[i]->count; k++) {
            const option *o = &option_scopes[i]->options[k];
            if (o->type->tells != TELLS_TEXT && o->type->tells != TELLS_PLACE) continue;
            const config_written *written = c->own->written;
            while (written && written->option != o)
                written = written->next;
            if (written || option_scopes[i] == &scope_rights) continue;
            print_error("no secret is put into %s of %s\n", o->path, option_scopes[i]->name);
            all = false;
        }
    assert_true(all);
    buf_clear(&text);
    config_explain(c, &text);
    if (strstr(buf_cstr(&text), "hidden") || strstr(text.ptr, "192.0.2")) fail_msg("%s", text.ptr);
    assert_non_null(strstr(text.ptr, "command: [curl, -H, \"Authorization: Bearer ${S}\"]"));
    assert_non_null(strstr(text.ptr, "\n  system: \"Be ${S}, for $$5.\" "));
    assert_non_null(strstr(text.ptr, "- {to: \"p/${S}\", weight: 2}"));
    buf_done(&text);
    world_done(c);
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
        cmocka_unit_test(tells_nothing_of_what_a_reference_stands_for),
        cmocka_unit_test(says_where_from),
        cmocka_unit_test(says_whose_a_deadline_is),
        cmocka_unit_test(says_how_large_a_request_may_be),
        cmocka_unit_test(names_what_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
