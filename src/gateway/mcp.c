#include "gateway/mcp.h"

#include "access/permit.h"
#include "exchange/exchange.h"
#include "gateway/calls.h"
#include "gateway/door.h"
#include "gateway/mcp_list.h"
#include "gateway/plan.h"
#include "gateway/reply.h"
#include "gateway/worker.h"

#include "http/sse.h"
#include "mcp/asked.h"
#include "mcp/told.h"

typedef struct mcp_request {
    call_request call; /* of a tool, where one is called */
    arena arena;       /* of what is asked */
    mcp_accepts accepts;
    mcp_asked asked;
    mcp_running running;
    mcp_listener listener;
} mcp_request;

_Static_assert(offsetof(mcp_request, call) == 0, "the door makes a request of it");

static mcp_request *of(request *q) {
    return CONTAINER_OF(CONTAINER_OF(q, call_request, request), mcp_request, call);
}

static const http_head *head_of(const request *q) {
    return http_request_head(q->http);
}

static span client_of(const request *q) {
    return q->caller.client ? q->caller.client->name : SPAN_EMPTY;
}

/* ---- answers at once ---- */

static void answer(const request *q, int status, const buf *message, http_headers more) {
    reply(q, status, "application/json", buf_span(message), more);
}

static void answer_error(const request *q, int status, span id, int code, span message, span data) {
    buf out = BUF_EMPTY;
    jsonrpc_write_error(&out, id, code, message, data);
    answer(q, status, &out, (http_headers){0});
    buf_done(&out);
}

/* A refusal of weir's own, whose status is its code. */
static void refuse(const request *q, error_id id, span why) {
    const int status = error_get(id)->status;
    answer_error(q, status, SPAN_EMPTY, status, why, SPAN_EMPTY);
}

static void answer_initialize(const request *q, const mcp_asked *a) {
    enum { SESSION_BYTES = 16 };
    unsigned char bytes[SESSION_BYTES];
    char session[2 * SESSION_BYTES + 1];
    buf out = BUF_EMPTY;
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, session);
    const http_header header = {SPAN("mcp-session-id"), span_from(session, 2 * SESSION_BYTES)};
    mcp_write_initialize(a->id, a->offered, &out);
    answer(q, 200, &out, (http_headers){&header, 1});
    buf_done(&out);
}

static void answer_list(mcp_request *m) {
    const request *q = &m->call.request;
    const mcp_asked *a = &m->asked;
    buf out = BUF_EMPTY;
    span after;
    if (!mcp_cursor_read(a->cursor, &m->arena, &after)) {
        answer_error(q, 200, a->id, JSONRPC_INVALID_PARAMS,
                     SPAN_OF("params.cursor is none that was told here."), SPAN_EMPTY);
        return;
    }
    tool_list *l = tool_registry_list(snapshot_tools(q->w->env.snapshot->snapshot));
    mcp_list_write(l, client_of(q), a->revision, a->id, after, &out);
    tool_list_unref(l);
    answer(q, 200, &out, (http_headers){0});
    buf_done(&out);
}

static void answer_short(const request *q, const mcp_asked *a, void (*write)(span id, buf *out)) {
    buf out = BUF_EMPTY;
    write(a->id, &out);
    answer(q, 200, &out, (http_headers){0});
    buf_done(&out);
}

static bool accepts(const request *q, bool events, bool fits) {
    if (fits) return true;
    answer_error(q, 406, SPAN_EMPTY, JSONRPC_INVALID_REQUEST,
                 events ? SPAN_OF("Not acceptable: this is answered with text/event-stream.")
                        : SPAN_OF("Not acceptable: Accept must have application/json and "
                                  "text/event-stream."),
                 SPAN_EMPTY);
    return false;
}

/* ---- a call of a tool ---- */

/* Its client has said, in another request, that it does not want it any more. */
static void on_cancel(mcp_running *r) {
    mcp_request *m = CONTAINER_OF(r, mcp_request, running);
    request *q = &m->call.request;
    static const span why = SPAN("Request cancelled");
    if (m->call.told || !q->http) return;
    m->call.told = true;
    if (m->call.x) exchange_cancel(m->call.x);
    if (!http_answer_started(q->http)) {
        answer_error(q, 200, m->asked.id, MCP_CANCELLED, why, SPAN_EMPTY);
        return;
    }
    buf message = BUF_EMPTY, event = BUF_EMPTY;
    jsonrpc_write_error(&message, m->asked.id, MCP_CANCELLED, why, SPAN_EMPTY);
    sse_write(&event, &(sse_event){.name = SPAN_OF("message"), .data = buf_span(&message)});
    http_answer_piece(q->http, buf_span(&event));
    http_answer_end(q->http);
    buf_done(&message);
    buf_done(&event);
}

