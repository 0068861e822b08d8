#include "gateway/door.h"

#include "gateway/admin_act.h"
#include "gateway/body_limit.h"
#include "gateway/cors.h"
#include "gateway/host_rule.h"
#include "gateway/identify.h"
#include "gateway/peer.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"

/* Of what a client says of itself, in a message. */
enum { SHOWN_BYTES = 100 };

bool door_takes_json(span content_type, span origin) {
    if (!content_type.len) return !origin.len;
    span type = span_trim(span_slice(content_type, 0, span_find(content_type, 0, ';')));
    return span_ieq(type, SPAN_OF("application/json"));
}

/* ---- early refusals: each answers and returns false ---- */

/* Browsers know no Unix sockets: who asks over one has been let to it, and says what he likes. */
static bool host_fits(const request *q) {
    span host = http_request_head(q->http)->host;
    if (host_rule_allows(worker_config(q->w), host) || http_request_is_unix(q->http)) return true;
    reply_error_text(q, ERR_FOREIGN_HOST,
                     "This gateway asks for no key and so does not answer to the host '%.*s'; ask "
                     "by its address or as localhost, or add the name to server.hosts.",
                     SPAN_ARG(span_clip(host, SHOWN_BYTES)));
    return false;
}

static bool path_exists(const request *q) {
    if (q->row) return true;
    const span path = http_request_head(q->http)->path, meant = route_meant(path);
    if (meant.len)
        reply_error_text(q, ERR_UNKNOWN_PATH, "There is nothing at %.*s; did you mean %.*s?",
                         SPAN_ARG(path), SPAN_ARG(meant));
    else
        reply_error_text(
            q, ERR_UNKNOWN_PATH, "There is nothing at %.*s; GET /docs lists what there is%s.",
            SPAN_ARG(path),
            span_starts(path, SPAN_OF("/v1/")) ? ", and passthrough hands on more of a provider's"
                                               : "");
    return false;
}

static bool method_fits(const request *q) {
    const http_head *head = http_request_head(q->http);
    if (route_allows(q->row, head->method)) return true;
    buf allow = BUF_EMPTY, message = BUF_EMPTY;
    route_allow(worker_config(q->w), q->row, head->path, &allow);
    buf_addf(&message, "%.*s is not allowed at %.*s; allowed: %.*s.", SPAN_ARG(head->method_text),
             SPAN_ARG(head->path), SPAN_ARG(buf_span(&allow)));
    weir_error e = error_of(ERR_BAD_METHOD);
    e.message = buf_span(&message);
    http_header header = {SPAN("allow"), buf_span(&allow)};
    reply_error_with(q, &e, (http_headers){&header, 1});
    buf_done(&allow);
    buf_done(&message);
    return false;
}

/* What is for clients may ask a provider, and no foreign page is one. */
static bool page_fits(const request *q) {
    const http_head *head = http_request_head(q->http);
    if (q->row->who == WHO_ANYONE) return true;
    if (!cors_refuses(&worker_config(q->w)->cors, head->headers, head->host)) return true;
    span origin = http_header_get(head->headers, SPAN_OF("origin"));
    reply_error_text(
        q, ERR_FORBIDDEN, "Pages of %.*s may not call here; see cors.origins.",
        SPAN_ARG(origin.len ? span_clip(origin, SHOWN_BYTES) : SPAN_OF("other sites")));
    return false;
}

static bool content_type_fits(const request *q) {
    if (!q->row->call || !q->row->call->takes_json) return true;
    http_headers headers = http_request_head(q->http)->headers;
    span type = http_header_get(headers, SPAN_OF("content-type"));
    if (door_takes_json(type, http_header_get(headers, SPAN_OF("origin")))) return true;
    if (type.len)
        reply_error_text(q, ERR_BAD_CONTENT_TYPE,
                         "The content type is %.*s; this path takes application/json.",
                         SPAN_ARG(type));
    else
        reply_error_text(q, ERR_BAD_CONTENT_TYPE,
                         "The content type is missing; this path takes application/json.");
    return false;
}

/* A body that could not be read could not be judged, nor its model be found. */
static bool coding_fits(const request *q) {
    if (http_request_coding(q->http) != HTTP_CODING_UNKNOWN) return true;
    static const http_header taken = {SPAN("accept-encoding"), SPAN(HTTP_CODINGS)};
    weir_error e = error_of(ERR_UNKNOWN_CONTENT_CODING);
    e.message = SPAN_OF("The request's Content-Encoding is not one of " HTTP_CODINGS
                        ", or names more than one.");
    reply_error_with(q, &e, (http_headers){&taken, 1});
    return false;
}

/* An admin, or whoever asks where nobody has a key; but keys are an admin's affair alone. */
static bool reads_all(request *q) {
    const config *c = loop_snapshot_config(q->asked);
    const bool nobodys = q->row->who == WHO_KEEPER && !c->admin.key_count;
    q->admin = !nobodys &&
               exchange_identify_admin(c, http_request_head(q->http)->headers, &q->admin_number);
    return q->admin;
}

