#include "config/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static span errno_text(arena *a, int error) {
    char text[128];
    return arena_dup(a, span_cstr(strerror_r(error, text, sizeof text)));
}

static const char *real_env(const config_sources *s, const char *name) {
    (void)s;
    return getenv(name);
}

/* A pipe or a device could keep us waiting: only regular files are opened for reading. */
static int open_regular(const char *path, arena *a, span *ret_why) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        *ret_why = errno_text(a, errno);
    } else if (!S_ISREG(st.st_mode)) {
        *ret_why = SPAN_OF("it is not a regular file");
    } else {
        return fd;
    }
    if (fd >= 0) close(fd);
    return -1;
}

COLD static bool read_all(int fd, size_t max, buf *ret, arena *a, span *ret_why) {
    size_t before = ret->len;
    for (;;) {
        ssize_t n = read(fd, buf_reserve(ret, 4096), 4096);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            *ret_why = errno_text(a, errno);
            return false;
        }
        if (n == 0) return true;
        buf_grow(ret, (size_t)n);
        if (ret->len - before > max) {
            *ret_why = arena_printf(a, "it has more than %zu bytes", max);
            return false;
        }
    }
}

static bool real_read_file(const config_sources *s, const char *path, size_t max, buf *ret,
                           arena *a, span *ret_why) {
    (void)s;
    int fd = open_regular(path, a, ret_why);
    if (fd < 0) return false;
    bool ok = read_all(fd, max, ret, a, ret_why);
    close(fd);
    return ok;
}

static bool real_check_file(const config_sources *s, const char *path, arena *a, span *ret_why) {
    (void)s;
    int fd = open_regular(path, a, ret_why);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static bool real_run(const config_sources *s, char *const argv[], int64_t timeout_ms, size_t max,
                     buf *ret, arena *a, span *ret_why) {
    (void)s;
    return command_run(argv, timeout_ms, max, ret, a, ret_why);
}

const config_sources config_sources_real = {
    .env = real_env,
    .read_file = real_read_file,
    .check_file = real_check_file,
    .run = real_run,
};

static const char *no_env(const config_sources *s, const char *name) {
    (void)s, (void)name;
    return NULL;
}

static bool no_read_file(const config_sources *s, const char *path, size_t max, buf *ret, arena *a,
                         span *ret_why) {
    (void)s, (void)path, (void)max, (void)ret, (void)a;
    *ret_why = SPAN_OF("No such file or directory");
    return false;
}

static bool no_check_file(const config_sources *s, const char *path, arena *a, span *ret_why) {
    (void)s, (void)path, (void)a;
    *ret_why = SPAN_OF("No such file or directory");
    return false;
}

static bool no_run(const config_sources *s, char *const argv[], int64_t timeout_ms, size_t max,
                   buf *ret, arena *a, span *ret_why) {
    (void)s, (void)argv, (void)timeout_ms, (void)max, (void)ret, (void)a;
    *ret_why = SPAN_OF("commands are not run here");
    return false;
}

const config_sources config_sources_none = {
    .env = no_env,
    .read_file = no_read_file,
    .check_file = no_check_file,
    .run = no_run,
};
