#include "audit/files.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int compare(const void *a, const void *b) {
    unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;
    return left < right ? -1 : left > right;
}

bool trail_files_find(const char *folder, trail_files *ret, buf *ret_why) {
    size_t cap = 0;
    *ret = (trail_files){NULL, 0};
    DIR *dir = opendir(folder);
    if (!dir) {
        buf_addf(ret_why, "cannot read %s: %s", folder, strerror(errno));
        return false;
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        unsigned n = trail_file_number(span_cstr(e->d_name));
        if (!n) continue;
        if (ret->count == cap) {
            cap = cap ? 2 * cap : 16;
            ret->numbers = mem_realloc(ret->numbers, cap * sizeof *ret->numbers);
        }
        ret->numbers[ret->count++] = n;
    }
    closedir(dir);
    if (ret->count) qsort(ret->numbers, ret->count, sizeof *ret->numbers, compare);
    return true;
}

void trail_files_done(trail_files *f) {
    free(f->numbers);
    *f = (trail_files){NULL, 0};
}

/* ---- lines ---- */

enum {
    BLOCK_BYTES = 64 * 1024,
    LINE_BYTES_MAX = 1 << 20, /* records are a fraction of it: what is longer is none */
    LINE_SHOWN = 64,
};

typedef struct lines {
    int fd, err;
    size_t at, len; /* of the block */
    char block[BLOCK_BYTES];
} lines;

static bool fill(lines *l) {
    ssize_t n = 1;
    if (l->at < l->len) return true;
    do
        n = read(l->fd, l->block, sizeof l->block);
    while (n < 0 && errno == EINTR);
    if (n < 0) l->err = errno;
    l->at = 0;
    l->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* Of a line that is too long so little that it is no record. *ret_bytes: of all of it, its end
 * included; *ret_whole: it has one. */
static bool next_line(lines *l, buf *line, size_t *ret_bytes, bool *ret_whole) {
    buf_clear(line);
    *ret_bytes = 0;
    *ret_whole = false;
    while (!*ret_whole && fill(l)) {
        const char *begin = l->block + l->at, *end = memchr(begin, '\n', l->len - l->at);
        size_t n = end ? (size_t)(end - begin) : l->len - l->at, room = LINE_BYTES_MAX - line->len;
        buf_add(line, span_from(begin, n < room ? n : room));
        *ret_whole = end != NULL;
        *ret_bytes += n + *ret_whole;
        l->at += n + *ret_whole;
    }
    if (*ret_bytes > LINE_BYTES_MAX) line->len = LINE_SHOWN;
    return *ret_bytes > 0;
}

/* 0, or why it cannot be read. */
static int read_lines(int fd, unsigned number, size_t *at, trail_line_fn *each, void *user) {
    lines *l = mem_zalloc(sizeof *l);
    buf line = BUF_EMPTY;
    size_t bytes;
    bool more = true, whole;
    l->fd = fd;
    for (uint64_t n = 1; more && next_line(l, &line, &bytes, &whole); n++) {
        if (whole) *at += bytes;
        more = each(user, number, n, buf_span(&line), whole);
    }
    const int err = l->err;
    buf_done(&line);
    free(l);
    return err;
}

/* Whoever can write there may have left anything: nothing that is opened holds us up. */
static int open_regular(const char *path, size_t at, int *ret_fd) {
    struct stat s;
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*ret_fd < 0 || fstat(*ret_fd, &s)) return errno;
    if (!S_ISREG(s.st_mode)) return S_ISDIR(s.st_mode) ? EISDIR : EINVAL;
    return lseek(*ret_fd, (off_t)at, SEEK_SET) < 0 ? errno : 0;
}

bool trail_file_read(const char *folder, unsigned number, size_t *at, trail_line_fn *each,
                     void *user, buf *ret_why) {
    char name[TRAIL_NAME_LEN + 1];
    buf path = BUF_EMPTY;
    int fd;
    trail_file_name(number, name);
    buf_addf(&path, "%s/%s", folder, name);
    int err = open_regular(buf_cstr(&path), *at, &fd);
    const bool other = err == EINVAL;
    if (!err) err = read_lines(fd, number, at, each, user);
    if (err)
        buf_addf(ret_why, "cannot read %s: %s", path.ptr,
                 other ? "it is not a regular file" : strerror(err));
    if (fd >= 0) close(fd);
    buf_done(&path);
    return !err;
}
