#include "tools/process.h"

#include "tools/guard.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COLLECT_MS = 2, TEXT_MAX = 200 };

/* A pipe or the socket, on the loop. The process is freed when the last of its handles has closed.
 */
typedef struct end_point {
    process *process; /* NULL: not open */
    uv_pipe_t pipe;
    bool ended; /* the other side has */
} end_point;

typedef struct process_written {
    uv_write_t request;
    process *process;
    size_t len;
    char bytes[];
} process_written;

struct process {
    list link; /* in its yard */
    loop *loop;
    const process_ops *ops; /* NULL: nobody hears */
    void *user;
    end_point input, output, errors, socket;
    unsigned handles; /* that are not closed */
    pid_t guard;      /* 0: none, or collected */
    pid_t pid;        /* the program; 0: not running */
    bool reported;    /* `report` says how it ended */
    bool input_ends;  /* behind what waits */
    size_t unread;
    guard_report report;
    size_t report_len; /* of it, so far */
    timer timer;       /* a failed start is told; the guard is collected */
    char text[TEXT_MAX];
};

void process_yard_init(process_yard *y, loop *l) {
    y->loop = l;
    list_init(&y->all);
}

/* ---- the end of the object ---- */

static void free_if_over(process *p) {
    if (p->handles || p->guard || p->ops) return;
    loop_timer_stop(p->loop, &p->timer);
    list_remove(&p->link);
    free(p);
}

static void on_closed(uv_handle_t *handle) {
    process *p = handle->data;
    p->handles--;
    free_if_over(p);
}

static void close_end(end_point *e) {
    process *p = e->process;
    if (!p) return;
    e->process = NULL;
    e->ended = true;
    e->pipe.data = p;
    uv_close((uv_handle_t *)&e->pipe, on_closed);
}

static void close_ends(process *p) {
    end_point *const all[] = {&p->input, &p->output, &p->errors, &p->socket};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        close_end(all[i]);
}

/* The guard ends by itself as soon as it has said all. */
static void collect(process *p) {
    int status;
    pid_t done = p->guard ? waitpid(p->guard, &status, WNOHANG) : 0;
    if (done > 0 || (done < 0 && errno == ECHILD)) p->guard = 0;
    if (p->guard)
        loop_timer_start(p->loop, &p->timer, COLLECT_MS);
    else
        free_if_over(p);
}

/* ---- how it ended ---- */

COLD static const char *stage_text(guard_stage stage) {
    switch (stage) {
    case GUARD_AT_FORK: return "no process can be started";
    case GUARD_AT_LIMITS: return "its limits cannot be set";
    case GUARD_AT_FOLDER: return "its folder cannot be entered";
    case GUARD_AT_SANDBOX: return "its sandbox cannot be made";
    case GUARD_AT_PROGRAM: return "the program cannot be started";
    }
    return "it cannot be started";
}

COLD static process_end no_start(process *p, const char *what, int error) {
    char why[100];
    (void)snprintf(p->text, sizeof p->text, "%s: %s", what, strerror_r(error, why, sizeof why));
    return (process_end){PROCESS_NO_START, error, p->text};
}

static process_end ended(process *p, process_way way, int value, const char *format) {
    (void)snprintf(p->text, sizeof p->text, format, value);
    return (process_end){way, value, p->text};
}

static process_end end_of(process *p) {
    const guard_report *r = &p->report;
    if (r->word == GUARD_NO_START) return no_start(p, stage_text(r->stage), r->value);
    if (r->reason == GUARD_PROCESSES)
        return ended(p, PROCESS_TOO_MANY, GUARD_PROCESSES_MAX,
                     "it started more than %d processes at a time");
    if (r->reason == GUARD_MEMORY)
        return ended(p, PROCESS_TOO_LARGE, 0, "it took more memory than it may");
    if (!p->reported) return ended(p, PROCESS_SIGNALLED, SIGKILL, "its guard was ended");
    if (WIFSIGNALED(r->value))
        return ended(p, PROCESS_SIGNALLED, WTERMSIG(r->value), "it was ended by signal %d");
    return ended(p, PROCESS_EXITED, WEXITSTATUS(r->value), "it ended with status %d");
}

