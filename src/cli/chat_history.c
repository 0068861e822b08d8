#include "cli/chat_history.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read at most; the file is written anew where it has grown over half of it. */
enum { FILE_MAX = 4 << 20, LINES_MAX = 2 * CHAT_HISTORY_MAX };

bool chat_history_path(buf *ret) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/') /* the specification: a relative one is to be ignored */
        buf_addf(ret, "%s/weir/chat_history", state);
    else if (home && home[0] == '/')
        buf_addf(ret, "%s/.local/state/weir/chat_history", home);
    else
        return false;
    return true;
}

/* ---- in memory ---- */

static void take_out(chat_history *h, size_t i) {
    free(h->entries[i]);
    memmove(&h->entries[i], &h->entries[i + 1], (--h->count - i) * sizeof h->entries[0]);
}

static bool is_kept(span entry) {
    return entry.len && entry.len <= CHAT_HISTORY_ENTRY_MAX && span_is_utf8(entry) &&
           span_find(entry, 0, '\0') == entry.len;
}

static void remember(chat_history *h, span entry) {
    if (!is_kept(entry)) return;
    for (size_t i = 0; i < h->count; i++)
        if (span_eq(span_cstr(h->entries[i]), entry)) take_out(h, i--);
    if (h->count == CHAT_HISTORY_MAX) take_out(h, 0);
    h->entries[h->count++] = mem_strndup(entry.ptr, entry.len);
}

/* ---- a line of the file ---- */

static void write_entry(span entry, buf *out) {
    for (size_t i = 0; i < entry.len; i++) {
        if (entry.ptr[i] == '\n')
            buf_add_cstr(out, "\\n");
        else if (entry.ptr[i] == '\\')
            buf_add_cstr(out, "\\\\");
        else
            buf_add_char(out, entry.ptr[i]);
    }
    buf_add_char(out, '\n');
}

static void read_entry(span line, buf *out) {
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != '\\' || i + 1 == line.len)
            buf_add_char(out, line.ptr[i]);
        else
            buf_add_char(out, line.ptr[++i] == 'n' ? '\n' : line.ptr[i]);
    }
}

static size_t read_lines(chat_history *h, span text) {
    size_t lines = 0;
    buf entry = BUF_EMPTY;
    for (span line; span_cut(&text, '\n', &line); lines++) {
        buf_clear(&entry);
        read_entry(line, &entry);
        remember(h, buf_span(&entry));
    }
    buf_done(&entry);
    return lines;
}

/* ---- the file ---- */

bool chat_history_make_folders(const char *path) {
    char *copy = mem_strndup(path, strlen(path));
    bool ok = true;
    for (char *p = copy + 1; ok && (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        ok = mkdir(copy, 0700) == 0 || errno == EEXIST;
    }
    free(copy);
    return ok;
}

/* Locked until it is closed; -1: errno says why. */
static int open_file(const char *path) {
    int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
    struct stat what;
    int fd = chat_history_make_folders(path) ? open(path, flags, 0600) : -1;
    if (fd < 0) return -1;
    if (fstat(fd, &what) == 0 && S_ISREG(what.st_mode) && fchmod(fd, 0600) == 0 &&
        flock(fd, LOCK_EX) == 0)
        return fd;
    int why = S_ISREG(what.st_mode) ? errno : EINVAL;
    close(fd);
    errno = why;
    return -1;
}

static bool write_all(int fd, span text) {
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) text = span_slice(text, (size_t)n, text.len);
    }
    return true;
}

static bool write_anew(const chat_history *h, int fd) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < h->count; i++)
        write_entry(span_cstr(h->entries[i]), &text);
    bool ok = ftruncate(fd, 0) == 0 && write_all(fd, buf_span(&text));
    buf_done(&text);
    return ok;
}

/* The end of the file, from a whole line on. */
static bool read_end(int fd, buf *text) {
    off_t size = lseek(fd, 0, SEEK_END), from = size > FILE_MAX ? size - FILE_MAX : 0;
    if (size < 0) return false;
    for (ssize_t n; text->len < FILE_MAX; buf_grow(text, (size_t)n)) {
        n = pread(fd, buf_reserve(text, 65536), 65536, from + (off_t)text->len);
        if (n < 0) return false;
        if (n == 0) break;
    }
    if (from) buf_drop_front(text, span_find(buf_span(text), 0, '\n') + 1);
    return true;
}

static bool load(chat_history *h, int fd) {
    buf text = BUF_EMPTY;
    bool ok = read_end(fd, &text);
    if (ok && (read_lines(h, buf_span(&text)) > LINES_MAX || text.len > FILE_MAX / 2))
        ok = write_anew(h, fd);
    buf_done(&text);
    return ok;
}

static bool fail(chat_history *h, const char *what, buf *why) {
    buf_addf(why, "cannot %s %s: %s; the history of this conversation is not kept", what, h->path,
             strerror(errno));
    free(h->path);
    h->path = NULL;
    return false;
}

bool chat_history_open(chat_history *h, const char *path, buf *why) {
    *h = (chat_history){0};
    if (!path) return true;
    h->path = mem_strndup(path, strlen(path));
    int fd = open_file(path);
    if (fd < 0) return fail(h, "open", why);
    bool ok = load(h, fd) || fail(h, "read", why);
    close(fd);
    return ok;
}

bool chat_history_add(chat_history *h, span entry, buf *why) {
    remember(h, entry);
    if (!h->path || !is_kept(entry)) return true;
    int fd = open_file(h->path);
    if (fd < 0) return fail(h, "open", why);
    buf line = BUF_EMPTY;
    write_entry(entry, &line);
    bool ok = write_all(fd, buf_span(&line)) || fail(h, "write", why);
    buf_done(&line);
    close(fd);
    return ok;
}

void chat_history_done(chat_history *h) {
    for (size_t i = 0; i < h->count; i++)
        free(h->entries[i]);
    free(h->path);
    *h = (chat_history){0};
}
