/* Whatever is wrong with a configuration, what is said about it holds no secret.
 *
 * A file that has everything is broken in every way that a hand, an editor or a template breaks
 * one: each line for itself and against each other line. Every place that may hold a secret holds
 * the same one, and so do the variables, files and commands that the file names; neither it nor a
 * piece of it may be said. */
#include "world.h"

#include <ctype.h>

/* $S is the marker, as it would stand in quotes. */
static const char whole[] =
    "listen:\n"
    "  - 127.0.0.1:8080\n"
    "  - {address: \"[::1]:8443\", tls: {cert: tls/cert.pem, key: tls/key.pem}}\n"
    "providers:\n"
    "  openai:\n"
    "    url: https://api.openai.com/v1\n"
    "    key: \"$S\"\n"
    "  azure:\n"
    "    kind: openai\n"
    "    auth: api-key\n"
    "    key:\n"
    "      - \"$S\"\n"
    "      - file: keys/good\n"
    "      - {command: [vault, \"$S\"], refresh: 10m}\n"
    "      - '${SECRET}'\n"
    "    headers:\n"
    "      X-Team: '$S'\n"
    "      X-Token: \"${SECRET}\"\n"
    "    url: \"https://h.example/v1\"\n"
    "    proxy: \"http://p.example:3128\"\n"
    "    timeouts: {connect: 3s, total_: 1s}\n"
    "  flow: {url: \"http://h.example\", key: \"$S\", headers: {x-a: \"$S\", x-b: b}}\n"
    "models:\n"
    "  fast: {pick: weighted, targets: [{to: openai/gpt-4o-mini, weight: 9}, {to: flow, weight: "
    "1}]}\n"
    "  \"*\":\n"
    "    - openai\n"
    "    - azure/model\n"
    "passthrough:\n"
    "  - /v1/audio/speech\n"
    "clients:\n"
    "  - name: ci\n"
    "    key: \"$S\"\n"
    "    environment: dev\n"
    "  - {name: app, key: \"$S$S\"}\n"
    "  - {name: made, key: {command: [vault, \"$S\", made]}}\n"
    "  - name: hashed\n"
    "    key: {sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}\n"
    "chat:\n"
    "  model: gpt-4o-mini\n"
    "  system: |\n"
    "    Be kind.\n"
    "    Be brief.\n"
    "  say: {failed: \"Sorry: {error}\"}\n"
    "  temperature: 0.7\n"
    "retry: {retries: 2, base: 1s}\n"
    "breaker: off\n"
    "hedge:\n"
    "  after: p95\n"
    "timeouts:\n"
    "  total: 10m\n"
    "cors: {origins: [\"https://app.example.com\"]}\n"
    "logs:\n"
    "  level: info\n";

static const char *marker;
static world world_;
static char contents[4][128];
static world_pair env[5], files[7];

/* The marker as the value of everything that may be read. */
static void hide(const char *text) {
    marker = text;
    (void)snprintf(contents[0], sizeof contents[0], "%s\n", text);
    (void)snprintf(contents[1], sizeof contents[1], "vault %s", text);
    (void)snprintf(contents[2], sizeof contents[2], "vault %s made", text);
    (void)snprintf(contents[3], sizeof contents[3], "%s-made\n", text);
    const world_pair variables[] = {
        {"SECRET", text}, {"OPENAI_API_KEY", text}, {"A", text}, {NULL, NULL}};
    const world_pair readable[] = {{"keys/good", contents[0]}, {contents[1], contents[0]},
                                   {contents[2], contents[3]}, {"tls/cert.pem", text},
                                   {"tls/key.pem", text},      {NULL, NULL}};
    memcpy(env, variables, sizeof variables);
    memcpy(files, readable, sizeof readable);
    world_init(&world_, env, files);
    world_.exposed = true;
}

/* ---- the oracle ---- */

static size_t loads;

/* Not even a piece of it, which a clipped value would show. */
static void assert_silent(const buf *said, const char *about) {
    enum { PIECE = 5 };
    size_t len = strlen(marker);
    for (size_t i = 0; i + PIECE <= len; i++) {
        span piece = span_from(marker + i, PIECE);
        if (span_find_span(buf_span(said), 0, piece) < said->len)
            fail_msg("'%.*s' of the marker is said: %.*s\nabout:\n%s", SPAN_ARG(piece),
                     SPAN_ARG(buf_span(said)), about);
    }
}

