#include "tools/query.h"

#include "json/json.h"

static void write_escaped(span text, buf *out) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (alnum || c == '-' || c == '.' || c == '_' || c == '~') {
            buf_add_char(out, (char)c);
            continue;
        }
        buf_add_char(out, '%');
        buf_add_char(out, hex[c >> 4]);
        buf_add_char(out, hex[c & 15]);
    }
}

typedef struct query {
    buf *out;
    arena *arena;
    size_t from; /* where it begins */
} query;

static void write_field(query *q, span name, json_value value) {
    if (value.type == JSON_NULL) return;
    if (q->out->len > q->from) buf_add_char(q->out, '&');
    write_escaped(name, q->out);
    buf_add_char(q->out, '=');
    write_escaped(value.type == JSON_STRING ? json_string(value, q->arena) : value.raw, q->out);
}

static bool is_plain(json_value array) {
    json_value element;
    for (json_iter it = json_iter_of(array); json_next_element(&it, &element);)
        if (element.type == JSON_ARRAY || element.type == JSON_OBJECT) return false;
    return true;
}

void tool_query_write(span arguments, arena *a, buf *out) {
    query q = {out, a, out->len};
    json_value root, element;
    json_member member;
    json_fault fault;
    if (!json_scan(arguments, NULL, &root, &fault)) return;
    for (json_iter it = json_iter_of(root); json_next_member(&it, &member);) {
        span name = json_string(json_member_name(&member), a);
        if (member.value.type != JSON_ARRAY || !is_plain(member.value)) {
            write_field(&q, name, member.value);
            continue;
        }
        for (json_iter inner = json_iter_of(member.value); json_next_element(&inner, &element);)
            write_field(&q, name, element);
    }
}
