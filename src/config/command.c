#include "base/clock.h"
#include "config/config.h"
#include "config/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A group of its own, so that its children can be ended with it; signals as a new program expects
 * them, whatever weir has blocked or ignored. */
static void set_attributes(posix_spawnattr_t *attr) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attr);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
}

static int spawn(char *const argv[], int out_fd, pid_t *ret_pid) {
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    set_attributes(&attr);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(ret_pid, argv[0], &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return error;
}

typedef enum collected { COLLECTED, COLLECT_TIMEOUT, COLLECT_TOO_LONG, COLLECT_FAILED } collected;

enum { LOOK_MS = 20 }; /* how soon it is seen that nobody wants the keys any more */

static atomic_bool given_up;

void config_give_up_commands(bool on) {
    atomic_store(&given_up, on);
}

static bool is_over(int64_t due_ms) {
    return clock_mono_ms() >= due_ms || atomic_load(&given_up);
}

/* Reads until the other end is closed. */
static collected collect(int fd, int64_t due_ms, size_t max, buf *ret) {
    size_t before = ret->len;
    for (;;) {
        if (is_over(due_ms)) return COLLECT_TIMEOUT;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, LOOK_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        if (ready < 0) return COLLECT_FAILED;
        ssize_t n = read(fd, buf_reserve(ret, 4096), 4096);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return COLLECT_FAILED;
        if (n == 0) return COLLECTED;
        buf_grow(ret, (size_t)n);
        if (ret->len - before > max) return COLLECT_TOO_LONG;
    }
}

/* A command may close its output and run on: it gets what is left of the time. In a program that
 * ignores SIGCHLD, or collects every child itself, its status is lost and its output has to do. */
static bool wait_exit(pid_t pid, int64_t due_ms, int *ret_status) {
    for (;;) {
        pid_t done = waitpid(pid, ret_status, WNOHANG);
        if (done == pid) return true;
        if (done < 0 && errno == ECHILD) {
            *ret_status = 0;
            return true;
        }
        if (done < 0 && errno != EINTR) return false;
        if (is_over(due_ms)) return false;
        (void)poll(NULL, 0, 2);
    }
}

static void end_group(pid_t pid) {
    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static bool judge_exit(int status, arena *a, span *ret_why) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    *ret_why = WIFSIGNALED(status)
                   ? arena_printf(a, "it was ended by signal %d", WTERMSIG(status))
                   : arena_printf(a, "it ended with status %d", WEXITSTATUS(status));
    return false;
}

bool command_run(char *const argv[], int64_t timeout_ms, size_t max, buf *ret, arena *a,
                 span *ret_why) {
    int fds[2];
    pid_t pid;
    int error = pipe2(fds, O_CLOEXEC) < 0 ? errno : 0;
    if (!error && (error = spawn(argv, fds[1], &pid)) != 0) close(fds[0]), close(fds[1]);
    if (error) {
        char text[128];
        *ret_why = arena_dup(a, span_cstr(strerror_r(error, text, sizeof text)));
        return false;
    }
    close(fds[1]);
    int64_t due_ms = clock_mono_ms() + timeout_ms;
    collected result = collect(fds[0], due_ms, max, ret);
    close(fds[0]);
    int status = 0;
    if (result == COLLECTED && wait_exit(pid, due_ms, &status))
        return judge_exit(status, a, ret_why);
    end_group(pid);
    if (result == COLLECT_TOO_LONG)
        *ret_why = arena_printf(a, "it wrote more than %zu bytes", max);
    else if (atomic_load(&given_up))
        *ret_why = SPAN_OF("it was given up");
    else
        *ret_why = arena_printf(a, "it did not end within %lldms", (long long)timeout_ms);
    return false;
}