static bool loads_silently(const char *yaml, const config_setting *setting) {
    config_input in = {.yaml = span_cstr(yaml),
                       .file = SPAN_OF("weir.yaml"),
                       .exposed = true,
                       .settings = setting,
                       .setting_count = setting != NULL,
                       .sources = &world_.sources};
    config *c = config_build(&in, &world_problems);
    bool good = c != NULL;
    buf said = world_text(c);
    assert_silent(&said, setting ? setting->path : yaml);
    buf_done(&said);
    world_done(c);
    loads++;
    return good;
}

/* ---- lines ---- */

enum { LINES_MAX = 80 };
static char *lines[LINES_MAX];
static size_t line_count;

static void cut_lines(void) {
    buf text = BUF_EMPTY;
    for (const char *p = whole; *p; p++) {
        if (p[0] == '$' && p[1] == 'S')
            buf_add_cstr(&text, marker);
        else if (!(p > whole && p[-1] == '$' && p[0] == 'S'))
            buf_add_char(&text, *p);
    }
    span rest = buf_span(&text), line;
    for (line_count = 0; span_cut(&rest, '\n', &line) && line.len; line_count++) {
        assert_true(line_count < LINES_MAX);
        lines[line_count] = strndup(line.ptr, line.len);
    }
    buf_done(&text);
}

static void free_lines(void) {
    for (size_t i = 0; i < line_count; i++)
        free(lines[i]);
}

/* The file with other lines in the places of two of its own; NULL: without it. */
static bool try_lines(size_t i, const char *at_i, size_t j, const char *at_j) {
    buf yaml = BUF_EMPTY;
    for (size_t k = 0; k < line_count; k++) {
        const char *line = k == i ? at_i : k == j ? at_j : lines[k];
        if (line) buf_addf(&yaml, "%s\n", line);
    }
    bool good = loads_silently(buf_cstr(&yaml), NULL);
    buf_done(&yaml);
    return good;
}

static void try_line(size_t i, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void try_line(size_t i, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)try_lines(i, text, i, text);
}

/* "  - name: value" as "  - ", "name", "value"; without a colon all of it is the value. */
typedef struct parts {
    char head[64], name[64], value[256];
} parts;

static parts parts_of(const char *line) {
    parts p = {0};
    size_t head = strspn(line, " -"), colon = strcspn(line + head, ":");
    bool named = line[head + colon] && (line[head + colon + 1] == ' ' || !line[head + colon + 1]);
    size_t name = named && !strchr("{[", line[head]) ? colon : 0;
    (void)snprintf(p.head, sizeof p.head, "%.*s", (int)head, line);
    (void)snprintf(p.name, sizeof p.name, "%.*s", (int)name, line + head);
    const char *value = line + head + name + (name ? 1 : 0);
    (void)snprintf(p.value, sizeof p.value, "%s", value + strspn(value, " "));
    return p;
}

static void without(const char *line, const char *chars, size_t most, char *ret) {
    for (; *line; line++) {
        if (most && strchr(chars, *line))
            most--;
        else
            *ret++ = *line;
    }
    *ret = '\0';
}

static void break_signs(size_t i) {
    char text[512];
    static const char *const signs[] = {"\"'", ":", "{}", "[]", ",", "-", " "};
    for (size_t s = 0; s < ARRAY_LEN(signs); s++)
        for (size_t most = 1; most <= 100; most += 99) {
            without(lines[i], signs[s], most, text);
            try_line(i, "%s", text);
        }
    static const char *const more[] = {"\"", "'",  ":",  ": x", "}",  "{",    "]",    "[",
                                       ",",  " #", "\\", "\t",  "\r", "\x01", "\xff", "${",
                                       "`",  "%",  "@",  "|",   "&a", "*a"};
    for (size_t m = 0; m < ARRAY_LEN(more); m++) {
        try_line(i, "%s%s", lines[i], more[m]);
        try_line(i, "%s%s", more[m], lines[i]);
    }
}

