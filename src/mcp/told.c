#include "mcp/told.h"

#define META "io.modelcontextprotocol/"

/* A tool may come or go with a reload, which subscribers hear of; others ask again after this. */
enum { FRESH_MS = 60 * 1000 };

/* ---- what weir says of itself ---- */

static void put_server(json_writer *w) {
    json_open_object(w);
    json_key(w, "name");
    json_put_string(w, SPAN_OF("weir"));
    json_key(w, "title");
    json_put_string(w, SPAN_OF("weir"));
    json_key(w, "version");
    json_put_string(w, SPAN_OF(WEIR_VERSION));
    json_close_object(w);
}

static void put_capabilities(json_writer *w) {
    json_key(w, "capabilities");
    json_open_object(w);
    json_key(w, "tools");
    json_open_object(w);
    json_key(w, "listChanged");
    json_put_bool(w, true);
    json_close_object(w);
    json_close_object(w);
}

/* What each modern result has. */
static void put_complete(json_writer *w) {
    json_key(w, "resultType");
    json_put_string(w, SPAN_OF("complete"));
    json_key(w, "_meta");
    json_open_object(w);
    json_key(w, META "serverInfo");
    put_server(w);
    json_close_object(w);
}

/* What tools there are depends on who asks. */
static void put_freshness(json_writer *w, const char *scope) {
    json_key(w, "ttlMs");
    json_put_i64(w, FRESH_MS);
    json_key(w, "cacheScope");
    json_put_string(w, span_cstr(scope));
}

void mcp_write_initialize(span id, mcp_revision offered, buf *out) {
    json_writer writer = jsonrpc_open_result(out, id), *w = &writer;
    json_open_object(w);
    json_key(w, "protocolVersion");
    json_put_string(w, mcp_revision_text(offered));
    put_capabilities(w);
    json_key(w, "serverInfo");
    put_server(w);
    json_close_object(w);
    jsonrpc_close_result(w);
}

void mcp_write_discover(span id, buf *out) {
    json_writer writer = jsonrpc_open_result(out, id), *w = &writer;
    json_open_object(w);
    json_key(w, "supportedVersions");
    mcp_write_revisions(w);
    put_capabilities(w);
    put_complete(w);
    put_freshness(w, "public");
    json_close_object(w);
    jsonrpc_close_result(w);
}

void mcp_write_empty(span id, buf *out) {
    json_writer writer = jsonrpc_open_result(out, id), *w = &writer;
    json_open_object(w);
    json_close_object(w);
    jsonrpc_close_result(w);
}

/* ---- tools ---- */

json_writer mcp_open_tools(span id, buf *out) {
    json_writer w = jsonrpc_open_result(out, id);
    json_open_object(&w);
    json_key(&w, "tools");
    json_open_array(&w);
    return w;
}

/* Clients take no other schema than one of an object; arguments never are anything else. */
static void put_schema(json_writer *w, span schema) {
    json_value root;
    json_fault fault;
    if (!json_scan(schema, NULL, &root, &fault)) {
        json_put_raw(w, SPAN_OF("{\"type\":\"object\"}"));
        return;
    }
    if (json_is(json_get(root, SPAN_OF("type")), SPAN_OF("object"))) {
        json_put_raw(w, schema);
        return;
    }
    json_open_object(w);
    json_key(w, "type");
    json_put_string(w, SPAN_OF("object"));
    json_iter it = json_iter_of(root);
    for (json_member m; json_next_member(&it, &m);)
        if (!json_is(json_member_name(&m), SPAN_OF("type"))) json_put_member(w, &m);
    json_close_object(w);
}

void mcp_put_tool(json_writer *w, span name, span description, span schema, bool repeatable) {
    json_open_object(w);
    json_key(w, "name");
    json_put_string(w, name);
    if (description.len) {
        json_key(w, "description");
        json_put_string(w, description);
    }
    json_key(w, "inputSchema");
    put_schema(w, schema);
    if (repeatable) {
        json_key(w, "annotations");
        json_open_object(w);
        json_key(w, "idempotentHint");
        json_put_bool(w, true);
        json_close_object(w);
    }
    json_close_object(w);
}

void mcp_close_tools(json_writer *w, mcp_revision r, span next) {
    json_close_array(w);
    if (next.len) {
        json_key(w, "nextCursor");
        json_put_string(w, next);
    }
    if (mcp_is_modern(r)) {
        put_complete(w);
        put_freshness(w, "private");
    }
    json_close_object(w);
    jsonrpc_close_result(w);
}

/* Most answers are words: those are not scanned. */
static bool is_object(span text, json_value *ret) {
    json_fault fault;
    size_t at = 0;
    while (at < text.len && (unsigned char)text.ptr[at] <= ' ')
        at++;
    return at < text.len && text.ptr[at] == '{' && json_scan(text, NULL, ret, &fault);
}

void mcp_write_called(span id, mcp_revision r, span text, bool failed, buf *out) {
    json_value object;
    json_writer writer = jsonrpc_open_result(out, id), *w = &writer;
    json_open_object(w);
    json_key(w, "content");
    json_open_array(w);
    json_open_object(w);
    json_key(w, "type");
    json_put_string(w, SPAN_OF("text"));
    json_key(w, "text");
    json_put_string(w, text);
    json_close_object(w);
    json_close_array(w);
    if (!failed && r >= MCP_2025_06_18 && is_object(text, &object)) {
        json_key(w, "structuredContent");
        json_put_raw(w, object.raw);
    }
    json_key(w, "isError");
    json_put_bool(w, failed);
    if (mcp_is_modern(r)) put_complete(w);
    json_close_object(w);
    jsonrpc_close_result(w);
}

/* ---- subscriptions ---- */

static void put_subscription(json_writer *w, span id) {
    json_key(w, "_meta");
    json_open_object(w);
    json_key(w, META "subscriptionId");
    json_put_raw(w, id);
    json_close_object(w);
}

void mcp_write_tools_changed(span subscription, buf *out) {
    buf params = BUF_EMPTY;
    json_writer w = json_writer_of(&params);
    json_open_object(&w);
    if (subscription.len) put_subscription(&w, subscription);
    json_close_object(&w);
    jsonrpc_write_notification(out, SPAN_OF("notifications/tools/list_changed"), buf_span(&params));
    buf_done(&params);
}

void mcp_write_acknowledged(span subscription, bool tools_changed, buf *out) {
    buf params = BUF_EMPTY;
    json_writer w = json_writer_of(&params);
    json_open_object(&w);
    put_subscription(&w, subscription);
    json_key(&w, "notifications");
    json_open_object(&w);
    if (tools_changed) {
        json_key(&w, "toolsListChanged");
        json_put_bool(&w, true);
    }
    json_close_object(&w);
    json_close_object(&w);
    jsonrpc_write_notification(out, SPAN_OF("notifications/subscriptions/acknowledged"),
                               buf_span(&params));
    buf_done(&params);
}

void mcp_write_subscription_end(span subscription, buf *out) {
    json_writer w = jsonrpc_open_result(out, subscription);
    json_open_object(&w);
    json_key(&w, "resultType");
    json_put_string(&w, SPAN_OF("complete"));
    put_subscription(&w, subscription);
    json_close_object(&w);
    jsonrpc_close_result(&w);
}
