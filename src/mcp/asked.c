#include "mcp/asked.h"

#include "mcp/mirrored.h"

/* Of what a client says, in a sentence. */
enum { SHOWN_BYTES = 100 };

#define META "io.modelcontextprotocol/"

/* ---- refusals ---- */

static void refuse(mcp_asked *q, int status, int code, span message) {
    q->sort = MCP_REFUSED;
    q->refusal = (mcp_refusal){.status = status, .code = code, .message = message};
}

/* Such a client tries again by one of those that are told. */
static void refuse_revision(mcp_asked *q, span asked, arena *a) {
    buf data = BUF_EMPTY;
    json_writer w = json_writer_of(&data);
    refuse(q, 400, MCP_UNSUPPORTED_VERSION, SPAN_OF("Unsupported protocol version"));
    json_open_object(&w);
    json_key(&w, "supported");
    mcp_write_revisions(&w);
    json_key(&w, "requested");
    json_put_string(&w, span_clip(asked, SHOWN_BYTES));
    json_close_object(&w);
    q->refusal.data = arena_dup(a, buf_span(&data));
    buf_done(&data);
}

/* ---- by which revision ---- */

typedef struct context {
    mcp_asked *q;
    http_headers headers;
    arena *arena;
    jsonrpc_message m;
    span called; /* the method */
    json_value meta;
} context;

/* A body that says by which revision it is meant, or a header that says by a modern one. */
static bool reads_modern(context *c, span header) {
    mcp_asked *q = c->q;
    const json_value said = json_get(c->meta, SPAN_OF(META "protocolVersion"));
    if (said.type != JSON_STRING) {
        refuse(q, 400, JSONRPC_INVALID_PARAMS,
               SPAN_OF("params._meta must have " META "protocolVersion, a string."));
        return false;
    }
    const span body = json_string(said, c->arena);
    if (!span_eq(body, header)) {
        refuse(q, 400, MCP_HEADER_MISMATCH,
               arena_printf(c->arena,
                            "Header mismatch: MCP-Protocol-Version is '%.*s', and params._meta has "
                            "'%.*s'.",
                            SPAN_ARG(span_clip(header, SHOWN_BYTES)),
                            SPAN_ARG(span_clip(body, SHOWN_BYTES))));
        return false;
    }
    q->revision = mcp_revision_of(body);
    if (q->revision != MCP_REVISIONS) return true;
    refuse_revision(q, body, c->arena);
    return false;
}

static bool reads_revision(context *c) {
    mcp_asked *q = c->q;
    const span header = http_header_get(c->headers, SPAN_OF("mcp-protocol-version"));
    const json_value said = json_get(c->meta, SPAN_OF(META "protocolVersion"));
    q->revision = header.ptr ? mcp_revision_of(header) : MCP_OLDEST;
    const bool modern =
        said.type != JSON_NONE || (q->revision != MCP_REVISIONS && mcp_is_modern(q->revision));
    if (modern && c->m.kind == JSONRPC_REQUEST) return reads_modern(c, header);
    if (q->revision != MCP_REVISIONS) return true;
    refuse_revision(q, header, c->arena);
    return false;
}

/* ---- what a modern request repeats in its headers ---- */

static bool mirrors(context *c, const char *name, span body) {
    span value = SPAN_EMPTY;
    const size_t count = http_header_count(c->headers, span_cstr(name));
    const bool legible = count == 1 && mirrored_value(http_header_get(c->headers, span_cstr(name)),
                                                      c->arena, &value);
    if (legible && span_eq(value, body)) return true;
    refuse(c->q, 400, MCP_HEADER_MISMATCH,
           arena_printf(c->arena, "Header mismatch: %s is '%.*s', and the body has '%.*s'.", name,
                        SPAN_ARG(span_clip(value, SHOWN_BYTES)),
                        SPAN_ARG(span_clip(body, SHOWN_BYTES))));
    return false;
}

static bool is_whole(context *c) {
    const json_value abilities = json_get(c->meta, SPAN_OF(META "clientCapabilities"));
    if (abilities.type != JSON_OBJECT) {
        refuse(c->q, 400, JSONRPC_INVALID_PARAMS,
               SPAN_OF("params._meta must have " META "clientCapabilities, an object."));
        return false;
    }
    return mirrors(c, "Mcp-Method", c->called);
}

/* ---- what is called ---- */

static mcp_method method_of(span name, bool modern) {
    static const struct {
        span name;
        bool legacy, modern;
    } rows[MCP_METHODS] = {
        [MCP_INITIALIZE] = {SPAN("initialize"), true, false},
        [MCP_PING] = {SPAN("ping"), true, false},
        [MCP_DISCOVER] = {SPAN("server/discover"), false, true},
        [MCP_TOOLS_LIST] = {SPAN("tools/list"), true, true},
        [MCP_TOOLS_CALL] = {SPAN("tools/call"), true, true},
        [MCP_LISTEN] = {SPAN("subscriptions/listen"), false, true},
    };
    for (mcp_method m = 0; m < MCP_METHODS; m++)
        if ((modern ? rows[m].modern : rows[m].legacy) && span_eq(rows[m].name, name)) return m;
    return MCP_METHODS;
}

static void bad_params(mcp_asked *q, const char *why) {
    refuse(q, 200, JSONRPC_INVALID_PARAMS, span_cstr(why));
}

static json_value param(const context *c, const char *name) {
    const json_value v = json_get(c->m.params, span_cstr(name));
    return v.type == JSON_NULL ? (json_value){JSON_NONE, SPAN_EMPTY} : v;
}

