#include "tools/approval.h"

#include "tools/runner_internal.h"

#include "alert/signed_post.h"
#include "base/clock.h"
#include "base/mem.h"
#include "call/tls_part.h"

#include <stdlib.h>

enum { ANSWER_MAX = 64 * 1024, CONNECTIONS = 32 };

struct approval {
    tool_runner *runner;
    approval_waiter *waiter;
    http_origin *origin; /* counted */
    http_call *http;     /* NULL: none is under way */
    timer due;
    int status;
    bool too_large;
    arena arena;
    buf body, answer;
    span piece;
};

/* ---- TLS ---- */

static void *make_tls(const config *c, buf *ret_why) {
    const config_webhook *hook = &c->functions.approval.webhook;
    return tls_part_make(hook->url.tls, hook->ca_file, ret_why);
}

const snapshot_part approval_part = {"the approval's TLS", make_tls, tls_part_free};

/* ---- the end ---- */

static void release(approval *a) {
    loop_timer_stop(a->runner->loop, &a->due);
    http_origin_unref(a->origin);
    buf_done(&a->body);
    buf_done(&a->answer);
    arena_done(&a->arena);
    free(a);
}

/* It is gone before anybody hears of it. */
static void tell(approval *a, approval_answer answer, span reason) {
    approval_waiter *w = a->waiter;
    buf kept = BUF_EMPTY;
    buf_add(&kept, reason);
    const approval_result result = {answer, buf_span(&kept), a->status};
    release(a);
    w->done(w, &result);
    buf_done(&kept);
}

static void on_late(timer *t) {
    approval *a = CONTAINER_OF(t, approval, due);
    http_call_cancel(a->http);
    a->status = 0;
    tell(a, APPROVAL_FAILED, SPAN_OF("no whole answer in time"));
}

static void on_head(void *user, const http_head *head) {
    approval *a = user;
    a->status = head->status;
}

static void on_body(void *user, span piece) {
    approval *a = user;
    a->too_large |= a->answer.len + piece.len > ANSWER_MAX;
    if (!a->too_large) buf_add(&a->answer, piece);
}

static void on_end(void *user) {
    approval *a = user;
    buf reason = BUF_EMPTY;
    approval_answer answer = APPROVAL_FAILED;
    if (a->too_large)
        buf_add_cstr(&reason, "its answer is larger than 64 KB");
    else
        answer = approval_read(a->status, buf_span(&a->answer), &reason);
    tell(a, answer, buf_span(&reason));
    buf_done(&reason);
}

static void on_fail(void *user, const http_fail *fail) {
    tell(user, APPROVAL_FAILED, span_cstr(fail->text));
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

/* ---- the beginning ---- */

static void send_it(approval *a, const config_webhook *hook, span id) {
    a->piece = buf_span(&a->body);
    const http_call_spec spec = {
        .method = SPAN("POST"),
        .path = hook->url.path,
        .headers = signed_post_headers(hook, arena_join(&a->arena, (span[]){SPAN("msg_"), id}, 2),
                                       a->piece, &a->arena),
        .body = &a->piece,
        .body_count = 1,
    };
    a->http = http_client_send(tool_runner_client(a->runner), a->origin, &spec, &http_ops, a);
}

approval *approval_start(tool_runner *r, const snapshot *s, const approval_ask *ask,
                         approval_waiter *w) {
    const config_approval *c = &s->config->functions.approval;
    const http_origin_spec to =
        signed_post_origin(&c->webhook, snapshot_tls(s, &approval_part), CONNECTIONS);
    const int64_t now_us = clock_wall_us(), now_ms = r->loop->now_ms;
    int64_t within_ms = c->timeout_ms;
    char id[ID_LEN + 1];
    approval *a = mem_zalloc(sizeof *a);
    a->runner = r;
    a->waiter = w;
    arena_init(&a->arena, 0);
    timer_init(&a->due, on_late);
    if (ask->due_ms && ask->due_ms - now_ms < within_ms) within_ms = ask->due_ms - now_ms;
    loop_timer_start(r->loop, &a->due, within_ms > 0 ? within_ms : 0);
    id_new(&r->loop->rng, now_us, id);
    approval_write(ask, span_cstr(id), now_us, &a->body);
    a->origin = tool_runner_origin(r, &to);
    send_it(a, &c->webhook, span_cstr(id));
    return a;
}

void approval_cancel(approval *a) {
    http_call_cancel(a->http);
    release(a);
}
