/* A PostgreSQL server of a test's own: in a new folder, on a Unix socket alone, as an unprivileged
 * user where the test runs as root (postgres refuses to). Ended and removed with the test.
 */
#ifndef WEIR_UNIT_LEDGER_CLUSTER_H
#define WEIR_UNIT_LEDGER_CLUSTER_H

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct cluster {
    char folder[64], programs[256];
    pid_t pid; /* of the server; 0: it does not run */
    uid_t user;
    gid_t group;
} cluster;

/* Who may run it; false: nobody. */
static inline bool cluster_choose_user(cluster *c) {
    const struct passwd *who = NULL;
    c->user = getuid();
    c->group = getgid();
    if (c->user) return true;
    if (!(who = getpwnam("postgres")) && !(who = getpwnam("nobody"))) return false;
    c->user = who->pw_uid;
    c->group = who->pw_gid;
    return true;
}

/* The newest of Debian's, else what is in the path. */
static inline bool cluster_find_programs(cluster *c) {
    glob_t found;
    bool any = !glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found);
    if (any)
        snprintf(c->programs, sizeof c->programs, "%.*s",
                 (int)(strlen(found.gl_pathv[found.gl_pathc - 1]) - strlen("/initdb")),
                 found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return any;
}

/* As nobody of root's groups. */
static inline bool cluster_become(const cluster *c) {
    return getuid() || (!setgroups(0, NULL) && !setgid(c->group) && !setuid(c->user));
}

/* argv[0] is the program's name. It is called by its path: initdb looks for postgres beside itself,
 * and where it is called by a name alone it looks for itself in PATH, which on Debian does not lead
 * there. A PATH that does is of no help here, so that all machines test the same. */
static inline pid_t cluster_run(const cluster *c, char **argv) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", c->programs, argv[0]);
    pid_t pid = fork();
    if (pid) return pid;
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(nothing, fd);
    if (!cluster_become(c)) _exit(126);
    argv[0] = path;
    if (setenv("PATH", "/usr/bin:/bin", true)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* a test that ends badly leaves no server behind */
    if (chdir(c->folder)) _exit(126);
    execv(path, argv);
    _exit(127);
}

static inline bool cluster_wait(pid_t pid) {
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Directly, so that the server is this process's own child. */
static inline void cluster_start(cluster *c) {
    char data[80], options[300];
    snprintf(data, sizeof data, "%s/data", c->folder);
    snprintf(options, sizeof options, "unix_socket_directories=%s", c->folder);
    char *argv[] = {"postgres",
                    "-D",
                    data,
                    "-c",
                    options,
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "max_connections=20",
                    NULL};
    c->pid = cluster_run(c, argv);
    char *ready[] = {"pg_isready", "-q", "-h", c->folder, "-U", "weir", "-d", "postgres", NULL};
    while (!cluster_wait(cluster_run(c, ready))) {
        assert_int_equal(waitpid(c->pid, NULL, WNOHANG), 0); /* it has ended */
        usleep(20000);
    }
}

static inline pid_t cluster_parent_of(pid_t pid) {
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1) parent = 0;
    if (f) fclose(f);
    return parent;
}

/* The server and the processes that serve its connections. */
static inline void cluster_signal_all(const cluster *c, int signal) {
    assert_int_equal(kill(c->pid, signal), 0);
    DIR *dir = opendir("/proc");
    for (struct dirent *d; (d = readdir(dir));) {
        pid_t pid = atoi(d->d_name);
        if (pid > 0 && cluster_parent_of(pid) == c->pid) (void)kill(pid, signal);
    }
    closedir(dir);
}

/* SIGINT: it closes all connections and ends. */
static inline void cluster_stop(cluster *c, int signal) {
    if (!c->pid) return;
    assert_int_equal(kill(c->pid, signal), 0);
    waitpid(c->pid, NULL, 0);
    c->pid = 0;
}

/* "postgres://…"; false and why: there can be none here. */
static inline bool cluster_make(cluster *c, const char **ret_why) {
    *c = (cluster){0};
    *ret_why = "PostgreSQL's server is not installed (tools/deps test)";
    if (!cluster_find_programs(c)) return false;
    *ret_why = "root cannot run PostgreSQL's server, and there is no other user";
    if (!cluster_choose_user(c)) return false;
    snprintf(c->folder, sizeof c->folder, "%s", "/tmp/weir-postgres-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    if (!getuid()) assert_int_equal(chown(c->folder, c->user, c->group), 0);
    char data[80];
    snprintf(data, sizeof data, "%s/data", c->folder);
    char *argv[] = {"initdb",           "-D", data, "-U", "weir", "-A", "trust", "-N", "-E", "UTF8",
                    "--locale=C.UTF-8", NULL};
    if (!cluster_wait(cluster_run(c, argv))) {
        (void)rmdir(c->folder);
        c->folder[0] = 0;
        fail_msg("PostgreSQL's server is installed, and its initdb fails");
    }
    cluster_start(c);
    return true;
}

/* For the set-up of a group of tests: where there can be none they are skipped. */
static inline int cluster_make_or_skip(cluster *c) {
    const char *why;
    if (cluster_make(c, &why)) return 0;
    printf("skipped: %s\n", why);
    exit(77);
}

static inline void cluster_remove(cluster *c) {
    cluster_stop(c, SIGQUIT);
    if (!c->folder[0]) return;
    char *const argv[] = {"rm", "-r", c->folder, NULL};
    pid_t pid = fork();
    if (!pid) {
        execvp("rm", argv);
        _exit(127);
    }
    cluster_wait(pid);
}

#endif
