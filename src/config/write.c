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

void write_string(span text, buf *out) {
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
        case '$': buf_add_cstr(out, "$$"); break;
        default:
            if (c < ' ' || c == 0x7F)
                buf_addf(out, "\\x%02x", c);
            else
                buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, '"');
}