static void start_call(mcp_request *m) {
    request *q = &m->call.request;
    buf key = BUF_EMPTY;
    if (!mcp_is_modern(m->asked.revision))
        mcp_key_write(client_of(q), mcp_session_of(head_of(q)->headers), m->asked.id, &key);
    m->running.cancel = on_cancel;
    if (key.len) mcp_desk_add(&q->w->mcp, &m->running, key);
    exchange_request ask = call_ask(&m->call);
    ask.form = &form_mcp;
    ask.endpoint = EP_CHAT_COMPLETIONS; /* its answer may wait as a stream of such does */
    ask.plan = &tool_plan;
    ask.path = head_of(q)->path;
    ask.body = http_request_body(q->http);
    call_serve(&m->call, &ask);
}

/* ---- messages ---- */

static void take_note(mcp_request *m) {
    request *q = &m->call.request;
    buf key = BUF_EMPTY;
    if (m->asked.cancels.len)
        mcp_key_write(client_of(q), mcp_session_of(head_of(q)->headers), m->asked.cancels, &key);
    mcp_desk_cancel(&q->w->mcp, buf_span(&key));
    buf_done(&key);
    reply(q, 202, NULL, SPAN_EMPTY, (http_headers){0});
}

static void take_request(mcp_request *m) {
    request *q = &m->call.request;
    const mcp_asked *a = &m->asked;
    switch (a->method) {
    case MCP_INITIALIZE: answer_initialize(q, a); break;
    case MCP_PING: answer_short(q, a, mcp_write_empty); break;
    case MCP_DISCOVER: answer_short(q, a, mcp_write_discover); break;
    case MCP_TOOLS_LIST: answer_list(m); break;
    case MCP_TOOLS_CALL: start_call(m); break;
    case MCP_LISTEN:
        if (!accepts(q, true, m->accepts.events)) break;
        mcp_listen(&q->w->mcp, &m->listener, q, client_of(q), a->id, a->tools_changed);
        break;
    case MCP_METHODS: break; /* was refused */
    }
}

static void take_message(mcp_request *m) {
    request *q = &m->call.request;
    const config_limits *limits = &worker_config(q->w)->limits;
    const mcp_refusal *r = &m->asked.refusal;
    mcp_asked_read(http_request_body(q->http),
                   &(json_limits){.depth = limits->depth, .members = limits->members},
                   head_of(q)->headers, &m->arena, &m->asked);
    switch (m->asked.sort) {
    case MCP_REQUEST: take_request(m); break;
    case MCP_NOTE: take_note(m); break;
    case MCP_REFUSED: answer_error(q, r->status, m->asked.id, r->code, r->message, r->data); break;
    }
}

/* ---- the request ---- */

static bool is_permitted(const request *q) {
    if (!q->caller.client) return true;
    buf why = BUF_EMPTY;
    const error_id id = permit_endpoint(q->caller.client, SPAN_OF("mcp"), head_of(q)->path, &why);
    if (id != ERR_NONE) refuse(q, id, buf_span(&why));
    buf_done(&why);
    return id == ERR_NONE;
}

static bool type_fits(const request *q) {
    const http_headers headers = head_of(q)->headers;
    const span type = http_header_get(headers, SPAN_OF("content-type"));
    if (door_takes_json(type, http_header_get(headers, SPAN_OF("origin")))) return true;
    refuse(q, ERR_BAD_CONTENT_TYPE, SPAN_OF("This path takes application/json."));
    return false;
}

static void drop(call_request *c) {
    mcp_request *m = CONTAINER_OF(c, mcp_request, call);
    mcp_running_done(&m->running);
    mcp_listener_done(&m->listener);
    arena_done(&m->arena);
    request_free(&c->request);
}

static void begin(request *q) {
    mcp_request *m = of(q);
    m->call.drop = drop;
    arena_init(&m->arena, 0);
    if (!is_permitted(q)) return;
    m->accepts = mcp_accepts_of(head_of(q)->headers, &m->arena);
    if (head_of(q)->method == HTTP_GET_M) {
        if (accepts(q, true, m->accepts.events))
            mcp_listen(&q->w->mcp, &m->listener, q, client_of(q), SPAN_EMPTY, true);
    } else if (type_fits(q) && accepts(q, false, m->accepts.json)) {
        take_message(m);
    }
}

/* A stream that nobody reads any more is ended by its done. */
static void gone(request *q) {
    mcp_request *m = of(q);
    if (m->listener.link.next) list_remove(&m->listener.link);
    call_gone(q);
}

const request_ops mcp_ops = {sizeof(mcp_request), begin, gone, call_room, call_done};
