#include "mcp/result.h"

#include "base/hash.h"

/* ---- tools/list ---- */

enum { NAME_BYTES_MAX = 128 };

json_iter mcp_tools_of(json_value result) {
    json_value tools = json_get(result, SPAN_OF("tools"));
    return json_iter_of(tools.type == JSON_ARRAY ? tools : (json_value){JSON_ARRAY, SPAN_OF("[]")});
}

static json_value only(json_value v, json_type type) {
    return v.type == type ? v : (json_value){JSON_NONE, SPAN_EMPTY};
}

bool mcp_next_tool(json_iter *it, arena *a, mcp_listed *ret) {
    for (json_value v; json_next_element(it, &v);) {
        static const span keys[] = {SPAN("name"), SPAN("description"), SPAN("inputSchema"),
                                    SPAN("execution")};
        json_value found[ARRAY_LEN(keys)];
        json_get_each(v, keys, ARRAY_LEN(keys), found);
        if (found[0].type != JSON_STRING) continue;
        *ret = (mcp_listed){
            .name = json_string(found[0], a),
            .description = only(found[1], JSON_STRING),
            .schema = only(found[2], JSON_OBJECT),
            .callable = !json_is(json_get(found[3], SPAN_OF("taskSupport")), SPAN_OF("required")),
        };
        if (ret->name.len && ret->name.len <= NAME_BYTES_MAX) return true;
    }
    return false;
}

json_value mcp_next_cursor(json_value result) {
    return only(json_get(result, SPAN_OF("nextCursor")), JSON_STRING);
}

/* ---- tools/call ---- */

static void add_text(buf *out, size_t max, span text) {
    size_t room = out->len > max ? 0 : max + 1 - out->len;
    buf_add(out, span_slice(text, 0, room));
}

static void add_string(buf *out, size_t max, json_value v) {
    span piece;
    if (v.type != JSON_STRING) return;
    json_pieces it = json_pieces_of(v);
    while (json_next_piece(&it, &piece))
        add_text(out, max, piece);
}

/* Bytes of what base64 stands for. */
static size_t decoded_len(json_value base64) {
    span text = base64.raw;
    if (base64.type != JSON_STRING || text.len < 2) return 0;
    text = span_slice(text, 1, text.len - 1);
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    return text.len / 4 * 3 + text.len % 4 * 3 / 4;
}

/* "[image image/png, 1234 bytes, which cannot be shown here]" */
static void add_bytes(buf *out, size_t max, const char *what, json_value uri, json_value type,
                      json_value base64) {
    buf tail = BUF_EMPTY;
    add_text(out, max, SPAN_OF("["));
    add_text(out, max, span_cstr(what));
    const json_value words[] = {uri, type};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].type != JSON_STRING) continue;
        add_text(out, max, SPAN_OF(" "));
        add_string(out, max, words[i]);
    }
    buf_addf(&tail, ", %zu bytes, which cannot be shown here]", decoded_len(base64));
    add_text(out, max, buf_span(&tail));
    buf_done(&tail);
}

static void add_link(buf *out, size_t max, json_value block) {
    json_value name = json_get(block, SPAN_OF("name"));
    add_text(out, max, SPAN_OF("[resource "));
    if (name.type == JSON_STRING) {
        add_string(out, max, name);
        add_text(out, max, SPAN_OF(": "));
    }
    add_string(out, max, json_get(block, SPAN_OF("uri")));
    add_text(out, max, SPAN_OF("]"));
}

static void add_resource(buf *out, size_t max, json_value r) {
    json_value text = json_get(r, SPAN_OF("text"));
    if (text.type == JSON_STRING)
        add_string(out, max, text);
    else
        add_bytes(out, max, "resource", json_get(r, SPAN_OF("uri")),
                  json_get(r, SPAN_OF("mimeType")), json_get(r, SPAN_OF("blob")));
}

