#include "ledger/journal_io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int result(int r) {
    return r < 0 ? -errno : r;
}

static int create_file(const char *path) {
    return result(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int open_file(const char *path) {
    return result(open(path, O_RDONLY | O_CLOEXEC));
}

static ssize_t write_bytes(int fd, const void *bytes, size_t len, uint64_t at) {
    ssize_t n;
    do
        n = pwrite(fd, bytes, len, (off_t)at);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t read_bytes(int fd, void *ret, size_t len, uint64_t at) {
    ssize_t n;
    do
        n = pread(fd, ret, len, (off_t)at);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int sync_file(int fd) {
    return result(fdatasync(fd));
}

static int close_file(int fd) {
    return result(close(fd));
}

static int remove_file(const char *path) {
    return result(unlink(path));
}

const journal_io journal_io_system = {create_file, open_file,  write_bytes, read_bytes,
                                      sync_file,   close_file, remove_file};
