#include "config/yaml_slip.h"

#include <string.h>

static span line_at(span source, unsigned line) {
    span text = SPAN_EMPTY;
    while (line-- && span_cut(&source, '\n', &text)) {}
    return text;
}

/* The byte of a column, which counts characters; the line's end where it has fewer. */
static size_t byte_at(span line, unsigned column) {
    size_t at = 0;
    for (unsigned n = 1; at < line.len && n < column; n++)
        do
            at++;
        while (at < line.len && ((unsigned char)line.ptr[at] & 0xC0) == 0x80);
    return at;
}

static char sign_at(span line, size_t at) {
    return at < line.len ? line.ptr[at] : '\0';
}

/* What ends a word, inside brackets and braces too. */
static bool ends_word(char c) {
    return !c || strchr(" \t\r:,]}", c);
}

static bool is_lone_star(span line, size_t at) {
    return sign_at(line, at) == '*' && ends_word(sign_at(line, at + 1));
}

static bool is_reference(span line, size_t at) {
    return sign_at(line, at) == '$' && sign_at(line, at + 1) == '{';
}

bool slip_find(span source, unsigned line, unsigned column, yaml_slip *ret) {
    span text = line_at(source, line);
    for (unsigned back = 0; back < 2 && back < column; back++) {
        size_t at = byte_at(text, column - back);
        const char *said = NULL;
        if (is_lone_star(text, at))
            said = "a * by itself is a sign of YAML's; write it in quotes: \"*\"";
        else if (is_reference(text, at))
            said = "within braces or brackets ${NAME} stands in quotes: \"${NAME}\"";
        if (!said) continue;
        *ret = (yaml_slip){line, column - back, said};
        return true;
    }
    return false;
}
