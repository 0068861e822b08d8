#include "gateway/door.h"

#include "gateway/calls.h"
#include "gateway/cors.h"
#include "gateway/reply.h"
#include "gateway/routes.h"

bool door_takes_json(span content_type, span origin) {
    if (!content_type.len) return !origin.len;
    span type = span_trim(span_slice(content_type, 0, span_find(content_type, 0, ';')));
    return span_ieq(type, SPAN_OF("application/json"));
}

/* ---- early refusals: each answers and returns false ---- */

static bool path_exists(worker *w, http_request *r, const route *row) {
    if (row) return true;
    reply_error_text(w, r, ERR_UNKNOWN_PATH,
                     "There is nothing at %.*s; GET /docs lists what there is.",
                     SPAN_ARG(http_request_head(r)->path));
    return false;
}

static bool method_fits(worker *w, http_request *r, const route *row) {
    const http_head *head = http_request_head(r);
    if (route_allows(row, head->method)) return true;
    buf allow = BUF_EMPTY, message = BUF_EMPTY;
    route_allow(row, &allow);
    buf_addf(&message, "%.*s is not allowed at %.*s; allowed: %.*s.", SPAN_ARG(head->method_text),
             SPAN_ARG(head->path), SPAN_ARG(buf_span(&allow)));
    weir_error e = error_of(ERR_BAD_METHOD);
    e.message = buf_span(&message);
    http_header header = {SPAN("allow"), buf_span(&allow)};
    reply_error_with(w, r, &e, (http_headers){&header, 1});
    buf_done(&allow);
    buf_done(&message);
    return false;
}

/* A page of another origin may send some requests without asking first; it must not reach a
 * provider that way. */
static bool origin_fits(worker *w, http_request *r, const route *row) {
    const http_head *head = http_request_head(r);
    span origin = http_header_get(head->headers, SPAN_OF("origin"));
    if (row->handle != call_handle || row->takes_json || !origin.len) return true;
    if (head->method == HTTP_GET_M || head->method == HTTP_HEAD_M) return true;
    if (cors_allows(&worker_config(w)->cors, origin)) return true;
    reply_error_text(w, r, ERR_FORBIDDEN, "Pages of %.*s may not call here; see cors.origins.",
                     SPAN_ARG(origin));
    return false;
}

static bool content_type_fits(worker *w, http_request *r, const route *row) {
    http_headers headers = http_request_head(r)->headers;
    span type = http_header_get(headers, SPAN_OF("content-type"));
    if (!row->takes_json || door_takes_json(type, http_header_get(headers, SPAN_OF("origin"))))
        return true;
    if (type.len)
        reply_error_text(w, r, ERR_BAD_CONTENT_TYPE,
                         "The content type is %.*s; this path takes application/json.",
                         SPAN_ARG(type));
    else
        reply_error_text(w, r, ERR_BAD_CONTENT_TYPE,
                         "The content type is missing; this path takes application/json.");
    return false;
}

static void answer_options(worker *w, http_request *r, const route *row) {
    arena a;
    arena_init(&a, 0);
    buf allow = BUF_EMPTY;
    route_allow(row, &allow);
    http_header headers[REPLY_HEADERS_MAX] = {{SPAN("allow"), buf_span(&allow)}};
    size_t n = 1 + cors_preflight_headers(&worker_config(w)->cors, http_request_head(r)->headers,
                                          buf_span(&allow), &a, headers + 1);
    reply(w, r, 204, NULL, SPAN_EMPTY, (http_headers){headers, n});
    buf_done(&allow);
    arena_done(&a);
}

/* ---- the server's questions ---- */

static void on_head(void *user, http_request *r) {
    worker *w = user;
    const http_head *head = http_request_head(r);
    /* `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7). */
    if (head->method == HTTP_OPTIONS_M && span_eq(head->target, SPAN_OF("*"))) {
        reply(w, r, 204, NULL, SPAN_EMPTY, (http_headers){0});
        return;
    }
    const route *row = route_find(worker_config(w), head->path);
    if (!path_exists(w, r, row) || !method_fits(w, r, row)) return;
    if (head->method == HTTP_OPTIONS_M) {
        answer_options(w, r, row);
        return;
    }
    if (!origin_fits(w, r, row) || !content_type_fits(w, r, row)) return;
    if (row->keyed && !call_key_fits(w, r)) return;
    http_request_limit_body(r, worker_config(w)->limits.body_bytes);
}

static void on_request(void *user, http_request *r) {
    worker *w = user;
    const route *row = route_find(worker_config(w), http_request_head(r)->path);
    /* A reload between head and body may have taken a passthrough path away. */
    if (path_exists(w, r, row)) row->handle(w, r, row);
}

static void on_gone(void *user, http_request *r) {
    (void)user;
    call_gone(r);
}

static void on_room(void *user, http_request *r) {
    (void)user;
    call_room(r);
}

static void on_done(void *user, http_request *r) {
    (void)user;
    call_request_done(r);
}

static void on_refused(void *user, error_id id, const char *why, buf *ret_body) {
    weir_error e = error_of(id);
    e.message = span_cstr(why);
    exchange_error_body(&e, ret_body);
    reply_count_error(user, id);
}

const http_server_ops door_ops = {
    .on_head = on_head,
    .on_request = on_request,
    .on_gone = on_gone,
    .on_room = on_room,
    .on_done = on_done,
    .on_refused = on_refused,
};