static void read_initialize(context *c) {
    const json_value asked = param(c, "protocolVersion");
    if (asked.type != JSON_STRING) {
        bad_params(c->q, "params.protocolVersion must be a string.");
        return;
    }
    const mcp_revision r = mcp_revision_of(json_string(asked, c->arena));
    c->q->offered = r == MCP_REVISIONS || mcp_is_modern(r) ? MCP_NEWEST_LEGACY : r;
}

static void read_list(context *c) {
    c->q->cursor = param(c, "cursor");
    if (c->q->cursor.type != JSON_NONE && c->q->cursor.type != JSON_STRING)
        bad_params(c->q, "params.cursor must be a string.");
}

static void read_call(context *c) {
    mcp_asked *q = c->q;
    const json_value name = param(c, "name");
    q->arguments = param(c, "arguments");
    if (name.type != JSON_STRING) {
        bad_params(q, "params.name must be a string: the tool's.");
        return;
    }
    q->name = json_string(name, c->arena);
    if (q->arguments.type != JSON_NONE && q->arguments.type != JSON_OBJECT) {
        bad_params(q, "params.arguments must be an object.");
        return;
    }
    const json_value parent = json_get(c->meta, SPAN_OF("traceparent"));
    if (parent.type == JSON_STRING) q->traceparent = json_string(parent, c->arena);
    if (mcp_is_modern(q->revision)) (void)mirrors(c, "Mcp-Name", q->name);
}

static void read_listen(context *c) {
    const json_value wanted = param(c, "notifications");
    if (wanted.type != JSON_OBJECT) bad_params(c->q, "params.notifications must be an object.");
    c->q->tools_changed = json_get(wanted, SPAN_OF("toolsListChanged")).type == JSON_TRUE;
}

static void read_method(context *c) {
    mcp_asked *q = c->q;
    const bool modern = mcp_is_modern(q->revision);
    q->method = method_of(c->called, modern);
    switch (q->method) {
    case MCP_INITIALIZE: read_initialize(c); break;
    case MCP_TOOLS_LIST: read_list(c); break;
    case MCP_TOOLS_CALL: read_call(c); break;
    case MCP_LISTEN: read_listen(c); break;
    case MCP_PING:
    case MCP_DISCOVER: break;
    case MCP_METHODS:
        refuse(q, modern ? 404 : 200, JSONRPC_METHOD_NOT_FOUND,
               arena_printf(c->arena, "Method not found: %.*s",
                            SPAN_ARG(span_clip(c->called, SHOWN_BYTES))));
    }
}

static span short_enough(span id) {
    return id.len <= MCP_ID_MAX ? id : SPAN_EMPTY;
}

/* As jsonrpc.h has ids. */
static bool is_id(json_value v) {
    int64_t number;
    return v.type == JSON_STRING || (v.type == JSON_NUMBER && json_i64(v, &number));
}

/* A modern client leaves, and says nothing. */
static void read_note(context *c) {
    c->q->sort = MCP_NOTE;
    if (mcp_is_modern(c->q->revision) || !span_eq(c->called, SPAN_OF("notifications/cancelled")))
        return;
    const json_value id = param(c, "requestId");
    if (is_id(id)) c->q->cancels = short_enough(id.raw);
}

void mcp_asked_read(span body, const json_limits *limits, http_headers headers, arena *a,
                    mcp_asked *ret) {
    context c = {.q = ret, .headers = headers, .arena = a};
    *ret = (mcp_asked){.sort = MCP_REQUEST, .method = MCP_METHODS};
    jsonrpc_fault fault;
    if (!jsonrpc_read(body, limits, &c.m, &fault)) {
        ret->id = short_enough(fault.id.raw);
        refuse(ret, 400, (int)jsonrpc_fault_code(fault.kind), span_cstr(fault.what));
        return;
    }
    if (c.m.method.type == JSON_STRING) c.called = json_string(c.m.method, a);
    if (c.m.kind == JSONRPC_REQUEST) {
        ret->id = short_enough(c.m.id.raw);
        if (!ret->id.len) {
            refuse(ret, 400, JSONRPC_INVALID_REQUEST,
                   arena_printf(a, "id is longer than %d bytes", MCP_ID_MAX));
            return;
        }
    }
    c.meta = json_get(c.m.params, SPAN_OF("_meta"));
    if (!reads_revision(&c)) return;
    if (c.m.kind != JSONRPC_REQUEST) {
        read_note(&c);
        return;
    }
    if (!mcp_is_modern(ret->revision) || is_whole(&c)) read_method(&c);
}

/* ---- beside the message ---- */

mcp_accepts mcp_accepts_of(http_headers headers, arena *a) {
    mcp_accepts told = {false, false};
    span rest = http_header_list(headers, SPAN_OF("accept"), a), part;
    if (!rest.ptr) return (mcp_accepts){true, true};
    while (rest.len && span_cut(&rest, ',', &part)) {
        const span type = span_trim(span_slice(part, 0, span_find(part, 0, ';')));
        const bool any = span_eq(type, SPAN_OF("*/*"));
        told.json |= any || span_ieq(type, SPAN_OF("application/json")) ||
                     span_ieq(type, SPAN_OF("application/*"));
        told.events |= any || span_ieq(type, SPAN_OF("text/event-stream")) ||
                       span_ieq(type, SPAN_OF("text/*"));
    }
    return told;
}

span mcp_session_of(http_headers headers) {
    enum { SESSION_MAX = 128 };
    const span s = http_header_get(headers, SPAN_OF("mcp-session-id"));
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~') return SPAN_EMPTY;
    return s.len <= SESSION_MAX ? s : SPAN_EMPTY;
}