static void tell(process *p, const process_end *end) {
    const process_ops *ops = p->ops;
    void *user = p->user;
    p->ops = NULL;
    close_ends(p);
    if (ops) ops->on_end(user, end);
    collect(p);
}

static void tell_if_over(process *p) {
    if (!p->ops || !p->socket.ended) return;
    if (p->reported && !(p->output.ended && p->errors.ended)) return;
    process_end end = end_of(p);
    tell(p, &end);
}

/* ---- what is read ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
    (void)size;
    loop *l = CONTAINER_OF(handle->loop, loop, uv);
    *buffer = uv_buf_init(l->read_buf, (unsigned)l->read_cap);
}

static end_point *end_of_stream(uv_stream_t *stream) {
    return CONTAINER_OF(stream, end_point, pipe);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    end_point *e = end_of_stream(stream);
    process *p = e->process;
    if (!p || n == 0) return;
    loop_enter(p->loop);
    if (n < 0) {
        e->ended = true;
        uv_read_stop(stream);
        tell_if_over(p);
        return;
    }
    if (!p->ops) return; /* killed, and what it says now is nobody's */
    if (e == &p->output)
        p->ops->on_output(p->user, span_from(buffer->base, (size_t)n));
    else
        p->ops->on_errors(p->user, span_from(buffer->base, (size_t)n));
}

static void take_report(process *p, span bytes) {
    while (bytes.len) {
        size_t room = sizeof p->report - p->report_len;
        size_t n = bytes.len < room ? bytes.len : room;
        memcpy((char *)&p->report + p->report_len, bytes.ptr, n);
        p->report_len += n;
        bytes = span_slice(bytes, n, bytes.len);
        if (p->report_len < sizeof p->report) return;
        p->report_len = 0;
        if (p->report.word == GUARD_STARTED)
            p->pid = p->report.value;
        else
            p->reported = true, p->pid = 0;
    }
}

static void on_socket(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    end_point *e = end_of_stream(stream);
    process *p = e->process;
    if (!p || n == 0) return;
    loop_enter(p->loop);
    if (n > 0) {
        take_report(p, span_from(buffer->base, (size_t)n));
        return;
    }
    uv_read_stop(stream);
    e->ended = true;
    /* Whoever ended the guard was to be ended himself. */
    if (!p->reported && p->pid > 0) (void)kill(-p->pid, SIGKILL);
    if (p->ops) {
        tell_if_over(p);
    } else {
        close_ends(p);
        collect(p);
    }
}

/* ---- what is written ---- */

static void end_input_if_due(process *p) {
    if (p->input_ends && !p->unread) close_end(&p->input);
}

static void on_written(uv_write_t *request, int status) {
    process_written *w = CONTAINER_OF(request, process_written, request);
    process *p = w->process;
    size_t len = w->len;
    free(w);
    p->unread -= len;
    if (status < 0) p->input_ends = true; /* it does not read: its own affair */
    if (p->input.process) end_input_if_due(p);
}

void process_write(process *p, span bytes) {
    if (!p->input.process || p->input_ends || !bytes.len) return;
    process_written *w = mem_alloc(sizeof *w + bytes.len);
    w->process = p;
    w->len = bytes.len;
    memcpy(w->bytes, bytes.ptr, bytes.len);
    uv_buf_t buffer = uv_buf_init(w->bytes, (unsigned)bytes.len);
    p->unread += bytes.len;
    if (uv_write(&w->request, (uv_stream_t *)&p->input.pipe, &buffer, 1, on_written) == 0) return;
    p->unread -= bytes.len;
    free(w);
}

size_t process_unread(const process *p) {
    return p->unread;
}

void process_end_input(process *p) {
    p->input_ends = true;
    end_input_if_due(p);
}

void process_pause(process *p) {
    if (p->output.process) (void)uv_read_stop((uv_stream_t *)&p->output.pipe);
}

void process_resume(process *p) {
    if (p->output.process && !p->output.ended)
        (void)uv_read_start((uv_stream_t *)&p->output.pipe, on_alloc, on_read);
}

/* ---- the beginning ---- */

/* Both ends of the three pipes and the socket; weir's end of each is its second. */
typedef struct fds {
    int pairs[4][2];
} fds;

