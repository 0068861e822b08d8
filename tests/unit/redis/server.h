/* A Redis of a test's own: in a new folder, on a Unix socket alone. Ended and removed with the
 * test.
 */
#ifndef WEIR_UNIT_REDIS_SERVER_H
#define WEIR_UNIT_REDIS_SERVER_H

#include "unit.h"

#include "config/redis.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct redis_server {
    char folder[32], socket[64];
    pid_t pid; /* 0: it does not run */
} redis_server;

static inline void redis_server_execute(const redis_server *s) {
    const char *const programs[] = {"redis-server", "valkey-server"};
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(nothing, fd);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that ends badly leaves no server behind */
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        execlp(programs[i], programs[i], "--port", "0", "--unixsocket", s->socket, "--dir",
               s->folder, "--save", "", "--appendonly", "no", (char *)NULL);
    _exit(127);
}

/* -1: nobody listens there. */
static inline int redis_server_connect(const redis_server *s) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", s->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!connect(fd, (const struct sockaddr *)&to, sizeof to)) return fd;
    close(fd);
    return -1;
}

/* false: there is no such program here. */
static inline bool redis_server_run(redis_server *s) {
    s->pid = fork();
    if (!s->pid) redis_server_execute(s);
    for (;;) {
        int status, fd = redis_server_connect(s);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) return false;
        usleep(5000);
    }
}

static inline bool redis_server_start(redis_server *s) {
    *s = (redis_server){.folder = "/tmp/weir-redis-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->socket, sizeof s->socket, "%s/socket", s->folder);
    return redis_server_run(s);
}

static inline void redis_server_kill(redis_server *s) {
    if (!s->pid) return;
    kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
    (void)unlink(s->socket);
}

static inline void redis_server_stop(redis_server *s) {
    redis_server_kill(s);
    (void)rmdir(s->folder);
}

static redis_server server; /* one for all tests of a program */

/* Of a group of tests. */
static inline int redis_server_set_up(void **state) {
    (void)state;
    if (redis_server_start(&server)) return 0;
    redis_server_stop(&server);
    print_message("no redis-server here\n");
    exit(77); /* meson: skipped */
}

static inline int redis_server_tear_down(void **state) {
    (void)state;
    redis_server_stop(&server);
    return 0;
}

static inline config_redis redis_server_config(const redis_server *s, int64_t timeout_ms) {
    return (config_redis){.on = true,
                          .host = SPAN_OF("localhost"),
                          .unix_path = span_cstr(s->socket),
                          .shown = SPAN_OF("unix"),
                          .timeout_ms = timeout_ms};
}

#endif
