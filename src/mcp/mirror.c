#include "mcp/mirror.h"

#include "mcp/era.h"

#include <string.h>

enum { MARKS_DEPTH = 16, MARKS_BYTES_MAX = 16384, MARK_MAX = 128 };

/* RFC 9110's token. */
static bool is_token(span s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && !(c && strchr("!#$%&'*+-.^_`|~", c))) return false;
    }
    return s.len > 0 && s.len <= MARK_MAX;
}

static void write_line(span mark, json_value body, arena *a, buf *lines) {
    bool plain = body.type == JSON_STRING || body.type == JSON_NUMBER || body.type == JSON_TRUE ||
                 body.type == JSON_FALSE;
    if (!plain || !is_token(mark) || lines->len > MARKS_BYTES_MAX) return;
    buf_addf(lines, "Mcp-Param-%.*s: ", SPAN_ARG(mark));
    mcp_write_field(lines, body.type == JSON_STRING ? json_string(body, a) : body.raw);
    buf_add_char(lines, '\n');
}

static void walk(json_value schema, json_value body, unsigned depth, arena *a, buf *lines) {
    json_value properties = json_get(schema, SPAN_OF("properties"));
    if (properties.type != JSON_OBJECT || depth > MARKS_DEPTH) return;
    json_iter it = json_iter_of(properties);
    for (json_member p; json_next_member(&it, &p);) {
        json_value value = json_get(body, json_string(json_member_name(&p), a));
        json_value mark = json_get(p.value, SPAN_OF("x-mcp-header"));
        if (mark.type == JSON_STRING) write_line(json_string(mark, a), value, a, lines);
        walk(p.value, value, depth + 1, a, lines);
    }
}

void mirror_arguments(span schema, span arguments, buf *lines) {
    static const span word = SPAN("\"x-mcp-header\"");
    json_value s, body;
    json_fault fault;
    arena a;
    if (span_find_span(schema, 0, word) == schema.len) return; /* most mark nothing */
    if (!json_scan(schema, NULL, &s, &fault) || !json_scan(arguments, NULL, &body, &fault)) return;
    arena_init(&a, 0);
    walk(s, body, 0, &a, lines);
    arena_done(&a);
}
