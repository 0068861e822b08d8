#include "gateway/calls.h"

#include "base/mem.h"
#include "gateway/cors.h"
#include "gateway/reply.h"

#include <stdlib.h>
#include <string.h>

typedef struct door_call {
    worker *w;
    http_request *r; /* NULL after the server's last word */
    exchange *x; /* NULL until exchange_start() has returned, and after the exchange's last word */
    bool ended;  /* no exchange has begun, or it has had its last word */
    loop_snapshot
        *asked; /* counted: of the configuration in which client was found; NULL: never asked */
    const config_client *client;
} door_call;

static void free_if_over(door_call *c) {
    if (c->r || !c->ended) return;
    loop_snapshot_unref(c->asked);
    free(c);
}

static door_call *door_call_of(worker *w, http_request *r) {
    door_call *c = http_request_user(r);
    if (c) return c;
    c = mem_alloc(sizeof *c);
    *c = (door_call){.w = w, .r = r, .ended = true};
    http_request_set_user(r, c);
    return c;
}

/* ---- the exchange's answer ---- */

/* The exchange's headers and those of cors; *ret_own is the caller's to free. */
static http_headers with_cors(const door_call *c, http_headers headers, http_header **ret_own) {
    *ret_own = NULL;
    const config_cors *cors = &worker_config(c->w)->cors;
    if (!cors->origin_count) return headers;
    http_header *all = mem_alloc((headers.count + CORS_HEADERS_MAX) * sizeof *all);
    if (headers.count) memcpy(all, headers.items, headers.count * sizeof *all);
    size_t more = cors_headers(cors, http_request_head(c->r)->headers, all + headers.count);
    *ret_own = all;
    return (http_headers){all, headers.count + more};
}

static void door_answer(void *user, int status, http_headers headers, span body) {
    door_call *c = user;
    if (!c->r) return;
    http_header *own;
    http_answer(c->r, status, with_cors(c, headers, &own), body);
    free(own);
}

static void door_head(void *user, int status, http_headers headers) {
    door_call *c = user;
    if (!c->r) return;
    http_header *own;
    http_answer_head(c->r, status, with_cors(c, headers, &own));
    free(own);
}

static void door_piece(void *user, span bytes) {
    door_call *c = user;
    if (c->r) http_answer_piece(c->r, bytes);
}

static void door_end(void *user) {
    door_call *c = user;
    if (c->r) http_answer_end(c->r);
}

static void door_abort(void *user) {
    door_call *c = user;
    if (c->r) http_answer_abort(c->r);
}

static bool door_full(void *user) {
    door_call *c = user;
    return c->r && http_answer_full(c->r);
}

static void door_done(void *user) {
    door_call *c = user;
    c->x = NULL;
    c->ended = true;
    free_if_over(c);
}

static const exchange_door door = {
    .answer = door_answer,
    .head = door_head,
    .piece = door_piece,
    .end = door_end,
    .abort = door_abort,
    .full = door_full,
    .done = door_done,
};

/* ---- the client's request ---- */

static void start(worker *w, http_request *r, exchange_request *request) {
    door_call *c = door_call_of(w, r);
    c->ended = false;
    /* A reload between head and body may have taken the client away: then it is asked anew. */
    request->identified = c->asked == w->env.snapshot;
    request->client = c->client;
    exchange *x = exchange_start(&w->env, request, &door, c);
    c->x = x; /* its last word never comes from inside exchange_start() */
}

static exchange_request request_of(const worker *w, const http_request *r) {
    const http_head *head = http_request_head(r);
    return (exchange_request){
        .method = head->method_text,
        .query = head->query,
        .headers = head->headers,
        .peer = http_request_peer(r),
        .started_us = w->loop.now_us,
    };
}

void call_handle(worker *w, http_request *r, const route *row) {
    const http_head *head = http_request_head(r);
    exchange_request request = request_of(w, r);
    request.form = row->form;
    request.endpoint = row->endpoint;
    request.path = row->form == &form_openai ? span_slice(head->path, strlen("/v1"), head->path.len)
                                             : head->path;
    request.body = http_request_body(r);
    /* The server leaves the body of the answer out. */
    if (head->method == HTTP_HEAD_M) request.method = SPAN_OF("GET");
    start(w, r, &request);
}

void call_forward_get(worker *w, http_request *r, span path) {
    exchange_request request = request_of(w, r);
    request.form = &form_openai;
    request.endpoint = EP_OTHER;
    request.method = SPAN_OF("GET");
    request.path = path;
    start(w, r, &request);
}

bool call_key_fits(worker *w, http_request *r) {
    const config_client *client;
    weir_error error;
    if (exchange_identify(worker_config(w), http_request_head(r)->headers, &client, &error)) {
        door_call *c = door_call_of(w, r);
        c->asked = loop_snapshot_ref(w->env.snapshot);
        c->client = client;
        return true;
    }
    reply_error_with(w, r, &error, (http_headers){0});
    return false;
}

/* ---- the server's words ---- */

void call_gone(http_request *r) {
    door_call *c = http_request_user(r);
    if (c && c->x) exchange_cancel(c->x);
}

void call_room(http_request *r) {
    door_call *c = http_request_user(r);
    if (c && c->x) exchange_room(c->x);
}

void call_request_done(http_request *r) {
    door_call *c = http_request_user(r);
    if (!c) return;
    c->r = NULL;
    free_if_over(c);
}
