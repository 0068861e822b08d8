#include "gateway/calls.h"

#include "base/mem.h"
#include "gateway/api_path.h"
#include "gateway/cors.h"
#include "gateway/routes.h"
#include "gateway/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(call_request, request) == 0, "the door makes a request of it");

static void free_if_over(call_request *c) {
    if (c->request.http || c->running) return;
    if (c->drop)
        c->drop(c);
    else
        request_free(&c->request);
}

/* ---- the exchange's answer ---- */

/* The exchange's headers and those of cors; *ret_own is the caller's to free. */
static http_headers with_cors(const call_request *c, http_headers headers, http_header **ret_own) {
    *ret_own = NULL;
    const config_cors *cors = &worker_config(c->request.w)->cors;
    if (!cors->origin_count) return headers;
    http_header *all = mem_alloc((headers.count + CORS_HEADERS_MAX) * sizeof *all);
    if (headers.count) memcpy(all, headers.items, headers.count * sizeof *all);
    size_t more =
        cors_headers(cors, http_request_head(c->request.http)->headers, all + headers.count);
    *ret_own = all;
    return (http_headers){all, headers.count + more};
}

static void door_answer(void *user, int status, http_headers headers, span body) {
    call_request *c = user;
    c->told = true;
    if (!c->request.http) return;
    http_header *own;
    http_answer(c->request.http, status, with_cors(c, headers, &own), body);
    free(own);
}

static void door_answer_kept(void *user, int status, http_headers headers, const kept_text *body) {
    call_request *c = user;
    c->told = true;
    if (!c->request.http) return;
    http_header *own;
    http_answer_kept(c->request.http, status, with_cors(c, headers, &own), body);
    free(own);
}

static void door_head(void *user, int status, http_headers headers) {
    call_request *c = user;
    if (!c->request.http) return;
    http_header *own;
    http_answer_head(c->request.http, status, with_cors(c, headers, &own));
    free(own);
}

static void door_piece(void *user, span bytes) {
    call_request *c = user;
    if (c->request.http) http_answer_piece(c->request.http, bytes);
}

static void door_piece_kept(void *user, const kept_text *piece) {
    call_request *c = user;
    if (c->request.http) http_answer_piece_kept(c->request.http, piece);
}

static void door_end(void *user) {
    call_request *c = user;
    c->told = true;
    if (c->request.http) http_answer_end(c->request.http);
}

static void door_abort(void *user) {
    call_request *c = user;
    c->told = true;
    if (c->request.http) http_answer_abort(c->request.http);
}

static void door_broken(void *user) {
    call_request *c = user;
    c->told = true;
    if (c->request.http) http_answer_break(c->request.http);
}

static bool door_full(void *user) {
    call_request *c = user;
    return c->request.http && http_answer_full(c->request.http);
}

static void door_asked(void *user) {
    call_request *c = user;
    if (!c->request.http) return;
    http_request_drop_body(c->request.http);
    http_request_drop_head(c->request.http);
}

static buf door_hand_over(void *user, memory_hold *ret_hold) {
    call_request *c = user;
    return http_request_take_body(c->request.http, ret_hold);
}

static http_head_memory door_hand_over_head(void *user) {
    call_request *c = user;
    return http_request_take_head(c->request.http);
}

static void door_done(void *user) {
    call_request *c = user;
    c->x = NULL;
    c->running = false;
    free_if_over(c);
}

static const exchange_door door = {
    .answer = door_answer,
    .answer_kept = door_answer_kept,
    .head = door_head,
    .piece = door_piece,
    .piece_kept = door_piece_kept,
    .end = door_end,
    .abort = door_abort,
    .broken = door_broken,
    .full = door_full,
    .done = door_done,
    .asked = door_asked,
    .hand_over = door_hand_over,
    .hand_over_head = door_hand_over_head,
};

/* The same for a call whose body stays where it is. */
static const exchange_door door_near = {
    .answer = door_answer,
    .answer_kept = door_answer_kept,
    .head = door_head,
    .piece = door_piece,
    .piece_kept = door_piece_kept,
    .end = door_end,
    .abort = door_abort,
    .broken = door_broken,
    .full = door_full,
    .done = door_done,
};

/* ---- the client's request ---- */

static void start(call_request *c, exchange_request *ask, const exchange_door *d) {
    worker *w = c->request.w;
    c->running = true;
    /* A reload between head and body may have taken the client away: then it is asked anew. One
     * whose key is the store's is of no configuration. */
    ask->identified = c->request.asked == w->env.snapshot || c->request.caller.key;
    ask->caller = c->request.caller;
    exchange *x = exchange_start(&w->env, ask, d, c);
    c->x = x; /* its last word never comes from inside exchange_start() */
}

/* What is known at the head. */
exchange_request call_ask(const call_request *c) {
    const http_head *head = http_request_head(c->request.http);
    const call_row *row = c->request.row->call;
    return (exchange_request){
        .form = row ? row->form : &form_openai,
        .endpoint = row ? row->endpoint : EP_OTHER,
        .method = head->method_text,
        .query = head->query,
        .url_path = head->path,
        .route = route_name(c->request.row, head->path),
        .headers = head->headers,
        .peer = request_peer(&c->request),
        .holder = http_request_holder(c->request.http),
        .started_us = c->request.w->loop.now_us,
    };
}

static void start_deployment(call_request *c, exchange_request *ask, span deployment) {
    buf name = BUF_EMPTY;
    if (api_path_decode(deployment, &name)) {
        ask->model = buf_span(&name);
        start(c, ask, &door);
    } else {
        weir_error e = error_of(ERR_UNKNOWN_MODEL);
        e.message = SPAN_OF("The deployment that the path names is no name in UTF-8.");
        c->running = true;
        c->x = exchange_start_refused(&c->request.w->env, ask, &e, (http_headers){0}, &door, c);
    }
    buf_done(&name);
}

static void begin(request *q) {
    call_request *c = CONTAINER_OF(q, call_request, request);
    const http_head *head = http_request_head(q->http);
    exchange_request ask = call_ask(c);
    const api_path path = api_path_of(head->path);
    ask.path = ask.form == &form_openai ? path.below : head->path;
    ask.body = http_request_body(q->http);
    /* The server leaves the body of the answer out. */
    if (head->method == HTTP_HEAD_M) ask.method = SPAN_OF("GET");
    if (path.deployment.len)
        start_deployment(c, &ask, path.deployment);
    else
        start(c, &ask, &door);
}

void call_serve(call_request *c, exchange_request *ask) {
    start(c, ask, &door_near);
}

void call_refuse(const request *q, const weir_error *why, http_headers more) {
    request *kept = http_request_user(q->http);
    assert(!kept || (kept == q && !kept->begun));
    if (!kept) kept = request_keep(q);
    call_request *c = CONTAINER_OF(kept, call_request, request);
    exchange_request ask = call_ask(c);
    c->request.begun = c->running = true;
    c->x = exchange_start_refused(&q->w->env, &ask, why, more, &door, c);
}

/* ---- the server's words ---- */

void call_gone(request *q) {
    call_request *c = CONTAINER_OF(q, call_request, request);
    const bool slow = http_request_is_slow(q->http);
    if (c->x) exchange_cancel_for(c->x, slow ? ERR_CLIENT_SLOW : ERR_CLIENT_GONE);
}

void call_room(request *q) {
    call_request *c = CONTAINER_OF(q, call_request, request);
    if (c->x) exchange_room(c->x);
}

void call_done(request *q) {
    free_if_over(CONTAINER_OF(q, call_request, request));
}

const request_ops call_ops = {sizeof(call_request), begin, call_gone, call_room, call_done};
