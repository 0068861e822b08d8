#include "tools/family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAMILY_MAX = 8192, PASSES_MAX = 100, READ_MAX = 4096 };

/* Breadth first: each one's children are added behind the last. */
typedef struct family {
    pid_t members[FAMILY_MAX];
    size_t count;
} family;

static void add(family *f, pid_t pid) {
    if (f->count < FAMILY_MAX) f->members[f->count++] = pid;
}

/* "12 345 6 ": numbers may be cut by the end of a piece. */
static void add_listed(family *f, int fd) {
    char text[READ_MAX];
    pid_t pid = 0;
    ssize_t n;
    while ((n = read(fd, text, sizeof text)) > 0 || (n < 0 && errno == EINTR))
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid) {
                add(f, pid);
                pid = 0;
            }
        }
    if (pid) add(f, pid);
}

/* Each thread has children of its own. */
static void add_children(family *f, pid_t pid);

static bool add_children_of_thread(family *f, pid_t pid, pid_t thread) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    add_listed(f, fd);
    close(fd);
    return true;
}

/* The entries of a folder, as the kernel writes them: getdents64(2), since readdir() allocates. */
struct entry {
    uint64_t inode;
    int64_t next;
    unsigned short size;
    unsigned char type;
    char name[];
};

static pid_t number(const char *text) {
    pid_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    return *text ? 0 : value;
}

static void add_children(family *f, pid_t pid) {
    char path[64];
    _Alignas(struct entry) char entries[READ_MAX];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n;
    while ((n = getdents64(fd, entries, sizeof entries)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct entry *e = (const void *)(entries + at);
            pid_t thread = number(e->name);
            if (thread) (void)add_children_of_thread(f, pid, thread);
            at += e->size;
        }
    close(fd);
}

static void find(family *f) {
    f->count = 0;
    add_children(f, getpid());
    for (size_t i = 0; i < f->count; i++)
        add_children(f, f->members[i]);
}

static size_t pages_of(pid_t pid) {
    char path[64], text[128];
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = '\0';
    unsigned long size = 0, resident = 0, shared = 0;
    if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3) return 0;
    return resident > shared ? resident - shared : 0;
}

static family all; /* too large for a stack; there is one thread */

size_t family_count(size_t *ret_pages) {
    *ret_pages = 0;
    find(&all);
    for (size_t i = 0; i < all.count; i++)
        *ret_pages += pages_of(all.members[i]);
    return all.count;
}

int family_collect(pid_t child, int *ret_status) {
    int status, found = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        if (pid != child) continue;
        *ret_status = status;
        found = 1;
    }
    return found;
}

static bool is_alone(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static void signal_all(int number_of_signal) {
    for (size_t i = 0; i < all.count; i++)
        (void)kill(all.members[i], number_of_signal);
}

void family_end(pid_t child, int *ret_status) {
    /* What is stopped starts nothing more. */
    size_t before = 0;
    for (int pass = 0; pass < PASSES_MAX; pass++) {
        find(&all);
        signal_all(SIGSTOP);
        if (all.count == before) break;
        before = all.count;
    }
    /* Where /proc tells nothing, its own group is all that can be reached. */
    while (!is_alone()) {
        find(&all);
        signal_all(SIGKILL);
        if (child > 0) (void)kill(-child, SIGKILL);
        if (family_collect(child, ret_status)) child = 0;
        if (!is_alone()) (void)poll(NULL, 0, 1);
    }
}
