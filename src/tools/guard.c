#include "tools/guard.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tools/family.h"
#include "tools/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const char guard_program[] = "/proc/self/exe";

/* ---- its arguments: a word, numbers, the folder, the command's ---- */

enum { ARG_WORD = 1, ARG_MEMORY, ARG_NO_NETWORK, ARG_READ_ONLY, ARG_FOLDER, ARG_COMMAND };

static char guard_argument[] = "--guard-of-a-tool";
static char name[] = "weir-tool", yes[] = "1", no[] = "0";
enum { NUMBER_LEN = 24 };

char **guard_argv(const guard_order *order) {
    size_t n = 0;
    while (order->argv[n])
        n++;
    char **out = mem_zalloc((ARG_COMMAND + n + 1) * sizeof *out + NUMBER_LEN);
    char *memory = (char *)(out + ARG_COMMAND + n + 1);
    (void)snprintf(memory, NUMBER_LEN, "%zu", order->memory);
    out[0] = name;
    out[ARG_WORD] = guard_argument;
    out[ARG_MEMORY] = memory;
    out[ARG_NO_NETWORK] = order->sandbox.no_network ? yes : no;
    out[ARG_READ_ONLY] = order->sandbox.read_only ? yes : no;
    out[ARG_FOLDER] = (char *)order->folder;
    memcpy(out + ARG_COMMAND, order->argv, n * sizeof *out);
    return out;
}

bool guard_is_asked(int argc, char **argv) {
    return argc > ARG_COMMAND && strcmp(argv[ARG_WORD], guard_argument) == 0;
}

static guard_order read_order(char **argv) {
    return (guard_order){
        .memory = strtoull(argv[ARG_MEMORY], NULL, 10),
        .sandbox = {*argv[ARG_NO_NETWORK] == '1', *argv[ARG_READ_ONLY] == '1'},
        .folder = argv[ARG_FOLDER],
        .argv = argv + ARG_COMMAND,
    };
}

/* ---- what is said to weir, which may be gone ---- */

static void report(guard_report r) {
    (void)!send(GUARD_SOCKET, &r, sizeof r, MSG_NOSIGNAL);
}

/* ---- the child, up to its exec ---- */

enum { FILES_MAX = 1024 };

typedef struct stumble {
    guard_stage stage;
    int error;
} stumble;

static void fail_at(int fd, guard_stage stage, int error) {
    const stumble s = {stage, error};
    (void)!write(fd, &s, sizeof s);
    _exit(127);
}

/* Signals as a new program expects them. */
static void reset_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Writable memory of its own is what counts: what a program reserves and does not use is no burden.
 */
static int set_limits(const guard_order *o) {
    struct rlimit files;
    const struct rlimit none = {0, 0}, memory = {o->memory, o->memory};
    if (setrlimit(RLIMIT_CORE, &none) < 0) return errno;
    /* weir may have raised its own, and many a program goes through all that it might have open. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > FILES_MAX) {
        files.rlim_cur = FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return o->memory && setrlimit(RLIMIT_DATA, &memory) < 0 ? errno : 0;
}

/* Where memory runs out it goes before weir does. */
static void offer_to_killer(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, "500", 3);
    close(fd);
}

/* By PATH, as execvp(3), which would give what is no program to a shell. Returns an errno. */
static int run_program(char *const argv[]) {
    const char *path = getenv("PATH");
    span rest = path && *path ? span_cstr(path) : SPAN_OF("/usr/local/bin:/usr/bin:/bin"), folder;
    char place[PATH_MAX];
    int error = ENOENT;
    if (strchr(argv[0], '/')) {
        (void)execv(argv[0], argv);
        return errno;
    }
    while (span_cut(&rest, ':', &folder)) {
        int n = snprintf(place, sizeof place, "%.*s%s%s", SPAN_ARG(folder), folder.len ? "/" : "",
                         argv[0]);
        if (n >= (int)sizeof place) continue;
        (void)execv(place, argv);
        if (errno != ENOENT && errno != ENOTDIR) error = errno;
    }
    return error;
}

