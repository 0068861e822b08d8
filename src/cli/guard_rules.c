#include "cli/guard_rules.h"

#include "cli/cli.h"
#include "cli/configured.h"
#include "config/problems.h"
#include "exchange/guard_part.h"
#include "guard/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 64 << 10, TEXT_MAX = 256 << 20 };

bool guard_rules_slurp(const char *path, buf *ret) {
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rbe");
    if (!f) {
        cli_complain("cannot read %s: %s", path, strerror(errno));
        return false;
    }
    for (size_t n; ret->len <= TEXT_MAX && (n = fread(buf_reserve(ret, PIECE), 1, PIECE, f)) > 0;)
        buf_grow(ret, n);
    int error = ferror(f) ? errno : ret->len > TEXT_MAX ? EFBIG : 0;
    if (!standard) fclose(f);
    if (error) cli_complain("cannot read %s: %s", path, strerror(error));
    return !error;
}

typedef struct telling {
    const guard_file *file;
    span name, source;
    config_problems *problems;
} telling;

static void on_complaint(void *ctx, size_t rule, const char *member, const char *message) {
    telling *t = ctx;
    span name = t->file->rules[rule].name;
    problems_add(t->problems, t->name, SPAN_EMPTY, t->file->lines[rule], 1, "%.*s: %s %s",
                 SPAN_ARG(name.len ? name : SPAN_OF("a rule")), member, message);
}

static guard_set *load(const char *path, span source, config_problems *problems) {
    arena a;
    arena_init(&a, 0);
    guard_file file;
    guard_set *s = NULL;
    telling t = {&file, span_cstr(path), source, problems};
    if (guard_file_read(source, t.name, &a, &file, problems))
        s = guard_set_new(true, file.rules, file.count, on_complaint, &t);
    arena_done(&a);
    return s;
}

guard_set *guard_rules_load(const char *path) {
    if (!path) return guard_set_new(true, NULL, 0, NULL, NULL);
    buf source = BUF_EMPTY;
    config_problems problems;
    problems_init(&problems);
    guard_set *s = NULL;
    if (guard_rules_slurp(path, &source)) s = load(path, buf_span(&source), &problems);
    if (problems.count) {
        buf text = BUF_EMPTY;
        config_problems_print(&problems, &text);
        cli_tell(&text);
    }
    config_problems_done(&problems);
    buf_done(&source);
    return s;
}

static void on_fault(void *ctx, const void *field, span text) {
    (void)field;
    cli_complain("%s: %.*s", (const char *)ctx, SPAN_ARG(text));
}

guard_set *guard_rules_configured(const char *path, guard_where way, guard_policy **ret) {
    *ret = NULL;
    config *c = configured_load(path);
    guard_set *s = c ? guard_compile(c, way, ret, on_fault, (void *)path) : NULL;
    config_unref(c);
    return s;
}
