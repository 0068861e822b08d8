#include "config/write.h"

static bool plain_char(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/' || c == '+';
}

/* Colons are plain between other characters: "127.0.0.1:8080", "https://host". */
static bool is_plain(span text) {
    static const char *const taken[] = {"null", "Null", "NULL", "-", "--", "---", "..."};
    if (text.len == 0 || text.len > 100) return false;
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (span_eq(text, span_cstr(taken[i]))) return false;
    for (size_t i = 0; i < text.len; i++) {
        bool colon = text.ptr[i] == ':' && i > 0 && i + 1 < text.len;
        if (!plain_char((unsigned char)text.ptr[i]) && !colon) return false;
    }
    return true;
}

static void write_text(span text, const char *dollar, buf *out) {
    if (is_plain(text)) {
        buf_add(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        switch (c) {
        case '"': buf_add_cstr(out, "\\\""); break;
        case '\\': buf_add_cstr(out, "\\\\"); break;
        case '\n': buf_add_cstr(out, "\\n"); break;
        case '\t': buf_add_cstr(out, "\\t"); break;
        case '$': buf_add_cstr(out, dollar); break;
        default:
            if (c < ' ' || c == 0x7F)
                buf_addf(out, "\\x%02x", c);
            else
                buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, '"');
}

void write_string(span text, buf *out) {
    write_text(text, "$$", out);
}

/* As deep as a file may be. */
void write_written(const yaml_node *node, buf *out) {
    if (node->kind == YAML_SCALAR) {
        if (yaml_is_null(node))
            buf_add_cstr(out, "null");
        else
            write_text(node->text, "$", out);
        return;
    }
    const bool map = node->kind == YAML_MAP;
    buf_add_char(out, map ? '{' : '[');
    for (const yaml_node *item = node->first; item; item = item->next) {
        if (item != node->first) buf_add_cstr(out, ", ");
        if (map) {
            write_text(item->text, "$", out);
            buf_add_cstr(out, ": ");
        }
        write_written(map ? item->value : item, out);
    }
    buf_add_char(out, map ? '}' : ']');
}
