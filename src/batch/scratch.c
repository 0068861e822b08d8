#include "batch/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int scratch_open(void) {
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    char path[PATH_MAX]; /* a file system without files that have no name */
    if (snprintf(path, sizeof path, "%s/weir-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) (void)unlink(path);
    return fd;
}

bool scratch_read(int fd, void *bytes, size_t len, uint64_t offset) {
    char *to = bytes;
    while (len) {
        ssize_t n = pread(fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) { /* beyond the end */
            memset(to, 0, len);
            return true;
        }
        to += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

bool scratch_write(int fd, const void *bytes, size_t len, uint64_t offset) {
    const char *from = bytes;
    while (len) {
        ssize_t n = pwrite(fd, from, len, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        from += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}