static void break_indentation(size_t i) {
    size_t n = strspn(lines[i], " ");
    for (size_t indent = 0; indent <= n + 4; indent++)
        try_line(i, "%*s%s", (int)indent, "", lines[i] + n);
    try_line(i, "\t%s", lines[i] + n);
    try_line(i, "%*s\t%s", (int)n, "", lines[i] + n);
    try_line(i, "%*s- %s", (int)n, "", lines[i] + n);
    /* With all that is below it, as a block that was pasted. */
    for (int by = -4; by <= 4; by++) {
        buf yaml = BUF_EMPTY;
        for (size_t k = 0; k < line_count; k++) {
            int has = (int)strspn(lines[k], " "), want = k >= i ? has + by : has;
            buf_addf(&yaml, "%*s%s\n", want > 0 ? want : 0, "", lines[k] + has);
        }
        (void)loads_silently(buf_cstr(&yaml), NULL);
        buf_done(&yaml);
    }
}

static void break_values(size_t i) {
    parts p = parts_of(lines[i]);
    const char *colon = *p.name ? ": " : "";
    static const char *const forms[] = {
        "!tag %s",
        "!!str %s",
        "!%s",
        "&a %s",
        "&%s",
        "*%s",
        "| \n%s",
        "|\n      %s",
        ">-\n %s",
        "[%s]",
        "[[%s]]",
        "{%s}",
        "{a: %s}",
        "{%s: a}",
        "\"%s",
        "'%s",
        "%s: x",
        "x: %s",
        "${%s}",
        "${%s",
        "$%s",
        "${A:-%s}",
        "${A%s}",
        "a${%s}b",
        "\"${%s}",
        "{file: %s}",
        "{command: %s}",
        "{command: [%s]}",
        "{sha256: %s}",
        "https://u:%s@h.example",
        "https://h.example/?k=%s",
        "%s://h.example",
        "null",
        "? %s",
        "<<: %s",
        "---\n%s",
        "%s\n---\n%s",
        "# %s",
    };
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        char value[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(value, sizeof value, forms[f], p.value, p.value);
        try_line(i, "%s%s%s%s", p.head, p.name, colon, value);
        (void)snprintf(value, sizeof value, forms[f], marker, marker);
        try_line(i, "%s%s%s%s", p.head, p.name, colon, value);
#pragma GCC diagnostic pop
    }
    try_line(i, "%s%s", p.head, p.value);
    try_line(i, "%s%s: %s", p.head, p.value, p.name);
    try_line(i, "%s%s: %s", p.head, marker, p.value);
    for (size_t s = 0; s < 4; s++) { /* beside a name, as a part of it */
        try_line(i, "%s%s%c%s: %s", p.head, p.name, "._-:"[s], marker, p.value);
        try_line(i, "%s%s%c%s: %s", p.head, marker, "._-:"[s], p.name, p.value);
    }
    for (size_t n = 0; n < strlen(p.name); n++) {
        try_line(i, "%s%.*s%s: %s", p.head, (int)n, p.name, p.name + n + 1, p.value);
        try_line(i, "%s%.*sx%s: %s", p.head, (int)n, p.name, p.name + n, p.value);
    }
}

/* Lines that are gone, that stand twice, and that have gone together. */
static void break_order(size_t i) {
    (void)try_lines(i, NULL, i, NULL);
    try_line(i, "%s\n%s", lines[i], lines[i]);
    if (i + 1 < line_count) {
        char joined[512];
        for (int blank = 0; blank < 2; blank++) {
            (void)snprintf(joined, sizeof joined, "%s%s%s", lines[i], blank ? " " : "",
                           lines[i + 1]);
            (void)try_lines(i, joined, i + 1, NULL);
        }
    }
    /* A file that was cut. */
    buf yaml = BUF_EMPTY;
    for (size_t k = 0; k < i; k++)
        buf_addf(&yaml, "%s\n", lines[k]);
    for (size_t n = 0; n < strlen(lines[i]); n++) {
        buf cut = BUF_EMPTY;
        buf_addf(&cut, "%s%.*s", buf_cstr(&yaml), (int)n, lines[i]);
        (void)loads_silently(buf_cstr(&cut), NULL);
        buf_done(&cut);
    }
    buf_done(&yaml);
}

