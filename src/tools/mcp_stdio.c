/* MCP over the standard streams of a process: a message a line. What it writes to stderr is free
 * text, of which the end is told where it ends.
 *
 * Closed: its input ends, and it has a while to end by itself; then it is killed with all that it
 * has started. */
#include "tools/mcp_link.h"
#include "tools/words.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    GRACE_MS = 2000,
    UNREAD_MAX = 16 << 20, /* bytes that it may leave unread */
    HEAD_KEPT = 256,       /* of a line that is too long, at either end */
    NOISE_MAX = 1 << 20,   /* bytes between two rests: who says more is read by turns */
    REST_MS = 20,
};

typedef struct stdio_link {
    mcp_link link;
    process *process; /* NULL: it has ended */
    buf line;         /* as far as it has come */
    buf tail;         /* of one that is too long; line is its head */
    bool too_long;
    last_words errors;
    size_t noise;
    timer rest;
    timer end; /* its grace is over; or it is freed */
} stdio_link;

static void on_bury(timer *t) {
    stdio_link *s = CONTAINER_OF(t, stdio_link, end);
    mcp_env *e = s->link.env;
    if (s->process) process_kill(s->process);
    loop_timer_stop(e->loop, &s->rest);
    buf_done(&s->line);
    buf_done(&s->tail);
    last_words_done(&s->errors);
    free(s);
    mcp_link_gone(e);
}

/* ---- what it says ---- */

static void end_long_line(stdio_link *s) {
    const mcp_link_ops *ops = s->link.ops;
    span tail = span_slice(buf_span(&s->tail),
                           s->tail.len > HEAD_KEPT ? s->tail.len - HEAD_KEPT : 0, s->tail.len);
    s->too_long = false;
    if (ops) ops->on_large(s->link.user, buf_span(&s->line), tail, NULL);
    buf_done(&s->tail);
    buf_done(&s->line);
}

static void take_line(stdio_link *s, span line) {
    line = span_trim(line.len && line.ptr[line.len - 1] == '\r' ? span_slice(line, 0, line.len - 1)
                                                                : line);
    if (line.len && s->link.ops) s->link.ops->on_message(s->link.user, line, NULL, 0);
}

static void gather(stdio_link *s, span piece) {
    if (s->too_long) {
        buf_add(&s->tail, piece);
        if (s->tail.len > 64 * HEAD_KEPT) buf_drop_front(&s->tail, s->tail.len - HEAD_KEPT);
        return;
    }
    buf_add(&s->line, piece);
    if (s->line.len <= s->link.place->message_max) return;
    s->too_long = true;
    buf_add(&s->tail, span_slice(buf_span(&s->line), s->line.len - HEAD_KEPT, s->line.len));
    span head = span_slice(buf_span(&s->line), 0, HEAD_KEPT);
    buf kept = BUF_EMPTY;
    buf_add(&kept, head);
    buf_done(&s->line);
    s->line = kept;
}

static void end_line(stdio_link *s) {
    enum { KEPT = 65536 };
    if (s->too_long) {
        end_long_line(s);
        return;
    }
    take_line(s, buf_span(&s->line));
    if (s->line.cap > KEPT)
        buf_done(&s->line);
    else
        buf_clear(&s->line);
}

static void on_rested(timer *t) {
    stdio_link *s = CONTAINER_OF(t, stdio_link, rest);
    s->noise = 0;
    if (s->process) process_resume(s->process);
}

/* One that floods takes its loop from the other servers otherwise. */
static void rest_if_noisy(stdio_link *s, size_t more) {
    s->noise += more;
    if (s->noise <= NOISE_MAX || timer_active(&s->rest) || !s->process) return;
    process_pause(s->process);
    loop_timer_start(s->link.env->loop, &s->rest, REST_MS);
}

static void on_output(void *user, span piece) {
    stdio_link *s = user;
    rest_if_noisy(s, piece.len);
    while (piece.len && s->link.ops) {
        size_t end = span_find(piece, 0, '\n');
        span part = span_slice(piece, 0, end);
        bool whole = end < piece.len;
        piece = span_slice(piece, end + 1, piece.len);
        if (whole && !s->line.len && !s->too_long && part.len <= s->link.place->message_max) {
            take_line(s, part);
            continue;
        }
        gather(s, part);
        if (whole) end_line(s);
    }
}

static void on_errors(void *user, span piece) {
    stdio_link *s = user;
    last_words_add(&s->errors, piece);
}

/* Its last line counts without its end too, unless it was cut off in the middle of it. */
static void end_last_line(stdio_link *s) {
    const json_limits any = {.repeats = true};
    json_value whole;
    json_fault torn;
    if (s->link.ops && !s->too_long && json_scan(buf_span(&s->line), &any, &whole, &torn))
        end_line(s);
}

static void on_end(void *user, const process_end *end) {
    stdio_link *s = user;
    s->process = NULL;
    end_last_line(s);
    if (!s->link.ops) {
        loop_timer_start(s->link.env->loop, &s->end, 0);
        return;
    }
    buf why = BUF_EMPTY;
    buf_addf(&why, "its process is not there any more: %s", end->text);
    last_words_tell(&s->errors, s->link.place->secrets, &why);
    const mcp_loss loss = {end->way == PROCESS_NO_START ? TOOL_UNREACHABLE : TOOL_FAILED, 0,
                           buf_span(&why)};
    s->link.ops->on_down(s->link.user, &loss);
    buf_done(&why);
}

static const process_ops stdio_process = {on_output, on_errors, on_end};

/* ---- what it is told ---- */

static void stdio_send(mcp_link *l, const mcp_outgoing *out) {
    stdio_link *s = CONTAINER_OF(l, stdio_link, link);
    /* Who asked waits no longer than he may anyway. */
    if (!s->process || process_unread(s->process) > UNREAD_MAX) return;
    process_write(s->process, out->message);
    process_write(s->process, SPAN_OF("\n"));
}

static void stdio_forget(mcp_link *l, mcp_request *r, bool answered) {
    (void)l;
    (void)answered;
    r->sent = NULL;
}

static mcp_link *stdio_open(mcp_env *e, const mcp_place *p, const mcp_link_ops *ops, void *user) {
    stdio_link *s = mem_zalloc(sizeof *s);
    const process_spec spec = {
        .argv = p->config->argv,
        .env = p->env,
        .folder = p->config->folder.ptr,
        .memory = p->config->memory,
        .sandbox = p->config->sandbox,
    };
    mcp_link_init(&s->link, &mcp_stdio, e, p, ops, user);
    timer_init(&s->rest, on_rested);
    timer_init(&s->end, on_bury);
    s->process = process_start(&e->yard, &spec, &stdio_process, s);
    return &s->link;
}

static void stdio_close(mcp_link *l) {
    stdio_link *s = CONTAINER_OF(l, stdio_link, link);
    l->ops = NULL;
    if (s->process) process_end_input(s->process);
    loop_timer_start(l->env->loop, &s->end, s->process ? GRACE_MS : 0);
}

const mcp_link_kind mcp_stdio = {
    .open = stdio_open,
    .send = stdio_send,
    .forget = stdio_forget,
    .close = stdio_close,
};
