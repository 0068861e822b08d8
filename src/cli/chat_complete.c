#include "cli/chat_complete.h"

#include "base/mem.h"
#include "cli/chat_commands.h"
#include "cli/chat_filter.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

void chat_expand_path(span path, buf *out) {
    const char *home = getenv("HOME");
    if (home && (span_starts(path, SPAN_OF("~/")) || span_eq(path, SPAN_OF("~")))) {
        buf_add_cstr(out, home);
        path = span_slice(path, 1, path.len);
    }
    buf_add(out, path);
}

static void add_candidate(chat_complete *c, const char *name, const char *suffix) {
    buf whole = BUF_EMPTY;
    if (c->count == CHAT_COMPLETE_MAX) return;
    buf_addf(&whole, "%s%s", name, suffix);
    c->names[c->count++] = mem_strndup(whole.ptr, whole.len);
    buf_done(&whole);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool continues(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* What all candidates have in common behind the first typed bytes; whole characters. */
static void find_common(chat_complete *c, size_t typed) {
    qsort(c->names, c->count, sizeof c->names[0], by_name);
    if (!c->count || c->count == CHAT_COMPLETE_MAX) return;          /* there may be more of them */
    const char *first = c->names[0], *last = c->names[c->count - 1]; /* they differ first */
    size_t len = typed;
    while (first[len] && first[len] == last[len])
        len++;
    while (len > typed && continues(first[len]))
        len--;
    buf_add(&c->add, span_from(first + typed, len - typed));
}

static void complete_command(span word, chat_complete *ret) {
    for (size_t i = 0; i < CHAT_VERBS; i++) {
        const char *name = chat_verbs[i].name;
        if (!span_istarts(span_cstr(name), word)) continue;
        add_candidate(ret, name, chat_verbs[i].takes == CHAT_NONE ? "" : " ");
    }
    find_common(ret, word.len);
}

/* ---- files ---- */

/* A name that can be shown, and typed on one line. */
static bool is_plain(const char *name) {
    buf harmless = BUF_EMPTY;
    chat_filter_text(span_cstr(name), &harmless);
    bool plain = span_eq(buf_span(&harmless), span_cstr(name)) && !strpbrk(name, "\n\t");
    buf_done(&harmless);
    return plain;
}

static bool is_folder(DIR *d, const char *name) {
    struct stat what;
    return fstatat(dirfd(d), name, &what, 0) == 0 && S_ISDIR(what.st_mode);
}

static void read_folder(DIR *d, span begun, chat_complete *ret) {
    for (struct dirent *e; (e = readdir(d));) {
        const char *name = e->d_name;
        bool hidden = name[0] == '.' && !span_starts(begun, SPAN_OF("."));
        if (hidden || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if (!span_starts(span_cstr(name), begun) || !is_plain(name)) continue;
        add_candidate(ret, name, is_folder(d, name) ? "/" : "");
    }
    find_common(ret, begun.len);
}

static void complete_path(span path, chat_complete *ret) {
    size_t slash = path.len;
    while (slash && path.ptr[slash - 1] != '/')
        slash--;
    buf folder = BUF_EMPTY;
    chat_expand_path(span_slice(path, 0, slash), &folder);
    DIR *d = opendir(slash ? buf_cstr(&folder) : ".");
    if (d) {
        read_folder(d, span_slice(path, slash, path.len), ret);
        closedir(d);
    }
    buf_done(&folder);
}

void chat_complete_line(span line, chat_complete *ret) {
    *ret = (chat_complete){0};
    if (!span_starts(line, SPAN_OF("/"))) return;
    span word = span_slice(line, 1, span_find(line, 0, ' '));
    if (word.len + 1 == line.len) {
        complete_command(word, ret);
        return;
    }
    span rest = span_slice(line, word.len + 1, line.len);
    while (span_starts(rest, SPAN_OF(" ")))
        rest = span_slice(rest, 1, rest.len);
    for (size_t i = 0; i < CHAT_VERBS; i++)
        if (chat_verbs[i].is_path && span_ieq(word, span_cstr(chat_verbs[i].name)))
            complete_path(rest, ret);
}

void chat_complete_done(chat_complete *c) {
    for (size_t i = 0; i < c->count; i++)
        free(c->names[i]);
    buf_done(&c->add);
    *c = (chat_complete){0};
}
