#include "config/problems.h"

#include "base/mem.h"
#include "config/shown.h"

#include <stdlib.h>

void problems_init(config_problems *p) {
    *p = (config_problems){0};
    arena_init(&p->arena, 0);
}

void config_problems_done(config_problems *p) {
    free(p->items);
    arena_done(&p->arena);
    *p = (config_problems){0};
}

/* Names from the file may hold anything; a message is one line, and moves no cursor. */
static span on_one_line(span text) {
    char *p = (char *)text.ptr;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)p[i] < ' ' || p[i] == 0x7F) p[i] = '?';
    return text;
}

void problems_vadd(config_problems *p, span file, span source, unsigned line, unsigned column,
                   const char *fmt, va_list args) {
    if (p->count > PROBLEMS_MAX) return;
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->items = mem_realloc(p->items, p->cap * sizeof *p->items);
    }
    config_problem *item = &p->items[p->count++];
    *item = (config_problem){.file = arena_dup(&p->arena, file), .line = line, .column = column};
    if (p->count > PROBLEMS_MAX) {
        item->line = item->column = 0;
        item->text = SPAN_OF("there are more problems than are shown here");
        return;
    }
    item->text = on_one_line(arena_vprintf(&p->arena, fmt, args));
    if (line) item->excerpt = shown_line(&p->arena, source, line);
}

void problems_add(config_problems *p, span file, span source, unsigned line, unsigned column,
                  const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    problems_vadd(p, file, source, line, column, fmt, args);
    va_end(args);
}

/* Blanks up to the column; tabs stay tabs, so that the caret stands under its character. */
COLD static void add_caret(span line, unsigned column, buf *out) {
    unsigned at = 1;
    buf_add_cstr(out, "    ");
    for (size_t i = 0; i < line.len && at < column; i++) {
        if (((unsigned char)line.ptr[i] & 0xC0) == 0x80) continue;
        buf_add_char(out, line.ptr[i] == '\t' ? '\t' : ' ');
        at++;
    }
    buf_add_cstr(out, "^\n");
}

static void print(const config_problem *item, const char *grade, buf *out) {
    if (item->file.len) {
        buf_add(out, item->file);
        if (item->line) buf_addf(out, ":%u:%u", item->line, item->column);
        buf_add_cstr(out, ": ");
    }
    buf_add_cstr(out, grade);
    buf_add(out, item->text);
    buf_add_char(out, '\n');
    if (!item->excerpt.len) return;
    buf_add_cstr(out, "    ");
    buf_add(out, item->excerpt);
    buf_add_char(out, '\n');
    add_caret(item->excerpt, item->column, out);
}

void config_problem_print(const config_problem *item, buf *out) {
    print(item, "", out);
}

void config_warning_print(const config_problem *item, buf *out) {
    print(item, "warning: ", out);
}

void config_problems_print(const config_problems *p, buf *out) {
    for (size_t i = 0; i < p->count; i++)
        config_problem_print(&p->items[i], out);
}