static void add_block(buf *out, size_t max, json_value block) {
    json_value type = json_get(block, SPAN_OF("type"));
    json_value data = json_get(block, SPAN_OF("data")), none = {JSON_NONE, SPAN_EMPTY};
    if (json_is(type, SPAN_OF("text")))
        add_string(out, max, json_get(block, SPAN_OF("text")));
    else if (json_is(type, SPAN_OF("image")))
        add_bytes(out, max, "image", none, json_get(block, SPAN_OF("mimeType")), data);
    else if (json_is(type, SPAN_OF("audio")))
        add_bytes(out, max, "audio", none, json_get(block, SPAN_OF("mimeType")), data);
    else if (json_is(type, SPAN_OF("resource_link")))
        add_link(out, max, block);
    else if (json_is(type, SPAN_OF("resource")))
        add_resource(out, max, json_get(block, SPAN_OF("resource")));
    else
        add_text(out, max, block.raw); /* of a version to come */
}

/* The blocks, each on a line of its own. */
static void add_content(buf *out, size_t max, json_value content) {
    bool first = true;
    if (content.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(content);
    for (json_value block; out->len <= max && json_next_element(&it, &block); first = false) {
        if (!first) add_text(out, max, SPAN_OF("\n"));
        add_block(out, max, block);
    }
}

mcp_called mcp_read_called(json_value result, size_t max, buf *text) {
    static const span keys[] = {SPAN("content"), SPAN("structuredContent"), SPAN("isError"),
                                SPAN("resultType"), SPAN("toolResult")};
    json_value found[ARRAY_LEN(keys)];
    if (result.type != JSON_OBJECT) return MCP_SAYS_NOTHING;
    json_get_each(result, keys, ARRAY_LEN(keys), found);
    if (json_is(found[3], SPAN_OF("input_required"))) return MCP_ASKS;
    bool empty = found[0].type != JSON_ARRAY || json_is_empty(found[0]);
    if (found[0].type != JSON_ARRAY && !found[1].type && !found[4].type) return MCP_SAYS_NOTHING;
    if (!empty)
        add_content(text, max, found[0]);
    else if (found[1].type)
        add_text(text, max, found[1].raw);
    else if (found[4].type) /* 2024-10-07's name of it */
        add_text(text, max, found[4].raw);
    return found[2].type == JSON_TRUE ? MCP_SAYS_FAILED : MCP_ANSWERED;
}

bool mcp_write_declines(json_value result, buf *members, json_value *ret_what) {
    json_value asked = json_get(result, SPAN_OF("inputRequests"));
    json_value state = json_get(result, SPAN_OF("requestState"));
    json_iter it =
        json_iter_of(asked.type == JSON_OBJECT ? asked : (json_value){JSON_OBJECT, SPAN_OF("{}")});
    buf_add_cstr(members, "\"inputResponses\":{");
    bool first = true;
    for (json_member m; json_next_member(&it, &m); first = false) {
        *ret_what = json_get(m.value, SPAN_OF("method"));
        if (!json_is(*ret_what, SPAN_OF("elicitation/create"))) return false;
        buf_add_cstr(members, first ? "" : ",");
        buf_add(members, json_member_name(&m).raw);
        buf_add_cstr(members, ":{\"action\":\"decline\"}");
    }
    buf_add_char(members, '}');
    if (state.type) {
        buf_add_cstr(members, ",\"requestState\":");
        buf_add(members, state.raw);
    }
    return true;
}

/* ---- names ---- */

static void add_allowed(buf *out, span name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        /* A character of several bytes is one. */
        if (((unsigned char)c & 0xC0) == 0x80) continue;
        buf_add_char(out, alnum || c == '-' || c == '_' ? c : '_');
    }
}

span mcp_model_name(span prefix, span name, bool hashed, arena *a) {
    enum { HASH_DIGITS = 8 };
    buf out = BUF_EMPTY;
    add_allowed(&out, prefix);
    if (prefix.len) buf_add_char(&out, '_');
    add_allowed(&out, name);
    if (hashed || out.len > MCP_NAME_MAX) {
        unsigned char sum[SHA256_LEN];
        char hex[HASH_DIGITS + 1];
        sha256(name, sum);
        hex_encode(sum, HASH_DIGITS / 2, hex);
        out.len =
            out.len < MCP_NAME_MAX - HASH_DIGITS - 1 ? out.len : MCP_NAME_MAX - HASH_DIGITS - 1;
        buf_add_char(&out, '_');
        buf_add_cstr(&out, hex);
    }
    span made = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return made;
}
