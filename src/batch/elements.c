#include "batch/elements.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool elements_begin(elements *e, span *bytes) {
    for (; bytes->len; *bytes = span_slice(*bytes, 1, bytes->len)) {
        char c = *bytes->ptr;
        if (e->at == ELEMENTS_UNDECIDED) {
            if (c != '[') return false;
            e->at = ELEMENTS_BETWEEN;
        } else if (is_blank(c)) {
            continue;
        } else if (e->at == ELEMENTS_BETWEEN && c == ']') {
            e->at = ELEMENTS_AFTER;
        } else if (e->at == ELEMENTS_AFTER || c != ',') {
            return true;
        }
    }
    return false;
}

/* Whether c, outside of strings, is the first byte behind the element. */
static bool ends(const elements *e, char c) {
    return e->depth == 0 && (c == ',' || c == ']') && e->at != ELEMENTS_AFTER;
}

static void step(elements *e, char c) {
    if (e->string) {
        if (c == '"' && !e->escaped) e->string = false;
        e->escaped = c == '\\' && !e->escaped;
    } else if (c == '"') {
        e->string = true;
    } else if (c == '{' || c == '[') {
        e->depth++;
    } else if ((c == '}' || c == ']') && e->depth) {
        e->depth--;
    }
}

size_t elements_find_end(elements *e, span bytes, bool *ret_ended) {
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        *ret_ended = !e->string && ends(e, c);
        if (*ret_ended) {
            *e = (elements){.at = c == ']' ? ELEMENTS_AFTER : ELEMENTS_BETWEEN};
            return i;
        }
        step(e, c);
    }
    *ret_ended = false;
    return bytes.len;
}
