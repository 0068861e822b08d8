#include "mcp/era.h"

static bool names_modern(json_value versions) {
    json_iter it = json_iter_of(versions);
    for (json_value v; json_next_element(&it, &v);)
        if (json_is(v, SPAN_OF(MCP_MODERN_VERSION))) return true;
    return false;
}

static json_value list_of(json_value object, const char *key) {
    json_value list = json_get(object, span_cstr(key));
    return list.type == JSON_ARRAY ? list : (json_value){JSON_NONE, SPAN_EMPTY};
}

static mcp_next after_result(const mcp_heard *h) {
    json_value versions = list_of(h->message->result, "supportedVersions");
    if (versions.type && names_modern(versions)) return MCP_GO_ON;
    return h->status ? MCP_INITIALIZE : MCP_ANEW;
}

static mcp_next after_error(const jsonrpc_message *m) {
    switch (m->code) {
    case MCP_UNSUPPORTED_VERSION: /* of Go's servers with sessions, too */
        return names_modern(list_of(m->data, "supported")) ? MCP_GIVE_UP : MCP_INITIALIZE;
    case MCP_HEADER_MISMATCH:
    case MCP_MISSING_CAPABILITY: return MCP_GIVE_UP;
    default: return MCP_INITIALIZE;
    }
}

mcp_next mcp_after_discover(const mcp_heard *h) {
    if (h->message && h->message->kind == JSONRPC_RESULT) return after_result(h);
    if (h->message && h->message->kind == JSONRPC_ERROR) return after_error(h->message);
    return h->status == 401 || h->status == 403 || h->status == 407 ? MCP_GIVE_UP : MCP_INITIALIZE;
}

/* Versions are dates, and their text is in the order of time. */
bool mcp_is_legacy_version(span version) {
    static const span known[] = {SPAN("2024-11-05"), SPAN("2025-03-26"), SPAN("2025-06-18"),
                                 SPAN(MCP_LEGACY_VERSION)};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_eq(version, known[i])) return true;
    return false;
}

bool mcp_tells_of_changes(json_value result) {
    json_value tools = json_get(json_get(result, SPAN_OF("capabilities")), SPAN_OF("tools"));
    return json_get(tools, SPAN_OF("listChanged")).type == JSON_TRUE;
}

/* ---- writing ---- */

static void put_self(json_writer *w) {
    json_open_object(w);
    json_key(w, "name");
    json_put_string(w, SPAN_OF("weir"));
    json_key(w, "version");
    json_put_string(w, SPAN_OF(WEIR_VERSION));
    json_close_object(w);
}

static void put_nothing(json_writer *w) {
    json_open_object(w);
    json_close_object(w);
}

/* weir serves none of what servers may ask of clients, so it declares nothing. */
static void put_meta(json_writer *w, mcp_era era, span traceparent) {
    json_key(w, "_meta");
    json_open_object(w);
    if (era == MCP_MODERN) {
        json_key(w, "io.modelcontextprotocol/protocolVersion");
        json_put_string(w, SPAN_OF(MCP_MODERN_VERSION));
        json_key(w, "io.modelcontextprotocol/clientCapabilities");
        put_nothing(w);
        json_key(w, "io.modelcontextprotocol/clientInfo");
        put_self(w);
    }
    if (traceparent.len) {
        json_key(w, "traceparent");
        json_put_string(w, traceparent);
    }
    json_close_object(w);
}

void mcp_write_params(buf *out, mcp_era era, span members, span traceparent) {
    buf_add_char(out, '{');
    buf_add(out, members);
    if (era == MCP_MODERN || traceparent.len) {
        if (members.len) buf_add_char(out, ',');
        json_writer w = json_writer_of(out);
        put_meta(&w, era, traceparent);
    }
    buf_add_char(out, '}');
}

void mcp_write_hello(buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "protocolVersion");
    json_put_string(&w, SPAN_OF(MCP_LEGACY_VERSION));
    json_key(&w, "capabilities");
    put_nothing(&w);
    json_key(&w, "clientInfo");
    put_self(&w);
    json_close_object(&w);
}

static bool is_field(span text) {
    static const span mark = SPAN("=?base64?");
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7E) return false;
    return text.len == span_trim(text).len && !span_starts(text, mark);
}

static void write_base64(buf *out, span bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < n ? (unsigned char)bytes.ptr[i + k] : 0U);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(out, k <= n ? digits[group >> (18 - 6 * k) & 63] : '=');
    }
}

void mcp_write_field(buf *out, span text) {
    if (is_field(text)) {
        buf_add(out, text);
        return;
    }
    buf_add(out, SPAN_OF("=?base64?"));
    write_base64(out, text);
    buf_add(out, SPAN_OF("?="));
}