/* A key that is good, and no admin's, or none. */
static weir_error admin_error(const request *q) {
    const bool none = !loop_snapshot_config(q->asked)->admin.key_count;
    const bool good = q->caller.client || (none && q->row->who == WHO_KEEPER);
    weir_error e = error_of(good ? ERR_FORBIDDEN : ERR_UNAUTHENTICATED);
    e.message = none ? SPAN_OF("This is for those who have one of admin.keys, and there are none.")
                     : SPAN_OF("This is for those who have one of admin.keys.");
    return e;
}

/* What a request is told that is not let in. false: it is. */
static bool is_refused(const request *q, identify_verdict v, weir_error *ret_error) {
    const route_who who = q->row->who;
    if (who >= WHO_ADMIN) {
        if (v == IDENTIFY_KNOWN || who == WHO_ADMIN) *ret_error = admin_error(q);
        return true;
    }
    if (v == IDENTIFY_REFUSED) return true;
    if (q->caller.client || who != WHO_READER) return false;
    /* There are no clients: the key that is asked for is an admin's. */
    *ret_error = error_of(ERR_UNAUTHENTICATED);
    ret_error->message = SPAN_OF("The records are for those who have one of admin.keys.");
    return true;
}

/* Somebody who may not wanted something done to weir. */
static void note_refused(const request *q, error_id why) {
    const http_head *head = http_request_head(q->http);
    buf what = BUF_EMPTY;
    if (q->row->who < WHO_ADMIN || head->method == HTTP_GET_M || head->method == HTTP_HEAD_M)
        return;
    buf_addf(&what, "%.*s %.*s", SPAN_ARG(head->method_text), SPAN_ARG(head->path));
    admin_act_refused(q, buf_span(&what), error_get(why)->code);
    buf_done(&what);
}

/* Where keys are asked for, whether the request has one; notes whose it is, or that this has to be
 * looked up: *ret_text is not empty then. */
static bool known_key_fits(request *q, arena *a, span *ret_text) {
    weir_error error;
    const config *c = loop_snapshot_config(q->asked);
    if (q->row->who >= WHO_READER && reads_all(q)) return true;
    const http_headers headers = http_request_head(q->http)->headers;
    const span peer = request_peer(q);
    const identify_by by = {q->w->gateway->keys, q->w->key_hashes, q->w->gateway->tokens};
    const identify_verdict v = identify(c, &by, headers, peer, a, &q->caller, &error, ret_text);
    q->fetches = v == IDENTIFY_FETCHES;
    if (v == IDENTIFY_WAITS || q->fetches || !is_refused(q, v, &error)) return true;
    note_refused(q, error.id);
    reply_error_with(q, &error, (http_headers){0});
    caller_unref(q->caller);
    q->caller = (caller){NULL, NULL};
    return false;
}

static bool key_fits(request *q, span *ret_text) {
    *ret_text = SPAN_EMPTY;
    if (q->row->who == WHO_ANYONE) return true;
    if (!q->asked) q->asked = q->w->env.snapshot;
    arena a; /* of a refusal's words */
    arena_init(&a, 0);
    bool fits = known_key_fits(q, &a, ret_text);
    arena_done(&a);
    return fits;
}

/* ---- a key that must be looked up first ---- */

static void begin(request *q) {
    q->begun = true;
    q->ops->begin(q);
}

static void look_up(request *q, span text);
static void await_keys(request *q);

static body_limit limit_of(const request *q) {
    return body_limit_at(q->row, http_request_head(q->http)->method, worker_config(q->w),
                         q->caller.client);
}

static void say_too_large(const worker *w, const request *q, buf *out) {
    const body_limit l = q ? limit_of(q) : body_limit_of(worker_config(w), NULL);
    buf_addf(out, "The request body is larger than the %zu bytes that are allowed (%s).", l.bytes,
             l.option);
}

/* What its client may send and hold is known only now; some of it may be there. false: it was
 * refused, and q is gone. */
static bool body_fits(const request *q) {
    const config_client *client = q->caller.client;
    return http_request_identified(q->http, client ? client->holder : 0, limit_of(q).bytes);
}

/* Whose the request is decides what becomes of it, as soon as that is known: whoever is nobody's
 * client holds no room for a body, however long he takes to send it. */
static void judge(request *q) {
    span text;
    if (!key_fits(q, &text)) return;
    if (text.len && q->unread)
        reply_error_text(q, ERR_KEYS_UNAVAILABLE, "%s", error_get(ERR_KEYS_UNAVAILABLE)->sentence);
    else if (text.len)
        look_up(q, text); /* it was forgotten again */
    else if (q->fetches)
        await_keys(q);
    else if (body_fits(q) && q->whole)
        begin(q);
}

static void on_looked_up(void *user, bool good) {
    request *q = user;
    q->lookup = NULL;
    if (!good) q->unread = true;
    judge(q);
}