static void close_all(fds *f, int side) {
    for (size_t i = 0; i < ARRAY_LEN(f->pairs); i++) {
        if (f->pairs[i][side] >= 0) close(f->pairs[i][side]);
        f->pairs[i][side] = -1;
    }
}

static int open_fds(fds *f) {
    memset(f, 0xFF, sizeof *f); /* -1 */
    for (size_t i = 0; i < 3; i++)
        if (pipe2(f->pairs[i], O_CLOEXEC) < 0) return errno;
    for (size_t i = 1; i < 3; i++) { /* weir reads what it writes */
        int reading = f->pairs[i][0];
        f->pairs[i][0] = f->pairs[i][1];
        f->pairs[i][1] = reading;
    }
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->pairs[3]) < 0 ? errno : 0;
}

/* No terminal, signals as a new program expects them. */
static int spawn(const process_spec *spec, const fds *f, pid_t *ret) {
    const guard_order order = {spec->memory, spec->sandbox, spec->folder, spec->argv};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 4; i++)
        posix_spawn_file_actions_adddup2(&actions, f->pairs[i][0], i);
    char **argv = guard_argv(&order);
    int error = posix_spawn(ret, guard_program, &actions, &attr, argv, spec->env);
    free(argv);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return error;
}

static int open_end(process *p, end_point *e, int *fd) {
    int error = uv_pipe_init(&p->loop->uv, &e->pipe, 0);
    if (error) return -error;
    e->process = p;
    p->handles++;
    error = uv_pipe_open(&e->pipe, *fd);
    if (!error) *fd = -1;
    return -error;
}

static int open_ends(process *p, fds *f) {
    end_point *const all[] = {&p->input, &p->output, &p->errors, &p->socket};
    int error = 0;
    for (size_t i = 0; i < ARRAY_LEN(all) && !error; i++)
        error = open_end(p, all[i], &f->pairs[i][1]);
    for (size_t i = 1; i < ARRAY_LEN(all) && !error; i++)
        error = -uv_read_start((uv_stream_t *)&all[i]->pipe, on_alloc,
                               all[i] == &p->socket ? on_socket : on_read);
    return error;
}

static void on_timer(timer *t) {
    process *p = CONTAINER_OF(t, process, timer);
    if (p->ops) {
        process_end end = end_of(p);
        tell(p, &end);
    } else {
        collect(p);
    }
}

process *process_start(process_yard *y, const process_spec *spec, const process_ops *ops,
                       void *user) {
    process *p = mem_zalloc(sizeof *p);
    fds f;
    loop_enter(y->loop);
    p->loop = y->loop;
    p->ops = ops;
    p->user = user;
    timer_init(&p->timer, on_timer);
    list_push_back(&y->all, &p->link);
    int error = open_fds(&f);
    if (!error) error = spawn(spec, &f, &p->guard);
    close_all(&f, 0);
    if (!error) error = open_ends(p, &f);
    close_all(&f, 1);
    if (!error) return p;
    close_ends(p);
    p->report = (guard_report){.word = GUARD_NO_START, .stage = GUARD_AT_FORK, .value = error};
    p->reported = true;
    loop_timer_start(p->loop, &p->timer, 0);
    return p;
}

void process_kill(process *p) {
    p->ops = NULL;
    close_end(&p->input);
    close_end(&p->output);
    close_end(&p->errors);
    loop_timer_stop(p->loop, &p->timer);
    /* Its guard hears that nothing more will come, and weir that the guard has done its work. */
    if (p->socket.process && !p->socket.ended) {
        uv_os_fd_t fd;
        if (uv_fileno((uv_handle_t *)&p->socket.pipe, &fd) == 0) (void)shutdown(fd, SHUT_WR);
        return;
    }
    close_end(&p->socket);
    collect(p);
}

void process_yard_close(process_yard *y) {
    LIST_FOREACH(&y->all, it) {
        process *p = LIST_ENTRY(it, process, link);
        p->ops = NULL;
        p->guard = 0; /* init's, once weir has ended */
        loop_timer_stop(p->loop, &p->timer);
        close_ends(p);
        free_if_over(p);
    }
}
