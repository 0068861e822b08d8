#include "batch/replace.h"

#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PENDING_MAX = 256 * 1024, NAMES_TRIED = 8 };

static bool fail(const replacement *r, buf *ret_why) {
    buf_addf(ret_why, "cannot write %s: %m", r->beside ? r->beside : r->path);
    return false;
}

static char *name_beside(const char *path) {
    uint32_t random;
    buf name = BUF_EMPTY;
    random_bytes(&random, sizeof random);
    buf_addf(&name, "%s.%08" PRIx32 ".part", path, random);
    (void)buf_cstr(&name);
    return name.ptr;
}

static bool make_beside(replacement *r, mode_t mode) {
    for (int i = 0; i < NAMES_TRIED; i++) {
        char *name = name_beside(r->path);
        r->fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, mode);
        if (r->fd >= 0) {
            r->beside = name;
            return true;
        }
        free(name);
        if (errno != EEXIST) return false;
    }
    return false;
}

bool replace_open(replacement *r, const char *path, buf *ret_why) {
    struct stat st;
    *r = REPLACEMENT_NONE;
    r->path = realpath(path, NULL);
    bool is_there = r->path && stat(r->path, &st) == 0;
    if (!r->path) r->path = mem_strndup(path, strlen(path));
    if (is_there && access(r->path, W_OK) != 0) return fail(r, ret_why);
    if (!make_beside(r, 0666)) return fail(r, ret_why);
    if (is_there && fchmod(r->fd, st.st_mode & 07777) != 0) return fail(r, ret_why);
    return flock(r->fd, LOCK_EX | LOCK_NB) == 0 || fail(r, ret_why);
}

bool write_whole(int fd, span bytes) {
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EAGAIN) { /* a pipe that others have made so */
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            if (poll(&p, 1, -1) < 0 && errno != EINTR) return false;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes = span_slice(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static bool write_pending(replacement *r, buf *ret_why) {
    if (!write_whole(r->fd, buf_span(&r->pending))) return fail(r, ret_why);
    buf_clear(&r->pending);
    return true;
}

bool replace_write(replacement *r, buf *ret_why) {
    return r->pending.len < PENDING_MAX || write_pending(r, ret_why);
}

/* The name itself: without it a lost machine may come back with the file before. Not every file
 * system knows how, and the file is in its place whether this one does or not. */
static void sync_folder(const replacement *r) {
    char *path = mem_strndup(r->path, strlen(r->path));
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

bool replace_commit(replacement *r, buf *ret_why) {
    if (!write_pending(r, ret_why)) return false;
    if (fsync(r->fd) != 0 || rename(r->beside, r->path) != 0) return fail(r, ret_why);
    free(r->beside);
    r->beside = NULL;
    sync_folder(r);
    return true;
}

void replace_done(replacement *r) {
    if (r->beside) (void)unlink(r->beside);
    if (r->fd >= 0) close(r->fd);
    free(r->beside);
    free(r->path);
    buf_done(&r->pending);
    *r = REPLACEMENT_NONE;
}
