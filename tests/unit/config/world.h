/* A world for configuration tests: variables, files and commands that exist in the test alone. */
#ifndef WEIR_UNIT_CONFIG_WORLD_H
#define WEIR_UNIT_CONFIG_WORLD_H

#include "unit.h"

#include "config/reader.h"

typedef struct world_pair {
    const char *name;
    const char *value;
} world_pair;

typedef struct world {
    config_sources sources;
    const world_pair *env;   /* NULL name at the end */
    const world_pair *files; /* a command's output is the file named by its joined arguments */
    bool exposed;
} world;

static inline const char *world_find(const world_pair *pairs, const char *name) {
    for (; pairs && pairs->name; pairs++)
        if (strcmp(pairs->name, name) == 0) return pairs->value;
    return NULL;
}

static inline const char *world_env(const config_sources *s, const char *name) {
    return world_find(((const world *)s->user)->env, name);
}

static inline bool world_check(const config_sources *s, const char *path, arena *a, span *ret_why) {
    (void)a;
    *ret_why = SPAN_OF("No such file or directory");
    return world_find(((const world *)s->user)->files, path) != NULL;
}

static inline bool world_read(const config_sources *s, const char *path, size_t max, buf *ret,
                              arena *a, span *ret_why) {
    (void)max;
    if (!world_check(s, path, a, ret_why)) return false;
    buf_add_cstr(ret, world_find(((const world *)s->user)->files, path));
    return true;
}

static inline bool world_run(const config_sources *s, char *const argv[], int64_t timeout_ms,
                             size_t max, buf *ret, arena *a, span *ret_why) {
    (void)timeout_ms;
    char line[256] = "";
    for (size_t i = 0; argv[i]; i++) {
        if (i) strncat(line, " ", sizeof line - strlen(line) - 1);
        strncat(line, argv[i], sizeof line - strlen(line) - 1);
    }
    if (world_read(s, line, max, ret, a, ret_why)) return true;
    *ret_why = SPAN_OF("it ended with status 1");
    return false;
}

static inline void world_init(world *w, const world_pair *env, const world_pair *files) {
    *w = (world){.env = env, .files = files};
    w->sources = (config_sources){w, world_env, world_read, world_check, world_run};
}

/* Problems of the last world_load(); given back by world_done(). */
static config_problems world_problems;

static inline config *world_load(const world *w, const char *yaml) {
    config_input in = {.yaml = span_cstr(yaml),
                       .file = SPAN_OF("weir.yaml"),
                       .exposed = w->exposed,
                       .sources = &w->sources};
    return config_build(&in, &world_problems);
}

/* Problems, and warnings behind them, as text. */
static inline buf world_text(const config *c) {
    buf text = BUF_EMPTY;
    config_problems_print(&world_problems, &text);
    for (size_t i = 0; c && i < c->warning_count; i++) {
        config_warning_print(&c->warnings[i], &text);
    }
    (void)buf_cstr(&text);
    return text;
}

static inline void world_done(config *c) {
    config_unref(c);
    config_problems_done(&world_problems);
}

/* A configuration that must be good, in a world without anything. */
static inline config *world_good(const char *yaml) {
    world w;
    world_init(&w, NULL, NULL);
    config *c = world_load(&w, yaml);
    if (!c) {
        buf text = world_text(NULL);
        fail_msg("%s", text.ptr);
    }
    return c;
}

/* The same must be refused, and the first problem (line:column and text) be this. */
static inline void world_bad(const char *yaml, const char *expected) {
    world w;
    world_init(&w, NULL, NULL);
    config *c = world_load(&w, yaml);
    if (c) fail_msg("accepted: %s", yaml);
    const config_problem *p = &world_problems.items[0];
    char text[1024];
    snprintf(text, sizeof text, "%u:%u: %.*s", p->line, p->column, SPAN_ARG(p->text));
    assert_string_equal(text, expected);
    world_done(NULL);
}

#endif