static void look_up(request *q, span text) {
    q->lookup =
        key_keeper_ask(q->w->gateway->keys, text, &q->w->loop, on_looked_up, q, &q->w->lookups);
}

static void on_keys(void *user) {
    request *q = user;
    q->tokens = NULL;
    judge(q);
}

static void await_keys(request *q) {
    q->tokens = token_keeper_ask(q->w->gateway->tokens, &q->w->loop, on_keys, q);
}

static void answer_options(const request *q) {
    const http_head *head = http_request_head(q->http);
    arena a;
    arena_init(&a, 0);
    buf allow = BUF_EMPTY;
    route_allow(worker_config(q->w), q->row, head->path, &allow);
    http_header headers[REPLY_HEADERS_MAX] = {{SPAN("allow"), buf_span(&allow)}};
    size_t n = 1 + cors_preflight_headers(&worker_config(q->w)->cors, head->headers,
                                          buf_span(&allow), &a, headers + 1);
    reply(q, 204, NULL, SPAN_EMPTY, (http_headers){headers, n});
    buf_done(&allow);
    arena_done(&a);
}

/* `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7). */
static bool is_about_the_server(const http_head *head) {
    return head->method == HTTP_OPTIONS_M && span_eq(head->target, SPAN_OF("*"));
}

void door_take(worker *w, http_request *r, const route *row) {
    request q = {.w = w, .http = r, .row = row};
    const http_head *head = http_request_head(r);
    if (!host_fits(&q)) return;
    if (is_about_the_server(head)) {
        reply(&q, 204, NULL, SPAN_EMPTY, (http_headers){0});
        return;
    }
    if (!path_exists(&q) || !method_fits(&q)) return;
    if (head->method == HTTP_OPTIONS_M) {
        answer_options(&q);
        return;
    }
    span text; /* of a key that must be looked up */
    if (!content_type_fits(&q) || !page_fits(&q) || !coding_fits(&q) || !key_fits(&q, &text))
        return;
    http_request_limit_body(r, limit_of(&q).bytes);
    if (q.caller.client) http_request_set_holder(r, q.caller.client->holder);
    request *kept = request_keep(&q);
    if (text.len) look_up(kept, text);
    if (kept->fetches) await_keys(kept);
}

/* ---- the server's words ---- */

static void on_head(void *user, http_request *r) {
    worker *w = user;
    const http_head *head = http_request_head(r);
    door_take(w, r, route_for(worker_config(w), head->method, head->path));
}

static void on_request(void *user, http_request *r) {
    (void)user;
    request *q = http_request_user(r);
    q->whole = true;
    if (!q->lookup && !q->tokens) begin(q); /* else when it is known whose it is */
}

static void on_gone(void *user, http_request *r) {
    (void)user;
    request *q = http_request_user(r);
    if (q && q->begun) q->ops->gone(q);
}

static void on_room(void *user, http_request *r) {
    (void)user;
    request *q = http_request_user(r);
    if (q) q->ops->room(q); /* only those that have begun have filled anything */
}

static void on_done(void *user, http_request *r) {
    (void)user;
    request *q = http_request_user(r);
    if (!q) return;
    q->http = NULL;
    if (q->lookup) key_lookup_drop(q->lookup);
    if (q->tokens) token_wait_drop(q->tokens);
    if (q->begun)
        q->ops->done(q);
    else
        request_free(q);
}

/* A body that found no room is an operator's affair, too: no provider's. */
static void tell_no_room(worker *w) {
    const span labels[] = {span_cstr(shortage_get(SHORTAGE_ROOM)->word), SPAN_EMPTY};
    metric_add(metrics_series(w->env.metrics, METRIC_SHORTAGES, labels), 1);
    shortages_tell(target_table_shortages(w->env.targets), w->env.log, SHORTAGE_ROOM, SPAN_EMPTY,
                   SPAN_EMPTY, w->loop.now_ms);
}

static void on_refused(void *user, const http_refusal *what, buf *ret_body) {
    worker *w = user;
    http_refusal told = *what;
    weir_error e = error_of(what->id);
    buf sentence = BUF_EMPTY;
    if (what->beyond) say_too_large(w, what->user, &sentence);
    if (sentence.len) told.why = buf_span(&sentence);
    if (what->head) told.peer = peer_of(worker_config(w), what->head->headers, what->peer);
    e.message = told.why;
    exchange_error_body(&e, ret_body);
    refusals_tell(&w->refusals, &told);
    if (what->id == ERR_MEMORY_FULL) tell_no_room(w);
    buf_done(&sentence);
}

static void on_no_handshake(void *user, span peer, http_handshake_end how, const char *text) {
    worker *w = user;
    refusals_tell_handshake(&w->refusals, peer, how, text);
}

const http_server_ops door_ops = {
    .on_head = on_head,
    .on_request = on_request,
    .on_gone = on_gone,
    .on_room = on_room,
    .on_done = on_done,
    .on_refused = on_refused,
    .on_no_handshake = on_no_handshake,
};
