#include "cli/chat_files.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char input_name[] = "standard input";

/* Up to max bytes and one more, which tells that there are too many. */
static bool read_all(int fd, size_t max, buf *text) {
    while (text->len <= max) {
        ssize_t n = read(fd, buf_reserve(text, 65536), 65536);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0;
        buf_grow(text, (size_t)n);
    }
    return true;
}

/* What makes it no text; false: nothing does. */
static bool find_fault(span text, const char *name, buf *why) {
    span rest = text, line = SPAN_EMPTY;
    size_t number = 1;
    if (span_find(text, 0, '\0') < text.len) {
        buf_addf(why, "%s is no text: it holds a NUL byte", name);
        return true;
    }
    for (; span_cut(&rest, '\n', &line) && span_is_utf8(line); number++) {}
    if (span_is_utf8(line)) return false;
    buf_addf(why, "%s is no text in UTF-8: line %zu is not; iconv can convert it", name, number);
    return true;
}

static void strip_mark(buf *text) {
    if (span_starts(buf_span(text), SPAN_OF("\xef\xbb\xbf"))) buf_drop_front(text, 3);
}

static bool check(const chat_files *files, const char *name, buf *text, buf *why) {
    if (text->len > CHAT_FILE_MAX)
        buf_addf(why, "%s is longer than %d bytes, the most that one file may have", name,
                 CHAT_FILE_MAX);
    else if (text->len > CHAT_FILES_MAX - files->bytes)
        buf_addf(why, "with %s the files are longer than %d bytes, the most for one question", name,
                 CHAT_FILES_MAX);
    else
        return !find_fault(buf_span(text), name, why);
    return false;
}

/* Takes the text over. */
static void keep(chat_files *files, const char *name, buf *text) {
    strip_mark(text);
    files->items = mem_realloc(files->items, (files->count + 1) * sizeof *files->items);
    files->items[files->count++] = (chat_file){mem_strndup(name, strlen(name)), *text};
    files->bytes += text->len;
    *text = BUF_EMPTY;
}

static bool add(chat_files *files, int fd, const char *name, buf *why) {
    buf text = BUF_EMPTY;
    bool ok = read_all(fd, CHAT_FILE_MAX, &text);
    if (!ok && errno == EBADF && name == input_name)
        ok = true; /* standard input is closed: nothing is there */
    else if (!ok)
        buf_addf(why, "cannot read %s: %s", name, strerror(errno));
    else
        ok = check(files, name, &text, why);
    if (ok && (text.len || name != input_name)) keep(files, name, &text);
    buf_done(&text);
    return ok;
}

static bool add_path(chat_files *files, const char *path, bool regular, buf *why) {
    struct stat what;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
    bool ok = fd >= 0 && fstat(fd, &what) == 0;
    if (!ok) {
        buf_addf(why, "cannot open %s: %s", path, strerror(errno));
    } else if (S_ISDIR(what.st_mode) || (regular && !S_ISREG(what.st_mode))) {
        buf_addf(why, "%s is %s", path, S_ISDIR(what.st_mode) ? "a folder" : "no regular file");
        ok = false;
    } else {
        ok = add(files, fd, path, why);
    }
    if (fd >= 0) close(fd);
    return ok;
}

bool chat_files_add(chat_files *files, const char *path, buf *why) {
    return add_path(files, path, false, why);
}

bool chat_files_add_regular(chat_files *files, const char *path, buf *why) {
    return add_path(files, path, true, why);
}

bool chat_files_add_input(chat_files *files, int fd, buf *why) {
    return add(files, fd, input_name, why);
}

void chat_files_done(chat_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].name);
        buf_done(&files->items[i].text);
    }
    free(files->items);
    *files = (chat_files){0};
}

/* ---- what the model reads ---- */

static span without_line_ends(span text) {
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

static void write_file(const chat_file *file, buf *out) {
    buf_add_cstr(out, "<file name=\"");
    for (const char *p = file->name; *p; p++) {
        if (*p == '"')
            buf_add_cstr(out, "&quot;");
        else
            buf_add_char(out, *p);
    }
    buf_add_cstr(out, "\">\n");
    buf_add(out, without_line_ends(buf_span(&file->text)));
    buf_add_cstr(out, "\n</file>\n");
}

void chat_files_write(const chat_files *files, span question, buf *out) {
    bool lone = files->count == 1 && strcmp(files->items[0].name, input_name) == 0;
    if (lone && question.len == 0) {
        buf_add(out, without_line_ends(buf_span(&files->items[0].text)));
        return;
    }
    for (size_t i = 0; i < files->count; i++)
        write_file(&files->items[i], out);
    if (files->count && question.len) buf_add_char(out, '\n');
    buf_add(out, question);
}
