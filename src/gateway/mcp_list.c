#include "gateway/mcp_list.h"

#include "base/hash.h"
#include "mcp/told.h"

enum {
    /* Many a client reads the first page and no other, so it has room for what is usual: two dozen
     * servers together were seen to have 346 tools, of 682 KB. */
    PAGE_TOOLS = 500,
    PAGE_BYTES = 1024 * 1024, /* what a page may have before it takes one more */
    MARK_BYTES = 4,           /* so that what somebody made up is seen to be that */
};

static void write_mark(span name, char out[2 * MARK_BYTES + 1]) {
    unsigned char sum[SHA256_LEN];
    sha256(name, sum);
    hex_encode(sum, MARK_BYTES, out);
}

/* NAME.MARK: no name has a full stop. */
static void write_cursor(span name, buf *out) {
    char mark[2 * MARK_BYTES + 1];
    write_mark(name, mark);
    buf_addf(out, "%.*s.%s", SPAN_ARG(name), mark);
}

bool mcp_cursor_read(json_value cursor, arena *a, span *ret_after) {
    char mark[2 * MARK_BYTES + 1];
    *ret_after = SPAN_EMPTY;
    if (cursor.type == JSON_NONE) return true;
    const span text = json_string(cursor, a);
    const size_t stop = span_find(text, 0, '.');
    if (stop == text.len) return false;
    *ret_after = span_slice(text, 0, stop);
    write_mark(*ret_after, mark);
    return span_eq(span_slice(text, stop + 1, text.len), span_cstr(mark));
}

/* Nobody would be asked here. */
static bool is_shown(const tool *t, span client) {
    return tool_allows(t, client) && !tool_asks_approval(t);
}

/* As tool_list.by_name is ordered. */
static bool stands_behind(span name, span after) {
    const size_t both = name.len < after.len ? name.len : after.len;
    const int order = both ? memcmp(name.ptr, after.ptr, both) : 0;
    return order ? order > 0 : name.len > after.len;
}

void mcp_list_write(const tool_list *l, span client, mcp_revision r, span id, span after,
                    buf *out) {
    span last = SPAN_EMPTY;
    buf next = BUF_EMPTY;
    size_t count = 0;
    json_writer w = mcp_open_tools(id, out);
    for (size_t i = 0; i < l->count; i++) {
        const tool *t = l->by_name[i];
        if (!is_shown(t, client) || (after.len && !stands_behind(t->name, after))) continue;
        if (count == PAGE_TOOLS || out->len > PAGE_BYTES) {
            write_cursor(last, &next);
            break;
        }
        mcp_put_tool(&w, t->name, t->description, t->parameters, t->repeatable);
        last = t->name;
        count++;
    }
    mcp_close_tools(&w, r, buf_span(&next));
    buf_done(&next);
}

uint64_t mcp_list_digest(const tool_list *l, span client) {
    uint64_t sum = 0;
    for (size_t i = 0; i < l->count; i++) {
        const tool *t = l->by_name[i];
        if (!is_shown(t, client)) continue;
        const uint64_t parts[] = {sum, hash_span(t->name), hash_span(t->description),
                                  hash_span(t->parameters), t->repeatable};
        sum = hash_span(span_from((const char *)parts, sizeof parts));
    }
    return sum;
}
