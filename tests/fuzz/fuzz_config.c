/* The whole way of a configuration: config_build (YAML, settings, options, ${…}, rules) and
 * config_explain. Behind a NUL the input is a setting: its path, a NUL, its value.
 *
 * The world has no files and runs no commands; a few variables are set.
 *
 * Holds: a refused file has a problem, whose place lies in the file and whose text is one line of
 * UTF-8 that tells no variable's value; an accepted one has none, routes only to its own providers,
 * and is explained by a text that is accepted in turn and explains itself the same way.
 */
#include "fuzz.h"

#include "config/reader.h"

/* libfyaml before 0.9 loses some bytes over a dozen escaped quotes in a row
 * (pantoniou/libfyaml#233). weir's own leaks are still found. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfyaml.so";
}

static const char hidden[] = "Zq7xM2pW9vB4";

static const char *fuzz_env(const config_sources *s, const char *name) {
    (void)s;
    if (strcmp(name, "A") == 0) return "a-value";
    if (strcmp(name, "N") == 0) return "7";
    if (strcmp(name, "S") == 0) return hidden;
    return strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static config *build(span yaml, const config_setting *setting, config_problems *ret_problems) {
    config_sources world = config_sources_none;
    world.env = fuzz_env;
    config_input in = {.yaml = yaml,
                       .file = SPAN_OF("f"),
                       .exposed = true,
                       .settings = setting,
                       .setting_count = setting ? 1 : 0,
                       .sources = &world};
    return config_build(&in, ret_problems);
}

static void check_problem(const config_problem *p, size_t size) {
    HOLDS(p->text.len > 0 && span_is_utf8(p->text));
    HOLDS(span_find(p->text, 0, '\n') == p->text.len);
    HOLDS(span_find_span(p->text, 0, span_cstr(hidden)) == p->text.len);
    HOLDS(span_find_span(p->excerpt, 0, span_cstr(hidden)) == p->excerpt.len);
    HOLDS(p->line <= size + 2 && p->column <= size + 2);
    HOLDS(span_is_utf8(p->excerpt));
    HOLDS(span_is_utf8(p->file) && span_find(p->file, 0, '\n') == p->file.len);
    HOLDS(!p->setting || p->excerpt.len == 0);
}

static void check_models(const config *c) {
    for (size_t i = 0; i < c->model_count; i++) {
        HOLDS(c->models[i].target_count > 0);
        for (size_t t = 0; t < c->models[i].target_count; t++) {
            const config_target *target = &c->models[i].targets[t];
            HOLDS(target->provider >= c->providers &&
                  target->provider < c->providers + c->provider_count);
            HOLDS(target->weight > 0 && target->name.len > 0);
        }
    }
}

static void check_closed(const config *c) {
    for (size_t i = 0; i < c->listener_count; i++)
        HOLDS(c->listeners[i].loopback || c->client_count || c->server.open);
    HOLDS(!c->cors.credentials || c->cors.origin_count != 1 ||
          !span_eq(c->cors.origins[0], SPAN_OF("*")));
}

static void check_explained(const config *c) {
    buf first = BUF_EMPTY, second = BUF_EMPTY;
    config_problems problems;
    config_explain(c, &first);
    config *again = build(buf_span(&first), NULL, &problems);
    if (!again) {
        buf text = BUF_EMPTY;
        config_problems_print(&problems, &text);
        fprintf(stderr, "%.*s\n%.*s", SPAN_ARG(buf_span(&first)), SPAN_ARG(buf_span(&text)));
        buf_done(&text);
    }
    HOLDS(again);
    HOLDS(!config_needs_restart(c, again, &second));
    HOLDS(again->provider_count == c->provider_count && again->model_count == c->model_count);
    HOLDS(again->client_count == c->client_count);
    config_unref(again);
    config_problems_done(&problems);
    buf_done(&first);
    buf_done(&second);
}

/* The bytes before the next NUL or the end, as a string that ends there. */
static char *cut_string(span *rest) {
    size_t end = span_find(*rest, 0, '\0');
    char *string = strndup(rest->ptr, end);
    *rest = span_slice(*rest, end + 1, rest->len);
    return string;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    config_problems problems;
    span rest = span_from((const char *)data, size);
    size_t end = span_find(rest, 0, '\0');
    span yaml = fuzz_piece(rest, 0, end);
    rest = span_slice(rest, end + 1, size);
    char *path = cut_string(&rest), *value = cut_string(&rest);
    config_setting setting = {.path = path, .value = value};
    config *c = build(yaml, end < size ? &setting : NULL, &problems);
    HOLDS(!c == (problems.count > 0));
    for (size_t i = 0; i < problems.count; i++)
        check_problem(&problems.items[i], size);
    buf text = BUF_EMPTY;
    config_problems_print(&problems, &text);
    buf_done(&text);
    if (c) {
        for (size_t i = 0; i < c->warning_count; i++)
            check_problem(&c->warnings[i], size);
        check_models(c);
        check_closed(c);
        check_explained(c);
    }
    config_unref(c);
    config_problems_done(&problems);
    free((void *)yaml.ptr);
    free(path);
    free(value);
    return 0;
}
