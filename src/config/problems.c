#include "config/problems.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SHOWN_MAX = 160, RUN_COVERED_MIN = 24, RUN_WITH_DIGIT_MIN = 16 };

void problems_init(config_problems *p) {
    *p = (config_problems){0};
    arena_init(&p->arena, 0);
}

void config_problems_done(config_problems *p) {
    free(p->items);
    arena_done(&p->arena);
    p->items = NULL;
    p->count = p->cap = 0;
}

static span source_line(span source, unsigned line) {
    span rest = source, part = SPAN_EMPTY;
    for (unsigned i = 0; i < line; i++)
        if (!span_cut(&rest, '\n', &part)) return SPAN_EMPTY;
    if (part.len && part.ptr[part.len - 1] == '\r') part.len--;
    return part;
}

static bool mentions_secret(span line) {
    static const char *const words[] = {"key",    "secret",   "headers: {",   "-token",
                                        "bearer", "password", "authorization"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        for (size_t at = 0; at < line.len; at++)
            if (span_istarts(span_slice(line, at, line.len), span_cstr(words[i]))) return true;
    return false;
}

static bool looks_like_key(const char *run, size_t len) {
    bool digit = false;
    for (size_t i = 0; i < len; i++)
        digit |= isdigit((unsigned char)run[i]) != 0;
    return len >= RUN_COVERED_MIN || (digit && len >= RUN_WITH_DIGIT_MIN) ||
           (len > 3 && memcmp(run, "sk-", 3) == 0);
}

static void cover_runs(char *text, size_t len) {
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && (isalnum((unsigned char)text[i]) || strchr("_-+=", text[i]))) continue;
        if (looks_like_key(text + start, i - start)) memset(text + start, '*', i - start);
        start = i + 1;
    }
}

/* "https://user:password@host" */
static bool holds_login(span line) {
    size_t scheme = span_find_span(line, 0, SPAN_OF("://"));
    return span_find(line, scheme, '@') < line.len;
}

span problems_excerpt(arena *a, span source, unsigned line) {
    span text = source_line(source, line);
    if (text.len == 0 || text.len > LINE_SHOWN_MAX || !span_is_utf8(text)) return SPAN_EMPTY;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' && text.ptr[i] != '\t') return SPAN_EMPTY;
    if (mentions_secret(text) || holds_login(text)) return SPAN_EMPTY;
    char *copy = arena_alloc(a, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    cover_runs(copy, text.len);
    return span_from(copy, text.len);
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
    if (line) item->excerpt = problems_excerpt(&p->arena, source, line);
}

void problems_add(config_problems *p, span file, span source, unsigned line, unsigned column,
                  const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    problems_vadd(p, file, source, line, column, fmt, args);
    va_end(args);
}

/* Blanks up to the column; tabs stay tabs, so that the caret stands under its character. */
static void add_caret(span line, unsigned column, buf *out) {
    unsigned at = 1;
    buf_add_cstr(out, "    ");
    for (size_t i = 0; i < line.len && at < column; i++) {
        if (((unsigned char)line.ptr[i] & 0xC0) == 0x80) continue;
        buf_add_char(out, line.ptr[i] == '\t' ? '\t' : ' ');
        at++;
    }
    buf_add_cstr(out, "^\n");
}

void config_problem_print(const config_problem *item, buf *out) {
    if (item->file.len) {
        buf_add(out, item->file);
        if (item->line) buf_addf(out, ":%u:%u", item->line, item->column);
        buf_add_cstr(out, ": ");
    }
    buf_add(out, item->text);
    buf_add_char(out, '\n');
    if (!item->excerpt.len) return;
    buf_add_cstr(out, "    ");
    buf_add(out, item->excerpt);
    buf_add_char(out, '\n');
    add_caret(item->excerpt, item->column, out);
}

void config_problems_print(const config_problems *p, buf *out) {
    for (size_t i = 0; i < p->count; i++)
        config_problem_print(&p->items[i], out);
}