static void swap_with_others(size_t i) {
    parts p = parts_of(lines[i]);
    for (size_t j = 0; j < line_count; j++) {
        char at_i[512], at_j[512];
        if (j == i) continue;
        parts q = parts_of(lines[j]);
        (void)try_lines(i, lines[j], j, lines[i]);
        (void)snprintf(at_i, sizeof at_i, "%s%s%s%s", p.head, p.name, *p.name ? ": " : "", q.value);
        (void)snprintf(at_j, sizeof at_j, "%s%s%s%s", q.head, q.name, *q.name ? ": " : "", p.value);
        (void)try_lines(i, at_i, j, at_j);
        (void)try_lines(i, at_i, i, at_i);
        (void)snprintf(at_i, sizeof at_i, "%s%s: %s", p.head, q.name, p.value);
        (void)try_lines(i, at_i, i, at_i);
        (void)try_lines(i, lines[j], i, lines[j]); /* it stands twice, and one is gone */
    }
}

/* Short and long, of one word and of several kinds of signs, and one that would be a name. */
static const char *const secrets[] = {
    "sk-proj-Zq7xM2pW9vB4nT6kR1yJ8hL3",
    "hunter2",
    "Pa55w0rd",
    "Qq3~Xk9/Qz+Vw==",
    "xk9qz3vw7_jm2tb5n8",
};

static void nothing_is_said_of(const char *text) {
    hide(text);
    cut_lines();
    /* It is right but for the one option that does not exist. */
    assert_false(try_lines(SIZE_MAX, NULL, SIZE_MAX, NULL));
    for (size_t i = 0; i < line_count; i++)
        if (strstr(lines[i], "total_"))
            assert_true(
                try_lines(i, "    timeouts: {connect: 3s}", i, "    timeouts: {connect: 3s}"));
    for (size_t i = 0; i < line_count; i++) {
        break_values(i);
        if (text != secrets[0]) continue; /* where it stands matters, not what it is */
        break_signs(i);
        break_indentation(i);
        break_order(i);
        swap_with_others(i);
    }
    free_lines();
}

static void whatever_is_wrong_with_a_file(void **state) {
    (void)state;
    loads = 0;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        nothing_is_said_of(secrets[i]);
    assert_true(loads > 30000);
}

/* Settings: the marker as the value of every option, as a part of it, and in place of the path. */
static void try_settings(const char *path) {
    static const char *const forms[] = {"%s",       "\"%s\"", "[%s]",  "{%s: %s}",   "{a: %s}",
                                        "'%s",      "[%s",    "!%s x", "*%s",        "${%s}",
                                        "${A:-%s}", "${%s",   "5s%s",  "%s: [\n  %s"};
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        char value[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(value, sizeof value, forms[f], marker, marker);
#pragma GCC diagnostic pop
        (void)loads_silently("", &(config_setting){path, value});
        (void)loads_silently("", &(config_setting){value, path});
        (void)loads_silently("", &(config_setting){value, value});
    }
}

static void whatever_is_wrong_with_a_setting(void **state) {
    (void)state;
    for (size_t s = 0; s < 2; s++) {
        hide(secrets[s]);
        for (size_t scope = 0; option_scopes[scope]; scope++)
            for (size_t i = 0; i < option_scopes[scope]->count; i++) {
                char path[256];
                const char *at = option_scopes[scope]->options[i].path;
                try_settings(at);
                (void)snprintf(path, sizeof path, "providers.p.%s", at);
                try_settings(path);
                (void)snprintf(path, sizeof path, "models.m.%s", at);
                try_settings(path);
                (void)snprintf(path, sizeof path, "providers.%s.%s", marker, at);
                try_settings(path);
            }
        static const char *const others[] = {"",
                                             "providers",
                                             "providers.p.key.file",
                                             "providers.p.headers.x-a",
                                             "listen.address",
                                             "models.'a.b'"};
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            try_settings(others[i]);
    }
}

/* What is right is told by `weir check --explain`: secrets as (set), and the rest as it is. */
static void a_good_file_is_explained(void **state) {
    (void)state;
    for (size_t s = 0; s < ARRAY_LEN(secrets); s++) {
        hide(secrets[s]);
        cut_lines();
        buf yaml = BUF_EMPTY, text = BUF_EMPTY;
        for (size_t i = 0; i < line_count; i++)
            if (!strstr(lines[i], "total_")) buf_addf(&yaml, "%s\n", lines[i]);
        config *c = world_load(&world_, buf_cstr(&yaml));
        assert_non_null(c);
        config_explain(c, &text);
        assert_silent(&text, "explain");
        world_done(c);
        buf_done(&text);
        buf_done(&yaml);
        free_lines();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_wrong_with_a_file),
        cmocka_unit_test(whatever_is_wrong_with_a_setting),
        cmocka_unit_test(a_good_file_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