static void run_child(const guard_order *o, int fd) {
    int error;
    (void)setsid(); /* no terminal, and a group of its own */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    offer_to_killer();
    if (chdir(o->folder) < 0) fail_at(fd, GUARD_AT_FOLDER, errno);
    if ((error = set_limits(o)) != 0) fail_at(fd, GUARD_AT_LIMITS, error);
    if ((error = sandbox_enter(&o->sandbox)) != 0) fail_at(fd, GUARD_AT_SANDBOX, error);
    fail_at(fd, GUARD_AT_PROGRAM, run_program(o->argv));
}

/* The child, or -1 after saying why there is none. */
static pid_t start_child(const guard_order *o) {
    int fds[2];
    stumble s = {GUARD_AT_FORK, 0};
    if (pipe2(fds, O_CLOEXEC) < 0) {
        report((guard_report){.word = GUARD_NO_START, .stage = GUARD_AT_FORK, .value = errno});
        return -1;
    }
    pid_t pid = fork();
    if (pid < 0) s.error = errno;
    if (pid == 0) run_child(o, fds[1]);
    close(fds[1]);
    ssize_t n = 0;
    while (pid > 0 && (n = read(fds[0], &s, sizeof s)) < 0 && errno == EINTR) {}
    close(fds[0]);
    if (pid > 0 && n != sizeof s) return pid;
    if (pid > 0) (void)waitpid(pid, NULL, 0);
    report((guard_report){.word = GUARD_NO_START, .stage = s.stage, .value = s.error});
    return -1;
}

/* ---- keeping watch ---- */

/* Only whether there is more than may be: to be told off by whoever looks. */
static bool has_too_much(const guard_order *o, guard_reason *ret) {
    size_t pages;
    size_t count = family_count(&pages);
    if (count > GUARD_PROCESSES_MAX)
        *ret = GUARD_PROCESSES;
    else if (o->memory && pages > o->memory / (size_t)sysconf(_SC_PAGESIZE))
        *ret = GUARD_MEMORY;
    else
        return false;
    return true;
}

static bool is_told(short events) {
    char byte;
    return events && recv(GUARD_SOCKET, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Until the child has ended by itself, or must. */
static guard_reason watch(const guard_order *o, pid_t child, int signals, int *ret_status) {
    guard_reason reason = GUARD_BY_ITSELF;
    struct pollfd fds[] = {{GUARD_SOCKET, POLLIN, 0}, {signals, POLLIN, 0}};
    struct signalfd_siginfo info;
    int64_t look_ms = clock_mono_ms() + GUARD_LOOK_MS;
    for (;;) {
        int64_t left_ms = look_ms - clock_mono_ms();
        int ready = poll(fds, 2, left_ms > 0 ? (int)left_ms : 0);
        if (ready < 0 && errno != EINTR) return GUARD_TOLD;
        if (ready > 0 && is_told(fds[0].revents)) return GUARD_TOLD;
        if (ready > 0 && fds[1].revents) (void)!read(signals, &info, sizeof info);
        if (family_collect(child, ret_status)) return reason;
        if (clock_mono_ms() < look_ms) continue;
        if (has_too_much(o, &reason)) return reason;
        look_ms = clock_mono_ms() + GUARD_LOOK_MS;
    }
}

static int catch_children(void) {
    sigset_t set;
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, s == SIGCHLD ? SIG_DFL : SIG_IGN); /* its children cannot end it politely */
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int guard_main(int argc, char **argv) {
    (void)argc;
    const guard_order order = read_order(argv);
    int status = 0;
    (void)close_range(GUARD_SOCKET + 1, ~0U, 0);
    (void)fcntl(GUARD_SOCKET, F_SETFD, FD_CLOEXEC);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    int signals = catch_children();
    pid_t child = start_child(&order);
    if (child < 0) return 1;
    for (int fd = 0; fd <= 2; fd++)
        close(fd); /* whose end is the command's and its children's to make */
    report((guard_report){.word = GUARD_STARTED, .value = (int)child});
    guard_reason reason = watch(&order, child, signals, &status);
    family_end(reason == GUARD_BY_ITSELF ? 0 : child, &status);
    report((guard_report){.word = GUARD_ENDED, .reason = reason, .value = status});
    return 0;
}
