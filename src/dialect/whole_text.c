#include "dialect/whole_text.h"

#include "json/json.h"

/* Of a number or a literal: longer ones are not worth the time of a scan for each piece. */
enum { BARE_MAX = 64 };

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void take_in_string(whole_text *t, char c) {
    if (t->escaped)
        t->escaped = false;
    else if (c == '\\')
        t->escaped = true;
    else if (c == '"')
        t->in_string = false;
}

static void take_outside(whole_text *t, char c) {
    if (is_blank(c)) return;
    if (t->begun && !t->depth) {
        t->more = true;
        return;
    }
    t->begun = true;
    if (c == '"')
        t->in_string = true;
    else if (c == '{' || c == '[')
        t->depth++;
    else if (!t->depth)
        t->bare = true;
    else if (c == '}' || c == ']')
        t->depth--;
}

static void take(whole_text *t, span decoded) {
    for (size_t i = 0; i < decoded.len; i++) {
        if (t->in_string)
            take_in_string(t, decoded.ptr[i]);
        else
            take_outside(t, decoded.ptr[i]);
    }
}

static bool is_sound(span text) {
    json_value root;
    json_fault fault;
    return text.len <= BARE_MAX && json_scan(text, NULL, &root, &fault);
}

bool whole_text_is(whole_text *t, span text) {
    json_pieces it = {.rest = span_slice(text, t->seen, text.len)};
    for (span decoded; json_next_piece(&it, &decoded);)
        take(t, decoded);
    t->seen = text.len;
    if (t->bare) return is_sound(text);
    return t->begun && !t->depth && !t->in_string && !t->more;
}
