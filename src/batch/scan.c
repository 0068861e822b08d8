#include "batch/scan.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

typedef struct scan {
    int fd;
    const char *path;
    bool (*take)(void *user, const line *l);
    void *user;
    buf *why;
} scan;

static bool take_all(const scan *s, lines *l, span input) {
    line found;
    while (lines_next(l, &input, &found))
        if (!s->take(s->user, &found)) return false;
    return true;
}

static bool read_chunks(const scan *s, lines *l, char *chunk) {
    line last;
    for (uint64_t at = 0;;) {
        ssize_t n = pread(s->fd, chunk, CHUNK, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            buf_addf(s->why, "cannot read %s: %m", s->path);
            return false;
        }
        if (n == 0) return !lines_end(l, &last) || s->take(s->user, &last);
        if (!take_all(s, l, span_from(chunk, (size_t)n))) return false;
        at += (uint64_t)n;
    }
}

bool scan_lines(int fd, const char *path, size_t max, bool (*take)(void *user, const line *l),
                void *user, buf *ret_why) {
    lines l;
    const scan s = {fd, path, take, user, ret_why};
    char *chunk = mem_alloc(CHUNK);
    lines_init(&l, max, false);
    bool ok = read_chunks(&s, &l, chunk);
    lines_done(&l);
    free(chunk);
    return ok;
}
